//! Requests from pages of other origins (the Fetch standard's CORS protocol), as `callers.rs` allows them.
//!
//! The protocol itself is tower-http's. It stands in the stack twice: outside everything, so that a page can read a refusal
//! too; and inside hygiene for the preflights, so that nothing is answered that could be read in two ways. Credentials of
//! the browser are never allowed: the API is called with a bearer token.

use crate::callers::Callers;
use futures_util::future::Either;
use http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, ALLOW, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LINK,
    LOCATION, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Layer, Service};
use tower_http::cors::{AllowOrigin, Cors, CorsLayer, ResponseFuture};

const METHODS: [Method; 5] = [Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE];
/// What a page may send.
const SENT: [HeaderName; 11] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    IF_MATCH,
    IF_NONE_MATCH,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("mcp-method"),
    HeaderName::from_static("mcp-name"),
    HeaderName::from_static("mcp-protocol-version"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("x-active-account"),
    HeaderName::from_static("x-origin-app"),
];
/// What a page may read.
const READ: [HeaderName; 13] = [
    ALLOW,
    ETAG,
    LINK,
    LOCATION,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    HeaderName::from_static("idempotency-replayed"),
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
    // Sent where `[limits] legacy_headers` is on.
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
    HeaderName::from_static("x-request-id"),
];
/// How long a browser may remember a preflight.
const MAX_AGE: Duration = Duration::from_secs(600);

/// Which requests a place in the stack is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All but OPTIONS: their answers get the headers.
    Answers,
    /// Preflights: they are answered.
    Preflights,
}

impl Part {
    fn takes<B>(self, request: &Request<B>) -> bool {
        let options = request.method() == Method::OPTIONS;
        match self {
            Self::Answers => !options,
            Self::Preflights => {
                options
                    && request.headers().contains_key(ORIGIN)
                    && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
            }
        }
    }
}

/// Wraps a service in [`CrossOrigin`].
#[derive(Clone, Debug)]
pub(crate) struct CrossOriginLayer {
    pub(crate) part: Part,
    pub(crate) callers: Callers,
    /// The addresses that pages of any origin may call.
    pub(crate) open_to_all: &'static [&'static str],
}

impl<S: Clone> Layer<S> for CrossOriginLayer {
    type Service = CrossOrigin<S>;

    fn layer(&self, inner: S) -> CrossOrigin<S> {
        let (callers, open_to_all) = (self.callers.clone(), self.open_to_all);
        let allowed = move |origin: &HeaderValue, parts: &http::request::Parts| {
            is_open(parts.uri.path(), open_to_all) || callers.include(origin.as_bytes())
        };
        let cors = CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(allowed))
            .allow_methods(METHODS)
            .allow_headers(SENT)
            .expose_headers(READ)
            .max_age(MAX_AGE);
        CrossOrigin {
            cors: cors.layer(inner.clone()),
            plain: inner,
            part: self.part,
            callers: self.callers.clone(),
            open_to_all,
        }
    }
}

/// What an application in any page must be able to read to sign its user in. It takes no cookie, and tells nothing of anyone.
fn is_open(path: &str, open_to_all: &[&str]) -> bool {
    path.starts_with("/.well-known/") || open_to_all.contains(&path)
}

/// Passes requests by the protocol, or past it.
#[derive(Clone, Debug)]
pub(crate) struct CrossOrigin<S> {
    plain: S,
    cors: Cors<S>,
    part: Part,
    callers: Callers,
    open_to_all: &'static [&'static str],
}

impl<S, B, C> Service<Request<B>> for CrossOrigin<S>
where
    S: Service<Request<B>, Response = Response<C>>,
    C: Default,
{
    type Response = Response<C>;
    type Error = S::Error;
    type Future = Either<ResponseFuture<S::Future>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        match self.plain.poll_ready(cx) {
            Poll::Ready(Ok(())) => self.cors.poll_ready(cx),
            other => other,
        }
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let asked = is_open(request.uri().path(), self.open_to_all)
            || self.callers.may_include(request.headers().get(ORIGIN));
        if self.part.takes(&request) && asked {
            Either::Left(self.cors.call(request))
        } else {
            Either::Right(self.plain.call(request))
        }
    }
}
