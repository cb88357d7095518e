//! Conditions on a list's items, read by its table.

use crate::denial::Denial;
use crate::input::moment;
use crate::json::{Json, parse};
use crate::list::grammar::{FilterField, Grammar, Kind, Operator};
use crate::money::{Cents, MoneyError};
use crate::query::{Query, malformed, sent_once, shown, truth, without_index};
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
    /// This text, to the letter.
    Is(String),
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
        for Sent { field, operator, name, value } in sent(grammar, query)? {
            let test = match operator {
                Operator::Eq if matches!(field.kind, Kind::Text) => Test::Is(whole(&name, value)?),
                Operator::Eq => Test::OneOf(one_of(field, &name, &value)?),
                other => compared(other, field.kind, &name, &value)?,
            };
            conditions.push((field.name, operator, Condition { field: field.name, test }));
        }
        // In one order, so that the same filter is the same text.
        conditions.sort_by_key(|(field, operator, _)| (*field, *operator));
        Ok(Self(conditions.into_iter().map(|(.., condition)| condition).collect()))
    }

    /// The text that this field must be, if it is filtered by one.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        self.0.iter().find_map(|condition| match &condition.test {
            Test::Is(text) if condition.field == field => Some(text.as_str()),
            Test::Is(_) | Test::OneOf(_) | Test::Compare(..) => None,
        })
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
                // Quoted and escaped, so that it can hold what separates conditions.
                Test::Is(value) => write!(text, "{field} is {value:?};"),
            };
        }
        text
    }
}

/// A filter as it was sent, its list of values in one text.
struct Sent {
    field: &'static FilterField,
    operator: Operator,
    /// The parameter's own name, without the number of an item.
    name: String,
    value: String,
}

/// Every filter of a query, the items of a list put together.
fn sent(grammar: &Grammar, query: &mut Query) -> Result<Vec<Sent>, Denial> {
    let mut all: Vec<Sent> = Vec::new();
    for (full, value) in query.take_bracketed("filter") {
        // Absent: no index, so the name as it stands. `filter[field][]` and `filter[field][0]` are how some clients write the items of a list.
        let name = without_index(&full).filter(|name| name.ends_with(']')).unwrap_or(&full);
        let (field, operator) = place(grammar, name)?;
        let takes_list = operator == Operator::Eq && !matches!(field.kind, Kind::Flag | Kind::Text);
        let known = all.iter_mut().find(|sent| sent.name == name);
        match known {
            _ if !takes_list && name != full => {
                return Err(malformed(format!("{name} takes a single value: send it as {name}=value")));
            }
            Some(_) if !takes_list => return Err(sent_once(name)),
            Some(list) => list.value = format!("{},{value}", list.value),
            None => all.push(Sent { field, operator, name: name.to_owned(), value }),
        }
    }
    Ok(all)
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
        Kind::Flag => {
            truth(value).map(Operand::Flag).ok_or_else(|| wrong(name, value, "must be true or false"))
        }
        // A plus sign that was not escaped has become a space: `3.5e+07`.
        Kind::Money => match parse(value.replace("e ", "e+").as_bytes()) {
            Ok(Json::Number(number)) => match Cents::from_json(&number) {
                Ok(cents) => Ok(Operand::Number(cents.get())),
                // More than any amount that there can be: a good question, which every amount answers alike.
                Err(MoneyError::TooLarge) => Ok(Operand::Number(i64::MAX)),
                Err(error) => Err(wrong(name, value, &error.to_string())),
            },
            // Absent: it is refused.
            _ => Err(wrong(name, value, "must be a number")),
        },
        // Never: a text is no value of a list.
        Kind::Text => Err(wrong(name, value, "must be the whole text")),
        Kind::Moment => match moment(value) {
            Some((second, _)) => Ok(Operand::Number(second)),
            None => Err(wrong(
                name,
                value,
                "must be a time with Z or an offset, such as 2026-03-20T15:30:45Z, or a date such as 2026-03-20",
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

/// A text to compare with. An empty one is a client's variable that was never set.
fn whole(name: &str, value: String) -> Result<String, Denial> {
    if value.is_empty() { Err(wrong(name, &value, "must not be empty")) } else { Ok(value) }
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
            FilterField { name: "label", kind: Kind::Text, operators: &[Operator::Eq] },
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
    fn a_text_is_a_single_value_and_can_hold_anything() {
        let text = |query: &str| read(query).map(|filter| filter.text("label").map(str::to_owned));
        assert_eq!(text("filter[label]=CI,%20nightly%3B").unwrap().as_deref(), Some("CI, nightly;"));
        let empty = text("filter[label]=").unwrap_err();
        assert_eq!(empty, "Invalid value '' for filter[label]: must not be empty");
        assert_eq!(text("filter[old]=true"), Ok(None));
        let twice = text("filter[label]=a&filter[label]=b").unwrap_err();
        assert_eq!(
            twice,
            "Query parameter 'filter[label]' must be sent only once; send one value: filter[label]=value"
        );
        let canonical = |query: &str| read(query).unwrap().canonical();
        assert_ne!(canonical("filter[label]=a%22;old=b"), canonical("filter[label]=a&filter[old]=true"));
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
    fn a_list_is_taken_in_every_form_that_clients_write() {
        let list = read("filter[colour]=red,blue&filter[amount]=1,2").unwrap();
        for query in [
            "filter[colour]=red&filter[colour]=blue&filter[amount]=1&filter[amount]=2",
            "filter[colour][]=red&filter[colour][]=blue&filter[amount][]=1&filter[amount][]=2",
            "filter[colour][0]=red&filter[colour][1]=blue&filter%5Bamount%5D%5B0%5D=1&filter%5Bamount%5D%5B1%5D=2",
        ] {
            assert_eq!(read(query).unwrap(), list, "{query}");
        }
        let many = vec!["filter[colour]=red"; MAX_VALUES + 1].join("&");
        assert_eq!(read(&many).unwrap_err(), "filter[colour] must have at most 50 values");
    }

    /// Python's `%z` and `str`, Ruby's `to_s`, Go's `%v`, and plus signs that nobody escaped.
    #[test]
    fn what_clients_make_of_a_value_in_a_url_is_read() {
        let made = read("filter[made][gte]=2026-03-20T15:30:45Z").unwrap();
        for text in [
            "2026-03-20T15:30:45.000000%2B0000",
            "2026-03-20T15:30:45+0000",
            "2026-03-20T15:30:45+00:00",
            "2026-03-20T16:30:45%2B0100",
            "2026-03-20T10:30:45-0500",
            "2026-03-20%2015:30:45%2B00:00",
            "2026-03-20+15:30:45+00:00",
            "2026-03-20+15:30:45+%2B0000",
            "2026-03-20 15:30:45  0000",
            "2026-03-20%2B15:30:45Z",
            "2026-03-20 15:30:45 -0000",
            "2026-03-20t15:30:45z",
        ] {
            assert_eq!(read(&format!("filter[made][gte]={text}")).as_ref(), Ok(&made), "{text}");
        }
        for text in [
            "2026-03-20T15:30:45",
            "2026-03-20 15:30:45",
            "2026-03-20T15:30:45+00",
            "2026-03-20T15:30:45%2B%2B0000",
            "2026-03-20T15:30:45   0000",
            "2026-03-20T15:30:45+000",
            "2026-03-20T15:30:45.+0000",
            "2026-03-20  15:30:45Z",
            "2026-03-20_15:30:45Z",
            "2026-03-20T15:30Z",
        ] {
            assert!(read(&format!("filter[made][gte]={text}")).is_err(), "{text}");
        }
        assert_eq!(read("filter[amount][gte]=3.5e+07"), read("filter[amount][gte]=35000000"));
        assert!(read("filter[amount][gte]=3+5").is_err());
    }

    #[test]
    fn a_leap_second_is_after_the_second_before_it() {
        let test = |query: &str| read(query).unwrap().conditions()[0].test.clone();
        let before = Operand::Number(1_483_228_799);
        assert_eq!(test("filter[made][gte]=2016-12-31T23:59:60Z"), Test::Compare(Operator::Gt, before));
        assert_eq!(
            test("filter[made][lt]=2017-01-01T00:59:60%2B01:00"),
            Test::Compare(Operator::Lte, before)
        );
        assert!(read("filter[made][lt]=2016-12-30T23:59:60Z").is_err());
        assert!(read("filter[made][lt]=2016-12-31T22:59:60Z").is_err());
    }

    #[test]
    fn every_mistake_is_named() {
        let told = |query: &str| read(query).unwrap_err();
        for (query, message) in [
            (
                "filter[shape]=round",
                "Unknown filter 'shape'; this list can be filtered by colour, old, label, amount, made",
            ),
            ("filter[colour][gt]=red", "Unknown operator 'gt' for filter[colour]; it takes filter[colour]"),
            (
                "filter[amount][gte][]=1",
                "filter[amount][gte] takes a single value: send it as filter[amount][gte]=value",
            ),
            ("filter[old][]=true", "filter[old] takes a single value: send it as filter[old]=value"),
            (
                "filter[old]=true&filter[old]=false",
                "Query parameter 'filter[old]' must be sent only once; send one value: filter[old]=value",
            ),
            (
                "filter[amount][gte]=1&filter[amount][gte]=1",
                "Query parameter 'filter[amount][gte]' must be sent only once; send one value: filter[amount][gte]=value",
            ),
            (
                "filter[]=red",
                "Unknown filter ''; this list can be filtered by colour, old, label, amount, made",
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
                "Invalid value 'yesterday' for filter[made][gt]: must be a time with Z or an offset, such as 2026-03-20T15:30:45Z, or a date such as 2026-03-20",
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
