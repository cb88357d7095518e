//! Results and refusals for a model. A result is one text, which is its data as JSON: there are clients that show a model the
//! first text alone, and others that read it as JSON.

use super::catalog::Entry;
use super::schema::Place;
use super::size;
use super::tools::Does;
use http::StatusCode;
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value, json};

/// How a result holds its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As text.
    Text,
    /// As text, and as the structured content that the tool's output schema describes.
    Both,
}

impl Form {
    /// The most tokens of the data.
    const fn room(self) -> usize {
        match self {
            Self::Text => size::room(1),
            Self::Both => size::room(2),
        }
    }
}

/// What is wrong with a call, for whoever made it.
pub(super) fn wrong(text: &str) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

/// A refusal of the API.
pub(super) fn refusal(
    entry: &Entry,
    status: StatusCode,
    body: &Value,
    after: Option<&str>,
) -> CallToolResult {
    // Absent: it is a refusal without words too.
    let message = body.pointer("/error/message").and_then(Value::as_str).unwrap_or("It was refused");
    let fields = body.pointer("/error/details/fields").and_then(Value::as_array);
    let text = match (status, fields) {
        (StatusCode::UNPROCESSABLE_ENTITY, Some(fields)) => {
            let each = fields.iter().filter_map(|field| field.get("message").and_then(Value::as_str));
            format!("Validation failed: {}", each.collect::<Vec<_>>().join("; "))
        }
        (StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST, _) => {
            format!("Validation failed: {message}")
        }
        (StatusCode::UNAUTHORIZED, _) => format!("Unauthorized: {message}"),
        (StatusCode::FORBIDDEN, _) => format!("Not allowed: {message}"),
        (StatusCode::TOO_MANY_REQUESTS, _) => match after {
            Some(seconds) => format!("{message} (in {seconds} s)"),
            None => message.to_owned(),
        },
        // Absent: the message of any other refusal says enough.
        _ => message.to_owned(),
    };
    wrong(&as_called(entry, text))
}

/// With the arguments by the names that the call has for them.
fn as_called(entry: &Entry, text: String) -> String {
    entry.arguments.iter().fold(text, |text, argument| match &argument.place {
        Place::Query(name) if *name != argument.name => text.replace(name.as_str(), &argument.name),
        Place::Once => {
            let text = text.replace("Idempotency-Key", &argument.name);
            let end = " must be a UUID";
            if text.ends_with(end) { text + "; leave it out to send none" } else { text }
        }
        Place::Query(_) | Place::Path | Place::Body => text,
    })
}

/// How many of a page's items fit into a result, if not all do.
pub(super) fn too_many(body: &Value, form: Form) -> Option<usize> {
    let items = body.get("data").and_then(Value::as_array)?;
    let fitting = size::fitting(items, form.room());
    (fitting < items.len()).then_some(fitting)
}

/// What the API has answered.
pub(super) fn result(entry: &Entry, mut body: Value, form: Form) -> CallToolResult {
    let fitting = too_many(&body, form);
    // Absent: a response without data holds nothing.
    let mut data = body.get_mut("data").map(Value::take).unwrap_or_default();
    if let (Some(list), Some(fitting)) = (data.as_array_mut(), fitting) {
        list.truncate(fitting);
    }
    let shortened = size::shorten(&mut data, form.room());
    let tool = entry.tool;
    let mut all = Map::new();
    if tool.does != Does::Reads {
        all.insert("message".to_owned(), json!(tool.done));
    }
    let mut notes = Vec::new();
    if let Some(pagination) = body.get("pagination") {
        // Absent: what is no list has no items.
        let showing = data.as_array().map_or(0, Vec::len);
        notes.extend(paged(&mut all, showing, pagination, fitting.is_some()));
    }
    let unpaged = fitting.is_some() && notes.is_empty();
    notes.extend((shortened || unpaged).then(|| SHORTENED.to_owned()));
    if !notes.is_empty() {
        all.insert("note".to_owned(), json!(notes.join(" ")));
    }
    all.insert(tool.holds.to_owned(), data);
    let structured = Value::Object(all);
    let mut result = CallToolResult::success(vec![ContentBlock::text(structured.to_string())]);
    result.structured_content = (form == Form::Both).then_some(structured);
    result
}

/// What is said of data that would be too long even alone.
const SHORTENED: &str = "Too long for one result, so long texts end in … and lists have their first items alone. Ask for less (without include), or \
                         read the parts with their own tools.";

/// Adds where the page stands, and returns what to do for more of it.
fn paged(all: &mut Map<String, Value>, showing: usize, pagination: &Value, cut: bool) -> Option<String> {
    let total = pagination.get("total").or_else(|| pagination.get("total_count")).and_then(Value::as_u64);
    let more = pagination.get("has_more") == Some(&Value::Bool(true)) || cut;
    let cursor = pagination.get("next_cursor").and_then(Value::as_str);
    let offset = pagination.get("offset").and_then(Value::as_u64);
    all.extend(total.map(|total| ("total".to_owned(), json!(total))));
    all.insert("showing".to_owned(), json!(showing));
    all.insert("has_more".to_owned(), json!(more));
    if cut && offset.is_none() {
        // A cursor would stand behind what is left out, and a list that goes by cursors takes no offset.
        return Some(format!("More would be too long for one result: call again with limit {showing}."));
    }
    match (cursor, offset) {
        // Absent: the page is the last one.
        _ if !more => None,
        (Some(cursor), _) => {
            all.insert("next_cursor".to_owned(), json!(cursor));
            Some("There are more: call again with next_cursor as cursor.".to_owned())
        }
        (None, Some(offset)) => {
            let offset = offset + showing as u64;
            all.insert("next_offset".to_owned(), json!(offset));
            Some(format!("There are more: call again with offset {offset}."))
        }
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_goes_by_cursors_is_never_continued_by_an_offset() {
        for (pagination, cut, next) in [
            (json!({ "next_cursor": null, "has_more": false }), false, None),
            (json!({ "next_cursor": null, "has_more": false }), true, Some("call again with limit 2.")),
            (
                json!({ "next_cursor": "c", "has_more": true }),
                false,
                Some("call again with next_cursor as cursor."),
            ),
            (json!({ "next_cursor": "c", "has_more": true }), true, Some("call again with limit 2.")),
            (json!({ "offset": 3, "has_more": true }), false, Some("call again with offset 5.")),
            (json!({ "offset": 3, "has_more": false }), true, Some("call again with offset 5.")),
            (json!({ "has_more": true }), false, None),
        ] {
            let mut all = Map::new();
            let note = paged(&mut all, 2, &pagination, cut);
            let said = note.as_deref().and_then(|note| note.split_once(": ")).map(|(_, next)| next);
            assert_eq!(said, next, "{pagination}");
            assert_eq!(
                all.contains_key("next_offset"),
                next.is_some_and(|it| it.contains("offset")),
                "{pagination}"
            );
            assert_eq!(all["showing"], 2);
        }
    }
}
