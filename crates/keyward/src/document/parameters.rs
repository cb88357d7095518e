//! Parameters: headers as they are, ids in paths, and queries by the grammars of the lists.

use super::operations::Facts;
use crate::routes::{Access, OperationId, Row};
use http::Method;
use keyward_core::id::MAX_ID;
use keyward_core::list::{
    DEFAULT_LIMIT, FilterField, Grammar, Kind, MAX_LIMIT, MAX_OFFSET, MAX_SORT_FIELDS, MAX_VALUES, Operator,
    Paging,
};
use serde_json::{Map, Value, json};

/// The headers that more than one operation takes.
pub(super) fn components() -> Value {
    json!({
        "X-Origin-App": {
            "name": "X-Origin-App", "in": "header", "required": true,
            "description": "The name of the calling application. It appears in the operator's log and audit trail.",
            "schema": { "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$" },
            "example": "my-integration",
        },
        "X-Active-Account": {
            "name": "X-Active-Account", "in": "header", "required": false,
            "description": "The slug of the account that the request is for. With an API key it may only name the key's own. Later edition.",
            "schema": { "type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" },
            "example": "acme-capital",
        },
        "Idempotency-Key": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "A UUID of the client's choice. The write is executed once for each key; a repetition within 24 hours is given the first answer again.",
            "schema": { "type": "string", "format": "uuid" },
            "example": "0b0f6b3e-6ad2-4f3e-9a57-2f9a4b1c7d10",
        },
        "Sealing-Idempotency-Key": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "A UUID of version 4 or 7, which nobody can guess; any other version is refused with 400. The write is executed once for each key. The answer shows a secret, so it is kept sealed under the key: a repetition within an hour is given it again, until the secret is used; after that, within 24 hours, 409 says that it was done.",
            "schema": {
                "type": "string", "format": "uuid",
                "pattern": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[47][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$",
            },
            "example": "0b0f6b3e-6ad2-4f3e-9a57-2f9a4b1c7d10",
        },
        "If-Match": {
            "name": "If-Match", "in": "header", "required": false,
            "description": "The `ETag` of the state that is to be changed, or `*` (RFC 9110 §13.1.1). Any other state is refused with 412. An `ETag` that a proxy made weak or suffixed when it compressed the answer still names its state.",
            "schema": { "type": "string" },
            "example": "\"d7-1\"",
        },
        "If-None-Match": {
            "name": "If-None-Match", "in": "header", "required": false,
            "description": "The `ETag` of an earlier answer to the same request (RFC 9110 §13.1.2). While it names what would be sent, the answer is 304 without a body. It counts as a read.",
            "schema": { "type": "string" },
            "example": "\"d7-1\"",
        },
    })
}

/// The parameters of an operation.
pub(super) fn of(row: &Row, facts: &Facts) -> Value {
    let mut all = Vec::new();
    let header = |name: &str| json!({ "$ref": format!("#/components/parameters/{name}") });
    if !matches!(row.access, Access::Public { origin_app: false, .. }) {
        all.push(header("X-Origin-App"));
    }
    if matches!(row.access, Access::Caller(_)) {
        all.push(header("X-Active-Account"));
    }
    // An operation with a changing verb that changes nothing yet takes the header as well: what is no UUID is refused.
    if row.commits || (matches!(row.access, Access::Caller(_)) && row.method != Method::GET) {
        let name = if row.shows_secret { "Sealing-Idempotency-Key" } else { "Idempotency-Key" };
        all.push(header(name));
    }
    if facts.if_match {
        all.push(header("If-Match"));
    }
    if facts.has_etag() && row.method == Method::GET {
        all.push(header("If-None-Match"));
    }
    all.extend(ids(row));
    for (name, about) in facts.flags {
        // The document states no default: generated clients would send it in each request.
        let schema = json!({ "type": "boolean" });
        all.push(query(name, about, schema));
    }
    if let Some(grammar) = &facts.grammar {
        all.extend(of_grammar(grammar));
    }
    Value::Array(all)
}

fn ids(row: &Row) -> impl Iterator<Item = Value> {
    let names = row.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let id = row.id;
    names.map(move |name| {
        json!({
            "name": name, "in": "path", "required": true, "description": about_id(id, name),
            "schema": { "type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_ID },
        })
    })
}

fn about_id(operation: OperationId, name: &str) -> String {
    let of = match (name, operation) {
        ("deal_id", _) => "deal",
        ("key_id", _) => "API key",
        ("pipeline_id", _) => "pipeline",
        _ => "user",
    };
    format!("The id of the {of}.")
}

fn query(name: &str, about: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "required": false, "description": about, "schema": schema })
}

/// A parameter that is written as a comma list.
fn comma_list(name: &str, about: &str, items: Value, most: Option<usize>) -> Value {
    let mut schema = Map::from_iter([
        ("type".to_owned(), json!("array")),
        ("items".to_owned(), items),
        ("minItems".to_owned(), json!(1)),
    ]);
    if let Some(most) = most {
        schema.insert("maxItems".to_owned(), json!(most));
    }
    json!({
        "name": name, "in": "query", "required": false, "description": about,
        "style": "form", "explode": false, "schema": schema,
    })
}

fn of_grammar(grammar: &Grammar) -> Vec<Value> {
    let mut all = Vec::new();
    if grammar.paging != Paging::None {
        let schema = json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT });
        all.push(query("limit", "Items on a page, at most.", schema));
    }
    if grammar.paging == Paging::Cursor {
        let about = "`next_cursor` of the page before; empty is the first page. Opaque, and good only for this list with these filters.";
        all.push(query("cursor", about, json!({ "type": "string", "format": "keyward-cursor" })));
    }
    if grammar.paging == Paging::Offset || !grammar.sorts.is_empty() {
        let about = if grammar.sorts.is_empty() {
            "Items to skip; 0 if nothing is said."
        } else {
            "Items to skip; 0 if nothing is said. Only with `sort`."
        };
        // The document states no default: generated clients would send it, and without `sort` it is refused.
        let schema = json!({ "type": "integer", "format": "int32", "minimum": 0, "maximum": MAX_OFFSET });
        all.push(query("offset", about, schema));
    }
    if !grammar.sorts.is_empty() {
        let names: Vec<String> =
            grammar.sorts.iter().flat_map(|name| [(*name).to_owned(), format!("-{name}")]).collect();
        let about = format!(
            "The order, by up to {MAX_SORT_FIELDS} fields; `-` turns one around. Each field once. Not with `cursor`. Ascending, items without a value come first; equal ones follow by id."
        );
        all.push(comma_list(
            "sort",
            &about,
            json!({ "type": "string", "enum": names }),
            Some(MAX_SORT_FIELDS),
        ));
    }
    if !grammar.fields.is_empty() {
        let about = "The fields to show. `id` is always there, and so is what `include` asks for.";
        all.push(comma_list("fields", about, json!({ "type": "string", "enum": grammar.fields }), None));
    }
    if !grammar.includes.is_empty() {
        let about = "What to show besides.";
        all.push(comma_list("include", about, json!({ "type": "string", "enum": grammar.includes }), None));
    }
    for field in grammar.filters {
        all.extend(field.operators.iter().map(|operator| filter(field, *operator)));
    }
    all
}

fn filter(field: &FilterField, operator: Operator) -> Value {
    let name = operator.parameter(field.name);
    let value = match field.kind {
        Kind::Choice(values) => json!({ "type": "string", "enum": values }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Text => json!({ "type": "string", "minLength": 1 }),
        Kind::Money => {
            json!({ "type": "number", "format": "double", "minimum": 0 })
        }
        Kind::Moment => json!({ "type": "string", "format": "date-time" }),
    };
    let what = match operator {
        Operator::Eq => "is one of these",
        Operator::Gt => "is greater",
        Operator::Gte => "is greater or equal",
        Operator::Lt => "is less",
        Operator::Lte => "is less or equal",
    };
    let places = if matches!(field.kind, Kind::Money) { " At most two decimal places." } else { "" };
    match (operator, field.kind) {
        (Operator::Eq, Kind::Flag) => query(&name, &format!("Only where `{}` is so.", field.name), value),
        (Operator::Eq, Kind::Text) => {
            query(&name, &format!("Only where `{}` is exactly this text.", field.name), value)
        }
        (Operator::Eq, _) => comma_list(
            &name,
            &format!("Only where `{}` {what}.{places}", field.name),
            value,
            Some(MAX_VALUES),
        ),
        (_, Kind::Moment) => {
            let about =
                format!("Only where `{}` {what}. A date alone means its midnight in UTC.", field.name);
            query(&name, &about, value)
        }
        _ => query(&name, &format!("Only where `{}` {what}.{places}", field.name), value),
    }
}
