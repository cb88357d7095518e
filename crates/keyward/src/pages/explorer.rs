//! What the explorer on a page knows: the page's operations, from the document.

use super::tables::Operation;
use crate::base_path::BASE;
use serde_json::{Value, json};

/// The explorer's data as text that can stand in a `script` element.
pub(super) fn data(document: &Value, operations: &[&str]) -> Option<String> {
    let operations: Vec<Value> =
        operations.iter().filter_map(|id| Some(operation(id, &Operation::find(document, id)?))).collect();
    if operations.is_empty() {
        return None;
    }
    let text = json!({ "base": BASE, "operations": operations }).to_string();
    // Nothing in it may end the element.
    Some(text.replace('<', "\\u003c"))
}

fn operation(id: &str, operation: &Operation<'_>) -> Value {
    let body = operation
        .body_example()
        .map(|example| json!({ "example": serde_json::to_string_pretty(example).unwrap_or_default() }));
    json!({
        "id": id,
        "method": operation.method(),
        "path": operation.path(),
        "summary": operation.summary(),
        "scope": operation.scope(),
        "public": operation.is_public(),
        "parameters": operation.resolved_parameters().filter(is_shown).map(parameter).collect::<Vec<_>>(),
        "body": body,
    })
}

/// The explorer says itself which application it is.
fn is_shown(parameter: &&Value) -> bool {
    parameter.get("name") != Some(&Value::from("X-Origin-App"))
}

fn parameter(parameter: &Value) -> Value {
    let schema = parameter.get("schema").unwrap_or(&Value::Null);
    let text = |value: Option<&Value>| match value {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Null) | None => None,
        Some(other) => Some(other.to_string()),
    };
    // A list can be typed as it is written; a choice of one value is a choice.
    let values = schema.get("enum").cloned().unwrap_or(Value::Null);
    json!({
        "name": parameter.get("name"),
        "in": parameter.get("in"),
        "required": parameter.get("required") == Some(&Value::Bool(true)),
        "type": schema.get("type"),
        "enum": values,
        "default": text(schema.get("default")),
        "example": text(parameter.get("example")),
        // The explorer shows text, not Markdown.
        "description": text(parameter.get("description")).map(|about| about.replace('`', "")),
    })
}
