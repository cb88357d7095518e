//! What can be asked for: the operations of the program's own OpenAPI document, and what stands beside the API.

use crate::street::Failure;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What a body is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Form,
    Rpc,
}

/// A path and a verb, with the names that it reads.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) method: String,
    /// With `{…}` for an id.
    pub(super) path: String,
    pub(super) query: Vec<String>,
    pub(super) members: Vec<String>,
    /// A good body.
    pub(super) example: Option<Map<String, Value>>,
    pub(super) kind: Kind,
}

/// Every operation of the document.
pub(super) fn documented(document: &Value) -> Result<Vec<Route>, Failure> {
    let paths = document.get("paths").and_then(Value::as_object).ok_or("a document without paths")?;
    let mut routes = Vec::new();
    for (path, verbs) in paths {
        for (method, operation) in verbs.as_object().into_iter().flatten() {
            let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
            let parameters = parameters.map(|parameter| resolved(document, parameter));
            let query =
                parameters.filter(|parameter| parameter.get("in").and_then(Value::as_str) == Some("query"));
            let query = query.filter_map(|parameter| parameter.get("name")?.as_str().map(str::to_owned));
            let mut members = BTreeSet::new();
            let body = operation.get("requestBody").map(|body| resolved(document, body));
            let content = body.and_then(|body| body.pointer("/content/application~1json"));
            names(
                document,
                content.and_then(|content| content.get("schema")).unwrap_or(&Value::Null),
                6,
                &mut members,
            );
            routes.push(Route {
                method: method.to_ascii_uppercase(),
                path: path.clone(),
                query: query.collect(),
                members: members.into_iter().collect(),
                example: content.and_then(example),
                kind: Kind::Json,
            });
        }
    }
    if routes.len() < 20 { Err(format!("only {} operations", routes.len()).into()) } else { Ok(routes) }
}

/// The first example of a body.
fn example(content: &Value) -> Option<Map<String, Value>> {
    let first = || content.get("examples")?.as_object()?.values().next()?.get("value");
    content.get("example").or_else(first)?.as_object().cloned()
}

fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let reference = value.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

/// The names of members anywhere in a schema.
fn names(document: &Value, schema: &Value, depth: u8, found: &mut BTreeSet<String>) {
    if depth == 0 {
        return;
    }
    let schema = resolved(document, schema);
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, inner) in properties {
            found.insert(name.clone());
            names(document, inner, depth - 1, found);
        }
    }
    for inner in ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| schema.get(key)?.as_array()).flatten() {
        names(document, inner, depth - 1, found);
    }
    if let Some(items) = schema.get("items") {
        names(document, items, depth - 1, found);
    }
}

const FORMS: &str =
    "form next email password decision account label permission name expires_at scopes client_id token";
const OAUTH: &str = "grant_type code code_verifier client_id client_secret redirect_uri refresh_token token token_type_hint scope \
                     resource response_type state code_challenge code_challenge_method prompt nonce login_hint form decision account \
                     response_mode request request_uri max_age claims";
const LEAVING: &str =
    "id_token_hint client_id post_logout_redirect_uri state logout_hint ui_locales form decision";
const METADATA: &str = "client_name redirect_uris grant_types response_types token_endpoint_auth_method scope contacts jwks jwks_uri \
                        software_id software_statement client_uri logo_uri policy_uri tos_uri application_type";

/// What stands beside the API: verb, path, the names that it reads.
const BESIDE: [(&str, &str, &str, Kind); 46] = [
    ("POST", "/mcp", "", Kind::Rpc),
    ("POST", "/mcp", "", Kind::Rpc),
    ("POST", "/mcp", "", Kind::Rpc),
    ("POST", "/mcp/", "", Kind::Rpc),
    ("GET", "/mcp", "", Kind::Rpc),
    ("DELETE", "/mcp", "", Kind::Rpc),
    ("POST", "/mcp/key", "", Kind::Rpc),
    ("GET", "/oauth/authorize", OAUTH, Kind::Form),
    ("GET", "/oauth/authorize", OAUTH, Kind::Form),
    ("POST", "/oauth/authorize", OAUTH, Kind::Form),
    ("POST", "/oauth/token", OAUTH, Kind::Form),
    ("POST", "/oauth/token", OAUTH, Kind::Form),
    ("POST", "/oauth/revoke", OAUTH, Kind::Form),
    ("GET", "/oauth/userinfo", "", Kind::Form),
    ("GET", "/oauth/end-session", LEAVING, Kind::Form),
    ("POST", "/oauth/end-session", LEAVING, Kind::Form),
    ("POST", "/oauth/register", METADATA, Kind::Json),
    ("GET", "/oauth/jwks", "", Kind::Form),
    ("GET", "/.well-known/oauth-authorization-server", "", Kind::Form),
    ("GET", "/.well-known/openid-configuration", "", Kind::Form),
    ("GET", "/.well-known/oauth-protected-resource", "", Kind::Form),
    ("GET", "/.well-known/oauth-protected-resource/mcp", "", Kind::Form),
    ("GET", "/sign-in", FORMS, Kind::Form),
    ("POST", "/sign-in", FORMS, Kind::Form),
    ("POST", "/sign-out", FORMS, Kind::Form),
    ("GET", "/welcome", FORMS, Kind::Form),
    ("POST", "/welcome", FORMS, Kind::Form),
    ("GET", "/console", FORMS, Kind::Form),
    ("GET", "/console/{slug}/keys", FORMS, Kind::Form),
    ("POST", "/console/{slug}/keys", FORMS, Kind::Form),
    ("POST", "/console/{slug}/keys/{key_id}/rotate", FORMS, Kind::Form),
    ("POST", "/console/{slug}/keys/{key_id}/revoke", FORMS, Kind::Form),
    ("GET", "/console/{slug}/applications", FORMS, Kind::Form),
    ("POST", "/console/{slug}/applications/disconnect", FORMS, Kind::Form),
    ("GET", "/console/applications", FORMS, Kind::Form),
    ("POST", "/console/applications/disconnect", FORMS, Kind::Form),
    ("POST", "/console/invitations/{slug}/accept", FORMS, Kind::Form),
    ("GET", "/", "", Kind::Form),
    ("GET", "/platform", "", Kind::Form),
    ("GET", "/platform/deals", "", Kind::Form),
    ("GET", "/platform/llms.txt", "", Kind::Form),
    ("GET", "/platform/assets/style.css", "", Kind::Form),
    ("GET", "/robots.txt", "", Kind::Form),
    ("GET", "/favicon.ico", "", Kind::Form),
    ("GET", "/metrics", "", Kind::Form),
    ("GET", "/nothing/here", "", Kind::Form),
];

pub(super) fn beside() -> Vec<Route> {
    let route = |(method, path, names, kind): (&str, &str, &str, Kind)| {
        let members: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        Route {
            method: method.to_owned(),
            path: path.to_owned(),
            query: members.clone(),
            members,
            example: None,
            kind,
        }
    };
    BESIDE.into_iter().map(route).collect()
}
