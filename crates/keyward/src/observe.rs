//! The outermost layer: an id for every request, a log event for every answer, and an answer even after a panic.
//!
//! The event is one line with all that is known: who, which operation, the status, the reason of a refusal by its
//! stable word, the duration. It never holds a header's or a body's text, nor the path as it was sent, where people
//! put secrets by mistake.

use crate::problem::{Problem, Problems, Reason, RequestId};
use crate::telemetry::{FinishedRequest, Parent, Traces};
use crate::transport::ByProxy;
use crate::watch::{Metrics, Recent, RequestLine, RequestLog};
use axum::body::Body;
use futures_util::FutureExt;
use http::header::X_CONTENT_TYPE_OPTIONS;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use keyward_core::BoxFuture;
use keyward_core::clock::Clock;
use keyward_core::denial::{Denial, Severity};
use keyward_core::id::{AccountId, UserId};
use keyward_core::jwt::{RefusedToken, Verified};
use keyward_core::principal::Recognised;
use keyward_core::random::{self, Pooled, Random};
use keyward_core::scope::Scope;
use keyward_tower::ClientAddress;
use opentelemetry::KeyValue;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Layer, Service};
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a request asks for.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// The operation, as log and metrics have it.
    pub(crate) operation: &'static str,
    /// Its path with the names of its parameters.
    pub(crate) route: Arc<str>,
}

/// What is learnt of a request on its way, in its extensions.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) operation: OnceLock<Named>,
    pub(crate) caller: OnceLock<(UserId, &'static str, i64)>,
    pub(crate) account: OnceLock<AccountId>,
    /// The JWT of a caller.
    pub(crate) token: OnceLock<Arc<Verified>>,
    pub(crate) origin_app: OnceLock<Arc<str>>,
    /// The tool of MCP that was called, and what the API said to it, where the answer around it says something else.
    pub(crate) tool: OnceLock<&'static str>,
    /// The scope that a token lacks for it although its user has it.
    pub(crate) step_up: OnceLock<Scope>,
    pub(crate) said: OnceLock<(u16, Option<Reason>)>,
}

/// The record of a request.
pub(crate) fn record<B>(request: &Request<B>) -> Option<&Arc<Record>> {
    request.extensions().get()
}

/// What observes requests, and where it is written.
#[derive(Clone, Debug)]
pub(crate) struct Observer {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) problems: Problems,
    /// The figures.
    pub(crate) metrics: Arc<Metrics>,
    /// How requests are logged.
    pub(crate) log: RequestLog,
    /// What is remembered of requests that were not answered as asked.
    pub(crate) recent: Recent,
    /// Where spans go, if anywhere.
    pub(crate) traces: Option<Arc<Traces>>,
}

/// Wraps a service in [`Observe`].
#[derive(Clone, Debug)]
pub(crate) struct ObserveLayer(pub(crate) Arc<Observer>);

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        let ids = Arc::new(Pooled::new(Arc::clone(&self.0.random)));
        Observe { inner, observer: Arc::clone(&self.0), ids }
    }
}

/// What the scopes of a token leave, in words for the operator.
fn scopes_text(token: &Verified) -> String {
    let unlimited = "Nothing narrows it. To make keys, account:write must stand in the token itself; to give a role, all that the role may do besides.";
    token.scope_report.as_ref().map_or_else(|| unlimited.to_owned(), |report| report.text())
}

/// Gives ids, catches panics, logs.
#[derive(Clone, Debug)]
pub(crate) struct Observe<S> {
    inner: S,
    observer: Arc<Observer>,
    ids: Arc<Pooled>,
}

impl<S> Service<Request<Body>> for Observe<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let observer = Arc::clone(&self.observer);
        // Without randomness a request still has an answer; its id then says nothing.
        let id = random::uuid4(&*self.ids).unwrap_or_default();
        let event = Event::begin(id, &request, Arc::clone(&observer));
        request.extensions_mut().insert(RequestId(id));
        request.extensions_mut().insert(Arc::clone(&event.record));
        // Panics of the call itself, and of what it begins.
        let answering = catch_unwind(AssertUnwindSafe(|| self.inner.call(request)));
        Box::pin(async move {
            let answered = match answering {
                Ok(answering) => AssertUnwindSafe(answering).catch_unwind().await,
                Err(panic) => Err(panic),
            };
            let mut response = match answered {
                Ok(Ok(response)) => response,
                Err(_) => observer.problems.response(id, Problem::Panicked),
            };
            let headers = response.headers_mut();
            if let Ok(value) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            {
                headers.insert(REQUEST_ID, value);
            }
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            event.end(&response);
            Ok(response)
        })
    }
}

/// The span that a request is a part of. A stranger neither joins a trace of ours nor decides whether there is one.
fn parent(observer: &Observer, request: &Request<Body>) -> Parent {
    match (&observer.traces, request.extensions().get::<ByProxy>()) {
        (Some(_), Some(ByProxy)) => Parent::from_headers(request.headers()),
        _ => Parent::default(),
    }
}

/// The one log event of a request. It is written when the request is answered, or else when it is dropped because the
/// client has left.
struct Event {
    id: Uuid,
    method: Method,
    address: Option<ClientAddress>,
    parent: Parent,
    record: Arc<Record>,
    observer: Arc<Observer>,
    start: Duration,
    written: bool,
}

impl Event {
    fn begin(id: Uuid, request: &Request<Body>, observer: Arc<Observer>) -> Self {
        Self {
            id,
            method: request.method().clone(),
            address: request.extensions().get().copied(),
            parent: parent(&observer, request),
            record: Arc::new(Record::default()),
            start: observer.clock.elapsed(),
            observer,
            written: false,
        }
    }

    fn end(mut self, response: &Response<Body>) {
        let reason = response.extensions().get::<Reason>();
        if let Some(Recognised { kind, id, user, account }) = response.extensions().get().copied() {
            // Of a credential that was refused nothing was noted on the way.
            let _ = self.record.caller.set((user, kind, id));
            if let Some(account) = account {
                let _ = self.record.account.set(account);
            }
        }
        let (status, reason) = match self.record.said.get() {
            Some((status, reason)) => (*status, reason.as_ref()),
            None => (response.status().as_u16(), reason),
        };
        self.write(Some(status), reason, response.extensions().get());
        self.written = true;
    }

    fn write(&self, status: Option<u16>, reason: Option<&Reason>, token: Option<&RefusedToken>) {
        let denial = reason.map(|reason| reason.word);
        let caller = self.record.caller.get();
        // Our methods by name; a client may invent others of any length.
        let known = ["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", "TRACE", "CONNECT"];
        let duration = self.observer.clock.elapsed().saturating_sub(self.start);
        let operation = self.record.operation.get().map(|named| named.operation);
        let method = known.iter().find(|name| **name == self.method.as_str()).copied().unwrap_or("other");
        self.observer.metrics.request(operation, status, denial, duration);
        let token_scopes = self.token_scopes(denial);
        let mut id = Uuid::encode_buffer();
        let line = RequestLine {
            request_id: self.id.hyphenated().encode_lower(&mut id),
            method,
            operation,
            route: self.record.operation.get().map(|named| &*named.route),
            tool: self.record.tool.get().copied(),
            status,
            denial,
            severity: reason.map(|reason| reason.severity).unwrap_or_default(),
            cause: reason.and_then(|reason| reason.causes.as_deref()),
            user_id: caller.map(|(user, ..)| user.0),
            account_id: self.record.account.get().map(|account| account.0),
            credential_kind: caller.map(|(_, kind, _)| *kind),
            credential_id: caller.map(|(_, _, id)| *id),
            origin_app: self.record.origin_app.get().map(|name| &**name),
            address: self.address,
            token,
            token_scopes: token_scopes.as_deref(),
            duration,
        };
        // What is left out of the log is not remembered either: a flood would push out what others ask about.
        if line.log(&self.observer.log, self.observer.clock.elapsed()) && denial.is_some() {
            self.observer.recent.note(line.seen(self.observer.clock.now().to_string()), line.is_severe());
        }
        if let Some(traces) = &self.observer.traces {
            traces.record(self.span(method, status, denial, duration));
        }
    }
}

impl Event {
    /// Why a caller's token lacks a scope, if that was the refusal. Names that are not ours are logged here.
    fn token_scopes(&self, denial: Option<&'static str>) -> Option<String> {
        let token = self.record.token.get()?;
        if let Some(report) = &token.scope_report {
            self.observer.log.unknown_scopes.note(&token.issuer, &report.unknown);
        }
        let missing = Denial::ScopeMissing(Scope::AccountWrite).word();
        (denial == Some(missing)).then(|| scopes_text(token))
    }

    /// The request as a span, by the conventions of HTTP servers. It says as little of what was sent as the log does.
    fn span(
        &self,
        method: &'static str,
        status: Option<u16>,
        denial: Option<&'static str>,
        duration: Duration,
    ) -> FinishedRequest {
        let named = self.record.operation.get();
        let route = named.map(|named| named.route.to_string());
        let caller = self.record.caller.get();
        let attributes = [
            Some(KeyValue::new("http.request.method", method)),
            route.clone().map(|route| KeyValue::new("http.route", route)),
            status.map(|status| KeyValue::new("http.response.status_code", i64::from(status))),
            self.address
                .and_then(ClientAddress::known)
                .map(|address| KeyValue::new("client.address", address.to_string())),
            Some(KeyValue::new("keyward.request_id", self.id.hyphenated().to_string())),
            named.map(|named| KeyValue::new("keyward.operation", named.operation)),
            denial.map(|denial| KeyValue::new("keyward.denial", denial)),
            self.record.account.get().map(|account| KeyValue::new("keyward.account_id", account.0)),
            caller.map(|(user, ..)| KeyValue::new("keyward.user_id", user.0)),
            caller.map(|(_, kind, _)| KeyValue::new("keyward.credential_kind", *kind)),
            caller.map(|(_, _, id)| KeyValue::new("keyward.credential_id", *id)),
            self.record.origin_app.get().map(|name| KeyValue::new("keyward.origin_app", name.to_string())),
        ];
        FinishedRequest {
            name: route.map_or(method.into(), |route| format!("{method} {route}").into()),
            parent: self.parent.clone(),
            duration,
            attributes: attributes.into_iter().flatten().collect(),
            failed: status.is_some_and(|status| status >= 500),
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if !self.written {
            // A write that has begun goes on all the same; its audit row says whether it was done.
            let gone = Reason { word: "client_gone", causes: None, severity: Severity::Routine };
            self.write(None, Some(&gone), None);
        }
    }
}
