//! What makes a shape readable for generators of clients: written out flat, and open in answers.
//!
//! A document can be valid and still yield clients that do not compile, or that reject what the server answers. The rules here
//! are those that the usual generators share; a table test in [`super`] names each.

use serde_json::{Map, Value, json};

const COMPONENTS: &str = "#/components/schemas/";

/// Brings every shape that a type describes of itself into the common form.
pub(super) fn settle_all(all: &mut Map<String, Value>) {
    all.values_mut().for_each(settle);
    let known = all.clone();
    all.values_mut().for_each(|schema| flatten(schema, &known));
}

/// The types name closed sets in an extension, since those are constants and not enums. Of something that can be null, the
/// description belongs to the whole, not to the reference within.
fn settle(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Array(mut values)) = members.shift_remove("x-enum") {
                if members.get("type").is_some_and(admits_null) {
                    values.push(Value::Null);
                }
                members.insert("enum".to_owned(), Value::Array(values));
            }
            // What is said of a reference is said by what it leads to: 3.0 admits nothing beside it.
            if members.contains_key("$ref") {
                members.retain(|name, _| name == "$ref");
            }
            if let Some(about) = members.get_mut("oneOf").and_then(description_of_reference) {
                members.insert("description".to_owned(), about);
            }
            members.values_mut().for_each(settle);
        }
        Value::Array(items) => items.iter_mut().for_each(settle),
        _ => {}
    }
}

/// Whether a `type` names `null` among others.
fn admits_null(kind: &Value) -> bool {
    kind.as_array().is_some_and(|kinds| kinds.contains(&json!("null")))
}

fn description_of_reference(one_of: &mut Value) -> Option<Value> {
    let mut references = one_of.as_array_mut()?.iter_mut().filter_map(Value::as_object_mut);
    references.find(|one| one.contains_key("$ref"))?.shift_remove("description")
}

/// Replaces every `allOf` by the one object that it describes: clients that check each part alone reject a null in another.
fn flatten(schema: &mut Value, known: &Map<String, Value>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Array(parts)) = members.shift_remove("allOf") {
                let about = members.shift_remove("description");
                for part in parts {
                    add_part(members, resolve(part, known));
                }
                members.extend(about.map(|about| ("description".to_owned(), about)));
            }
            members.values_mut().for_each(|member| flatten(member, known));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| flatten(item, known)),
        _ => {}
    }
}

fn resolve(part: Value, known: &Map<String, Value>) -> Value {
    let name = part.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(COMPONENTS));
    // Absent: it is written out, or names what is not there, which a test of the document finds.
    name.and_then(|name| known.get(name)).cloned().unwrap_or(part)
}

/// Adds the members of one part: its properties to the properties, its required names to those.
fn add_part(whole: &mut Map<String, Value>, part: Value) {
    let Value::Object(part) = part else { return };
    for (name, value) in part {
        match (whole.get_mut(&name), value) {
            (Some(Value::Object(ours)), Value::Object(theirs)) => ours.extend(theirs),
            (Some(Value::Array(ours)), Value::Array(theirs)) if name == "required" => ours.extend(theirs),
            (_, value) => drop(whole.insert(name, value)),
        }
    }
}

/// The two shapes of an answer as one object, which requires what both require. Generators choose between alternatives by
/// rules of their own, and some cannot at all.
pub(super) fn either(one: &Value, other: &Value, about: &str) -> Value {
    let required =
        |schema: &Value| schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let (ours, theirs) = (required(one), required(other));
    let both: Vec<Value> = ours.into_iter().filter(|name| theirs.contains(name)).collect();
    let properties =
        |schema: &Value| schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut all = properties(other);
    all.extend(properties(one));
    json!({ "type": "object", "description": about, "required": both, "properties": all })
}

/// Says of every object of an answer that it can have more members some day. Without it some generators make clients that
/// reject an answer with a member that they do not know.
pub(super) fn open(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("properties").is_some_and(Value::is_object)
                && members.get("type") == Some(&json!("object"))
            {
                members.insert("additionalProperties".to_owned(), json!(true));
            }
            members.values_mut().for_each(open);
        }
        Value::Array(items) => items.iter_mut().for_each(open),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_become_one_object_with_the_words_of_the_whole() {
        let mut all = Map::new();
        all.insert(
            "Key".to_owned(),
            json!({ "type": "object", "description": "A key.", "required": ["id"], "properties": {
                "id": { "type": "integer" },
                "kind": { "type": ["string", "null"], "x-enum": ["a"] },
            }}),
        );
        all.insert(
            "KeyWithSecret".to_owned(),
            json!({ "description": "With its secret.", "allOf": [
                { "$ref": "#/components/schemas/Key" },
                { "type": "object", "required": ["secret"], "properties": { "secret": { "type": "string" } } },
            ]}),
        );
        settle_all(&mut all);
        let expected = json!({ "type": "object", "required": ["id", "secret"], "properties": {
            "id": { "type": "integer" },
            "kind": { "type": ["string", "null"], "enum": ["a", null] },
            "secret": { "type": "string" },
        }, "description": "With its secret." });
        assert_eq!(all["KeyWithSecret"], expected);
    }

    #[test]
    fn two_shapes_become_one_that_requires_what_both_do() {
        let one = json!({ "required": ["a", "b"], "properties": { "a": 1, "b": 1 } });
        let other = json!({ "required": ["a", "c"], "properties": { "a": 2, "c": 2 } });
        let expected = json!({
            "type": "object", "description": "x", "required": ["a"], "properties": { "a": 1, "c": 2, "b": 1 },
        });
        assert_eq!(either(&one, &other, "x"), expected);
    }

    #[test]
    fn what_is_said_of_a_reference_that_can_be_null_is_said_of_the_whole() {
        let mut all = Map::new();
        let property = json!({ "oneOf": [{ "$ref": "#/components/schemas/B", "description": "Of it." }, { "type": "null" }] });
        all.insert("A".to_owned(), property);
        settle_all(&mut all);
        let expected = json!({ "oneOf": [{ "$ref": "#/components/schemas/B" }, { "type": "null" }], "description": "Of it." });
        assert_eq!(all["A"], expected);
    }
}
