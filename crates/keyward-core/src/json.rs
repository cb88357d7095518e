//! Strict JSON for request bodies (RFC 8259).
//!
//! `serde_json` reads the characters; this module adds what a door needs on top: a member name
//! may appear only once in an object, nesting has a limit, and a number keeps the text it was
//! sent with, so that an amount such as `1.10` never passes through a float.

use std::collections::HashSet;

use serde::de::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

/// How deep arrays and objects may be nested. This depth is accepted, one more is refused.
pub const MAX_DEPTH: usize = 64;

/// What some editors and shells write in front of text: in UTF-8, and in UTF-16 of either order.
const BYTE_ORDER_MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];

/// How many characters of a member name the client sees in a message.
const SHOWN_NAME_CHARS: usize = 64;

/// A JSON value as the client sent it.
///
/// `Debug` prints the whole value: do not log a body that may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, kept as text.
    Number(Number),
    /// A string with its escapes decoded. It may contain NUL.
    String(String),
    /// The items in the order sent.
    Array(Vec<Self>),
    /// The members in the order sent. No name appears twice.
    Object(Vec<(String, Self)>),
}

impl Json {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            // Absent: any other value is no text.
            _ => None,
        }
    }
}

/// A JSON number (RFC 8259, section 6), kept exactly as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(Box<str>);

impl Number {
    /// The number's text as it was sent, such as `1.10` or `5e6`. It follows the JSON grammar,
    /// but its size is not limited.
    #[must_use]
    pub fn as_written(&self) -> &str {
        &self.0
    }

    /// The number as an integer. `None` if it has a fraction or an exponent, even one that
    /// changes nothing such as `1.0`, or if it does not fit.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        // Absent: it is no integer, or none that fits.
        self.0.parse().ok()
    }
}

/// Why a body was refused. The `Display` text is meant for the client.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JsonError {
    /// The body has no bytes, or only whitespace.
    #[error("Request body is empty; send a JSON object")]
    Empty,
    /// The body begins with a byte order mark, which RFC 8259, section 8.1, forbids.
    #[error("Request body begins with a byte order mark (BOM); send it as UTF-8 without one")]
    ByteOrderMark,
    /// The body is not UTF-8 (RFC 8259, section 8.1).
    #[error("Request body is not valid UTF-8")]
    NotUtf8,
    /// The body does not follow the JSON grammar, or a string holds half a surrogate pair.
    #[error("Malformed JSON at line {line}, column {column}")]
    Syntax {
        /// Line of the mistake, from 1.
        line: usize,
        /// Column of the mistake within its line, in bytes, from 1.
        column: usize,
    },
    /// An object names the same member twice. RFC 8259, section 4, leaves open which one counts.
    #[error("Duplicate member '{name}' in the JSON body")]
    DuplicateMember {
        /// The name, made printable and shortened if need be.
        name: String,
    },
    /// Arrays and objects are nested deeper than [`MAX_DEPTH`].
    #[error("JSON is nested more than {} levels deep", MAX_DEPTH)]
    TooDeep,
}

/// Reads a whole request body as one JSON value.
///
/// # Errors
///
/// [`JsonError`] says what is wrong with the body. A body that is both too deep and malformed is
/// reported as too deep.
pub fn parse(bytes: &[u8]) -> Result<Json, JsonError> {
    if bytes.iter().all(|byte| b" \t\r\n".contains(byte)) {
        return Err(JsonError::Empty);
    }
    if BYTE_ORDER_MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(JsonError::ByteOrderMark);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| JsonError::NotUtf8)?;
    if nests_too_deep(text) {
        return Err(JsonError::TooDeep);
    }
    // The first pass checks the grammar of the whole body, so everything below works on well
    // formed text, and nearly every syntax error already has its position in the body.
    let _: &RawValue = decode(text, text)?;
    Walk { body: text, at: 0 }.value()
}

/// Makes a name from the client fit for a message: control and invisible characters are escaped,
/// and only the first 64 characters are shown.
pub(crate) fn printable(name: &str) -> String {
    let mut shown = String::new();
    let mut rest = name.chars();
    for character in rest.by_ref().take(SHOWN_NAME_CHARS) {
        if matches!(character, '\'' | '"') {
            shown.push(character);
        } else {
            shown.extend(character.escape_debug());
        }
    }
    if rest.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Counts brackets outside strings, in one pass and without recursion.
///
/// On well formed text the count is exact. On malformed text it may be wrong, which does no
/// harm: such text is refused before anything recurses into it.
fn nests_too_deep(text: &str) -> bool {
    let mut depth: usize = 0;
    let mut in_string = false;
    let mut escaped = false;
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' if depth == MAX_DEPTH => return true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            // Absent: no other byte opens or closes anything.
            _ => {}
        }
    }
    false
}

/// Walks once over text whose grammar has been checked, and turns it into values.
///
/// It recurses once for each level of nesting, which is bounded, and reads every byte a fixed number of times: a body
/// that is nested costs no more than a flat one.
struct Walk<'t> {
    body: &'t str,
    at: usize,
}

impl<'t> Walk<'t> {
    fn value(&mut self) -> Result<Json, JsonError> {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => Ok(Json::String(self.string()?)),
            // Absent: what is no object, list or text is a scalar, or nothing, which is refused.
            _ => match self.scalar() {
                "null" => Ok(Json::Null),
                "true" => Ok(Json::Bool(true)),
                "false" => Ok(Json::Bool(false)),
                // Checked text has no such place; were there one, standing still on it would never end.
                "" => Err(JsonError::Syntax { line: 1, column: self.at + 1 }),
                number => Ok(Json::Number(Number(number.into()))),
            },
        }
    }

    fn array(&mut self) -> Result<Json, JsonError> {
        let mut items = Vec::new();
        self.at += 1;
        while self.goes_on(b']') {
            items.push(self.value()?);
        }
        Ok(Json::Array(items))
    }

    fn object(&mut self) -> Result<Json, JsonError> {
        let mut members = Vec::new();
        let mut seen = HashSet::new();
        self.at += 1;
        while self.goes_on(b'}') {
            let name = self.string()?;
            if !seen.insert(name.clone()) {
                let name = printable(&name);
                return Err(JsonError::DuplicateMember { name });
            }
            if self.peek() == Some(b':') {
                self.at += 1;
            }
            members.push((name, self.value()?));
        }
        Ok(Json::Object(members))
    }

    /// Steps over a comma, or over the end of the array or object. Whether there is another item.
    fn goes_on(&mut self, end: u8) -> bool {
        match self.peek() {
            None => false,
            Some(byte) if byte == end => {
                self.at += 1;
                false
            }
            Some(b',') => {
                self.at += 1;
                true
            }
            Some(_) => true,
        }
    }

    /// A string; the library decodes its escapes.
    fn string(&mut self) -> Result<String, JsonError> {
        self.peek();
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.bytes().skip(1).position(|byte| {
            let closes = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            closes
        });
        // Absent: never, the grammar was checked; a text without its end is refused when it is decoded.
        let part = end.and_then(|end| rest.get(..end + 2)).unwrap_or(rest);
        self.at += part.len();
        decode(self.body, part)
    }

    /// The text up to the next structure or white space: a number, `true`, `false` or `null`.
    fn scalar(&mut self) -> &'t str {
        let rest = self.rest();
        // Absent: it goes to the end.
        let end = rest.bytes().position(|byte| b",]} \t\r\n".contains(&byte)).unwrap_or(rest.len());
        self.at += end;
        // Absent: never, it ends at an ASCII byte; nothing is refused as a scalar.
        rest.get(..end).unwrap_or_default()
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let blank = self.rest().bytes().take_while(|byte| b" \t\r\n".contains(byte)).count();
        self.at += blank;
        self.rest().bytes().next()
    }

    fn rest(&self) -> &'t str {
        // Absent: the body is at its end.
        self.body.get(self.at..).unwrap_or_default()
    }
}

/// Decodes `part`, a piece of `body`, and reports a mistake by its position in `body`.
fn decode<'t, T: Deserialize<'t>>(body: &str, part: &'t str) -> Result<T, JsonError> {
    serde_json::from_str(part).map_err(|error| {
        // The parts borrow from the body, so the distance of the addresses is the offset.
        let offset = part.as_ptr().addr().saturating_sub(body.as_ptr().addr());
        // Absent: never, the part lies within the body; the position is that of the part then.
        let before = body.get(..offset).unwrap_or_default();
        // Absent: never, a split has one part at least.
        let same_line = before.rsplit('\n').next().unwrap_or_default();
        let first_line = error.line() <= 1;
        JsonError::Syntax {
            line: before.matches('\n').count() + error.line().max(1),
            // The library calls the place right behind a line break column 0.
            column: error.column().max(1) + if first_line { same_line.len() } else { 0 },
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn refused(body: &str) -> JsonError {
        match parse(body.as_bytes()) {
            Err(error) => error,
            Ok(json) => panic!("{body:?} was accepted as {json:?}"),
        }
    }

    fn accepted(body: &str) -> Json {
        match parse(body.as_bytes()) {
            Ok(json) => json,
            Err(error) => panic!("{body:?} was refused: {error}"),
        }
    }

    fn number(text: &str) -> Json {
        Json::Number(Number(text.into()))
    }

    fn string(text: &str) -> Json {
        Json::String(text.to_owned())
    }

    #[test]
    fn accepts_what_the_grammar_allows() {
        let table = [
            ("null", Json::Null),
            (" \t\r\n true \n", Json::Bool(true)),
            ("false", Json::Bool(false)),
            ("[]", Json::Array(vec![])),
            ("{}", Json::Object(vec![])),
            ("\"\"", string("")),
            (r#""\"\\\/\b\f\n\r\t""#, string("\"\\/\u{8}\u{c}\n\r\t")),
            (r#""\u0041\uD83D\uDE00 é""#, string("A😀 é")),
            (r#""a\u0000b""#, string("a\0b")),
            ("\"\u{7f}\u{2028}\u{feff}\"", string("\u{7f}\u{2028}\u{feff}")),
            (r#""]]]]{{{{[[[[\"[[""#, string("]]]]{{{{[[[[\"[[")),
            (
                r#"{"b": 1, "a": [2, {"b": null}], "": ""}"#,
                Json::Object(vec![
                    ("b".to_owned(), number("1")),
                    (
                        "a".to_owned(),
                        Json::Array(vec![number("2"), Json::Object(vec![("b".to_owned(), Json::Null)])]),
                    ),
                    (String::new(), string("")),
                ]),
            ),
        ];
        for (body, expected) in table {
            assert_eq!(accepted(body), expected, "{body:?}");
        }
    }

    #[test]
    fn keeps_numbers_as_written() {
        let table = [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("7", Some(7)),
            ("-12", Some(-12)),
            ("1.10", None),
            ("1.0", None),
            ("1e2", None),
            ("-0.0", None),
            ("1E+2", None),
            ("1e-400", None),
            ("1e400", None),
            ("9007199254740991", Some(9_007_199_254_740_991)),
            ("9007199254740993", Some(9_007_199_254_740_993)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("123456789012345678901234567890", None),
        ];
        for (text, integer) in table {
            let Json::Number(number) = accepted(text) else { panic!("{text} is not a number") };
            assert_eq!(number.as_written(), text);
            assert_eq!(number.as_i64(), integer, "{text}");
        }
    }

    #[test]
    fn refuses_what_the_grammar_forbids() {
        let table = [
            "[1,]",
            "{\"a\":1,}",
            "[,1]",
            "[1 2]",
            "[1,,2]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\" 1}",
            "{a:1}",
            "{1:1}",
            "{\"a\":1 \"b\":2}",
            "{null:1}",
            "[",
            "]",
            "{",
            "}",
            "[}",
            "{]",
            "[1",
            "{\"a\":1",
            "\"",
            "\"abc",
            "01",
            "-01",
            "00",
            "+1",
            ".5",
            "1.",
            "-",
            "-.5",
            "1.e3",
            "1e",
            "1e+",
            "1E-",
            "0x10",
            "1_000",
            "NaN",
            "nan",
            "Infinity",
            "-Infinity",
            "True",
            "nul",
            "nulll",
            "undefined",
            "'a'",
            "{'a':1}",
            "// x\n1",
            "/* x */1",
            "1 // x",
            "# x\n1",
            "1 2",
            "{} {}",
            "[] x",
            "{}\0",
            "null,",
            "\"a\nb\"",
            "\"a\tb\"",
            "\"a\0b\"",
            "\"\u{1f}\"",
            r#""\x41""#,
            r#""\'""#,
            r#""\u12""#,
            r#""\u12G4""#,
            r#""\U0041""#,
            r#""\"#,
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800x""#,
            r#""\ud800\n""#,
            r#""\ud800\ud800""#,
            r#""\udc00\ud800""#,
            r#"{"\ud800":1}"#,
            r#"["a", {"b": "\uDFFF"}]"#,
            "\u{a0}1",
            "\u{2003}1",
            "\u{c}1",
            "\u{b}1",
        ];
        for body in table {
            let error = refused(body);
            assert!(matches!(error, JsonError::Syntax { .. }), "{body:?}: {error:?}");
        }
    }

    #[test]
    fn refuses_bytes_that_are_not_utf8() {
        let table: [&[u8]; 5] =
            [b"\xff", b"\"\xc3\x28\"", b"\"\xed\xa0\x80\"", b"\"\xc0\x80\"", b"{\"a\":\"\x80\"}"];
        for body in table {
            assert_eq!(parse(body), Err(JsonError::NotUtf8), "{body:?}");
        }
    }

    #[test]
    fn names_a_byte_order_mark() {
        let table: [&[u8]; 4] = [b"\xef\xbb\xbf{}", b"\xff\xfe{\0}\0", b"\xfe\xff\0{\0}", b"\xef\xbb\xbf"];
        for body in table {
            assert_eq!(parse(body), Err(JsonError::ByteOrderMark), "{body:?}");
        }
        assert_eq!(refused(" \u{feff}{}"), JsonError::Syntax { line: 1, column: 2 });
    }

    #[test]
    fn calls_an_empty_body_empty() {
        for body in ["", " ", "\r\n\t "] {
            assert_eq!(refused(body), JsonError::Empty);
        }
    }

    #[test]
    fn locates_a_mistake_in_the_whole_body() {
        let table = [
            ("[1,]", 1, 4),
            ("{\n  \"a\": 1,\n  b: 2\n}", 3, 3),
            ("[\n", 2, 1),
            // Half a pair is only found when the string itself is decoded, deep inside.
            ("{\"a\":\n [1,\"\\ud800\"]}", 2, 12),
            ("{\"a\":[1,\"\\ud800\"]}", 1, 16),
            ("[\n{\"x\":1,\n\"\\ud800\":2}]", 3, 8),
        ];
        for (body, line, column) in table {
            assert_eq!(refused(body), JsonError::Syntax { line, column }, "{body:?}");
        }
    }

    #[test]
    fn refuses_duplicate_members() {
        let table = [
            (r#"{"title":1,"title":1}"#, "title"),
            (r#"{"title":1,"x":2,"t\u0069tle":3}"#, "title"),
            (r#"[{"a":{"b":[{"c":1,"c":2}]}}]"#, "c"),
            (r#"{"":1,"":2}"#, ""),
            (r#"{"\/":1,"/":2}"#, "/"),
        ];
        for (body, name) in table {
            let name = name.to_owned();
            assert_eq!(refused(body), JsonError::DuplicateMember { name });
        }
        accepted(r#"{"a":{"a":1},"A":{"a":1},"á":1}"#);
        // Composed and decomposed forms are different names.
        accepted("{\"\u{e9}\":1,\"e\u{301}\":2}");
    }

    #[test]
    fn shows_a_hostile_name_safely() {
        let body = r#"{"a\nb\u202e'c":1,"a\nb\u202e'c":2}"#;
        assert_eq!(refused(body).to_string(), r"Duplicate member 'a\nb\u{202e}'c' in the JSON body");
        assert_eq!(printable(&"é".repeat(64)), "é".repeat(64));
        assert_eq!(printable(&"é".repeat(65)), format!("{}…", "é".repeat(64)));
    }

    #[test]
    fn limits_the_depth() {
        let arrays = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let objects = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        accepted(&arrays(MAX_DEPTH));
        accepted(&objects(MAX_DEPTH));
        accepted(&format!("[{}1]", format!("{},", arrays(MAX_DEPTH - 1)).repeat(100)));
        accepted(&format!("[\"{}\"]", "[".repeat(1000)));
        accepted(&format!("[\"\\\"{}\\\\\"]", "[".repeat(1000)));
        for depth in [MAX_DEPTH + 1, 5_000, 500_000] {
            assert_eq!(refused(&arrays(depth)), JsonError::TooDeep);
            assert_eq!(refused(&objects(depth)), JsonError::TooDeep);
            assert_eq!(refused(&"[".repeat(depth)), JsonError::TooDeep);
        }
        // Closing brackets before any opening one do not buy extra depth.
        let body = format!("{}{}", "]".repeat(100), "[".repeat(100));
        assert_eq!(refused(&body), JsonError::TooDeep);
    }

    #[test]
    fn speaks_to_the_client() {
        let table = [
            ("", "Request body is empty; send a JSON object"),
            ("{\"a\": x}", "Malformed JSON at line 1, column 7"),
            ("{\"title\":1,\"title\":2}", "Duplicate member 'title' in the JSON body"),
        ];
        for (body, text) in table {
            assert_eq!(refused(body).to_string(), text);
        }
        assert_eq!(JsonError::NotUtf8.to_string(), "Request body is not valid UTF-8");
        let told = "Request body begins with a byte order mark (BOM); send it as UTF-8 without one";
        assert_eq!(JsonError::ByteOrderMark.to_string(), told);
        assert_eq!(JsonError::TooDeep.to_string(), "JSON is nested more than 64 levels deep");
    }

    fn same(ours: &Json, theirs: &Value) -> bool {
        match (ours, theirs) {
            (Json::Null, Value::Null) => true,
            (Json::Bool(ours), Value::Bool(theirs)) => ours == theirs,
            (Json::Number(ours), Value::Number(theirs)) => {
                ours.as_written() == theirs.to_string() && ours.as_i64() == theirs.as_i64()
            }
            (Json::String(ours), Value::String(theirs)) => ours == theirs,
            (Json::Array(ours), Value::Array(theirs)) => {
                ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same(a, b))
            }
            (Json::Object(ours), Value::Object(theirs)) => {
                ours.len() == theirs.len()
                    && ours.iter().zip(theirs).all(|((name, a), (key, b))| name == key && same(a, b))
            }
            _ => false,
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            prop::num::f64::NORMAL.prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// What we accept, `serde_json` accepts as well, except for numbers too large for its floats;
    /// what it accepts, we accept or refuse for one of our own rules.
    fn agrees_with_serde_json(body: &[u8]) -> bool {
        match (parse(body), serde_json::from_slice::<Value>(body)) {
            (Ok(_), Err(error)) => error.to_string().starts_with("number out of range"),
            (Err(error), Ok(_)) => {
                matches!(error, JsonError::DuplicateMember { .. } | JsonError::TooDeep)
            }
            _ => true,
        }
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_writes(value in any_value(), pretty: bool) {
            let body = if pretty { format!("{value:#}") } else { value.to_string() };
            let ours = accepted(&body);
            prop_assert!(same(&ours, &value), "{body}");
        }

        #[test]
        fn any_bytes_do_no_harm(body in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(agrees_with_serde_json(&body));
        }

        #[test]
        fn json_like_text_does_no_harm(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "[", "]", "{", "}", ",", ":", "\"", "\"a\"", "\"a\":", "\\", "\\u", "d800",
                    "\\udc00", "0", "1", "-", ".", "e", "+", "true", "false", "null", " ", "\n", "\0",
                ]),
                0..24,
            )
        ) {
            prop_assert!(agrees_with_serde_json(parts.concat().as_bytes()));
        }

        #[test]
        fn a_damaged_body_does_no_harm(value in any_value(), at: prop::sample::Index, byte: u8) {
            let mut body = value.to_string().into_bytes();
            let at = at.index(body.len());
            if let Some(place) = body.get_mut(at) {
                *place = byte;
            }
            prop_assert!(agrees_with_serde_json(&body));
        }
    }
}
