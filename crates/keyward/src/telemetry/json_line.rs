//! An event as one line of JSON, written straight from its fields.
//!
//! The library's own JSON formatter builds and serialises more on the way: with it, the log was the dearest part of the
//! whole door.

use std::fmt::{self, Debug, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// `{"timestamp":…,"level":…,"target":…,` and the event's fields in their order `}`.
#[derive(Debug)]
pub(crate) struct JsonLine;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::with_capacity(512);
        line.push_str(r#"{"timestamp":""#);
        SystemTime.format_time(&mut Writer::new(&mut line))?;
        let metadata = event.metadata();
        write!(line, r#"","level":"{}","target":"{}""#, metadata.level(), metadata.target())?;
        event.record(&mut Fields(&mut line));
        line.push_str("}\n");
        writer.write_str(&line)
    }
}

/// Appends fields. Names are literals of the program and need no escape.
struct Fields<'l>(&'l mut String);

impl Fields<'_> {
    fn plain(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        self.name(field);
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{value}");
    }

    fn name(&mut self, field: &Field) {
        self.0.push_str(",\"");
        self.0.push_str(field.name());
        self.0.push_str("\":");
    }
}

/// Whether a JSON string of it needs no escape.
fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
}

/// As a JSON string in ASCII: no line break, no control character and no invisible one reaches a terminal.
fn escaped(line: &mut String, value: &str) {
    line.push('"');
    for unit in value.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ (b'"' | b'\\')) => line.extend(['\\', char::from(byte)]),
            Ok(byte @ b' '..=b'~') => line.push(char::from(byte)),
            _ => {
                let _ = write!(line, "\\u{unit:04x}");
            }
        }
    }
    line.push('"');
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        if is_plain(value) {
            self.0.push('"');
            self.0.push_str(value);
            self.0.push('"');
        } else {
            escaped(self.0, value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field);
        let start = self.0.len();
        let _ = write!(self.0, "\"{value:?}\"");
        // Most values are plain; one that is not is written again.
        let inner = self.0.get(start + 1..self.0.len().saturating_sub(1)).unwrap_or_default();
        if !is_plain(inner) {
            let value = inner.to_owned();
            self.0.truncate(start);
            escaped(self.0, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::EnvFilter;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The line that an event with this text in every kind of field leaves.
    fn line(text: &str) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = crate::telemetry::json(move || writer.clone(), EnvFilter::new("info"));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(as_str = text, as_debug = ?text, as_display = %text, number = -1_i64, yes = true, "{text}");
        });
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    proptest! {
        #[test]
        fn any_event_is_one_line_that_reads_back(text in any::<String>()) {
            let line = line(&text);
            prop_assert!(line.ends_with('\n') && line.trim_end().bytes().all(|byte| matches!(byte, b' '..=b'~')));
            let event: serde_json::Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(event["as_str"].as_str(), Some(text.as_str()));
            prop_assert_eq!(event["as_display"].as_str(), Some(text.as_str()));
            let debug = format!("{text:?}");
            prop_assert_eq!(event["as_debug"].as_str(), Some(debug.as_str()));
            prop_assert_eq!(event["message"].as_str(), Some(text.as_str()));
            prop_assert_eq!((event["number"].as_i64(), event["yes"].as_bool()), (Some(-1), Some(true)));
        }

        #[test]
        fn any_text_is_one_line_of_ascii_that_reads_back(text in any::<String>()) {
            let mut line = String::new();
            escaped(&mut line, &text);
            prop_assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }
}
