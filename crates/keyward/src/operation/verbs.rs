//! The verbs of a path: OPTIONS is answered, and what the path has no verb for is refused.

use crate::problem::{Problems, RequestId};
use axum::body::Body;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter};
use http::header::ALLOW;
use http::{HeaderValue, Request, Response, StatusCode};
use keyward_core::denial::Denial;

/// What a path has, as `Allow` tells it.
pub(crate) struct Verbs(String);

impl Verbs {
    /// These, `HEAD` where there is `GET`, and `OPTIONS`.
    pub(crate) fn of<'v>(verbs: impl IntoIterator<Item = &'v str>) -> Self {
        let mut verbs: Vec<&str> = verbs.into_iter().collect();
        if verbs.contains(&"GET") {
            verbs.push("HEAD");
        }
        verbs.push("OPTIONS");
        verbs.sort_unstable();
        Self(verbs.join(", "))
    }
}

/// A path that answers OPTIONS and refuses every other verb, until it is given some.
pub(crate) fn verbs(problems: &Problems, Verbs(allowed): Verbs) -> MethodRouter {
    let (other, for_options) = (problems.clone(), allowed.clone());
    let refusing = async move |request: Request<Body>| {
        refuse(&other, &request, Denial::MethodNotAllowed(allowed.clone()))
    };
    MethodRouter::new()
        .fallback_service(Handler::<_, ()>::with_state(refusing, ()))
        .on(MethodFilter::OPTIONS, async move || options(&for_options))
}

/// The answer to OPTIONS.
pub(crate) fn options(allowed: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if let Ok(value) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

/// The refusal of a request that no row takes.
pub(crate) fn refuse(problems: &Problems, request: &Request<Body>, denial: Denial) -> Response<Body> {
    problems.response(RequestId::of(request.extensions()), denial.into())
}
