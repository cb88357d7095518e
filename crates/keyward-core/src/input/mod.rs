//! Reading a JSON object field by field.
//!
//! A reader that meets a mistake notes it and returns [`Field::Absent`], so the caller goes on
//! reading and one answer with status 422 can list every mistake. Mistakes are listed in the order
//! of the calls; members that no reader asked about come last, in the order of the body.

mod describe;
mod time;

pub use describe::describe;
pub(crate) use time::moment;
use time::{YEAR_10000, read_date, read_time};

use describe::Described;
use serde_json::{Value, json};
use std::fmt;
use std::ops::RangeInclusive;

use jiff::civil::Date;

use crate::json::{Json, printable};
use crate::money::{Cents, NoInteger, integer};

/// At most this many mistakes are noted for one body. A client that has to mend twenty will send
/// again anyway, and a hostile body cannot make the answer grow.
pub const MAX_ERRORS: usize = 20;

/// The longest item that [`Fields::strings`] accepts, in Unicode scalar values.
pub const MAX_ITEM_CHARS: usize = 255;

/// One mistake in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The member at fault, or `body` when it is the body as a whole.
    pub field: String,
    /// What is wrong, naming the field, such as `title is required`. Meant for the client.
    pub message: String,
}

/// The mistakes that make a body unusable. There is at least one.
///
/// `Display` gives the first message and the count of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Every mistake found, at most [`MAX_ERRORS`] of them.
    pub errors: Vec<FieldError>,
}

impl Invalid {
    /// A single mistake. `message` names the field, as in [`FieldError`].
    #[must_use]
    pub fn one(field: impl Into<String>, message: impl Into<String>) -> Self {
        let error = FieldError { field: field.into(), message: message.into() };
        Self { errors: vec![error] }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.errors.first().map(|error| error.message.as_str());
        // Absent: it is refused, with less to say.
        formatter.write_str(first.unwrap_or("Request body is invalid"))?;
        match self.errors.len() {
            0 | 1 => Ok(()),
            count => write!(formatter, " (and {} more)", count - 1),
        }
    }
}

impl std::error::Error for Invalid {}

/// What the body says about one member. A partial update tells a member that is left out from one
/// that is sent as `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<T> {
    /// The member is not in the body, or what was there is already noted as a mistake.
    Absent,
    /// The member is `null`.
    Null,
    /// The member has a value that keeps the rules.
    Value(T),
}

impl<T> Field<T> {
    /// The value, if there is one. Absent and null become the same.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Whether the member is absent.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Changes the value and leaves absent and null as they are.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Self::Absent => Field::Absent,
            Self::Null => Field::Null,
            Self::Value(value) => Field::Value(change(value)),
        }
    }
}

/// A JSON object while it is read, with the mistakes found so far.
///
/// Each reader names one member. Call [`Fields::finish`] at the end, or the mistakes are lost.
#[derive(Debug)]
#[must_use = "the mistakes only come to light in `finish`"]
pub struct Fields<'j> {
    members: &'j [(String, Json)],
    asked: Vec<&'static str>,
    errors: Vec<FieldError>,
    /// Set while the reader tells what it reads: [`describe`].
    described: Option<Described>,
}

impl<'j> Fields<'j> {
    /// Starts to read `json`.
    ///
    /// # Errors
    ///
    /// One mistake, in field `body`, if `json` is not an object.
    pub fn of(json: &'j Json) -> Result<Self, Invalid> {
        let Json::Object(members) = json else {
            return Err(Invalid::one("body", "Request body must be a JSON object"));
        };
        Ok(Fields { members, asked: Vec::new(), errors: Vec::new(), described: None })
    }

    /// A string of `min_chars` to `max_chars` Unicode scalar values, without NUL. If `min_chars`
    /// is at least 1, whitespace alone is refused as well.
    pub fn string(&mut self, name: &'static str, min_chars: usize, max_chars: usize) -> Field<String> {
        self.read(
            name,
            || describe::string(min_chars, max_chars),
            |json| {
                let Json::String(text) = json else {
                    return Err(format!("{name} must be a string"));
                };
                check_text(name, text, max_chars)?;
                if min_chars > 0 && text.trim().is_empty() {
                    return Err(format!("{name} must not be blank"));
                }
                if text.chars().count() < min_chars {
                    return Err(format!("{name} must be at least {}", characters(min_chars)));
                }
                Ok(text.clone())
            },
        )
    }

    /// An e-mail address, in lower case from here on: something, one @, and a domain, in at most 254 ASCII characters
    /// (RFC 5321 §4.5.3.1.3).
    pub fn email(&mut self, name: &'static str) -> Field<String> {
        self.read(name, describe::email, |json| {
            let email = json.as_text().filter(|text| is_email(text)).map(str::to_ascii_lowercase);
            email.ok_or_else(|| format!("{name} must be an e-mail address such as name@example.com"))
        })
    }

    /// One of the strings in `allowed`, compared exactly.
    pub fn choice(&mut self, name: &'static str, allowed: &'static [&'static str]) -> Field<&'static str> {
        self.read(
            name,
            || describe::choice(allowed),
            |json| {
                let chosen = json.as_text().and_then(|text| allowed.iter().find(|word| **word == text));
                chosen.copied().ok_or_else(|| {
                    let allowed = allowed.join(", ");
                    format!("Invalid value for field '{name}': must be one of [{allowed}]")
                })
            },
        )
    }

    /// An array of 1 or more of the strings in `allowed`.
    pub fn choices(
        &mut self,
        name: &'static str,
        allowed: &'static [&'static str],
    ) -> Field<Vec<&'static str>> {
        let schema = || describe::array(describe::choice(allowed), allowed.len());
        self.read(name, schema, |json| {
            let items = items(name, "strings", json, allowed.len())?;
            let chosen = items.iter().map(|item| {
                let text = item.as_text()?;
                allowed.iter().copied().find(|word| *word == text)
            });
            chosen.collect::<Option<_>>().ok_or_else(|| {
                format!("Invalid value for field '{name}': must be of [{}]", allowed.join(", "))
            })
        })
    }

    /// An integer within `range`.
    pub fn integer(&mut self, name: &'static str, range: RangeInclusive<i64>) -> Field<i64> {
        self.read(name, || describe::integer(&range), |json| read_integer(name, &range, json))
    }

    /// An array of 1 to `max_items` integers within `range`. Only the first bad item is noted.
    pub fn integers(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
        max_items: usize,
    ) -> Field<Vec<i64>> {
        let schema = || describe::array(describe::integer(&range), max_items);
        self.read(name, schema, |json| {
            let items = items(name, "integers", json, max_items)?;
            let read = |(index, item)| read_integer(&format!("{name}[{index}]"), &range, item);
            items.iter().enumerate().map(read).collect()
        })
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, name: &'static str) -> Field<bool> {
        self.read(
            name,
            || json!({ "type": "boolean" }),
            |json| match json {
                Json::Bool(value) => Ok(*value),
                // Absent: a text such as "true" is refused.
                _ => Err(format!("{name} must be true or false")),
            },
        )
    }

    /// An amount of money, sent as a number in units of a hundred cents.
    pub fn money(&mut self, name: &'static str) -> Field<Cents> {
        self.read(name, describe::money, |json| match json {
            Json::Number(number) => Cents::from_json(number).map_err(|error| format!("{name} {error}")),
            // Absent: a text such as "1" is refused.
            _ => Err(format!("{name} must be a number")),
        })
    }

    /// A calendar date, written exactly `YYYY-MM-DD` (`full-date` of RFC 3339, section 5.6), in
    /// the years 0001 to 9999: not every database knows a year zero.
    pub fn date(&mut self, name: &'static str) -> Field<Date> {
        self.read(name, describe::date, |json| {
            let date = json.as_text().and_then(read_date);
            date.ok_or_else(|| format!("{name} must be a calendar date written YYYY-MM-DD"))
        })
    }

    /// An array of 1 to `max_items` strings, each without NUL and of at most [`MAX_ITEM_CHARS`]
    /// Unicode scalar values. Only the first bad item is noted.
    pub fn strings(&mut self, name: &'static str, max_items: usize) -> Field<Vec<String>> {
        let schema = || describe::array(describe::string(0, MAX_ITEM_CHARS), max_items);
        self.read(name, schema, |json| {
            let items = items(name, "strings", json, max_items)?;
            let texts = items.iter().enumerate().map(|(index, item)| {
                let Json::String(text) = item else {
                    return Err(format!("{name}[{index}] must be a string"));
                };
                check_text(&format!("{name}[{index}]"), text, MAX_ITEM_CHARS)?;
                Ok(text.clone())
            });
            texts.collect()
        })
    }

    /// A time as RFC 3339 writes it (section 5.6), with `Z` or an offset. Returns seconds since the Unix epoch, from the
    /// start of 1970 to the end of 9999, both in UTC. A fraction is rounded down, and a leap second (`:60`) is the second before
    /// it: an end never comes later than what was written.
    pub fn timestamp(&mut self, name: &'static str) -> Field<i64> {
        self.read(name, describe::time, |json| {
            let time = json.as_text().and_then(read_time).ok_or_else(|| {
                format!("{name} must be a time with Z or an offset, such as 2026-03-20T15:30:45Z")
            })?;
            if (0..YEAR_10000).contains(&time) {
                Ok(time)
            } else {
                Err(format!("{name} must be in the years 1970 to 9999"))
            }
        })
    }

    /// An object, read by a reader of its own. Its mistakes are noted as `name.member`. Null is refused: there is nothing to
    /// clear.
    pub fn object<T>(&mut self, name: &'static str, reader: impl FnOnce(&mut Fields<'_>) -> T) -> Field<T> {
        if let Some(described) = &mut self.described {
            let mut reader = Some(reader);
            let schema = describe(|inner| {
                if let Some(reader) = reader.take() {
                    reader(inner);
                }
            });
            described.member(name, schema);
            described.not_null(name);
            return Field::Absent;
        }
        self.asked.push(name);
        let inner = match self.members.iter().find(|(member, _)| member == name) {
            None => return Field::Absent,
            Some((_, Json::Object(members))) => members,
            Some(_) => {
                self.fail(name, format!("{name} must be an object"));
                return Field::Absent;
            }
        };
        let mut fields = Fields { members: inner, asked: Vec::new(), errors: Vec::new(), described: None };
        let value = reader(&mut fields);
        match fields.finish() {
            Ok(()) => Field::Value(value),
            Err(invalid) => {
                for FieldError { field, message } in invalid.errors {
                    self.fail(&format!("{name}.{field}"), format!("{name}: {message}"));
                }
                Field::Absent
            }
        }
    }

    /// Refuses null for a member, which a reader gave as `field`.
    pub fn not_null<T>(&mut self, name: &'static str, field: &Field<T>) {
        if let Some(described) = &mut self.described {
            described.not_null(name);
        }
        if matches!(field, Field::Null) {
            self.fail(name, format!("{name} must not be null"));
        }
    }

    /// Refuses values for both of two members.
    pub fn apart(&mut self, one: &'static str, other: &'static str, message: &str) {
        let has_value =
            |name: &str| self.members.iter().any(|(member, json)| member == name && *json != Json::Null);
        if has_value(one) && has_value(other) {
            self.fail(other, message);
        }
    }

    /// Refuses an object without members.
    pub fn not_empty(&mut self, message: &str) {
        if let Some(described) = &mut self.described {
            described.not_empty();
        } else if self.members.is_empty() {
            self.fail("body", message);
        }
    }

    /// Insists on a value: notes a mistake if `field`, which a reader gave for `name`, is absent
    /// or null. A member whose mistake is already noted gets no second one.
    pub fn required<T>(&mut self, name: &'static str, field: Field<T>) -> Option<T> {
        if let Some(described) = &mut self.described {
            described.required(name);
        }
        match &field {
            Field::Absent if self.errors.iter().any(|error| error.field == name) => {}
            Field::Absent => self.fail(name, format!("{name} is required")),
            Field::Null => self.fail(name, format!("{name} must not be null")),
            Field::Value(_) => {}
        }
        field.value()
    }

    /// Notes a mistake that no reader can see, such as two members that contradict each other.
    /// `message` names the field, as in [`FieldError`].
    pub fn fail(&mut self, name: &str, message: impl Into<String>) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(FieldError { field: name.to_owned(), message: message.into() });
        }
    }

    /// Notes a member that is taken elsewhere and not here, with the way out. It is none of what is described.
    pub fn refuse(&mut self, name: &'static str, message: &str) {
        if self.described.is_none() && self.members.iter().any(|(member, _)| member == name) {
            self.asked.push(name);
            self.fail(name, message);
        }
    }

    /// Whether a mistake has been noted so far. Unknown members only count in
    /// [`Fields::finish`].
    #[must_use]
    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Ends the reading, and notes every member that no reader asked about.
    ///
    /// # Errors
    ///
    /// Every mistake noted, at most [`MAX_ERRORS`].
    pub fn finish(mut self) -> Result<(), Invalid> {
        let room = MAX_ERRORS.saturating_sub(self.errors.len());
        let asked = &self.asked;
        let unknown = self.members.iter().filter(|(name, _)| !asked.contains(&name.as_str())).take(room).map(
            |(name, _)| {
                let field = printable(name);
                let message = format!("Unknown member '{field}'");
                FieldError { field, message }
            },
        );
        self.errors.extend(unknown);
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(Invalid { errors: self.errors })
    }

    /// Looks a member up, lets `convert` judge it unless it is absent or null, and notes the
    /// message that `convert` may return.
    fn read<T>(
        &mut self,
        name: &'static str,
        schema: impl FnOnce() -> Value,
        convert: impl FnOnce(&'j Json) -> Result<T, String>,
    ) -> Field<T> {
        if let Some(described) = &mut self.described {
            described.member(name, schema());
            return Field::Absent;
        }
        self.asked.push(name);
        let json = match self.members.iter().find(|(member, _)| member == name) {
            None => return Field::Absent,
            Some((_, Json::Null)) => return Field::Null,
            Some((_, json)) => json,
        };
        match convert(json) {
            Ok(value) => Field::Value(value),
            Err(message) => {
                self.fail(name, message);
                Field::Absent
            }
        }
    }
}

fn read_integer(name: &str, range: &RangeInclusive<i64>, json: &Json) -> Result<i64, String> {
    let Json::Number(number) = json else { return Err(format!("{name} must be an integer")) };
    match integer(number) {
        Ok(integer) if range.contains(&integer) => Ok(integer),
        Ok(_) | Err(NoInteger::OutOfRange) => Err(out_of_range(name, range)),
        Err(NoInteger::Fraction) => Err(format!("{name} must be an integer")),
    }
}

fn is_email(text: &str) -> bool {
    let is_part = |part: &str, allowed: fn(u8) -> bool| !part.is_empty() && part.bytes().all(allowed);
    let Some((local, domain)) = text.split_once('@') else { return false };
    let local_byte = |b: u8| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b);
    let label_byte = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    text.len() <= 254
        && local.len() <= 64
        && is_part(local, local_byte)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.contains('.')
        && domain.split('.').all(|label| {
            label.len() <= 63
                && is_part(label, label_byte)
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// The items of an array that must have some.
fn items<'j>(name: &str, of: &str, json: &'j Json, max_items: usize) -> Result<&'j [Json], String> {
    let Json::Array(items) = json else { return Err(format!("{name} must be an array of {of}")) };
    match items.len() {
        0 => Err(format!("{name} must have at least one item")),
        count if count > max_items => Err(format!("{name} must have at most {max_items} items")),
        1.. => Ok(items),
    }
}

/// The rules that every text keeps. NUL is refused because not every database can store it.
fn check_text(name: &str, text: &str, max_chars: usize) -> Result<(), String> {
    if text.contains('\0') {
        return Err(format!("{name} must not contain NUL"));
    }
    if text.chars().count() > max_chars {
        return Err(format!("{name} must be at most {}", characters(max_chars)));
    }
    Ok(())
}

fn characters(count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} character{plural}")
}

fn out_of_range(name: &str, range: &RangeInclusive<i64>) -> String {
    match (*range.start(), *range.end()) {
        (start, i64::MAX) if start > i64::MIN => format!("{name} must be at least {start}"),
        (i64::MIN, end) if end < i64::MAX => format!("{name} must be at most {end}"),
        (start, end) => format!("{name} must be between {start} and {end}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use proptest::prelude::*;

    use super::*;
    use crate::json::parse;
    use jiff::civil::date;

    fn body(text: &str) -> Json {
        match parse(text.as_bytes()) {
            Ok(json) => json,
            Err(error) => panic!("{text}: {error}"),
        }
    }

    /// Reads the member `x` with the given JSON text, and gives the message if there is one.
    fn read<T>(text: &str, reader: impl FnOnce(&mut Fields<'_>) -> Field<T>) -> Result<Field<T>, String> {
        let json = body(&format!("{{\"x\":{text}}}"));
        let mut fields = match Fields::of(&json) {
            Ok(fields) => fields,
            Err(invalid) => panic!("{invalid}"),
        };
        let field = reader(&mut fields);
        let Err(invalid) = fields.finish() else { return Ok(field) };
        assert!(field.is_absent(), "a mistake must leave no value");
        assert!(invalid.errors.iter().all(|error| error.field == "x"));
        Err(invalid.to_string())
    }

    fn check<T: Debug + PartialEq>(
        reader: impl Fn(&mut Fields<'_>) -> Field<T>,
        table: impl IntoIterator<Item = (&'static str, Result<T, &'static str>)>,
    ) {
        for (text, expected) in table {
            let expected = expected.map(Field::Value).map_err(str::to_owned);
            assert_eq!(read(text, &reader), expected, "{text}");
        }
        assert_eq!(read("null", &reader), Ok(Field::Null));
    }

    fn messages(result: Result<(), Invalid>) -> Vec<(String, String)> {
        let errors = result.err().map(|invalid| invalid.errors).unwrap_or_default();
        errors.into_iter().map(|error| (error.field, error.message)).collect()
    }

    #[test]
    fn only_an_object_has_fields() {
        for text in ["null", "1", "\"{}\"", "[{}]", "true"] {
            let invalid = Fields::of(&body(text)).err();
            assert_eq!(invalid, Some(Invalid::one("body", "Request body must be a JSON object")), "{text}");
        }
    }

    #[test]
    fn reads_strings() {
        let kind = || Err("x must be a string");
        check(
            |fields| fields.string("x", 2, 4),
            [
                ("\"ab\"", Ok("ab".to_owned())),
                ("\"äöü😀\"", Ok("äöü😀".to_owned())),
                ("\" a \"", Ok(" a ".to_owned())),
                ("\"abcde\"", Err("x must be at most 4 characters")),
                ("\"a\"", Err("x must be at least 2 characters")),
                ("\"\"", Err("x must not be blank")),
                ("\" \\t\\n\"", Err("x must not be blank")),
                ("\"\u{3000}\u{a0}\"", Err("x must not be blank")),
                ("\"a\\u0000\"", Err("x must not contain NUL")),
                ("1", kind()),
                ("true", kind()),
                ("[\"ab\"]", kind()),
                ("{}", kind()),
            ],
        );
        check(
            |fields| fields.string("x", 0, 1),
            [
                ("\"\"", Ok(String::new())),
                ("\" \"", Ok(" ".to_owned())),
                ("\"ab\"", Err("x must be at most 1 character")),
            ],
        );
    }

    #[test]
    fn reads_choices() {
        let no = Err("Invalid value for field 'x': must be one of [a, b c]");
        check(
            |fields| fields.choice("x", &["a", "b c"]),
            [
                ("\"a\"", Ok("a")),
                ("\"b c\"", Ok("b c")),
                ("\"A\"", no),
                ("\"a \"", no),
                ("\"\"", no),
                ("1", no),
                ("[\"a\"]", no),
            ],
        );
    }

    #[test]
    fn reads_integers() {
        let kind = Err("x must be an integer");
        let range = Err("x must be between 0 and 9");
        check(
            |fields| fields.integer("x", 0..=9),
            [
                ("0", Ok(0)),
                ("-0", Ok(0)),
                ("9", Ok(9)),
                ("10", range),
                ("-1", range),
                ("99999999999999999999999", range),
                ("1.0", Ok(1)),
                ("1e0", Ok(1)),
                ("10E-1", Ok(1)),
                ("1e1", range),
                ("1e99999999999999999999", range),
                ("1.5", kind),
                ("1e-1", kind),
                ("\"1\"", kind),
                ("true", kind),
            ],
        );
        let least = Err("x must be at least 1");
        check(|fields| fields.integer("x", 1..=i64::MAX), [("9223372036854775808", least), ("0", least)]);
        let most = Err("x must be at most 1");
        check(
            |fields| fields.integer("x", i64::MIN..=1),
            [("2", most), ("-9223372036854775808", Ok(i64::MIN))],
        );
        let fits = Err("x must be between -9223372036854775808 and 9223372036854775807");
        check(|fields| fields.integer("x", i64::MIN..=i64::MAX), [("9223372036854775808", fits)]);
    }

    #[test]
    fn reads_booleans() {
        let no = Err("x must be true or false");
        check(
            |fields| fields.boolean("x"),
            [("true", Ok(true)), ("false", Ok(false)), ("0", no), ("\"true\"", no)],
        );
    }

    #[test]
    fn reads_money() {
        let kind = Err("x must be a number");
        check(
            |fields| fields.money("x").map(Cents::get),
            [
                ("5000000", Ok(500_000_000)),
                ("100.10", Ok(10_010)),
                ("0", Ok(0)),
                ("-1", Err("x must not be negative")),
                ("0.001", Err("x must have at most two decimal places")),
                ("1e400", Err("x must be at most 90071992547409.91")),
                ("\"100\"", kind),
                ("[]", kind),
            ],
        );
    }

    #[test]
    fn reads_dates() {
        check(
            |fields| fields.date("x"),
            [
                ("\"2026-03-20\"", Ok(date(2026, 3, 20))),
                ("\"2024-02-29\"", Ok(date(2024, 2, 29))),
                ("\"0001-01-01\"", Ok(date(1, 1, 1))),
                ("\"9999-12-31\"", Ok(date(9999, 12, 31))),
            ],
        );
        let refused = [
            "\"2026-02-29\"",
            "\"2026-13-01\"",
            "\"2026-00-01\"",
            "\"2026-01-00\"",
            "\"0000-01-01\"",
            "\"2026-3-20\"",
            "\"20260320\"",
            "\"2026/03/20\"",
            "\"2026-W12-5\"",
            "\"2026-079\"",
            "\"2026-03-20T00:00:00Z\"",
            "\" 2026-03-20\"",
            "\"2026-03-20 \"",
            "\"+2026-03-20\"",
            "\"-026-03-20\"",
            "\"٢٠٢٦-٠٣-٢٠\"",
            "\"\"",
            "20260320",
            "true",
        ];
        let no = Err("x must be a calendar date written YYYY-MM-DD");
        check(|fields| fields.date("x"), refused.map(|text| (text, no)));
    }

    #[test]
    fn reads_timestamps() {
        let years = Err("x must be in the years 1970 to 9999");
        check(
            |fields| fields.timestamp("x"),
            [
                ("\"1970-01-01T00:00:00Z\"", Ok(0)),
                ("\"2026-03-20T15:30:45Z\"", Ok(1_774_020_645)),
                ("\"2026-03-20t15:30:45z\"", Ok(1_774_020_645)),
                ("\"2026-03-20T17:30:45+02:00\"", Ok(1_774_020_645)),
                ("\"2026-03-20T10:00:45-05:30\"", Ok(1_774_020_645)),
                ("\"2026-03-20T15:30:45-00:00\"", Ok(1_774_020_645)),
                ("\"2026-03-21T15:29:45+23:59\"", Ok(1_774_020_645)),
                ("\"1969-12-31T23:30:00-00:30\"", Ok(0)),
                ("\"2026-03-20T15:30:45.000Z\"", Ok(1_774_020_645)),
                ("\"2026-03-20T15:30:45.999999999+00:00\"", Ok(1_774_020_645)),
                ("\"2016-12-31T23:59:60Z\"", Ok(1_483_228_799)),
                ("\"2016-12-31T23:59:60.5Z\"", Ok(1_483_228_799)),
                ("\"2017-01-01T08:59:60+09:00\"", Ok(1_483_228_799)),
                ("\"9999-12-31T23:59:59Z\"", Ok(YEAR_10000 - 1)),
                ("\"1969-12-31T23:59:59Z\"", years),
                ("\"1970-01-01T00:00:00+00:01\"", years),
                ("\"9999-12-31T23:59:59-00:01\"", years),
                ("\"0000-01-01T00:00:00Z\"", years),
            ],
        );
        let refused = [
            "\"2026-03-20T15:30:45\"",
            "\"2026-03-20\"",
            "\"2026-03-20T15:30Z\"",
            "\"2026-03-20 15:30:45Z\"",
            "\"2026-03-20T15:30:45.Z\"",
            "\"2026-03-20T15:30:45.5\"",
            "\"2026-03-20T15:30:45,5Z\"",
            "\"2016-12-31T23:59:60+01:00\"",
            "\"2016-12-30T23:59:60Z\"",
            "\"2016-12-31T12:00:60Z\"",
            "\"2026-02-29T00:00:00Z\"",
            "\"2026-03-20T24:00:00Z\"",
            "\"2026-03-20T15:60:00Z\"",
            "\"2026-03-20T15:30:61Z\"",
            "\"2026-03-20T15:30:45+24:00\"",
            "\"2026-03-20T15:30:45+00:60\"",
            "\"2026-03-20T15:30:45+0200\"",
            "\"2026-03-20T15:30:45+02\"",
            "\"2026-03-20T15:30:45 Z\"",
            "\"2026-03-20T15:30:45Z \"",
            "\"2026-03-20T15:30:45Z[UTC]\"",
            "\"2026-03-20T15:30:45+02:00[Europe/Berlin]\"",
            "\"2026-03-20T15:30:45\u{2212}02:00\"",
            "\"2026-03-20T15:30:4é\"",
            "\"20260320T153045Z\"",
            "\"now\"",
            "\"\"",
            "1774020645",
        ];
        let no = Err("x must be a time with Z or an offset, such as 2026-03-20T15:30:45Z");
        check(|fields| fields.timestamp("x"), refused.map(|text| (text, no)));
    }

    #[test]
    fn reads_lists_of_strings() {
        let kind = || Err("x must be an array of strings");
        check(
            |fields| fields.strings("x", 2),
            [
                ("[\"b\",\"a\"]", Ok(vec!["b".to_owned(), "a".to_owned()])),
                ("[]", Err("x must have at least one item")),
                ("[\"a\",\"b\",\"c\"]", Err("x must have at most 2 items")),
                ("[\"a\",1]", Err("x[1] must be a string")),
                ("[null]", Err("x[0] must be a string")),
                ("[1,\"\\u0000\"]", Err("x[0] must be a string")),
                ("[\"\\u0000\"]", Err("x[0] must not contain NUL")),
                ("\"a\"", kind()),
                ("{}", kind()),
            ],
        );
        let list = |chars: usize| format!("[\"{}\"]", "é".repeat(chars));
        let long = read(&list(256), |fields| fields.strings("x", 2));
        assert_eq!(long, Err("x[0] must be at most 255 characters".to_owned()));
        assert!(read(&list(255), |fields| fields.strings("x", 2)).is_ok());
    }

    #[test]
    fn required_notes_one_mistake_per_field() -> Result<(), Invalid> {
        let json = body(r#"{"null": null, "wrong": 1, "right": true, "optional": null}"#);
        let mut fields = Fields::of(&json)?;
        for name in ["absent", "null", "wrong"] {
            let field = fields.boolean(name);
            assert_eq!(fields.required(name, field), None);
            assert!(fields.has_errors());
        }
        let right = fields.boolean("right");
        assert_eq!(fields.required("right", right), Some(true));
        assert_eq!(fields.boolean("optional"), Field::Null);
        assert_eq!(fields.boolean("missing"), Field::Absent);
        let expected = [
            ("absent", "absent is required"),
            ("null", "null must not be null"),
            ("wrong", "wrong must be true or false"),
        ];
        assert_eq!(messages(fields.finish()), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        Ok(())
    }

    #[test]
    fn lists_mistakes_by_call_then_unknown_members_by_body() -> Result<(), Invalid> {
        let json = body(r#"{"zeta": 1, "b": 1, "a\n": 2, "a": 1}"#);
        let mut fields = Fields::of(&json)?;
        assert!(!fields.has_errors());
        assert!(fields.string("a", 1, 9).is_absent());
        assert!(fields.string("b", 1, 9).is_absent());
        fields.fail("b", "b must come before a");
        let expected = [
            ("a", "a must be a string"),
            ("b", "b must be a string"),
            ("b", "b must come before a"),
            ("zeta", "Unknown member 'zeta'"),
            ("a\\n", "Unknown member 'a\\n'"),
        ];
        assert_eq!(messages(fields.finish()), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        Ok(())
    }

    #[test]
    fn accepts_a_body_without_mistakes() -> Result<(), Invalid> {
        let json = body(r#"{"a": true}"#);
        let mut fields = Fields::of(&json)?;
        assert_eq!(fields.boolean("a").value(), Some(true));
        fields.finish()?;
        Fields::of(&body("{}"))?.finish()
    }

    #[test]
    fn notes_at_most_twenty_mistakes() -> Result<(), Invalid> {
        let members: Vec<String> = (0..100).map(|index| format!("\"m{index}\":1")).collect();
        let json = body(&format!("{{{}}}", members.join(",")));
        assert_eq!(messages(Fields::of(&json)?.finish()).len(), MAX_ERRORS);
        let mut fields = Fields::of(&json)?;
        for _ in 0..30 {
            fields.fail("body", "no");
        }
        let absent = fields.boolean("absent");
        assert_eq!(fields.required("absent", absent), None);
        assert_eq!(messages(fields.finish()), vec![("body".to_owned(), "no".to_owned()); MAX_ERRORS]);
        Ok(())
    }

    #[test]
    fn shortens_the_names_of_unknown_members() -> Result<(), Invalid> {
        let json = body(&format!("{{\"{}\":1}}", "n".repeat(1000)));
        let shown = format!("{}…", "n".repeat(64));
        let message = format!("Unknown member '{shown}'");
        assert_eq!(messages(Fields::of(&json)?.finish()), [(shown, message)]);
        Ok(())
    }

    #[test]
    fn displays_the_first_mistake_and_counts_the_rest() {
        let mut invalid = Invalid::one("a", "a is required");
        assert_eq!(invalid.to_string(), "a is required");
        invalid.errors.extend(Invalid::one("b", "b is required").errors);
        invalid.errors.extend(Invalid::one("c", "c is required").errors);
        assert_eq!(invalid.to_string(), "a is required (and 2 more)");
    }

    proptest! {
        #[test]
        fn reads_every_second_that_can_be_written(
            seconds in 0..253_402_207_200_i64,
            offset in -(24 * 60 - 1)..(24 * 60_i64),
        ) {
            let local = jiff::Timestamp::from_second((seconds + offset * 60).clamp(0, 253_402_207_200));
            let local = local.map(|time| time.to_string()).unwrap_or_default();
            let sign = if offset < 0 { '-' } else { '+' };
            let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
            let text = format!("\"{}{sign}{hours:02}:{minutes:02}\"", local.trim_end_matches('Z'));
            prop_assume!((0..253_402_207_200).contains(&(seconds + offset * 60)));
            prop_assert_eq!(read(&text, |fields| fields.timestamp("x")), Ok(Field::Value(seconds)));
        }

        #[test]
        fn any_text_does_no_harm(text: String) {
            let json = Json::Object(vec![("x".to_owned(), Json::String(text))]);
            let Ok(mut fields) = Fields::of(&json) else { panic!("an object has fields") };
            prop_assert!(fields.date("x").is_absent());
            prop_assert!(fields.timestamp("x").is_absent());
            prop_assert!(fields.has_errors());
        }
    }
}
