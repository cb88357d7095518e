//! What converters hand to a provider must be what the provider takes. The providers cannot be asked here, so it is held against
//! what they document and what they are known to refuse.

use serde_json::Value;

/// The keywords that every provider takes. Others stop a whole session at one provider or another.
const KEYWORDS: [&str; 11] = [
    "type",
    "description",
    "enum",
    "format",
    "minimum",
    "maximum",
    "items",
    "properties",
    "required",
    "additionalProperties",
    // What Gemini's converters add.
    "title",
];
const KINDS: [&str; 6] = ["object", "array", "string", "integer", "number", "boolean"];
const FORMATS: [&str; 2] = ["date", "date-time"];

/// What is wrong with the tools that the converters of a client's last line have made.
pub(crate) fn faults(told: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for converter in told["shown"].as_array().unwrap() {
        let (by, dialect) = (converter["by"].as_str().unwrap(), converter["as"].as_str().unwrap());
        let tools = converter["tools"].as_array().unwrap();
        if tools.len() < 26 {
            faults.push(format!("{by}: {} tools", tools.len()));
        }
        for tool in tools {
            let at = format!("{by}: {}", tool["name"]);
            // Absent: a tool without arguments has no schema at some.
            if let Some(schema) = tool.get("schema").filter(|schema| !schema.is_null()) {
                of(schema, &at, dialect == "strict", &mut faults);
            }
        }
    }
    faults
}

fn of(schema: &Value, at: &str, strict: bool, faults: &mut Vec<String>) {
    let Some(members) = schema.as_object() else {
        return faults.push(format!("{at}: {schema} is no schema"));
    };
    let unknown = members.keys().filter(|name| !KEYWORDS.contains(&name.as_str()));
    faults.extend(unknown.map(|name| format!("{at}: {name}")));
    let Some(kind) =
        schema["type"].as_str().map(str::to_ascii_lowercase).filter(|kind| KINDS.contains(&&**kind))
    else {
        return faults.push(format!("{at}: the type {}", schema["type"]));
    };
    if !schema["format"].is_null() && !FORMATS.iter().any(|format| schema["format"] == *format) {
        faults.push(format!("{at}: the format {}", schema["format"]));
    }
    if let Some(values) = schema.get("enum") {
        let texts = values.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(Value::is_string));
        if kind != "string" || !texts {
            faults.push(format!("{at}: the values {values} of a {kind}"));
        }
    }
    match kind.as_str() {
        "array" => of(&schema["items"], &format!("{at}[]"), strict, faults),
        "object" => of_object(schema, at, strict, faults),
        _ => {}
    }
}

/// Strict mode wants closed objects whose members are all required.
fn of_object(schema: &Value, at: &str, strict: bool, faults: &mut Vec<String>) {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()).collect();
    let members = schema["properties"].as_object();
    let names: Vec<&str> = members.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    if required.iter().any(|name| !names.contains(name)) {
        faults.push(format!("{at}: {required:?} of {names:?}"));
    }
    if strict
        && (schema["additionalProperties"] != false || names.iter().any(|name| !required.contains(name)))
    {
        faults.push(format!("{at}: not strict"));
    }
    for (name, member) in members.into_iter().flatten() {
        of(member, &format!("{at}.{name}"), strict, faults);
    }
}

#[test]
fn what_a_provider_refuses_is_a_fault() {
    let judged = |dialect: &str, schema: Value| {
        let told = serde_json::json!({ "shown": [{ "by": "x", "as": dialect, "tools": vec![serde_json::json!({ "name": "t", "schema": schema }); 26] }] });
        faults(&told).first().cloned()
    };
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    for good in [
        r#"{"type":"object","properties":{"a":{"type":"string","format":"date"},"b":{"type":"ARRAY","items":{"type":"integer","minimum":1}}},"required":["a"]}"#,
        r#"{"type":"OBJECT","properties":{}}"#,
    ] {
        assert_eq!(judged("gemini", json(good)), None, "{good}");
    }
    for (dialect, bad) in [
        ("gemini", r#"{"type":["string","null"]}"#),
        ("gemini", r#"{"type":"string","enum":["a",null]}"#),
        ("gemini", r#"{"type":"integer","enum":[1]}"#),
        ("gemini", r#"{"type":"string","pattern":"\\S"}"#),
        ("gemini", r#"{"type":"string","format":"uuid"}"#),
        ("gemini", r#"{"anyOf":[{"type":"string"}]}"#),
        ("gemini", r#"{"type":"array"}"#),
        ("gemini", r#"{"type":"object","properties":{},"required":["a"]}"#),
        ("strict", r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}"#),
        ("strict", r#"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}"#),
    ] {
        assert!(judged(dialect, json(bad)).is_some(), "{dialect} {bad}");
    }
}
