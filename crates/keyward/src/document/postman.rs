//! The document as a Postman collection (format 2.1): every operation in its folder, with headers, parameters and a body.

use serde_json::{Map, Value, json};

/// The collection of that document.
pub(crate) fn collection(document: &Value) -> Value {
    let text = |pointer: &str| document.pointer(pointer).cloned().unwrap_or_default();
    let folders = document.pointer("/tags").and_then(Value::as_array).into_iter().flatten();
    let folders: Vec<Value> = folders
        .map(|tag| {
            let items: Vec<Value> = operations(document)
                .filter(|(.., operation)| operation.pointer("/tags/0") == tag.get("name"))
                .map(|(path, verb, operation)| item(document, path, verb, operation))
                .collect();
            json!({ "name": tag.get("name"), "description": tag.get("description"), "item": items })
        })
        .collect();
    json!({
        "info": {
            "name": text("/info/title"),
            "description": text("/info/description"),
            "version": text("/info/version"),
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "auth": { "type": "bearer", "bearer": [{ "key": "token", "value": "{{api_key}}", "type": "string" }] },
        "variable": [
            { "key": "base_url", "value": text("/servers/0/url") },
            { "key": "api_key", "value": "" },
            { "key": "origin_app", "value": "my-integration" },
        ],
        "item": folders,
    })
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    paths.flat_map(|(path, verbs)| {
        let verbs = verbs.as_object().into_iter().flatten();
        verbs.map(|(verb, operation)| (path.as_str(), verb.as_str(), operation))
    })
}

fn item(document: &Value, path: &str, verb: &str, operation: &Value) -> Value {
    let mut request = Map::from_iter([
        ("method".to_owned(), json!(verb.to_ascii_uppercase())),
        ("description".to_owned(), operation.get("description").cloned().unwrap_or_default()),
        ("header".to_owned(), headers(document, operation)),
        ("url".to_owned(), url(document, path, operation)),
    ]);
    if operation.get("security") == Some(&json!([])) {
        request.insert("auth".to_owned(), json!({ "type": "noauth" }));
    }
    if let Some(example) = operation.pointer("/requestBody/content/application~1json/example") {
        let raw = serde_json::to_string_pretty(example).unwrap_or_default();
        request.insert(
            "body".to_owned(),
            json!({ "mode": "raw", "raw": raw, "options": { "raw": { "language": "json" } } }),
        );
    }
    json!({ "name": operation.get("summary"), "request": request })
}

/// The parameters of an operation, found where they are.
fn parameters<'a>(
    document: &'a Value,
    operation: &'a Value,
    place: &'a str,
) -> impl Iterator<Item = &'a Value> {
    let all = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let found = all.filter_map(move |parameter| match parameter.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(reference.strip_prefix('#')?),
        None => Some(parameter),
    });
    found.filter(move |parameter| parameter.get("in").and_then(Value::as_str) == Some(place))
}

fn headers(document: &Value, operation: &Value) -> Value {
    let mut all: Vec<Value> = parameters(document, operation, "header")
        .map(|parameter| {
            let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
            let value = match name {
                "X-Origin-App" => json!("{{origin_app}}"),
                // Postman's own variable: a new one for each request.
                "Idempotency-Key" => json!("{{$guid}}"),
                _ => parameter.get("example").cloned().unwrap_or_default(),
            };
            let disabled = !["X-Origin-App", "Idempotency-Key"].contains(&name);
            json!({ "key": name, "value": value, "description": parameter.get("description"), "disabled": disabled })
        })
        .collect();
    if operation.get("requestBody").is_some() {
        all.push(json!({ "key": "Content-Type", "value": "application/json" }));
    }
    Value::Array(all)
}

fn url(document: &Value, path: &str, operation: &Value) -> Value {
    let parts: Vec<String> = path
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => format!(":{name}"),
            None => part.to_owned(),
        })
        .collect();
    let query: Vec<Value> = parameters(document, operation, "query")
        .map(|parameter| {
            let example = parameter.pointer("/schema/default").or_else(|| parameter.pointer("/schema/items/enum/0"));
            let value = match example {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            // What is not wanted must be off: an empty value is an answer too, and a wrong one.
            json!({ "key": parameter.get("name"), "value": value, "description": parameter.get("description"), "disabled": true })
        })
        .collect();
    let variables: Vec<Value> = parameters(document, operation, "path")
        .map(|parameter| json!({ "key": parameter.get("name"), "value": "1", "description": parameter.get("description") }))
        .collect();
    let raw = format!("{{{{base_url}}}}/{}", parts.join("/"));
    json!({ "raw": raw, "host": ["{{base_url}}"], "path": parts, "query": query, "variable": variables })
}
