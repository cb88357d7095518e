//! The schemas of a tool, from those of its operation: flat arguments in, one object out.

use super::profile::{for_model, object, takes_null, whole};
use crate::routes::{OperationId, Row};
use http::Method;
use serde_json::{Map, Value, json};

/// Where an argument goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Into the path, in the place of this name.
    Path,
    /// Into the query, under this name.
    Query(String),
    /// Into the body, as a member.
    Body,
    /// Into `Idempotency-Key`.
    Once,
}

/// An argument.
#[derive(Clone, Debug)]
pub(super) struct Argument {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) required: bool,
    /// What the API takes.
    pub(super) takes: Value,
    /// Whether null takes a value away, and does not leave it as it is.
    pub(super) clears: bool,
    /// Whether what is made may do more without it, so that something empty does not leave it out.
    pub(super) narrows: bool,
}

impl Argument {
    fn new(
        document: &Value,
        row: &Row,
        name: String,
        (place, required): (Place, bool),
        schema: &Value,
    ) -> Self {
        let takes = whole(document, schema);
        let clears = row.method == Method::PATCH && place == Place::Body && takes_null(&takes);
        let narrows = row.id == OperationId::PostApiKeys && NARROWING.contains(&name.as_str());
        Self { name, place, required, takes, clears, narrows }
    }

    /// Whether it says how many items of a list are asked for.
    pub(super) fn is_limit(&self) -> bool {
        matches!(&self.place, Place::Query(name) if name == "limit")
    }
}

/// What bounds a new key: left out, the key may do more.
const NARROWING: [&str; 4] = ["scopes", "permission", "allowed_ips", "expires_at"];
/// What a write does once, in words.
const ONCE: &str = "A random UUID (version 4 or 7), a fresh one for each intended write. Send the same one again only to repeat a call whose \
                    result did not arrive: within 24 hours it is executed once.";

/// The most items of a list for a model, and how many there are without a wish.
pub(super) const MOST: u64 = 50;
pub(super) const USUAL: u64 = 20;

/// The name of a parameter of the query as an argument; `None`: a model does not need it.
fn of_query(name: &str) -> Option<String> {
    let Some(filter) = name.strip_prefix("filter[") else {
        return (name != "fields").then(|| name.to_owned());
    };
    let (field, rest) = filter.split_once(']')?;
    let is_time = field.ends_with("_at");
    match (rest, is_time) {
        ("", false) if field != "loan_amount" => Some(field.to_owned()),
        ("[gte]", false) => Some(format!("min_{field}")),
        ("[lte]", false) => Some(format!("max_{field}")),
        ("[gte]", true) => Some(format!("{}_from", field.trim_end_matches("_at"))),
        ("[lt]", true) => Some(format!("{}_before", field.trim_end_matches("_at"))),
        // Absent: other filters are no arguments.
        _ => None,
    }
}

/// The operation of this id in the document: its path below the API's base, its verb, and what is said of it.
pub(super) fn find<'d>(document: &'d Value, id: &str) -> Option<(&'d str, &'d str, &'d Value)> {
    let paths = document.get("paths")?.as_object()?;
    paths.iter().find_map(|(path, verbs)| {
        let mut verbs = verbs.as_object()?.iter();
        let (verb, said) =
            verbs.find(|(_, said)| said.get("operationId").and_then(Value::as_str) == Some(id))?;
        Some((path.as_str(), verb.as_str(), said))
    })
}

/// The arguments of an operation.
pub(super) fn arguments(document: &Value, said: &Value, row: &Row) -> Vec<Argument> {
    let parameters = said.get("parameters").and_then(Value::as_array).into_iter().flatten();
    // Those that are references are headers, which are not for a model.
    let mut all: Vec<Argument> =
        parameters.filter_map(|parameter| of_parameter(document, row, parameter)).collect();
    let body = said.pointer("/requestBody/content/application~1json/schema");
    // Absent: an operation without a body has no members.
    let body = body.map(|body| whole(document, body)).unwrap_or_default();
    let required = |name: &str| {
        let names = body.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|own| own == name))
    };
    let members = body.get("properties").and_then(Value::as_object).into_iter().flatten();
    all.extend(members.map(|(name, schema)| {
        Argument::new(document, row, name.clone(), (Place::Body, required(name)), schema)
    }));
    if row.commits {
        let schema = json!({ "type": "string", "description": ONCE });
        all.push(Argument::new(document, row, "idempotency_key".to_owned(), (Place::Once, false), &schema));
    }
    all
}

/// A parameter as an argument; `None`: it is no argument.
fn of_parameter(document: &Value, row: &Row, parameter: &Value) -> Option<Argument> {
    let name = text(parameter, "name")?;
    let (name, place) = match text(parameter, "in")? {
        "path" => (name.to_owned(), Place::Path),
        "query" => (of_query(name)?, Place::Query(name.to_owned())),
        // Absent: other parameters are no arguments.
        _ => return None,
    };
    let mut schema = parameter.get("schema")?.clone();
    if let (Some(about), Some(schema)) = (text(parameter, "description"), schema.as_object_mut()) {
        schema.insert("description".to_owned(), json!(about));
    }
    if let (true, Some(schema)) = (name == "limit", schema.as_object_mut()) {
        schema.insert("maximum".to_owned(), json!(MOST));
        let about = format!("How many, {USUAL} if it is left out, {MOST} at most.");
        schema.insert("description".to_owned(), json!(about));
    }
    let required = place == Place::Path;
    Some(Argument::new(document, row, name, (place, required), &schema))
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// The schema of the arguments, for models.
pub(super) fn input(arguments: &[Argument]) -> Map<String, Value> {
    let each = |argument: &Argument| (argument.name.clone(), for_model(&argument.takes));
    let properties: Map<String, Value> = arguments.iter().map(each).collect();
    let required: Vec<&str> = arguments
        .iter()
        .filter(|argument| argument.required)
        .map(|argument| argument.name.as_str())
        .collect();
    std::iter::once(("type".to_owned(), json!("object")))
        .chain(object(properties, Some(json!(required))))
        .collect()
}

/// The schema of the result: the data under a name of its own, what there is besides, and of a write what was done. `None`: the
/// document does not say what is answered.
pub(super) fn output(
    document: &Value,
    said: &Value,
    holds: &str,
    writes: bool,
) -> Option<Map<String, Value>> {
    let answers = said.get("responses").and_then(Value::as_object).into_iter().flatten();
    let mut good = answers.filter(|(status, _)| status.starts_with('2'));
    let envelope = good.next()?.1.pointer("/content/application~1json/schema")?;
    let data = envelope.pointer("/properties/data")?.clone();
    let paged = envelope.pointer("/properties/pagination").is_some();
    let mut properties = Map::new();
    let mut required = vec![holds];
    if writes {
        properties.insert("message".to_owned(), json!({ "type": "string", "description": "What was done." }));
        required.push("message");
    }
    properties.insert(holds.to_owned(), data);
    properties.insert("note".to_owned(), json!({ "type": "string", "description": "What to do next." }));
    if paged {
        let more = [
            ("total", "integer", "How many there are in all, where that is known."),
            ("showing", "integer", "How many are here."),
            ("has_more", "boolean", "Whether there are more."),
            ("next_cursor", "string", "Sent as cursor, it asks for the next page."),
            ("next_offset", "integer", "Sent as offset, it asks for the next page."),
        ];
        properties.extend(
            more.map(|(name, kind, about)| (name.to_owned(), json!({ "type": kind, "description": about }))),
        );
        required.extend(["showing", "has_more"]);
    }
    let schema = Map::from_iter([
        ("type".to_owned(), json!("object")),
        ("properties".to_owned(), Value::Object(properties)),
        ("required".to_owned(), json!(required)),
    ]);
    Some(with_definitions(document, schema))
}

const IN_DOCUMENT: &str = "#/components/schemas/";
/// The formats that JSON Schema itself has, as far as they are used here.
const FORMATS: [&str; 5] = ["date", "date-time", "email", "uri", "uuid"];
const OWN: &str = "#/$defs/";

/// Takes along every part that is referred to, so that nothing of the schema is elsewhere.
fn with_definitions(document: &Value, schema: Map<String, Value>) -> Map<String, Value> {
    let mut schema = Value::Object(schema);
    let mut definitions = Map::new();
    let mut open = Vec::new();
    take_references(&mut schema, &mut open);
    while let Some(name) = open.pop() {
        if definitions.contains_key(&name) {
            continue;
        }
        let part = document.pointer("/components/schemas").and_then(|schemas| schemas.get(&name));
        // A validator refuses a reference to nothing.
        let Some(mut part) = part.cloned() else { continue };
        take_references(&mut part, &mut open);
        definitions.insert(name, part);
    }
    let Value::Object(mut schema) = schema else { return Map::new() };
    if !definitions.is_empty() {
        schema.insert("$defs".to_owned(), Value::Object(definitions));
    }
    schema
}

/// Makes references to parts of the document into references to parts of the schema, and leaves out what only people need.
fn take_references(value: &mut Value, open: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !name.starts_with("example") && !name.starts_with("x-"));
            // What a validator does not know it may refuse.
            if members.get("format").and_then(Value::as_str).is_some_and(|format| !FORMATS.contains(&format))
            {
                members.remove("format");
            }
            for (name, value) in members.iter_mut() {
                let to =
                    value.as_str().filter(|_| name == "$ref").and_then(|to| to.strip_prefix(IN_DOCUMENT));
                match to.map(str::to_owned) {
                    Some(to) => {
                        *value = json!(format!("{OWN}{to}"));
                        open.push(to);
                    }
                    None => take_references(value, open),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| take_references(item, open)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
