//! A call of a tool as a request to the API. It goes the way of every other request from behind authentication on: account,
//! limits, scope, input, idempotency, commit, audit. There is no second way.

use super::arguments::Sorted;
use super::catalog::Entry;
use super::schema::Place;
use super::server::{From, Server};
use super::words;
use crate::limits::ReadCharged;
use crate::operation::Access;
use crate::problem::Reason;
use crate::shared::Shared;
use axum::BoxError;
use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use keyward_core::denial::Denial;
use keyward_core::grant::Grant;
use keyward_core::header::is_of_origin_app;
use keyward_core::header_text::text;
use keyward_core::principal::{Credential, TokenOf};
use keyward_core::scope::Scope;
use rmcp::model::{CallToolResult, JsonObject};
use serde_json::Value;
use tower::ServiceExt;

/// Calls it. Whatever is wrong with the call is said in the result, where a model reads it.
pub(super) async fn call(
    server: &Server,
    entry: &Entry,
    from: From,
    client: &str,
    arguments: JsonObject,
) -> CallToolResult {
    let _ = from.record.tool.set(entry.tool.name);
    let mut sorted = match Sorted::of(entry, arguments) {
        Ok(sorted) => sorted,
        Err(wrong) => return refused(&from, &wrong),
    };
    if let Some(missing) = to_step_up(&server.shared, entry, &from) {
        let _ = from.record.step_up.set(missing);
    }
    let mut answer = match asked(server, entry, &from, client, &sorted).await {
        Ok(answer) => answer,
        Err(wrong) => return refused(&from, &wrong),
    };
    let form = server.form;
    // A page that is as long as what is shown of it has the cursor of the next one.
    if let Some(fewer) = answer.too_many(entry, form)
        && sorted.limit_to(fewer)
        && let Ok(shorter) = asked(server, entry, &from, client, &sorted).await
    {
        answer = shorter;
    }
    match answer.body {
        Some(body) if answer.status.is_success() => words::result(entry, body, form),
        Some(body) => words::refusal(entry, answer.status, &body, answer.after.as_deref()),
        None => words::wrong("The response could not be read; call again"),
    }
}

/// A call that is not a request.
fn refused(from: &From, wrong: &str) -> CallToolResult {
    from.refused(&Denial::invalid("arguments", wrong));
    words::wrong(wrong)
}

/// What the API has answered.
struct Answer {
    status: StatusCode,
    /// `Retry-After`.
    after: Option<String>,
    /// `None`: it could not be read.
    body: Option<Value>,
}

impl Answer {
    /// How many items fit into a result, where they are fewer than a page of cursors has.
    fn too_many(&self, entry: &Entry, form: words::Form) -> Option<usize> {
        let body = self.body.as_ref().filter(|_| self.status.is_success() && entry.method == Method::GET)?;
        words::too_many(body, form)
    }
}

async fn asked(
    server: &Server,
    entry: &Entry,
    from: &From,
    client: &str,
    sorted: &Sorted,
) -> Result<Answer, String> {
    let request = request(server, entry, from, client, sorted)?;
    let response = match server.api.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (status, reason) = (response.status(), response.extensions().get::<Reason>().cloned());
    let _ = from.record.said.set((status.as_u16(), reason));
    let after = response.headers().get("retry-after").and_then(text).map(str::to_owned);
    // Absent: a response that cannot be read is said to be so.
    Ok(Answer { status, after, body: body(response).await.ok() })
}

async fn body(response: Response<Body>) -> Result<Value, BoxError> {
    let bytes = response.into_body().collect().await?.to_bytes();
    Ok(serde_json::from_slice(&bytes)?)
}

/// The scope that the token lacks although its user's role has it: signing in again could help.
fn to_step_up(shared: &Shared, entry: &Entry, from: &From) -> Option<Scope> {
    let Access::Caller(Some(scope)) = entry.access else { return None };
    let Credential::Jwt(jwt) = &from.caller.credential else { return None };
    let TokenOf::Grant(_) = jwt.of else { return None };
    // Absent: a caller that acts nowhere is shown nothing.
    let who = shared.directory.read().act_in(from.caller.clone(), None, false).ok()?;
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
    sorted: &Sorted,
) -> Result<Request<Body>, String> {
    let mut request = Request::builder().method(entry.method.clone()).uri(sorted.target());
    request = request.header("x-origin-app", origin_app(&server.shared, from, client));
    if let Some(once) = &sorted.once {
        let once = HeaderValue::try_from(once).map_err(|_| "idempotency_key must be a UUID".to_owned())?;
        request = request.header("idempotency-key", once);
    }
    let has_body = !sorted.members.is_empty() || needs_body(entry);
    let body = if entry.method != Method::GET && has_body {
        request = request.header(CONTENT_TYPE, "application/json");
        Body::from(Value::Object(sorted.members.clone()).to_string())
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
    let in_body = || entry.arguments.iter().filter(|argument| argument.place == Place::Body);
    in_body().any(|argument| argument.required)
        || (entry.method == Method::PATCH && in_body().next().is_some())
}

/// The name of the application: the client's own, else the one that it had when it was let in.
fn origin_app(shared: &Shared, from: &From, client: &str) -> String {
    let granted = || match &from.caller.credential {
        Credential::Jwt(jwt) => match jwt.of {
            TokenOf::Grant(grant) => {
                // Absent: a grant that is gone names no application.
                shared
                    .directory
                    .read()
                    .grant(grant)
                    .map(|grant| grant.client_name.clone())
                    .unwrap_or_default()
            }
            TokenOf::Link(_) => String::new(),
        },
        Credential::ApiKey(_) | Credential::Session(_) => String::new(),
    };
    let name = if client.trim().is_empty() { granted() } else { client.to_owned() };
    let fit = |character: char| if is_of_origin_app(character) { character } else { '-' };
    let name: String = name.trim().chars().take(64).map(fit).collect();
    // A key that somebody gave as a name must not be written down.
    if name.is_empty() || shared.ring.claims(&name) { "mcp".to_owned() } else { name }
}
