//! The document as OpenAPI 3.0, for gateways and generators that read nothing newer. It is rendered from the same document.

use serde_json::{Map, Value, json};

/// The same API as that OpenAPI 3.1 document.
pub(crate) fn rendering(document: &Value) -> Value {
    let mut document = document.clone();
    lower(&mut document);
    if let Some(whole) = document.as_object_mut() {
        whole.insert("openapi".to_owned(), json!("3.0.3"));
    }
    // New in 3.1.
    for (place, name) in [("/info", "summary"), ("/info/license", "identifier")] {
        if let Some(Value::Object(members)) = document.pointer_mut(place) {
            members.shift_remove(name);
        }
    }
    document
}

fn lower(value: &mut Value) {
    match value {
        Value::Object(members) => {
            lower_type(members);
            lower_nullable_reference(members);
            let data = ["example", "default", "enum"];
            for (name, member) in members.iter_mut().filter(|(name, _)| !data.contains(&name.as_str())) {
                match name.as_str() {
                    "security" => without_scopes(member),
                    _ => lower(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(lower),
        _ => {}
    }
}

/// `type: [string, null]` is `type: string, nullable: true`.
fn lower_type(members: &mut Map<String, Value>) {
    let Some(Value::Array(kinds)) = members.get_mut("type") else { return };
    let all = kinds.len();
    kinds.retain(|kind| kind != "null");
    let is_nullable = kinds.len() < all;
    // A schema of ours has one type beside null.
    let kind = kinds.first().cloned().unwrap_or_default();
    members.insert("type".to_owned(), kind);
    if is_nullable {
        members.insert("nullable".to_owned(), json!(true));
    }
}

/// A reference or null: `nullable` stands beside `allOf`, since nothing can stand beside `$ref`, and beside a type, without which it
/// has no meaning.
fn lower_nullable_reference(members: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = members.get_mut("oneOf") else { return };
    let all = choices.len();
    choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
    if choices.len() == all {
        return;
    }
    if let Some(choices) = members.shift_remove("oneOf") {
        members.insert("type".to_owned(), json!("object"));
        members.insert("allOf".to_owned(), choices);
        members.insert("nullable".to_owned(), json!(true));
    }
}

/// Scopes are for OAuth and OpenID Connect alone in 3.0; here they remain in `x-required-scope`.
fn without_scopes(security: &mut Value) {
    let requirements = security.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut);
    requirements.flat_map(|requirement| requirement.values_mut()).for_each(|scopes| *scopes = json!([]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_in_3_1_is_written_as_3_0_says_it() {
        let document = json!({
            "openapi": "3.1.0",
            "info": { "title": "t", "summary": "s", "license": { "name": "MIT", "identifier": "MIT" } },
            "security": [{ "bearerAuth": ["deals:read"] }, {}],
            "schema": { "properties": {
                "a": { "type": ["string", "null"], "enum": ["x", null], "maxLength": 1 },
                "type": { "type": "string", "example": { "type": ["null"] } },
                "b": { "oneOf": [{ "$ref": "#/b" }, { "type": "null" }], "description": "B." },
            }},
        });
        let expected = json!({
            "openapi": "3.0.3",
            "info": { "title": "t", "license": { "name": "MIT" } },
            "security": [{ "bearerAuth": [] }, {}],
            "schema": { "properties": {
                "a": { "type": "string", "enum": ["x", null], "maxLength": 1, "nullable": true },
                "type": { "type": "string", "example": { "type": ["null"] } },
                "b": { "type": "object", "allOf": [{ "$ref": "#/b" }], "description": "B.", "nullable": true },
            }},
        });
        assert_eq!(rendering(&document), expected);
    }
}
