//! Who is let in to the MCP endpoint: authentication stands before the method and before the body is read, so that whoever looks
//! around without a credential is told where to get one, whatever it asks.

use super::accept::{self, Form};
use super::metadata::ProtectedResource;
use super::paths::{KEY_PATH, PATH};
use crate::body_room::{self, BodyRoom};
use crate::boxed::Boxed;
use crate::browser::Pairs;
use crate::call::gathered;
use crate::callers::Callers;
use crate::limits::OfPosts;
use crate::observe::{Named, Record, record};
use crate::problem::{Problem, RequestId, insert};
use crate::shared::Shared;
use crate::stack::{Guard, authenticated};
use axum::body::Body;
use http::header::{
    ACCEPT, ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ORIGIN, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use keyward_core::denial::Denial;
use keyward_core::header_text::text;
use keyward_core::id::UserId;
use keyward_core::oauth::Asked;
use keyward_core::principal::{Caller, Principal};
use keyward_tower::authenticate::Jwts;
use keyward_tower::rate_limit::RateLimitLayer;
use keyward_tower::{Check, ClientAddress, GateLayer};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde::Deserialize;
use serde_json::json;
use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use url::Url;

/// The header that names a session of the older revisions.
const SESSION: &str = "mcp-session-id";

/// Which credentials an endpoint takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// API keys and access tokens; it says where to sign in.
    Open,
    /// API keys alone, for clients that would start a sign-in although they were given a key.
    KeysOnly,
}

/// What an endpoint is made of.
#[derive(Clone, Debug)]
pub struct EndpointParts {
    pub(crate) guard: Guard,
    /// Verifies the tokens that are for it.
    pub(crate) jwts: Jwts,
    /// Whose pages may call.
    pub(crate) callers: Callers,
    /// Room for the bodies that are being read.
    pub(crate) bodies: BodyRoom,
    /// Where to sign in.
    pub(crate) resource: Arc<ProtectedResource>,
}

/// An endpoint that is answered by such handlers, one for each request, and without sessions: a restart loses nothing, any replica
/// can answer, and no handle needs to be guarded.
pub fn endpoint<H, M>(parts: &EndpointParts, endpoint: Endpoint, make: M) -> Boxed
where
    H: ServerHandler + Send + 'static,
    M: Fn() -> H + Send + Sync + 'static,
{
    let set = config(parts).with_legacy_session_mode(false);
    let wire = StreamableHttpService::new(move || Ok(make()), Arc::new(NeverSessionManager::default()), set);
    guarded(parts, endpoint, wire, None)
}

/// The same with sessions, for handlers that ask something of the client in the older revisions. A session is its caller's alone
/// (MCP 2026-07-28, Security Best Practices, State Handle Hijacking).
pub fn endpoint_with_sessions<H, M>(parts: &EndpointParts, endpoint: Endpoint, make: M) -> Boxed
where
    H: ServerHandler + Send + 'static,
    M: Fn() -> H + Send + Sync + 'static,
{
    let sessions = Arc::new(LocalSessionManager::default());
    let wire = StreamableHttpService::new(move || Ok(make()), sessions, config(parts));
    guarded(parts, endpoint, wire, Some(Owners::default()))
}

fn config(parts: &EndpointParts) -> StreamableHttpServerConfig {
    let config = StreamableHttpServerConfig::default().with_json_response(true);
    config.with_max_request_body_bytes(parts.guard.shared.limits.body_bytes)
}

/// Whose a session is: the user, and what it was let in by. A refreshed token is of the same grant.
type Owner = (UserId, &'static str, i64);
type Owners = Arc<Mutex<HashMap<String, Owner>>>;

fn guarded<H, S>(
    parts: &EndpointParts,
    endpoint: Endpoint,
    wire: StreamableHttpService<H, S>,
    owners: Option<Owners>,
) -> Boxed
where
    H: ServerHandler + Send + 'static,
    S: SessionManager,
{
    let jwts = (endpoint == Endpoint::Open).then_some(&parts.jwts);
    let own = Arc::new(parts.clone());
    let inner = service_fn(move |request: Request<Body>| {
        let (parts, mut wire, owners) = (Arc::clone(&own), wire.clone(), owners.clone());
        wire.config.allowed_hosts = known_hosts(&parts.guard.shared.public_url);
        let is_foreign = is_foreign(&parts.callers, request.headers());
        async move {
            if is_foreign {
                let id = RequestId::of(request.extensions());
                return Ok(parts.guard.problems.response(id, Denial::PlaceForeign.into()));
            }
            let Some(owners) = owners else {
                return Ok::<_, Infallible>(answer(&parts, wire, request).await);
            };
            Ok(in_session(&parts, wire, request, &owners).await)
        }
    });
    let Guard { shared, charger, problems, .. } = &parts.guard;
    // The order of steps of the API's door (`stack.rs`): who calls, in which account, within its limits; then the body.
    let limited = ServiceBuilder::new()
        .layer(GateLayer::new(InAccount(Arc::clone(shared)), problems.clone()))
        .layer(RateLimitLayer::new(shared.limiter.clone(), OfPosts(charger.clone()), problems.clone()))
        .service(inner);
    let door = BoxCloneSyncService::new(authenticated(&parts.guard, jwts, limited));
    let own = Arc::clone(&parts.resource);
    BoxCloneSyncService::new(service_fn(move |request: Request<Body>| {
        let (resource, door) = (Arc::clone(&own), door.clone());
        // Absent: notes that no log reads.
        let record = record(&request).cloned().unwrap_or_default();
        async move {
            if request.method() == Method::OPTIONS {
                return Ok(options());
            }
            // Absent: an address without a query is the resource itself.
            let query = Pairs::read(request.uri().query().unwrap_or_default().as_bytes());
            let mut response = door.oneshot(request).await?;
            let route = if endpoint == Endpoint::Open { PATH } else { KEY_PATH };
            // A call of a tool has named its operation.
            let _ = record.operation.set(Named { operation: "mcp", route: route.into() });
            challenge(&resource, endpoint, (&record, &query), &mut response);
            Ok(response)
        }
    }))
}

/// Finds the account of a caller. There need be none: what needs one says so itself.
#[derive(Clone, Debug)]
struct InAccount(Arc<Shared>);

impl<B> Check<B> for InAccount {
    fn check(&self, request: &mut Request<B>) -> Result<(), Denial> {
        // Authentication stands outside this, so a caller is there. A call of a tool needs it again.
        let caller = request.extensions().get::<Caller>().cloned().ok_or(Denial::CredentialMissing)?;
        let principal = self.0.directory.read().act_in(caller, None, false)?;
        if let (Some(record), Some(member)) = (record(request), principal.member) {
            let _ = record.account.set(member.account);
        }
        request.extensions_mut().insert(principal);
        Ok(())
    }
}

/// The longest message that calls no tool.
const LONGEST_OTHER: usize = 64 * 1024;

/// A request with its whole body, which takes room of its caller's share.
async fn message(parts: &EndpointParts, request: Request<Body>) -> Result<Request<Body>, Denial> {
    let (head, body) = request.into_parts();
    // Absent: a stranger, whose share is the least.
    let owner = head.extensions.get::<Principal>().map_or(body_room::Owner::Stranger, body_room::Owner::from);
    // Absent: the default is no address, and all without one share a part.
    let address: ClientAddress = head.extensions.get().copied().unwrap_or_default();
    let body =
        gathered(body, parts.guard.shared.limits.body_bytes, parts.bodies.place(owner, address)).await?;
    if body.len() > LONGEST_OTHER && !calls_a_tool(&body) {
        return Err(Denial::BodyTooLarge(LONGEST_OTHER));
    }
    Ok(Request::from_parts(head, Body::from(body)))
}

/// Whether a message is a call of a tool, as far as that can be seen without reading the rest of it.
fn calls_a_tool(message: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Message<'m> {
        #[serde(borrow)]
        method: Cow<'m, str>,
    }
    serde_json::from_slice::<Message<'_>>(message).is_ok_and(|message| message.method == "tools/call")
}

fn options() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("OPTIONS, POST"));
    response
}

/// Whether a page of an origin that may not call has sent it (MCP 2026-07-28, Streamable HTTP, Security). The list is that of the CORS
/// protocol, which the wire's own would repeat without `*`.
fn is_foreign(callers: &Callers, headers: &HeaderMap) -> bool {
    headers.get_all(ORIGIN).iter().any(|origin| !callers.include(origin.as_bytes()))
}

/// The hosts by which this server may be called: not a name that somebody else has pointed here.
fn known_hosts(public_url: &str) -> Vec<String> {
    let mut hosts: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    // Absent: what is no URL has no host.
    let url = Url::parse(public_url).ok();
    hosts.extend(url.as_ref().and_then(Url::host_str).map(str::to_owned));
    hosts
}

/// Answers whoever owns the session that is named, or begins one.
async fn in_session<H: ServerHandler + Send + 'static, S: SessionManager>(
    parts: &EndpointParts,
    wire: StreamableHttpService<H, S>,
    request: Request<Body>,
    owners: &Owners,
) -> Response<Body> {
    let caller = request.extensions().get::<Caller>();
    let caller = caller.map(|caller| (caller.user, caller.credential.kind(), caller.credential.id()));
    let known = || owners.lock().unwrap_or_else(PoisonError::into_inner);
    let session = session(request.headers());
    if let Some(session) = &session
        && known().get(session).copied() != caller
    {
        // Another's is as unknown as one that never was.
        let id = RequestId::of(request.extensions());
        return parts.guard.problems.response(id, Denial::not_found("Session", session).into());
    }
    let ends = request.method() == Method::DELETE;
    let response = answer(parts, wire, request).await;
    if let (true, Some(session)) = (ends, &session) {
        known().remove(session);
    }
    if let (Some(session), Some(caller)) = (self::session(response.headers()), caller) {
        known().insert(session, caller);
    }
    response
}

/// The session that is named. One that is no text, or stands beside another one, is a name that nobody has: it must not pass for
/// a request that names none.
fn session(headers: &HeaderMap) -> Option<String> {
    let mut lines = headers.get_all(SESSION).iter();
    match (lines.next(), lines.next()) {
        (None, _) => None,
        // Absent: no session has an empty name.
        (Some(one), None) => Some(text(one).unwrap_or_default().to_owned()),
        (Some(_), Some(_)) => Some(String::new()),
    }
}

async fn answer<H: ServerHandler + Send + 'static, S: SessionManager>(
    parts: &EndpointParts,
    wire: StreamableHttpService<H, S>,
    mut request: Request<Body>,
) -> Response<Body> {
    let id = RequestId::of(request.extensions());
    let form = accept::form(request.headers());
    if request.method() == Method::POST {
        request.headers_mut().insert(ACCEPT, accept::BOTH);
        // As every other body is: the wire would wait for it as long as it likes to take.
        request = match message(parts, request).await {
            Ok(request) => request,
            Err(denial) => return parts.guard.problems.response(id, denial.into()),
        };
    }
    let is_json = request.headers().get(CONTENT_TYPE).is_some_and(|kind| {
        kind.as_bytes().get(..16).is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/json"))
    });
    // It has done its work here, and goes nowhere else.
    request.headers_mut().remove(AUTHORIZATION);
    let response = wire.handle(request).await;
    let (mut head, body) = response.into_parts();
    insert(&mut head.headers, CACHE_CONTROL, "no-store");
    let says = |headers: &HeaderMap, kind: &str| {
        headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(kind.as_bytes()))
    };
    if says(&head.headers, "text/event-stream") {
        head.headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    }
    if head.status.is_success() || says(&head.headers, "application/json") {
        let response = Response::from_parts(head, Body::new(body));
        return if form == Form::Event { accept::as_event(response).await } else { response };
    }
    if head.status == StatusCode::UNSUPPORTED_MEDIA_TYPE && is_json {
        return no_message(head.headers);
    }
    // What the wire says in plain text is said as everything else is.
    let denial = match head.status {
        StatusCode::METHOD_NOT_ALLOWED => Denial::MethodNotAllowed("OPTIONS, POST".to_owned()),
        StatusCode::FORBIDDEN => Denial::PlaceForeign,
        StatusCode::NOT_FOUND => Denial::not_found("Session", "of that name"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Denial::ContentTypeUnsupported("something else".to_owned()),
        StatusCode::NOT_ACCEPTABLE => {
            Denial::HeaderMalformed("Accept must name text/event-stream".to_owned())
        }
        status if status.is_client_error() => Denial::HeaderMalformed(
            "The request is not one of MCP's Streamable HTTP; see MCP-Protocol-Version and the body"
                .to_owned(),
        ),
        // Absent: any other status is a fault of ours.
        _ => return parts.guard.problems.response(id, Problem::Panicked),
    };
    parts.guard.problems.response(id, denial.into())
}

/// What is said to a body that is not one message of JSON-RPC, though it says that it is JSON (JSON-RPC 2.0 §5.1).
fn no_message(headers: HeaderMap) -> Response<Body> {
    let text = "The body must be one JSON-RPC 2.0 message; several at once are not taken";
    let said = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32600, "message": text } });
    let mut response = Response::new(Body::from(said.to_string()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    *response.headers_mut() = headers;
    insert(response.headers_mut(), CONTENT_TYPE, "application/json");
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}

/// Says what would have been enough (RFC 6750 §3, RFC 9728 §5.1).
fn challenge(
    resource: &ProtectedResource,
    endpoint: Endpoint,
    (record, query): (&Record, &Pairs),
    response: &mut Response<Body>,
) {
    if endpoint == Endpoint::KeysOnly {
        return;
    }
    let Some(document) = resource.url(query) else { return };
    if let Some(missing) = record.step_up.get() {
        *response.status_mut() = StatusCode::FORBIDDEN;
        let text = format!(
            "Bearer realm=\"lev\", error=\"insufficient_scope\", scope=\"{} {}\", resource_metadata=\"{document}\", \
             error_description=\"This needs {}; sign in again and allow it\"",
            // Only tokens of our own sign-in are told this.
            Asked::usual().to_text(),
            missing.name(),
            missing.name()
        );
        insert(response.headers_mut(), WWW_AUTHENTICATE, &text);
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        let own = response.headers().get(WWW_AUTHENTICATE).and_then(text);
        // Absent: the challenge that names the scheme alone.
        let mut text = own.unwrap_or("Bearer realm=\"lev\"").to_owned();
        if !resource.scopes.is_empty() {
            text.push_str(&format!(", scope=\"{}\"", resource.scopes.join(" ")));
        }
        text.push_str(&format!(", resource_metadata=\"{document}\""));
        insert(response.headers_mut(), WWW_AUTHENTICATE, &text);
    }
}
