//! Answers: the success of each operation in its envelope, and every error that it can give.

use super::errors::{faults, meaning};
use super::examples;
use super::operations::Facts;
use crate::problem::status;
use crate::routes::{Access, Row};
use http::Method;
use keyward_core::denial::Code;
use keyward_core::list::Paging;
use serde_json::{Map, Value, json};

/// The headers of answers.
pub(super) fn headers() -> Value {
    let text = |about: &str| json!({ "description": about, "schema": { "type": "string" } });
    let number = |about: &str| json!({ "description": about, "schema": { "type": "integer", "format": "int32", "minimum": 0 } });
    json!({
        "X-Request-Id": {
            "description": "The request's id. On a replay the body keeps the first request's.",
            "required": true,
            "schema": { "type": "string", "format": "uuid" },
        },
        "RateLimit-Policy": text("The limit: its name, `q` requests in any `w` seconds (draft-ietf-httpapi-ratelimit-headers). Absent where nothing is limited."),
        "RateLimit": text("How the limit stands: `r` requests remain, one more in `t` seconds. Absent where nothing is limited."),
        "Retry-After": number("Seconds to wait."),
        "ETag": text("Names the state of the resource (RFC 9110 §8.8.3), for `If-None-Match` and, of one resource, for `If-Match`. That of a list is weak: it names what the page shows."),
        "Location": text("Where what was made can be read."),
        "Idempotency-Replayed": { "description": "`true`: this is the first answer, sent again.", "schema": { "type": "string" } },
        "Link": text("Leads to the error's page, with `rel=\"help\"`."),
        "WWW-Authenticate": text("What kind of credential is asked for, and what is wrong (RFC 6750 §3)."),
    })
}

/// The errors that operations refer to. One that has an example of its own stands in its operation.
pub(super) fn components(paths: &Map<String, Value>) -> Value {
    let text = Value::Object(paths.clone()).to_string();
    let is_used = |code: &&Code| text.contains(&format!("\"{RESPONSES}{}\"", name_of(**code)));
    let used = Code::ALL.iter().filter(is_used);
    Value::Object(used.map(|code| (name_of(*code), component(*code))).collect())
}

const RESPONSES: &str = "#/components/responses/";

fn component(code: Code) -> Value {
    let mut names = vec!["X-Request-Id", "Link"];
    names.extend(match code {
        Code::Unauthorized | Code::Forbidden => &["WWW-Authenticate"] as &[&str],
        Code::RateLimited => &["Retry-After", "RateLimit", "RateLimit-Policy"],
        Code::Conflict | Code::ServiceUnavailable => &["Retry-After"],
        _ => &[],
    });
    // What is refused after the limit was looked at tells how that stands, too.
    if !matches!(code, Code::Unauthorized | Code::RateLimited | Code::HeadersTooLarge) {
        names.extend(["RateLimit", "RateLimit-Policy"]);
    }
    let example = examples::of_fault(code).or_else(|| {
        faults().find(|fault| fault.code() == code).map(|fault| {
            json!({
                "request_id": examples::REQUEST_ID,
                "error": { "code": code.name(), "message": fault.message() },
            })
        })
    });
    let mut content =
        Map::from_iter([("schema".to_owned(), json!({ "$ref": "#/components/schemas/Error" }))]);
    content.extend(example.map(|example| ("example".to_owned(), example)));
    json!({
        "description": meaning(code).0,
        "headers": named(&names),
        "content": { "application/json": content },
    })
}

/// `BAD_REQUEST` → `BadRequest`.
fn name_of(code: Code) -> String {
    let words = code.name().split('_');
    words
        .map(|word| {
            word.chars().take(1).collect::<String>()
                + &word.chars().skip(1).collect::<String>().to_ascii_lowercase()
        })
        .collect()
}

fn named(names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })))
        .collect()
}

/// Every answer of an operation, by status.
pub(super) fn of(row: &Row, facts: &Facts) -> Value {
    let mut all = Map::from_iter([(facts.status.to_string(), success(row, facts))]);
    if facts.has_etag() && row.method == Method::GET {
        all.insert("304".to_owned(), not_modified());
    }
    for code in codes(row, facts) {
        let number = status(code).as_u16();
        let shared = json!({ "$ref": format!("{RESPONSES}{}", name_of(code)) });
        let own = examples::of(row.id, number).map(|example| own_error(code, &example));
        all.insert(number.to_string(), own.unwrap_or(shared));
    }
    Value::Object(all)
}

/// The error with an example of this very operation.
fn own_error(code: Code, example: &Value) -> Value {
    let mut error = component(code);
    if let Some(slot) = error.pointer_mut("/content/application~1json").and_then(Value::as_object_mut) {
        slot.insert("example".to_owned(), example.clone());
    }
    error
}

/// The codes of the errors of an operation, by status.
pub(super) fn codes(row: &Row, facts: &Facts) -> Vec<Code> {
    let caller = matches!(row.access, Access::Caller(_));
    let sends = row.method != Method::GET;
    // Of an operation that takes no body, a body with members is refused too.
    let invalid = sends;
    let may = [
        (Code::BadRequest, true),
        (Code::Unauthorized, caller),
        (Code::Forbidden, caller),
        (Code::NotFound, facts.not_found),
        (Code::Conflict, row.commits),
        (Code::PreconditionFailed, facts.if_match),
        (Code::PayloadTooLarge, true),
        (Code::UnsupportedMediaType, sends),
        (Code::ValidationError, invalid),
        (Code::RateLimited, true),
        (Code::HeadersTooLarge, true),
        (Code::InternalError, true),
        (Code::ServiceUnavailable, true),
    ];
    may.into_iter().filter_map(|(code, can)| can.then_some(code)).collect()
}

fn not_modified() -> Value {
    let names = ["X-Request-Id", "RateLimit-Policy", "RateLimit", "ETag"];
    json!({ "description": "`If-None-Match` names what would be sent: nothing has changed.", "headers": named(&names) })
}

fn success(row: &Row, facts: &Facts) -> Value {
    let mut names = vec!["X-Request-Id", "RateLimit-Policy", "RateLimit"];
    names.extend(facts.has_etag().then_some("ETag"));
    names.extend(facts.location.then_some("Location"));
    names.extend(row.commits.then_some("Idempotency-Replayed"));
    let of = |schema: &str| json!({ "$ref": format!("#/components/schemas/{schema}") });
    let item = if shows_fields(facts) { of(&format!("Partial{}", facts.schema)) } else { of(facts.schema) };
    let data = if facts.is_list { json!({ "type": "array", "items": item }) } else { item };
    let mut properties = Map::from_iter([
        (
            "request_id".to_owned(),
            json!({ "type": "string", "format": "uuid", "description": "The request's id, as in `X-Request-Id`." }),
        ),
        (
            "timestamp".to_owned(),
            json!({ "type": "string", "format": "date-time", "description": "When it was answered, in whole seconds of UTC." }),
        ),
        ("data".to_owned(), data),
    ]);
    if facts.is_list {
        properties.insert("pagination".to_owned(), pagination(facts));
    }
    let required: Vec<String> = properties.keys().cloned().collect();
    let mut content = Map::from_iter([(
        "schema".to_owned(),
        json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": true }),
    )]);
    content.extend(examples::of(row.id, facts.status).map(|example| ("example".to_owned(), example)));
    let about = if facts.status == 201 { "It is made." } else { "As asked." };
    json!({ "description": about, "headers": named(&names), "content": { "application/json": content } })
}

/// Whether `fields` can leave members out.
fn shows_fields(facts: &Facts) -> bool {
    facts.grammar.is_some_and(|grammar| !grammar.fields.is_empty())
}

fn pagination(facts: &Facts) -> Value {
    let shape = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    match facts.grammar {
        Some(grammar) if grammar.paging == Paging::Offset => shape("OffsetPagination"),
        Some(grammar) if !grammar.sorts.is_empty() => shape("Pagination"),
        _ => shape("CursorPagination"),
    }
}
