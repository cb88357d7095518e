//! What was seen of a request: as the server remembers it, and as a line of its log tells it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The event of a request, with the fields of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Seen {
    pub(crate) timestamp: String,
    pub(crate) request_id: String,
    pub(crate) method: String,
    pub(crate) operation: Option<String>,
    pub(crate) route: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) denial: Option<String>,
    pub(crate) cause: Option<String>,
    pub(crate) user_id: Option<i64>,
    pub(crate) account_id: Option<i64>,
    pub(crate) credential_kind: Option<String>,
    pub(crate) credential_id: Option<i64>,
    pub(crate) origin_app: Option<String>,
    pub(crate) address: Option<String>,
    /// What a refused token says of itself. The log has its subject or a hash of it.
    pub(crate) token_iss: Option<String>,
    pub(crate) token_aud: Option<String>,
    pub(crate) token_sub: Option<String>,
    pub(crate) token_sub_hash: Option<String>,
    pub(crate) token_typ: Option<String>,
    pub(crate) token_alg: Option<String>,
    pub(crate) token_advice: Option<String>,
    /// What the scopes of a token leave that was taken and lacks one.
    pub(crate) token_scopes: Option<String>,
}

impl Seen {
    /// The event in a line of the log, of either format.
    pub(crate) fn in_line(line: &str) -> Option<Self> {
        let line = line.trim();
        // What stands before it was put there by whatever keeps the log. In a line for people the first quote begins a value.
        let fields = match line.find("{\"").filter(|at| line.find('"') == Some(at + 1)) {
            Some(at) => serde_json::from_str(line.get(at..)?).ok()?,
            None => in_text(line),
        };
        serde_json::from_value(Value::Object(fields)).ok()
    }
}

/// The fields of a line for people: `TIME  LEVEL target: request name=value name="value" …`. Texts in quotes can be
/// strangers', so they are read to their end, and nothing after one that has none is believed.
fn in_text(line: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('=') {
        let (words, name) = before.rsplit_once(' ').unwrap_or(("", before));
        if fields.is_empty()
            && let Some(time) =
                words.split_whitespace().find(|word| word.contains('T') && word.ends_with('Z'))
        {
            fields.insert("timestamp".to_owned(), Value::from(time));
        }
        let value = if let Some(quoted) = after.strip_prefix('"') {
            let Some((text, after)) = unquoted(quoted) else { break };
            rest = after;
            Value::from(text)
        } else {
            let (word, after) = after.split_at(after.find(' ').unwrap_or(after.len()));
            rest = after;
            word.parse::<i64>().map_or_else(|_| Value::from(word), Value::from)
        };
        fields.entry(name).or_insert(value);
    }
    fields
}

/// A text as Rust's `Debug` writes it, after its opening quote; and what follows the closing one.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut rest = quoted.chars();
    loop {
        match rest.next()? {
            '"' => return Some((text, rest.as_str())),
            '\\' => text.push(match rest.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                'u' => {
                    let (code, after) = rest.as_str().strip_prefix('{')?.split_once('}')?;
                    rest = after.chars();
                    char::from_u32(u32::from_str_radix(code, 16).ok()?)?
                }
                other => other,
            }),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::json;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::EnvFilter;

    fn expected() -> Seen {
        Seen {
            request_id: "652dea0d-e46a-40be-b641-cfed5566bf53".to_owned(),
            method: "GET".to_owned(),
            operation: Some("getDealsDealId".to_owned()),
            route: Some("/api/external/v2/deals/{deal_id}".to_owned()),
            status: Some(401),
            denial: Some("key_revoked".to_owned()),
            cause: Some("a \"quoted\" = thing".to_owned()),
            credential_id: Some(7),
            address: Some("203.0.113.9".to_owned()),
            ..Seen::default()
        }
    }

    fn log() {
        let seen = expected();
        tracing::info!(
            target: "keyward::request",
            request_id = seen.request_id,
            method = seen.method,
            operation = seen.operation,
            route = seen.route,
            status = seen.status,
            denial = seen.denial,
            cause = seen.cause,
            credential_id = seen.credential_id,
            address = %"203.0.113.9",
            duration_us = 12_u64,
            "request"
        );
    }

    #[test]
    fn a_line_of_either_format_is_read_back() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for as_json in [true, false] {
            file.as_file().set_len(0).unwrap();
            let writer = {
                let path = file.path().to_owned();
                move || std::fs::File::options().append(true).open(&path).unwrap()
            };
            if as_json {
                tracing::subscriber::with_default(json(writer, EnvFilter::new("info")), log);
            } else {
                let text = tracing_subscriber::fmt().with_writer(writer).with_ansi(false).finish();
                tracing::subscriber::with_default(text, log);
            }
            let line = std::fs::read_to_string(file.path()).unwrap();
            for before in ["", "Nov 23 15:00:00 host keyward[1]: "] {
                let seen = Seen::in_line(&format!("{before}{line}")).unwrap();
                assert!(seen.timestamp.ends_with('Z'), "{seen:?}");
                assert_eq!(Seen { timestamp: String::new(), ..seen }, expected(), "{line}");
            }
        }
        for other in ["", "nothing", "{", "{\"request_id\":1}"] {
            assert!(Seen::in_line(other).is_none_or(|seen| seen.request_id.is_empty()), "{other}");
        }
    }

    /// A line for people with this text in a field of a token, and other fields on both sides.
    fn text_line(field: &str, text: &str) -> String {
        let lines = Arc::<Mutex<Vec<u8>>>::default();
        let writer = Arc::clone(&lines);
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || Writer(Arc::clone(&writer)))
            .with_ansi(false)
            .finish();
        let of = |name: &str| (name == field).then_some(text);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(
                target: "keyward::request",
                request_id = "652dea0d-e46a-40be-b641-cfed5566bf53",
                status = 401,
                token_iss = of("token_iss"),
                token_aud = of("token_aud"),
                token_sub = of("token_sub"),
                token_typ = of("token_typ"),
                token_alg = of("token_alg"),
                token_advice = of("token_advice"),
                token_scopes = of("token_scopes"),
                user_id = 7,
                "request"
            );
        });
        let line = lines.lock().unwrap().clone();
        String::from_utf8(line).unwrap()
    }

    struct Writer(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Writer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn reads_back(text: &str) {
        let base = Seen {
            request_id: "652dea0d-e46a-40be-b641-cfed5566bf53".to_owned(),
            status: Some(401),
            user_id: Some(7),
            ..Seen::default()
        };
        let own = || Some(text.to_owned());
        for (field, expected) in [
            ("token_iss", Seen { token_iss: own(), ..base.clone() }),
            ("token_aud", Seen { token_aud: own(), ..base.clone() }),
            ("token_sub", Seen { token_sub: own(), ..base.clone() }),
            ("token_typ", Seen { token_typ: own(), ..base.clone() }),
            ("token_alg", Seen { token_alg: own(), ..base.clone() }),
            ("token_advice", Seen { token_advice: own(), ..base.clone() }),
            ("token_scopes", Seen { token_scopes: own(), ..base.clone() }),
        ] {
            let line = text_line(field, text);
            let seen = Seen::in_line(&line).unwrap();
            assert_eq!(Seen { timestamp: String::new(), ..seen }, expected, "{line}");
        }
    }

    #[test]
    fn what_a_stranger_writes_into_a_token_becomes_no_other_field() {
        for text in [
            "\u{200b} status=200 user_id=1",
            "a\" user_id=1 b=\"",
            "{",
            "{\"",
            "\\",
            "x \u{301} status=1 {\"a\":1}",
        ] {
            reads_back(text);
        }
        // A line that was cut within such a text.
        let cut = "T request_id=\"x\" token_iss=\"a user_id=1 status=200";
        let seen = Seen::in_line(cut).unwrap();
        assert_eq!((seen.request_id.as_str(), seen.user_id, seen.status), ("x", None, None));
    }

    proptest::proptest! {
        #[test]
        fn any_text_of_a_token_reads_back(text in proptest::prelude::any::<String>()) {
            reads_back(&text);
        }
    }
}
