//! In which form an answer goes out, by `Accept` (RFC 9110 §12.5.1). A client that says nothing, or that it takes anything, takes
//! JSON; one that takes event streams alone gets the same message as one event.

use axum::body::Body;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::BodyExt;
use keyward_core::header_text::text;

/// A form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Event,
}

/// What the wire's own check asks for, whatever the client takes.
pub(super) const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// The form that the client takes. One that takes neither is answered in JSON, as §12.5.1 allows: nothing depends on it.
pub(super) fn form(headers: &HeaderMap) -> Form {
    let ranges: Vec<(String, bool)> =
        headers.get_all(ACCEPT).iter().filter_map(text).flat_map(|line| line.split(',')).map(range).collect();
    // The most specific range that is named decides.
    let takes = |names: [&str; 3]| {
        let named = |name: &&str| ranges.iter().find(|(range, _)| range == name);
        // Absent: a type that no range names is not taken.
        names.iter().find_map(named).is_some_and(|(_, wanted)| *wanted)
    };
    let json = takes(["application/json", "application/*", "*/*"]);
    let event = takes(["text/event-stream", "text/*", "*/*"]);
    if event && !json { Form::Event } else { Form::Json }
}

/// A media range in lower case, and whether its weight is not zero.
fn range(entry: &str) -> (String, bool) {
    let mut parts = entry.split(';').map(str::trim);
    // Absent: never, a split has a first part.
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let zero = parts.filter_map(|parameter| parameter.split_once('=')).any(|(name, weight)| {
        let weight = weight.trim();
        let digits = weight.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        name.trim().eq_ignore_ascii_case("q") && weight.starts_with('0') && digits
    });
    (name, !zero)
}

/// An answer in JSON as one event of a stream, which ends with it.
pub(super) async fn as_event(response: Response<Body>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    let is_json = head
        .headers
        .get(CONTENT_TYPE)
        .and_then(text)
        .is_some_and(|kind| kind.starts_with("application/json"));
    if !is_json {
        return Response::from_parts(head, body);
    }
    // Absent: a message that is in memory can be read.
    let message = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    head.headers.remove(CONTENT_LENGTH);
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    head.headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    // JSON on one line: a line break inside would end the event's data.
    let parts = [b"event: message\ndata: ".as_slice(), &message, b"\n\n"];
    Response::from_parts(head, Body::from(parts.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_chooses_between_json_and_one_event() {
        for (lines, expected) in [
            (vec![], Form::Json),
            (vec!["*/*"], Form::Json),
            (vec!["application/json"], Form::Json),
            (vec!["Application/*; q=0.1, text/*"], Form::Json),
            (vec!["application/json, text/event-stream"], Form::Json),
            (vec!["text/event-stream", "application/json"], Form::Json),
            (vec!["text/event-stream"], Form::Event),
            (vec!["TEXT/Event-Stream;charset=utf-8"], Form::Event),
            (vec!["text/*"], Form::Event),
            (vec!["application/json;q=0, text/event-stream"], Form::Event),
            (vec!["application/json; q=0.000, */*"], Form::Event),
            (vec!["text/event-stream;q=0"], Form::Json),
            (vec!["text/html"], Form::Json),
            (vec![""], Form::Json),
        ] {
            let mut headers = HeaderMap::new();
            for line in &lines {
                headers.append(ACCEPT, HeaderValue::from_static(line));
            }
            assert_eq!(form(&headers), expected, "{lines:?}");
        }
    }
}
