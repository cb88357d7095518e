//! The arguments of a call as models and clients send them: numbers as doubles or as text, lists and objects as text, something
//! empty for what is left out. Where one thing alone can be meant it is taken; the API judges what is then there.

use super::catalog::Entry;
use super::profile::{kind, takes_null};
use super::schema::{Argument, MOST, Place, USUAL};
use rmcp::model::JsonObject;
use serde_json::{Map, Number, Value, json};
use url::form_urlencoded;

/// What clients add of their own to every call, whatever the tool takes.
const CLIENTS_OWN: [&str; 9] = [
    "toolCallId",
    "tool_call_id",
    "sessionId",
    "session_id",
    "requestId",
    "chatInput",
    "action",
    "tool",
    "_meta",
];
/// Beyond this not every number is itself: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The arguments by where they go.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// The path, with each id in its place.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) members: Map<String, Value>,
    /// What stands in `Idempotency-Key`.
    pub(super) once: Option<String>,
}

impl Sorted {
    /// Sorts the arguments of a call, or returns what is wrong with them.
    pub(super) fn of(entry: &Entry, mut given: JsonObject) -> Result<Self, String> {
        let mut sorted = Self { path: entry.path.clone(), ..Self::default() };
        for argument in &entry.arguments {
            match meant(argument, given.remove(&argument.name)) {
                Some(value) => sorted.put(argument, value)?,
                None if argument.required => return Err(format!("{} is required", argument.name)),
                None if argument.is_limit() => sorted.query.push(("limit".to_owned(), USUAL.to_string())),
                None => {}
            }
        }
        no_others(entry, &given)?;
        Ok(sorted)
    }

    fn put(&mut self, argument: &Argument, value: Value) -> Result<(), String> {
        let name = argument.name.as_str();
        match &argument.place {
            Place::Path => self.path = self.path.replace(&format!("{{{name}}}"), &in_path(name, &value)?),
            Place::Query(_) if argument.is_limit() && !is_limit(&value) => {
                return Err(format!("limit must be an integer from 1 to {MOST}"));
            }
            // It is where a list begins anyway, and refused where the list goes by cursors.
            Place::Query(to) if to == "offset" && value == json!(0) => {}
            Place::Query(to) => {
                let text = in_query(&value).ok_or_else(|| format!("{name} must be one value"))?;
                self.query.push((to.clone(), text));
            }
            Place::Body => drop(self.members.insert(name.to_owned(), value)),
            Place::Once => {
                let Value::String(key) = value else {
                    return Err(format!("{name} must be a UUID; leave it out to send none"));
                };
                self.once = Some(key);
            }
        }
        Ok(())
    }

    /// Asks for fewer items, and returns whether a list takes such a wish.
    pub(super) fn limit_to(&mut self, fewer: usize) -> bool {
        let limit = self.query.iter_mut().find(|(name, _)| name == "limit");
        limit.map(|(_, value)| *value = fewer.to_string()).is_some()
    }

    /// The path with the query behind it.
    pub(super) fn target(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        format!("{}?{query}", self.path)
    }
}

/// Refuses what is no argument: a model that misspells a filter must not be given everything.
fn no_others(entry: &Entry, given: &JsonObject) -> Result<(), String> {
    let unknown = given.keys().filter(|name| !CLIENTS_OWN.contains(&name.as_str())).take(5);
    let unknown: Vec<String> =
        unknown.map(|name| name.chars().take(64).flat_map(char::escape_debug).collect()).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let known: Vec<&str> = entry.arguments.iter().map(|argument| argument.name.as_str()).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(format!("There is no argument {}; those of {} are: {known}", unknown.join(", "), entry.tool.name))
}

/// What an argument's value means; `None`: that it is left out.
fn meant(argument: &Argument, value: Option<Value>) -> Option<Value> {
    let value = as_typed(&argument.takes, value?);
    let left_out = is_empty(&value) && !argument.narrows && !(value.is_null() && argument.clears);
    let left_out = left_out && (!argument.required || value.is_null());
    (!left_out).then_some(value)
}

/// What clients and models send for an argument that they have no value for.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// The value as its schema has it, where what was sent can mean no other; else as it was sent.
fn as_typed(schema: &Value, value: Value) -> Value {
    match (kind(schema), value) {
        // Absent: a number that the API refuses.
        (Some("integer"), Value::Number(number)) => Value::Number(whole(&number).unwrap_or(number)),
        (Some("integer" | "number"), Value::String(text)) => match number(&text) {
            Some(number) => as_typed(schema, Value::Number(number)),
            None => Value::String(text),
        },
        (Some("boolean"), Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            // Absent: a text that the API refuses.
            _ => Value::String(text),
        },
        (Some("array"), value) => as_list(schema, value),
        (Some("object"), Value::String(text)) => match serde_json::from_str(&text) {
            Ok(Value::Object(members)) => as_typed(schema, Value::Object(members)),
            // Absent: a text that the API refuses.
            _ => Value::String(text),
        },
        (Some("object"), Value::Object(members)) => Value::Object(as_members(schema, members)),
        (_, value) => value,
    }
}

/// Text is one number and no list of digits with signs between.
fn number(text: &str) -> Option<Number> {
    match serde_json::from_str(text.trim()) {
        Ok(Value::Number(number)) => Some(number),
        // Absent: no number.
        _ => None,
    }
}

/// `7.0` is the integer 7 (JSON Schema Validation §6.1.1).
fn whole(number: &Number) -> Option<Number> {
    let double = number.as_f64().filter(|_| number.is_f64())?;
    let is_whole = double.fract() == 0.0 && double.abs() < EXACT;
    // Absent: no integer; the API refuses it.
    let integer = format!("{double:.0}").parse::<i64>().ok();
    integer.filter(|_| is_whole).map(Number::from)
}

fn as_list(schema: &Value, value: Value) -> Value {
    // Absent: items of which nothing is said stay as they are.
    let one = schema.get("items").unwrap_or(&Value::Null);
    let all = |items: Vec<Value>| items.into_iter().map(|item| as_typed(one, item)).collect();
    match value {
        Value::Array(items) => all(items),
        Value::String(text) if text.trim().is_empty() => Value::String(String::new()),
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(Value::Array(items)) => all(items),
            // Absent: no list; a free text may hold commas.
            _ if one.get("enum").is_none() && kind(one) == Some("string") => all(vec![json!(text)]),
            // Absent: a list as people write it.
            _ => all(text.split(',').map(|item| json!(item.trim())).collect()),
        },
        Value::Number(_) | Value::Bool(_) => all(vec![value]),
        Value::Null | Value::Object(_) => value,
    }
}

/// Members of an object: what is empty is left out, as an argument is, and null stays where it clears something.
fn as_members(schema: &Value, members: Map<String, Value>) -> Map<String, Value> {
    // Absent: a member that the schema does not have stays as it is, and the API names it.
    let of = |name: &str| schema.get("properties").and_then(|all| all.get(name)).unwrap_or(&Value::Null);
    let typed = members.into_iter().map(|(name, value)| {
        let value = as_typed(of(&name), value);
        (name, value)
    });
    typed.filter(|(name, value)| !is_empty(value) || (value.is_null() && takes_null(of(name)))).collect()
}

fn is_limit(value: &Value) -> bool {
    value.as_u64().is_some_and(|wanted| (1..=MOST).contains(&wanted))
}

/// A value as one part of the path, whatever it is.
fn in_path(name: &str, value: &Value) -> Result<String, String> {
    let text = match value {
        Value::String(text) if !text.is_empty() && text != "." && text != ".." => text.clone(),
        Value::Number(number) if !number.is_f64() => number.to_string(),
        Value::Number(_) => return Err(format!("{name} must be an integer")),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            return Err(format!("{name} must be an id"));
        }
    };
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    Ok(encoded.replace('+', "%20"))
}

/// A value as the query has it: a list is joined by commas.
fn in_query(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Array(items) => {
            items.iter().map(in_query).collect::<Option<Vec<_>>>().map(|items| items.join(","))
        }
        Value::Null | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_as_its_schema_has_it_where_no_other_can_be_meant() {
        let id = json!({ "type": "integer" });
        let money = json!({ "type": ["number", "null"] });
        let flag = json!({ "type": "boolean" });
        let kinds = json!({ "type": "array", "items": { "type": "string", "enum": ["land", "permanent"] } });
        let ids = json!({ "type": "array", "items": { "type": "integer" } });
        let texts = json!({ "type": "array", "items": { "type": "string" } });
        let more = json!({ "type": "object", "properties": {
            "price": { "type": ["number", "null"] }, "name": { "type": "string" }, "ids": ids } });
        for (schema, sent, meant) in [
            (&id, json!(7.0), json!(7)),
            (&id, json!("7"), json!(7)),
            (&id, json!(" 7.0 "), json!(7)),
            (&id, json!(7.5), json!(7.5)),
            (&id, json!("seven"), json!("seven")),
            (&id, json!("../me"), json!("../me")),
            (&id, json!(9_007_199_254_740_991_i64), json!(9_007_199_254_740_991_i64)),
            (&id, json!(1e300), json!(1e300)),
            (&money, json!("16777217.25"), json!(16_777_217.25)),
            (&money, json!("5,000"), json!("5,000")),
            (&flag, json!("True"), json!(true)),
            (&flag, json!("yes"), json!("yes")),
            (&kinds, json!("land"), json!(["land"])),
            (&kinds, json!("land, permanent"), json!(["land", "permanent"])),
            (&kinds, json!("[\"land\"]"), json!(["land"])),
            (&kinds, json!([]), json!([])),
            (&kinds, json!(""), json!("")),
            (&ids, json!("[1, \"2\", 3.0]"), json!([1, 2, 3])),
            (&ids, json!("1,2"), json!([1, 2])),
            (&ids, json!(1), json!([1])),
            (&texts, json!("one, and two"), json!(["one, and two"])),
            (&more, json!("{\"price\":\"5\"}"), json!({ "price": 5 })),
            (&more, json!({ "price": null, "name": null, "ids": [] }), json!({ "price": null })),
            (&more, json!({ "price": "", "other": 1 }), json!({ "other": 1 })),
            (&more, json!("none"), json!("none")),
        ] {
            assert_eq!(as_typed(schema, sent.clone()), meant, "{sent} for {schema}");
        }
    }
}
