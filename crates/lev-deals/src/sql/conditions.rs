//! The SQL of filters and orders. Columns come from this file alone, values are always parameters.

use keyward_core::list::{Condition, Filter, From, Operand, Operator, Test};
use keyward_sql::Owned;

/// A query in the making: its text, and its parameters in the order of their numbers.
pub(super) struct Query {
    pub(super) sql: String,
    pub(super) params: Vec<Owned>,
}

impl Query {
    /// Begins with this text, whose parameters are numbered from 1.
    pub(super) fn new(sql: &str, params: Vec<Owned>) -> Self {
        Self { sql: sql.to_owned(), params }
    }

    /// The number of one more parameter, as it stands in the text.
    fn param(&mut self, value: impl Into<Owned>) -> String {
        self.params.push(value.into());
        format!("?{}", self.params.len())
    }

    /// Adds every condition. What names no known column matches nothing.
    pub(super) fn filter(&mut self, filter: &Filter) {
        for condition in filter.conditions() {
            // Absent: a condition that is not known matches no deal.
            let text = self.condition(condition).unwrap_or_else(|| "FALSE".to_owned());
            self.sql.push_str(" AND ");
            self.sql.push_str(&text);
        }
    }

    fn condition(&mut self, Condition { field, test }: &Condition) -> Option<String> {
        let column = column(field)?;
        Some(match test {
            Test::OneOf(values) => {
                let params: Vec<String> = values.iter().map(|value| self.param(stored(*value))).collect();
                format!("{column} IN ({})", params.join(", "))
            }
            Test::Compare(operator, value) => {
                format!("{column} {} {}", symbol(*operator)?, self.param(stored(*value)))
            }
            Test::Is(text) => format!("{column} = {}", self.param(text.clone())),
        })
    }

    /// Adds the order and the part that is shown, one item more than asked for: it tells whether there is a next page.
    pub(super) fn window(&mut self, from: &From, limit: u32) {
        let limit = self.param(i64::from(limit) + 1);
        let rest = match from {
            From::After(id) => {
                let after = self.param(*id);
                format!(" AND d.id > {after} ORDER BY d.id LIMIT {limit}")
            }
            From::Offset(keys, offset) => {
                let offset = self.param(i64::from(*offset));
                let order: Vec<String> = keys
                    .iter()
                    .filter_map(|key| {
                        Some(format!(
                            "{} {}",
                            column(key.field)?,
                            if key.descending { "DESC" } else { "ASC" }
                        ))
                    })
                    .chain(["d.id".to_owned()])
                    .collect();
                format!(" ORDER BY {} LIMIT {limit} OFFSET {offset}", order.join(", "))
            }
        };
        self.sql.push_str(&rest);
    }
}

fn column(field: &str) -> Option<&'static str> {
    Some(match field {
        "title" => "d.title",
        "loan_type" => "d.loan_type",
        "transaction_type" => "d.transaction_type",
        "business_plan" => "d.business_plan",
        "archived" => "(d.archived_at IS NOT NULL)",
        "loan_amount" => "d.loan_amount_cents",
        "created_at" => "d.created_at",
        "updated_at" => "d.updated_at",
        // Absent: the condition matches no deal.
        _ => return None,
    })
}

fn symbol(operator: Operator) -> Option<&'static str> {
    Some(match operator {
        Operator::Eq => return None,
        Operator::Gt => ">",
        Operator::Gte => ">=",
        Operator::Lt => "<",
        Operator::Lte => "<=",
    })
}

fn stored(operand: Operand) -> Owned {
    match operand {
        Operand::Word(word) => word.to_owned().into(),
        Operand::Flag(flag) => i64::from(flag).into(),
        Operand::Number(number) => number.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::DEALS;

    #[test]
    fn every_field_of_the_table_has_a_column() {
        for field in DEALS.filters.iter().map(|row| row.name).chain(DEALS.sorts.iter().copied()) {
            assert!(column(field).is_some(), "{field}");
        }
    }
}
