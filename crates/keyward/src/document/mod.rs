//! The truth about the API for machines: the OpenAPI 3.1 document, and what is made from it.
//!
//! It is put together from what serves: the rows of [`crate::routes`], the grammars of the lists, the readers of the bodies,
//! the types of the answers, the denials. Only words are added here. A test sends a request for every answer that it tells of.
//!
//! | file | what |
//! | --- | --- |
//! | `operations.rs` | what each operation takes and answers, in words and by its types |
//! | `parameters.rs`, `answers.rs`, `schemas.rs` | the parts of the document |
//! | `shapes.rs` | what makes a shape readable for generators |
//! | `openapi_30.rs` | the same document as OpenAPI 3.0 |
//! | `words.rs` | what the members of bodies mean |
//! | `examples.rs` | true answers |
//! | `errors.rs` | every error in words |
//! | `postman.rs` | the same as a Postman collection |

mod answers;
pub(crate) mod errors;
mod examples;
pub(crate) mod openapi_30;
mod operations;
mod parameters;
pub(crate) mod postman;
mod schemas;
mod shapes;
mod words;

use crate::base_path::BASE;
use crate::config::LimitsConfig;
use crate::routes::{Access, OperationId, Row, table};
use keyward_core::limits::Limits;
use keyward_core::rate_limit::Purpose;
use keyward_core::role::Role;
use keyward_core::scope::Scope;
use keyward_core::tier::Tier;
use operations::Facts;
use serde_json::{Map, Value, json};

/// The edition that is served: `info.version`.
pub const EDITION: &str = "2026-03";
/// The same for people.
pub const EDITION_IN_WORDS: &str = "March 2026";

/// The document of a server that clients reach at this address, with these limits.
#[must_use]
pub fn document(public_url: &str, limits: &LimitsConfig) -> Value {
    let mut paths = Map::new();
    for row in table() {
        let path = paths.entry(format!("{BASE}{}", row.path)).or_insert_with(|| json!({}));
        if let Value::Object(path) = path {
            path.insert(row.method.as_str().to_ascii_lowercase(), operation(&row, public_url, limits));
        }
    }
    let responses = answers::components(&paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lev External API v2",
            "version": EDITION,
            "summary": "Deals, teams, pipelines and API keys behind one front door.",
            "description": words::INTRODUCTION,
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "externalDocs": { "description": "The documentation, for people", "url": format!("{public_url}/platform") },
        "servers": [{ "url": public_url }],
        "tags": operations::TAGS.iter().map(|(name, about)| json!({ "name": name, "description": about })).collect::<Vec<_>>(),
        "security": [{ "bearerAuth": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearerAuth": { "type": "http", "scheme": "bearer", "bearerFormat": "lev_sk_… or JWT", "description": words::BEARER },
            },
            "parameters": parameters::components(),
            "headers": answers::headers(),
            "responses": responses,
            "schemas": schemas::components(),
        },
    })
}

fn operation(row: &Row, public_url: &str, limits: &LimitsConfig) -> Value {
    let facts = Facts::of(row.id);
    let mut all = Map::new();
    let mut put = |name: &str, value: Value| drop(all.insert(name.to_owned(), value));
    put("operationId", json!(row.id.name()));
    put("tags", json!([facts.tag]));
    put("summary", json!(facts.summary));
    put("description", json!(description(row, &facts)));
    put("externalDocs", json!({ "url": format!("{public_url}/platform{}", facts.page) }));
    put("parameters", parameters::of(row, &facts));
    if let Some(body) = &facts.body {
        put("requestBody", request_body(row.id, body));
    }
    put("responses", answers::of(row, &facts));
    put("security", security(row));
    if let Some(scope) = scope(row) {
        put("x-required-scope", json!(scope.name()));
    }
    if let Some(role) = row.role {
        put("x-required-role", json!(role.name()));
    }
    put("x-rate-limit", rate_limit(row, limits));
    Value::Object(all)
}

fn request_body(id: OperationId, body: &operations::Body) -> Value {
    let mut schema = (body.schema)();
    words::describe_members(id, &mut schema);
    json!({
        "required": body.required,
        "content": { "application/json": { "schema": schema, "example": body.example() } },
    })
}

fn description(row: &Row, facts: &Facts) -> String {
    let mut text = facts.description.to_owned();
    if let Some(scope) = scope(row) {
        text.push_str(&format!("\n\nScope: `{scope}`."));
    }
    if let Some(role) = row.role {
        text.push_str(&format!(" Role: `{}`.", role.name()));
    }
    text
}

/// The scope of a row.
pub(crate) fn scope(row: &Row) -> Option<Scope> {
    match row.access {
        Access::Caller(scope) => scope,
        Access::Public { .. } => None,
    }
}

fn security(row: &Row) -> Value {
    match (row.access, row.id) {
        (Access::Caller(scope), _) => {
            json!([{ "bearerAuth": scope.map(Scope::name).into_iter().collect::<Vec<_>>() }])
        }
        // The key may stand in the header instead of the body.
        (Access::Public { .. }, OperationId::PostAuthValidateApiKey) => json!([{}, { "bearerAuth": [] }]),
        (Access::Public { .. }, _) => json!([]),
    }
}

/// The limit of an operation, with the figures that hold now. `null`: no limit.
fn rate_limit(row: &Row, limits: &LimitsConfig) -> Value {
    match row.access {
        Access::Public { limit, .. } => {
            let figure =
                if limit == Purpose::Health { limits.health_per_minute } else { limits.validate_per_minute };
            json!({ "policy": limit.name(), "per": "address", "window_seconds": 60, "limit": figure })
        }
        Access::Caller(_) => {
            let reads = row.method == http::Method::GET;
            let of = |tier: &Tier| {
                let Limits { reads: of_reads, writes, .. } = limits.tiers.of(*tier);
                let rate = if reads { of_reads } else { writes };
                (tier.name().to_owned(), json!(rate))
            };
            let figures: Map<String, Value> = Tier::ALL.iter().map(of).collect();
            let policy = if reads { "reads" } else { "writes" };
            json!({ "policy": policy, "per": "account", "window_seconds": 60, "limits": figures })
        }
    }
}

/// What a role may do, in words, for the pages.
pub(crate) const fn sight(role: Role) -> &'static str {
    match role {
        Role::Admin => {
            "all deals of the account; invites, changes and removes members; lists and revokes every key"
        }
        Role::Editor => "deals whose team includes it; a deal that it makes has it on the team; its own keys",
        Role::Viewer => "deals whose team includes it, and cannot change them; its own keys",
    }
}
