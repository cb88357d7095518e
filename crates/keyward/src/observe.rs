//! The outermost layer: an id for every request, a log event for every answer, and an answer even after a panic.
//!
//! The event is one line with all that is known: who, which operation, the status, the reason of a refusal by its
//! stable word, the duration. It never holds a header's or a body's text, nor the path as it was sent, where people
//! put secrets by mistake.

use crate::app::App;
use crate::problem::{Problem, Problems, Reason, RequestId};
use crate::routes::OperationId;
use axum::body::Body;
use futures_util::FutureExt;
use http::header::X_CONTENT_TYPE_OPTIONS;
use http::{HeaderName, HeaderValue, Request, Response};
use keyward_core::BoxFuture;
use keyward_core::id::{AccountId, UserId};
use keyward_core::random::{self, Pooled};
use keyward_tower::ClientAddress;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Layer, Service};
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is learnt of a request on its way, in its extensions.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) operation: OnceLock<OperationId>,
    pub(crate) caller: OnceLock<(UserId, &'static str, i64)>,
    pub(crate) account: OnceLock<AccountId>,
    pub(crate) origin_app: OnceLock<Arc<str>>,
}

/// The record of a request.
pub(crate) fn record<B>(request: &Request<B>) -> Option<&Arc<Record>> {
    request.extensions().get()
}

/// Wraps a service in [`Observe`].
#[derive(Clone, Debug)]
pub(crate) struct ObserveLayer(pub(crate) Arc<App>);

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        let ids = Arc::new(Pooled::new(Arc::clone(&self.0.random)));
        Observe { inner, app: Arc::clone(&self.0), ids }
    }
}

/// Gives ids, catches panics, logs.
#[derive(Clone, Debug)]
pub(crate) struct Observe<S> {
    inner: S,
    app: Arc<App>,
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
        let app = Arc::clone(&self.app);
        let start = app.clock.elapsed();
        // Without randomness a request still has an answer; its id then says nothing.
        let id = random::uuid4(&*self.ids).unwrap_or_default();
        let record = Arc::new(Record::default());
        let method = request.method().clone();
        let address = request.extensions().get::<ClientAddress>().copied();
        request.extensions_mut().insert(RequestId(id));
        request.extensions_mut().insert(Arc::clone(&record));
        let answering = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        Box::pin(async move {
            let mut response = match answering.await {
                Ok(Ok(response)) => response,
                Err(_) => Problems(Arc::clone(&app)).response(id, Problem::Panicked),
            };
            let headers = response.headers_mut();
            if let Ok(value) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            {
                headers.insert(REQUEST_ID, value);
            }
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            log(id, &method, address, &record, &response, app.clock.elapsed().saturating_sub(start));
            Ok(response)
        })
    }
}

fn log(
    id: Uuid,
    method: &http::Method,
    address: Option<ClientAddress>,
    record: &Record,
    response: &Response<Body>,
    duration: Duration,
) {
    let reason = response.extensions().get::<Reason>();
    let caller = record.caller.get();
    let operation = record.operation.get();
    // Our methods by name; a client may invent others of any length.
    let known = ["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", "TRACE", "CONNECT"];
    tracing::info!(
        target: "keyward::request",
        request_id = %id,
        method = known.iter().find(|name| **name == method.as_str()).copied().unwrap_or("other"),
        operation = operation.map(|operation| operation.name()),
        status = response.status().as_u16(),
        denial = reason.map(|reason| reason.word),
        cause = reason.and_then(|reason| reason.causes.as_deref()),
        user_id = caller.map(|(user, ..)| user.0),
        account_id = record.account.get().map(|account| account.0),
        credential_kind = caller.map(|(_, kind, _)| *kind),
        credential_id = caller.map(|(_, _, id)| *id),
        origin_app = record.origin_app.get().map(|name| &**name),
        address = address.map(|ClientAddress(address)| tracing::field::display(address)),
        duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
        "request"
    );
}
