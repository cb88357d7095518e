//! A call of a tool as a request to the API. It goes the way of every other request from behind authentication on: account,
//! limits, scope, input, idempotency, commit, audit. There is no second way.

use super::catalog::Entry;
use super::schema::{MOST, Place, USUAL};
use super::server::{From, Server};
use super::words;
use crate::app::App;
use crate::limits::ReadCharged;
use crate::problem::Reason;
use crate::routes::Access;
use axum::BoxError;
use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::BodyExt;
use keyward_core::denial::Denial;
use keyward_core::header::is_of_origin_app;
use keyward_core::header_text::text;
use keyward_core::principal::{Credential, Grant, TokenOf};
use keyward_core::scope::Scope;
use rmcp::model::{CallToolResult, JsonObject};
use serde_json::{Map, Value};
use tower::ServiceExt;
use url::form_urlencoded;

/// Calls it. Whatever is wrong with the call is said in the result, where a model reads it.
pub(super) async fn call(
    server: &Server,
    entry: &Entry,
    from: From,
    client: &str,
    arguments: JsonObject,
) -> CallToolResult {
    let _ = from.record.tool.set(entry.tool.name);
    let request = match request(server, entry, &from, client, arguments) {
        Ok(request) => request,
        Err(wrong) => {
            from.refused(&Denial::invalid("arguments", &wrong));
            return words::wrong(&wrong);
        }
    };
    if let Some(missing) = to_step_up(&server.app, entry, &from) {
        let _ = from.record.step_up.set(missing);
    }
    let response = match server.api.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (status, reason) = (response.status(), response.extensions().get::<Reason>().cloned());
    let _ = from.record.said.set((status.as_u16(), reason));
    let after = response.headers().get("retry-after").and_then(text).map(str::to_owned);
    match body(response).await {
        Ok(body) if status.is_success() => words::result(entry, body),
        Ok(body) => words::refusal(entry, status, &body, after.as_deref()),
        Err(_) => words::wrong("The answer could not be read; try again"),
    }
}

async fn body(response: Response<Body>) -> Result<Value, BoxError> {
    let bytes = response.into_body().collect().await?.to_bytes();
    Ok(serde_json::from_slice(&bytes)?)
}

/// The scope that the token lacks although its user's role has it: signing in again could help.
fn to_step_up(app: &App, entry: &Entry, from: &From) -> Option<Scope> {
    let Access::Caller(Some(scope)) = entry.access else { return None };
    let Credential::Jwt(jwt) = &from.caller.credential else { return None };
    let TokenOf::Grant(_) = jwt.of else { return None };
    // Absent: a caller that acts nowhere is shown nothing.
    let who = app.directory().read().act_in(from.caller.clone(), None, false).ok()?;
    let role = who.member?.role;
    let helps =
        // Absent: an operation that names no role is for every role with its scope.
        Grant::FullAccess.under(role).contains(scope) && entry.row.role.is_none_or(|needed| needed == role);
    (helps && !entry.is_for(&who)).then_some(scope)
}

/// The request, or what is wrong with the call.
fn request(
    server: &Server,
    entry: &Entry,
    from: &From,
    client: &str,
    mut given: JsonObject,
) -> Result<Request<Body>, String> {
    let mut path = entry.path.clone();
    let mut query = form_urlencoded::Serializer::new(String::new());
    let (mut members, mut once, mut asks) = (Map::new(), None, false);
    for argument in &entry.arguments {
        let name = argument.name.as_str();
        let value = given.remove(name);
        match (&argument.place, value) {
            (_, None) if argument.required => return Err(format!("{name} is required")),
            (Place::Path, Some(value)) => {
                // Whatever it is, it is one part of the path.
                let text = plain(&value).ok_or_else(|| format!("{name} must be an id"))?;
                let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
                path = path.replace(&format!("{{{name}}}"), &text.replace('+', "%20"));
            }
            (Place::Query(to), value) => {
                let value = if name == "limit" {
                    Some(limit(value)?)
                } else {
                    value.filter(|value| !value.is_null())
                };
                if let Some(value) = value {
                    let text = in_query(&value).ok_or_else(|| format!("{name} must be one value"))?;
                    query.append_pair(to, &text);
                    asks = true;
                }
            }
            (Place::Body, Some(value)) => drop(members.insert(name.to_owned(), value)),
            (Place::Once, Some(Value::String(key))) => once = Some(key),
            (_, None) => {}
            // Null too: a client that sends it may believe that the call is protected.
            (Place::Once, Some(_)) => {
                return Err(format!("{name} must be a UUID; leave it out to send none"));
            }
        }
    }
    if let Some(unknown) = given.keys().next() {
        let known: Vec<&str> = entry.arguments.iter().map(|argument| argument.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let unknown: String = unknown.chars().take(64).flat_map(char::escape_debug).collect();
        return Err(format!("There is no argument {unknown}; those of {} are: {known}", entry.tool.name));
    }
    if asks {
        path = format!("{path}?{}", query.finish());
    }
    let mut request = Request::builder().method(entry.method.clone()).uri(path);
    request = request.header("x-origin-app", origin_app(&server.app, from, client));
    if let Some(once) = once {
        let once = HeaderValue::try_from(once).map_err(|_| "idempotency_key must be a UUID".to_owned())?;
        request = request.header("idempotency-key", once);
    }
    let takes_body = entry.arguments.iter().any(|argument| argument.place == Place::Body);
    let body = if takes_body && entry.method != Method::GET && (!members.is_empty() || needs_body(entry)) {
        request = request.header(CONTENT_TYPE, "application/json");
        Body::from(Value::Object(members).to_string())
    } else {
        Body::empty()
    };
    let mut request = request.body(body).map_err(|_| "The arguments are too long".to_owned())?;
    let extensions = request.extensions_mut();
    extensions.insert(from.caller.clone());
    extensions.insert(from.record.clone());
    // The door has charged the message as a read.
    extensions.insert(ReadCharged);
    if let Some(id) = from.id {
        extensions.insert(id);
    }
    if let Some(address) = from.address {
        extensions.insert(address);
    }
    Ok(request)
}

/// Whether an empty object must be sent rather than nothing: where the operation would say what is missing.
fn needs_body(entry: &Entry) -> bool {
    entry.arguments.iter().any(|argument| argument.place == Place::Body && argument.required)
        || entry.method == Method::PATCH
}

/// How many items: a model is given no more than it can read.
fn limit(given: Option<Value>) -> Result<Value, String> {
    match given {
        None | Some(Value::Null) => Ok(Value::from(USUAL)),
        Some(value) if value.as_u64().is_some_and(|wanted| (1..=MOST).contains(&wanted)) => Ok(value),
        Some(_) => Err(format!("limit must be an integer from 1 to {MOST}")),
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() && text != "." && text != ".." => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
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

/// The name of the application: the client's own, else the one that it had when it was let in.
fn origin_app(app: &App, from: &From, client: &str) -> String {
    let granted = || match &from.caller.credential {
        Credential::Jwt(jwt) => match jwt.of {
            TokenOf::Grant(grant) => {
                // Absent: a grant that is gone names no application.
                app.directory().read().grant(grant).map(|grant| grant.client_name.clone()).unwrap_or_default()
            }
            TokenOf::Link(_) => String::new(),
        },
        Credential::ApiKey(_) | Credential::Session(_) => String::new(),
    };
    let name = if client.trim().is_empty() { granted() } else { client.to_owned() };
    let fit = |character: char| if is_of_origin_app(character) { character } else { '-' };
    let name: String = name.trim().chars().take(64).map(fit).collect();
    // A key that somebody gave as a name must not be written down.
    if name.is_empty() || app.ring.claims(&name) { "mcp".to_owned() } else { name }
}
