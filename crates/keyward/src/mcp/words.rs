//! Results and refusals for a model: data as data, and beside it what a reader wants to know first.

use super::catalog::Entry;
use super::schema::Place;
use super::tools::Does;
use http::StatusCode;
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value, json};

/// The longest text of a result, in bytes: what the clients that cut results cut at is more.
const LONGEST: usize = 100_000;

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
        Place::Once => text.replace("Idempotency-Key", &argument.name),
        Place::Query(_) | Place::Path | Place::Body => text,
    })
}

/// What the API has answered.
pub(super) fn result(entry: &Entry, mut body: Value) -> CallToolResult {
    let (data, pagination) = (body.get_mut("data").map(Value::take), body.get("pagination").cloned());
    let tool = entry.tool;
    let mut all = Map::new();
    if tool.does != Does::Reads {
        all.insert("message".to_owned(), json!(tool.done));
    }
    all.extend(data.map(|data| (tool.holds.to_owned(), data)));
    let whole = items(&all, tool.holds);
    fit(&mut all, tool.holds);
    let cut = items(&all, tool.holds) < whole;
    let mut said = Vec::new();
    said.extend(Some(tool.done.to_owned()).filter(|done| !done.is_empty()));
    said.extend(pagination.map(|pagination| paged(&mut all, tool.holds, &pagination, cut)));
    let summary = match (tool.holds, all.get(tool.holds)) {
        ("deals", Some(Value::Array(deals))) => deals.iter().map(deal).collect(),
        ("deal", Some(one)) => vec![deal(one)],
        // Absent: only of deals there is a summary beside the data.
        _ => Vec::new(),
    };
    said.extend(summary);
    let structured = Value::Object(all);
    let mut content = Vec::new();
    if !said.is_empty() {
        content.push(ContentBlock::text(said.join("\n")));
    }
    content.push(ContentBlock::text(structured.to_string()));
    let mut result = CallToolResult::success(content);
    result.structured_content = Some(structured);
    result
}

fn items(all: &Map<String, Value>, holds: &str) -> usize {
    // Absent: what is no list has no items.
    all.get(holds).and_then(Value::as_array).map_or(0, Vec::len)
}

/// Leaves out the last items of a list that would be too long to be read.
fn fit(all: &mut Map<String, Value>, holds: &str) {
    while let Some(Value::Array(list)) = all.get_mut(holds)
        && list.len() > 1
        && list.iter().map(|item| item.to_string().len()).sum::<usize>() > LONGEST
    {
        list.truncate(list.len() / 2);
    }
}

/// Adds where the page stands, and says it.
fn paged(all: &mut Map<String, Value>, holds: &str, pagination: &Value, cut: bool) -> String {
    let showing = items(all, holds);
    let total = pagination.get("total").or_else(|| pagination.get("total_count")).and_then(Value::as_u64);
    let more = pagination.get("has_more") == Some(&Value::Bool(true)) || cut;
    let cursor = pagination.get("next_cursor").and_then(Value::as_str);
    let offset = pagination.get("offset").and_then(Value::as_u64);
    all.extend(total.map(|total| ("total".to_owned(), json!(total))));
    all.insert("showing".to_owned(), json!(showing));
    all.insert("has_more".to_owned(), json!(more));
    let mut text = match total {
        Some(total) => format!("{showing} of {total} {holds}."),
        None => format!("{showing} {holds}."),
    };
    if cut && offset.is_none() {
        // A cursor would stand behind what is left out, and a list that goes by cursors takes no offset.
        text.push_str(&format!(" More would be too long for one answer: ask with limit {showing}."));
    } else if more {
        if let Some(cursor) = cursor {
            all.insert("next_cursor".to_owned(), json!(cursor));
            text.push_str(&format!(" There are more: call again with cursor \"{cursor}\"."));
        } else if let Some(offset) = offset.map(|offset| offset + showing as u64) {
            all.insert("next_offset".to_owned(), json!(offset));
            text.push_str(&format!(" There are more: call again with offset {offset}."));
        }
    }
    text
}

/// A deal in a line.
fn deal(deal: &Value) -> String {
    let text = |name: &str| deal.get(name).and_then(Value::as_str);
    // Absent: a deal need not have a title; its id is always there.
    let mut line =
        format!("#{} {}", deal.get("id").unwrap_or(&Value::Null), text("title").unwrap_or("(no title)"));
    if let Some(amount) = deal.get("loan_amount").and_then(Value::as_f64) {
        line.push_str(&format!(" · {}", dollars(amount)));
    }
    for name in ["loan_type", "transaction_type", "business_plan"] {
        if let Some(kind) = text(name) {
            line.push_str(&format!(" · {}", kind.replace('_', " ")));
        }
    }
    if let Some(day) = text("close_date").or_else(|| text("estimated_close_date")) {
        line.push_str(&format!(" · closes {day}"));
    }
    line
}

fn dollars(amount: f64) -> String {
    match amount {
        amount if amount >= 1e9 => format!("${:.2} billion", amount / 1e9),
        amount if amount >= 1e6 => format!("${:.2} million", amount / 1e6),
        amount if amount >= 1e3 => format!("${:.0} thousand", amount / 1e3),
        amount => format!("${amount:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_goes_by_cursors_is_never_continued_by_an_offset() {
        for (pagination, cut, next) in [
            (json!({ "next_cursor": null, "has_more": false }), false, None),
            (json!({ "next_cursor": null, "has_more": false }), true, Some("ask with limit 2")),
            (json!({ "next_cursor": "c", "has_more": true }), false, Some("call again with cursor \"c\"")),
            (json!({ "next_cursor": "c", "has_more": true }), true, Some("ask with limit 2")),
            (json!({ "offset": 3, "has_more": true }), false, Some("call again with offset 5")),
            (json!({ "offset": 3, "has_more": false }), true, Some("call again with offset 5")),
            (json!({ "has_more": true }), false, None),
        ] {
            let mut all = Map::from_iter([("deals".to_owned(), json!([1, 2]))]);
            let text = paged(&mut all, "deals", &pagination, cut);
            assert_eq!(
                text.split_once(": ").map(|(_, next)| next.trim_end_matches('.')),
                next,
                "{pagination}"
            );
            assert_eq!(all.contains_key("next_offset"), text.contains("offset"), "{pagination}");
        }
    }
}
