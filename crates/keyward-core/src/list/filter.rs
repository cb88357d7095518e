//! Conditions on a list's items, read by its table.

use crate::denial::Denial;
use crate::input::moment;
use crate::json::{Json, parse};
use crate::list::grammar::{FilterField, Grammar, Kind, Operator};
use crate::money::{Cents, MoneyError};
use crate::query::{Query, malformed, shown};
use std::fmt::Write;

/// Every condition must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(Vec<Condition>);

/// One field, one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The field.
    pub field: &'static str,
    /// The test. A field without a value never passes.
    pub test: Test,
}

/// What a field must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// One of these, sorted, each once.
    OneOf(Vec<Operand>),
    /// Greater or less than this. Never [`Operator::Eq`].
    Compare(Operator, Operand),
}

/// A value that a field is compared with, as a store keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operand {
    /// A word of a closed set.
    Word(&'static str),
    /// Yes or no.
    Flag(bool),
    /// Cents, or seconds since 1970-01-01T00:00:00Z.
    Number(i64),
}

/// The most values that one condition can name.
pub const MAX_VALUES: usize = 50;

impl Filter {
    /// Takes every `filter[…]` parameter.
    pub(super) fn take(grammar: &Grammar, query: &mut Query) -> Result<Self, Denial> {
        let mut conditions = Vec::new();
        for (name, value) in query.take_bracketed("filter") {
            let (field, operator) = place(grammar, &name)?;
            let test = match operator {
                Operator::Eq => Test::OneOf(one_of(field, &name, &value)?),
                other => compared(other, field.kind, &name, &value)?,
            };
            conditions.push((field.name, operator, Condition { field: field.name, test }));
        }
        // In one order, so that the same filter is the same text.
        conditions.sort_by_key(|(field, operator, _)| (*field, *operator));
        Ok(Self(conditions.into_iter().map(|(.., condition)| condition).collect()))
    }

    /// The conditions.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.0
    }

    /// The filter in one text: equal for filters that mean the same, however they were written. Cursors are bound to it.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        for Condition { field, test } in &self.0 {
            // Writing to a String cannot fail. No field, word or number holds what separates them.
            let _ = match test {
                Test::OneOf(values) => write!(text, "{field}={values:?};"),
                Test::Compare(operator, value) => write!(text, "{field} {} {value:?};", operator.word()),
            };
        }
        text
    }
}

/// The row of the table that a parameter such as `filter[loan_amount][gte]` names.
fn place(grammar: &Grammar, name: &str) -> Result<(&'static FilterField, Operator), Denial> {
    let inner = name.strip_prefix("filter[").and_then(|rest| rest.strip_suffix(']'));
    // Absent: no operator is named: equality.
    let (field, word) = match inner.map(|inner| inner.split_once("][").unwrap_or((inner, ""))) {
        Some((field, word)) if !field.contains(['[', ']']) && !word.contains(['[', ']']) => (field, word),
        // Absent: it is no filter, and is refused.
        _ => {
            return Err(malformed(format!(
                "Query parameter '{}' must be written filter[field] or filter[field][operator]",
                shown(name)
            )));
        }
    };
    let known = grammar.filters.iter().find(|known| known.name == field);
    let row = known.ok_or_else(|| malformed(unknown_field(grammar, field)))?;
    let bracketed = inner.is_some_and(|inner| inner.contains("]["));
    let named = |operator: &&Operator| operator.word() == word && (**operator != Operator::Eq || !bracketed);
    let operator = row.operators.iter().find(named).ok_or_else(|| malformed(wrong_operator(row, word)))?;
    Ok((row, *operator))
}

fn unknown_field(grammar: &Grammar, field: &str) -> String {
    let field = shown(field);
    if grammar.filters.is_empty() {
        return format!("Unknown filter '{field}'; this list takes no filters");
    }
    let names: Vec<&str> = grammar.filters.iter().map(|row| row.name).collect();
    format!("Unknown filter '{field}'; this list can be filtered by {}", names.join(", "))
}

fn wrong_operator(row: &FilterField, word: &str) -> String {
    let forms: Vec<String> = row.operators.iter().map(|operator| operator.parameter(row.name)).collect();
    let forms = forms.join(", ");
    match word {
        "" => format!("filter[{}] needs an operator: {forms}", row.name),
        word => format!("Unknown operator '{}' for filter[{}]; it takes {forms}", shown(word), row.name),
    }
}

fn one_of(field: &FilterField, name: &str, value: &str) -> Result<Vec<Operand>, Denial> {
    let values: Vec<&str> = value.split(',').collect();
    if values.len() > MAX_VALUES {
        return Err(malformed(format!("{name} must have at most {MAX_VALUES} values")));
    }
    let mut values: Vec<Operand> =
        values.into_iter().map(|value| operand(field.kind, name, value)).collect::<Result<_, _>>()?;
    values.sort_unstable();
    values.dedup();
    Ok(values)
}

fn operand(kind: Kind, name: &str, value: &str) -> Result<Operand, Denial> {
    match kind {
        Kind::Choice(allowed) => {
            let word = allowed.iter().find(|word| **word == value);
            word.map(|word| Operand::Word(word))
                .ok_or_else(|| wrong(name, value, &format!("must be of [{}]", allowed.join(", "))))
        }
        Kind::Flag => match value {
            "true" => Ok(Operand::Flag(true)),
            "false" => Ok(Operand::Flag(false)),
            // Absent: it is refused.
            _ => Err(wrong(name, value, "must be true or false")),
        },
        Kind::Money => match parse(value.as_bytes()) {
            Ok(Json::Number(number)) => match Cents::from_json(&number) {
                Ok(cents) => Ok(Operand::Number(cents.get())),
                // More than any amount that there can be: a good question, which every amount answers alike.
                Err(MoneyError::TooLarge) => Ok(Operand::Number(i64::MAX)),
                Err(error) => Err(wrong(name, value, &error.to_string())),
            },
            // Absent: it is refused.
            _ => Err(wrong(name, value, "must be a number")),
        },
        Kind::Moment => match moment(value) {
            Some((second, _)) => Ok(Operand::Number(second)),
            None => Err(wrong(
                name,
                value,
                "must be a time such as 2026-03-20T15:30:45Z, or a date such as 2026-03-20",
            )),
        },
    }
}

/// A comparison. What we keep is in whole seconds: what is after, or not before, a fraction of one is after that second.
fn compared(operator: Operator, kind: Kind, name: &str, value: &str) -> Result<Test, Denial> {
    let than = operand(kind, name, value)?;
    let within = matches!(kind, Kind::Moment) && moment(value).is_some_and(|(_, fraction)| fraction);
    let operator = match operator {
        Operator::Gte if within => Operator::Gt,
        Operator::Lt if within => Operator::Lte,
        as_asked => as_asked,
    };
    Ok(Test::Compare(operator, than))
}

fn wrong(name: &str, value: &str, rule: &str) -> Denial {
    malformed(format!("Invalid value '{}' for {name}: {rule}", shown(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::grammar::Paging;

    const AMOUNT: FilterField = FilterField {
        name: "amount",
        kind: Kind::Money,
        operators: &[Operator::Eq, Operator::Gt, Operator::Gte, Operator::Lt, Operator::Lte],
    };
    const LIST: Grammar = Grammar {
        name: "things",
        paging: Paging::Cursor,
        sorts: &[],
        filters: &[
            FilterField {
                name: "colour",
                kind: Kind::Choice(&["red", "green", "blue"]),
                operators: &[Operator::Eq],
            },
            FilterField { name: "old", kind: Kind::Flag, operators: &[Operator::Eq] },
            AMOUNT,
            FilterField { name: "made", kind: Kind::Moment, operators: Operator::COMPARISONS },
        ],
        fields: &[],
        includes: &[],
    };

    fn read(query: &str) -> Result<Filter, String> {
        let mut query = Query::parse(Some(query)).unwrap();
        let filter = Filter::take(&LIST, &mut query).map_err(|denial| denial.message())?;
        query.finish().unwrap();
        Ok(filter)
    }

    #[test]
    fn the_same_filter_is_the_same_text() {
        let one = read(
            "filter[colour]=red,blue&filter[amount][gte]=1.5&filter[amount][lt]=2e3&filter[made][gt]=2026-03-20",
        );
        let other = read(
            "filter%5Bmade%5D%5Bgt%5D=2026-03-20T01:00:00%2B01:00&filter[amount][lt]=2000.00&filter[colour]=blue,red,blue&filter[amount][gte]=1.50",
        );
        assert_eq!(one, other);
        assert_eq!(one.clone().unwrap().canonical(), other.unwrap().canonical());
        assert_ne!(one.unwrap().canonical(), read("filter[colour]=red").unwrap().canonical());
        assert_eq!(read("").unwrap().canonical(), "");
    }

    #[test]
    fn an_amount_that_is_too_large_to_be_kept_can_be_compared_with() {
        let most = Test::Compare(Operator::Lte, Operand::Number(i64::MAX));
        assert_eq!(read("filter[amount][lte]=1e99").unwrap().conditions()[0].test, most);
    }

    #[test]
    fn a_fraction_of_a_second_is_compared_exactly() {
        let test = |query: &str| read(query).unwrap().conditions()[0].test.clone();
        let second = Operand::Number(1_774_020_645);
        for (query, operator) in [
            ("filter[made][gt]=2026-03-20T15:30:45.5Z", Operator::Gt),
            ("filter[made][gte]=2026-03-20T15:30:45.001Z", Operator::Gt),
            ("filter[made][gte]=2026-03-20T15:30:45.000Z", Operator::Gte),
            ("filter[made][lt]=2026-03-20T15:30:45.5Z", Operator::Lte),
            ("filter[made][lt]=2026-03-20T15:30:45.0Z", Operator::Lt),
            ("filter[made][lte]=2026-03-20T16:30:45.5%2B01:00", Operator::Lte),
        ] {
            assert_eq!(test(query), Test::Compare(operator, second), "{query}");
        }
        assert!(read("filter[made][lt]=2026-03-20T15:30:45.Z").is_err());
        assert!(read("filter[made][lt]=2026-03-20T15:30:45.5").is_err());
    }

    #[test]
    fn every_mistake_is_named() {
        let told = |query: &str| read(query).unwrap_err();
        for (query, message) in [
            (
                "filter[shape]=round",
                "Unknown filter 'shape'; this list can be filtered by colour, old, amount, made",
            ),
            ("filter[colour][gt]=red", "Unknown operator 'gt' for filter[colour]; it takes filter[colour]"),
            (
                "filter[amount][]=1",
                "filter[amount] needs an operator: filter[amount], filter[amount][gt], filter[amount][gte], filter[amount][lt], filter[amount][lte]",
            ),
            (
                "filter[made]=2026-03-20",
                "filter[made] needs an operator: filter[made][gt], filter[made][gte], filter[made][lt], filter[made][lte]",
            ),
            ("filter[colour]=pink", "Invalid value 'pink' for filter[colour]: must be of [red, green, blue]"),
            ("filter[colour]=", "Invalid value '' for filter[colour]: must be of [red, green, blue]"),
            ("filter[colour]=red,", "Invalid value '' for filter[colour]: must be of [red, green, blue]"),
            ("filter[old]=yes", "Invalid value 'yes' for filter[old]: must be true or false"),
            (
                "filter[amount]=1.005",
                "Invalid value '1.005' for filter[amount]: must have at most two decimal places",
            ),
            ("filter[amount]=much", "Invalid value 'much' for filter[amount]: must be a number"),
            (
                "filter[made][gt]=yesterday",
                "Invalid value 'yesterday' for filter[made][gt]: must be a time such as 2026-03-20T15:30:45Z, or a date such as 2026-03-20",
            ),
            (
                "filter[colour=red",
                "Query parameter 'filter[colour' must be written filter[field] or filter[field][operator]",
            ),
            (
                "filter=red",
                "Query parameter 'filter' must be written filter[field] or filter[field][operator]",
            ),
            (
                "filter[a][b][c]=red",
                "Query parameter 'filter[a][b][c]' must be written filter[field] or filter[field][operator]",
            ),
        ] {
            assert_eq!(told(query), message, "{query}");
        }
        let many = vec!["red"; MAX_VALUES + 1].join(",");
        assert_eq!(told(&format!("filter[colour]={many}")), "filter[colour] must have at most 50 values");
    }
}
