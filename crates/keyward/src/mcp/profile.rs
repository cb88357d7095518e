//! The schemas of arguments as models need them. What stands between a server and a model compiles a schema to a grammar, to
//! another dialect or to types of its own, and one keyword that it does not know ends the session. So an argument's schema has a
//! few keywords that all of them take, and the API goes on to check what they do not say.

use serde_json::{Map, Value, json};

/// The formats that every provider takes.
const FORMATS: [&str; 2] = ["date", "date-time"];
/// The longest description, in characters.
pub(super) const LONGEST: usize = 300;
/// A greater bound tells a model nothing, and grammars spell it out.
const GREATEST_BOUND: f64 = 2_147_483_647.0;
/// References go no deeper than this.
const DEEPEST: usize = 8;
/// What the document says for people who compare editions.
const FOR_PEOPLE: [&str; 2] = [" Keyward's own.", " Later edition."];

/// A schema of the document with what it refers to in its place, and a choice of which one is null as the other one: what is
/// read of it afterwards stands in one object.
pub(super) fn whole(document: &Value, schema: &Value) -> Value {
    resolved(document, schema, DEEPEST)
}

fn resolved(document: &Value, schema: &Value, deep: usize) -> Value {
    let Value::Object(given) = schema else { return schema.clone() };
    let mut members = given.clone();
    if let Some(deeper) = deep.checked_sub(1) {
        if let Some(part) = referred(document, &members) {
            members.remove("$ref");
            merge(&mut members, &resolved(document, &part, deeper));
        }
        take_parts(document, &mut members, deeper);
        for name in ["items", "properties"] {
            if let Some(inner) = members.get_mut(name) {
                *inner = match (name, inner.take()) {
                    ("properties", Value::Object(all)) => all
                        .into_iter()
                        .map(|(name, schema)| (name, resolved(document, &schema, deeper)))
                        .collect(),
                    (_, one) => resolved(document, &one, deeper),
                };
            }
        }
    }
    Value::Object(members)
}

fn referred(document: &Value, members: &Map<String, Value>) -> Option<Value> {
    let to = members.get("$ref")?.as_str()?.strip_prefix('#')?;
    document.pointer(to).cloned()
}

/// Puts the parts of a composed schema into it: all of `allOf`, and the one that is not null of a choice.
fn take_parts(document: &Value, members: &mut Map<String, Value>, deeper: usize) {
    for name in ["allOf", "anyOf", "oneOf"] {
        let Some(Value::Array(parts)) = members.remove(name) else { continue };
        let is_null = |part: &&Value| part.get("type").and_then(Value::as_str) == Some("null");
        let nullable = parts.iter().any(|part| is_null(&part));
        let mut others = parts.iter().filter(|part| !is_null(part)).collect::<Vec<_>>();
        if name != "allOf" {
            others.truncate(1);
        }
        for part in others {
            merge(members, &resolved(document, part, deeper));
        }
        if nullable {
            members.insert("nullable".to_owned(), json!(true));
        }
    }
}

/// What the schema says itself holds against its parts.
fn merge(members: &mut Map<String, Value>, part: &Value) {
    for (name, value) in part.as_object().into_iter().flatten() {
        members.entry(name.clone()).or_insert_with(|| value.clone());
    }
}

/// The type of a value that is not null.
pub(super) fn kind(schema: &Value) -> Option<&str> {
    let named = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        Some(kind) => kind.as_str(),
        None => None,
    };
    let has = |name: &str| schema.get(name).is_some();
    named.or_else(|| has("properties").then_some("object")).or_else(|| has("enum").then_some("string"))
}

/// Whether the API takes null for it.
pub(super) fn takes_null(schema: &Value) -> bool {
    schema.get("nullable") == Some(&json!(true))
        || schema.get("type").and_then(Value::as_array).is_some_and(|kinds| kinds.contains(&json!("null")))
}

/// What a model is given of a schema that stands in one object.
pub(super) fn for_model(schema: &Value) -> Value {
    // Absent: what has no type is taken as text.
    let kind = kind(schema).unwrap_or("string");
    let mut all = Map::from_iter([("type".to_owned(), json!(kind))]);
    let mut put = |name: &str, value: Value| drop(all.insert(name.to_owned(), value));
    if let Some(about) = about(schema) {
        put("description", json!(about));
    }
    if let Some(Value::Array(values)) = schema.get("enum") {
        let values: Vec<&Value> = values.iter().filter(|value| !value.is_null()).collect();
        put("enum", json!(values));
    }
    if let Some(format) = schema.get("format").and_then(Value::as_str).filter(|name| FORMATS.contains(name)) {
        put("format", json!(format));
    }
    for name in ["minimum", "maximum"] {
        let bound =
            schema.get(name).filter(|bound| bound.as_f64().is_some_and(|it| it.abs() < GREATEST_BOUND));
        bound.into_iter().for_each(|bound| put(name, bound.clone()));
    }
    match kind {
        // Absent: items of which nothing is said are texts.
        "array" => put("items", for_model(schema.get("items").unwrap_or(&Value::Null))),
        "object" => all.extend(object(members(schema), schema.get("required").cloned())),
        // Absent: a single value has no parts.
        _ => {}
    }
    Value::Object(all)
}

fn members(schema: &Value) -> Map<String, Value> {
    let named = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    named.map(|(name, schema)| (name.clone(), for_model(schema))).collect()
}

/// The keywords of an object with these members. That it has no others is not said: Google's SDK for Python fails on
/// `additionalProperties: false`, OpenAI's adds it where it is needed, and a call with any other argument is refused.
pub(super) fn object(
    properties: Map<String, Value>,
    required: Option<Value>,
) -> impl Iterator<Item = (String, Value)> {
    let required = required.filter(|names| names.as_array().is_some_and(|names| !names.is_empty()));
    let all = [("properties", Some(Value::Object(properties))), ("required", required)];
    all.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)))
}

/// What it means, and in words what a keyword would say that not all take.
fn about(schema: &Value) -> Option<String> {
    let mut text = schema.get("description")?.as_str()?.to_owned();
    for words in FOR_PEOPLE {
        text = text.replace(words, "");
    }
    let longest = schema.get("maxLength").filter(|_| schema.get("format").is_none());
    if let Some(longest) = longest.and_then(Value::as_u64) {
        text.push_str(&format!(" At most {longest} characters."));
    }
    Some(within(&text))
}

/// A text of at most [`LONGEST`] characters, in whole sentences where that can be.
pub(super) fn within(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(LONGEST) else { return text.to_owned() };
    // Absent: never, the index is of this text.
    let cut = text.get(..end).unwrap_or(text);
    match cut.rfind(". ").and_then(|at| cut.get(..=at)) {
        Some(sentences) => sentences.to_owned(),
        None => format!("{}…", cut.chars().take(LONGEST - 1).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_for_validators_becomes_one_for_models() {
        let document = json!({ "components": { "schemas": {
            "Money": { "type": ["number", "null"], "minimum": 0, "maximum": 90_071_992_547_409.9, "format": "double" },
        } } });
        for (given, expected) in [
            (
                json!({ "type": ["string", "null"], "enum": ["a", null], "description": "Which.", "x-more": 1 }),
                json!({ "type": "string", "description": "Which.", "enum": ["a"] }),
            ),
            (
                json!({ "anyOf": [{ "$ref": "#/components/schemas/Money" }, { "type": "null" }], "description": "How much. Keyward's own." }),
                json!({ "type": "number", "description": "How much.", "minimum": 0 }),
            ),
            (
                json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": r"\S", "description": "A title." }),
                json!({ "type": "string", "description": "A title. At most 255 characters." }),
            ),
            (
                json!({ "type": "string", "format": "email", "pattern": "^(?=.{1,64}@).*$", "maxLength": 254, "description": "Who." }),
                json!({ "type": "string", "description": "Who." }),
            ),
            (
                json!({ "type": ["array", "null"], "items": { "type": "integer", "minimum": 1, "maximum": 9_007_199_254_740_991_u64 }, "minItems": 1 }),
                json!({ "type": "array", "items": { "type": "integer", "minimum": 1 } }),
            ),
            (
                json!({ "type": "object", "required": ["on"], "minProperties": 1, "not": {}, "properties": { "on": { "type": "string", "format": "date-time" } } }),
                json!({ "type": "object", "properties": { "on": { "type": "string", "format": "date-time" } }, "required": ["on"] }),
            ),
        ] {
            assert_eq!(for_model(&whole(&document, &given)), expected, "{given}");
        }
    }

    #[test]
    fn a_long_description_ends_with_a_sentence() {
        let text = format!("{} {}", "First.", "word ".repeat(80));
        assert_eq!(within(&text), "First.");
        assert_eq!(within(&"x".repeat(400)).chars().count(), LONGEST);
        assert_eq!(within("Short."), "Short.");
    }
}
