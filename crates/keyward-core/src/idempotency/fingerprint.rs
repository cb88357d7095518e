//! What makes two requests the same: method, path, query whatever its order, and body whatever the order of its members.

use crate::json::Json;
use sha2::{Digest as _, Sha256};

/// A digest of what a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a request. `query` are its parameters as they were sent, in any order.
    #[must_use]
    pub fn of(method: &str, path: &str, query: &str, body: Option<&Json>) -> Self {
        let mut parameters: Vec<&str> = query.split('&').collect();
        parameters.sort_unstable();
        // Absent: an empty text, which no body of JSON is.
        let body = body.map(canonical).unwrap_or_default();
        let mut hash = Sha256::new();
        for part in [method, path, &parameters.join("&"), &body] {
            // Each part is preceded by its length, so that no two requests can share a text.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The bytes, for the store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The body with its members sorted by name, without white space, and numbers as they were written: `1` and `1.0` are two.
fn canonical(body: &Json) -> String {
    let mut text = String::new();
    write(&mut text, body);
    text
}

fn write(text: &mut String, value: &Json) {
    match value {
        Json::Null => text.push_str("null"),
        Json::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Json::Number(number) => text.push_str(number.as_written()),
        Json::String(value) => string(text, value),
        Json::Array(items) => {
            list(text, ['[', ']'], items, write);
        }
        Json::Object(members) => {
            let mut sorted: Vec<&(String, Json)> = members.iter().collect();
            sorted.sort_unstable_by(|one, other| one.0.cmp(&other.0));
            list(text, ['{', '}'], &sorted, |text, (name, value)| {
                string(text, name);
                text.push(':');
                write(text, value);
            });
        }
    }
}

fn list<T>(text: &mut String, [open, close]: [char; 2], items: &[T], one: impl Fn(&mut String, &T)) {
    text.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        one(text, item);
    }
    text.push(close);
}

fn string(text: &mut String, value: &str) {
    // Absent: never, a string always serialises.
    text.push_str(&serde_json::to_string(value).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn of(body: &str) -> Fingerprint {
        Fingerprint::of("POST", "/deals", "", Some(&parse(body.as_bytes()).unwrap()))
    }

    #[test]
    fn order_and_spelling_do_not_matter_and_values_do() {
        let first = of(r#"{"title":"A","n":1,"inner":{"b":[1,2],"a":null}}"#);
        for same in [
            r#"{"n":1,"title":"A","inner":{"b":[1,2],"a":null}}"#,
            r#"{ "inner" : { "a" : null, "b" : [ 1, 2 ] }, "title" : "\u0041", "n" : 1 }"#,
        ] {
            assert_eq!(of(same), first, "{same}");
        }
        for other in [
            r#"{"title":"B","n":1,"inner":{"b":[1,2],"a":null}}"#,
            r#"{"title":"A","n":1.0,"inner":{"b":[1,2],"a":null}}"#,
            r#"{"title":"A","n":1,"inner":{"b":[2,1],"a":null}}"#,
            r#"{"title":"A","n":1,"inner":{"b":[1,2]}}"#,
            r#"{"title":"A","n":"1","inner":{"b":[1,2],"a":null}}"#,
        ] {
            assert_ne!(of(other), first, "{other}");
        }
    }

    #[test]
    fn method_path_query_and_body_are_each_their_own() {
        let body = parse(b"{}").unwrap();
        let first = Fingerprint::of("POST", "/a", "x=1&y=2", Some(&body));
        assert_eq!(Fingerprint::of("POST", "/a", "y=2&x=1", Some(&body)), first);
        for other in [
            Fingerprint::of("PATCH", "/a", "x=1&y=2", Some(&body)),
            Fingerprint::of("POST", "/ax", "=1&y=2", Some(&body)),
            Fingerprint::of("POST", "/a", "x=1", Some(&body)),
            Fingerprint::of("POST", "/a", "x=1&y=2", None),
        ] {
            assert_ne!(other, first);
        }
    }
}
