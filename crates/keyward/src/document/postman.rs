//! The document as a Postman collection (format 2.1) that can be run as a whole: it reads first, and its writes change only what
//! the run has made itself.
//!
//! A request that needs an id takes it from a variable, which a script behind an earlier request has set from its answer. Where
//! that request was refused the variable is empty, and the requests that need it are answered 404.

use serde_json::{Map, Value, json};

/// What later requests need of an answer: operation, variable, place in `data`.
const KEPT: &[(&str, &str, &str)] = &[
    ("getMe", "account_slug", "account.slug"),
    ("getMe", "user_id", "user.id"),
    ("getApiKeys", "key_id", "[0].id"),
    ("getDeals", "deal_id", "[0].id"),
    ("getPipelines", "pipeline_id", "[0].id"),
    ("postAccountTeam", "made_user_id", "user_id"),
    ("postApiKeys", "made_key_id", "id"),
    ("postDeals", "made_deal_id", "id"),
];

/// Bodies that name what the run has found or made, in place of the document's examples.
const BODIES: &[(&str, &str)] = &[
    ("postAuthValidateApiKey", r#"{ "api_key": "{{api_key}}" }"#),
    ("patchMeActiveAccount", r#"{ "slug": "{{account_slug}}" }"#),
    ("postAccountTeam", r#"{ "email": "postman-{{$guid}}@acme.example", "role": "editor" }"#),
    ("postDealsDealIdTeam", r#"{ "user_id": {{user_id}}, "deal_role": "closer" }"#),
    ("postDealsDealIdPipeline", r#"{ "pipeline_id": {{pipeline_id}} }"#),
];

/// An operation of the document.
#[derive(Clone, Copy)]
struct Operation<'d> {
    document: &'d Value,
    path: &'d str,
    verb: &'d str,
    stated: &'d Value,
}

/// The collection of that document.
pub(crate) fn collection(document: &Value) -> Value {
    let text = |pointer: &str| document.pointer(pointer).cloned().unwrap_or_default();
    let (reads, mut writes): (Vec<_>, Vec<_>) = operations(document).partition(Operation::reads);
    writes.sort_by_key(Operation::turn);
    json!({
        "info": {
            "name": text("/info/title"),
            "description": text("/info/description"),
            "version": text("/info/version"),
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "auth": { "type": "bearer", "bearer": [{ "key": "token", "value": "{{api_key}}", "type": "string" }] },
        "variable": variables(document),
        "item": [
            {
                "name": "Reads",
                "description": "Changes nothing. Ids are those of the first items of the lists.",
                "item": by_tag(document, &reads),
            },
            {
                "name": "Writes",
                "description": "Changes only what this run has made, and ends it again: a key, a deal, an invitation.",
                "item": writes.iter().map(Operation::item).collect::<Vec<_>>(),
            },
        ],
    })
}

fn variables(document: &Value) -> Vec<Value> {
    let address = document.pointer("/servers/0/url").cloned().unwrap_or_default();
    let own = [("base_url", address), ("api_key", json!("")), ("origin_app", json!("my-integration"))];
    let kept = KEPT.iter().map(|(_, name, _)| (*name, json!("")));
    own.into_iter().chain(kept).map(|(name, value)| json!({ "key": name, "value": value })).collect()
}

fn by_tag(document: &Value, operations: &[Operation<'_>]) -> Vec<Value> {
    let tags = document.pointer("/tags").and_then(Value::as_array).into_iter().flatten();
    let folder = |tag: &Value| {
        let of_tag = operations.iter().filter(|operation| operation.tag() == tag.get("name"));
        json!({
            "name": tag.get("name"),
            "description": tag.get("description"),
            "item": of_tag.map(Operation::item).collect::<Vec<_>>(),
        })
    };
    tags.map(folder).collect()
}

fn operations(document: &Value) -> impl Iterator<Item = Operation<'_>> {
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    paths.flat_map(move |(path, verbs)| {
        let verbs = verbs.as_object().into_iter().flatten();
        verbs.map(move |(verb, stated)| Operation { document, path, verb, stated })
    })
}

impl<'d> Operation<'d> {
    fn id(&self) -> &'d str {
        self.stated.get("operationId").and_then(Value::as_str).unwrap_or_default()
    }

    fn tag(&self) -> Option<&'d Value> {
        self.stated.pointer("/tags/0")
    }

    /// Validating a key changes nothing, though it is a POST.
    fn reads(&self) -> bool {
        self.verb == "get" || self.id() == "postAuthValidateApiKey"
    }

    /// The order of the writes: what is made comes first. A caller who leaves a deal's team may no longer see the deal, so that
    /// comes last, and coming back after it.
    fn turn(&self) -> (u8, &'d str) {
        let on_team = self.path.contains("/deals/") && self.path.contains("/team");
        let turn = match (self.verb, self.path.contains('{'), on_team) {
            ("post", false, _) => 0,
            ("patch", ..) => 1,
            ("post", true, false) => 2,
            ("delete", _, false) => 3,
            ("delete", ..) => 4,
            _ => 5,
        };
        (turn, self.path)
    }

    fn item(&self) -> Value {
        let mut request = Map::from_iter([
            ("method".to_owned(), json!(self.verb.to_ascii_uppercase())),
            ("description".to_owned(), self.stated.get("description").cloned().unwrap_or_default()),
            ("header".to_owned(), self.headers()),
            ("url".to_owned(), self.url()),
        ]);
        if self.stated.get("security") == Some(&json!([])) {
            request.insert("auth".to_owned(), json!({ "type": "noauth" }));
        }
        if let Some(raw) = self.body() {
            let language = json!({ "raw": { "language": "json" } });
            request.insert("body".to_owned(), json!({ "mode": "raw", "raw": raw, "options": language }));
        }
        let script = json!({ "type": "text/javascript", "exec": self.script() });
        json!({
            "name": self.stated.get("summary"),
            "event": [{ "listen": "test", "script": script }],
            "request": request,
        })
    }

    fn body(&self) -> Option<String> {
        let own = BODIES.iter().find(|(id, _)| *id == self.id());
        let example = || {
            let example = self.stated.pointer("/requestBody/content/application~1json/example")?;
            // Absent: never, it is JSON already.
            serde_json::to_string_pretty(example).ok()
        };
        own.map(|(_, raw)| (*raw).to_owned()).or_else(example)
    }

    /// Keeps what later requests need. After a refusal nothing is kept, nor what an earlier run has left.
    fn script(&self) -> Vec<String> {
        let kept = KEPT.iter().filter(|(id, ..)| *id == self.id());
        kept.flat_map(|(_, variable, place)| {
            let dot = if place.starts_with('[') { "" } else { "." };
            [
                format!("try {{ pm.collectionVariables.set(\"{variable}\", String(pm.response.json().data{dot}{place})); }}"),
                format!("catch (error) {{ pm.collectionVariables.set(\"{variable}\", \"\"); }}"),
            ]
        })
        .collect()
    }

    /// The parameters in that place, references followed.
    fn parameters(&self, place: &'static str) -> impl Iterator<Item = &'d Value> {
        let document = self.document;
        let all = self.stated.get("parameters").and_then(Value::as_array).into_iter().flatten();
        let found = all.filter_map(move |parameter| match parameter.get("$ref").and_then(Value::as_str) {
            Some(reference) => document.pointer(reference.strip_prefix('#')?),
            None => Some(parameter),
        });
        found.filter(move |parameter| parameter.get("in").and_then(Value::as_str) == Some(place))
    }

    fn headers(&self) -> Value {
        let header = |parameter: &Value| {
            let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
            let value = match name {
                "X-Origin-App" => json!("{{origin_app}}"),
                // Postman's own variable: a new one for each request.
                "Idempotency-Key" => json!("{{$guid}}"),
                _ => parameter.get("example").cloned().unwrap_or_default(),
            };
            let disabled = !["X-Origin-App", "Idempotency-Key"].contains(&name);
            json!({ "key": name, "value": value, "description": parameter.get("description"), "disabled": disabled })
        };
        let mut all: Vec<Value> = self.parameters("header").map(header).collect();
        if self.stated.get("requestBody").is_some() {
            all.push(json!({ "key": "Content-Type", "value": "application/json" }));
        }
        Value::Array(all)
    }

    fn url(&self) -> Value {
        let parts: Vec<String> = self
            .path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => format!(":{name}"),
                None => part.to_owned(),
            })
            .collect();
        let query: Vec<Value> = self.parameters("query").map(query).collect();
        let variables: Vec<Value> =
            self.parameters("path").map(|parameter| self.path_variable(parameter)).collect();
        let raw = format!("{{{{base_url}}}}/{}", parts.join("/"));
        json!({ "raw": raw, "host": ["{{base_url}}"], "path": parts, "query": query, "variable": variables })
    }

    /// A read takes what was found, a write what the run has made. On the team of the deal that was made is its maker alone.
    fn path_variable(&self, parameter: &Value) -> Value {
        let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
        let is_maker = name == "user_id" && self.path.contains("/deals/");
        let prefix = if self.verb == "get" || is_maker { "" } else { "made_" };
        json!({ "key": name, "value": format!("{{{{{prefix}{name}}}}}"), "description": parameter.get("description") })
    }
}

fn query(parameter: &Value) -> Value {
    let example = parameter.pointer("/schema/default").or_else(|| parameter.pointer("/schema/items/enum/0"));
    let value = match example {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    // A parameter that is sent empty is not one that is left out.
    json!({ "key": parameter.get("name"), "value": value, "description": parameter.get("description"), "disabled": true })
}
