//! A request has so long from its head to its answer. What it has begun to write goes on: only the waiting ends.

use crate::current::Current;
use crate::problem::{Problem, Problems, RequestId};
use axum::body::Body;
use http::{Request, Response};
use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Timeout, timeout};
use tower::{Layer, Service};
use uuid::Uuid;

/// Wraps a service in [`TimeLimit`].
#[derive(Clone, Debug)]
pub(crate) struct TimeLimitLayer(pub(crate) Current, pub(crate) Problems);

impl<S> Layer<S> for TimeLimitLayer {
    type Service = TimeLimit<S>;

    fn layer(&self, inner: S) -> TimeLimit<S> {
        TimeLimit { inner, current: self.0.clone(), problems: self.1.clone() }
    }
}

/// Waits no longer than `request_timeout`.
#[derive(Clone, Debug)]
pub(crate) struct TimeLimit<S> {
    inner: S,
    current: Current,
    problems: Problems,
}

impl<S> Service<Request<Body>> for TimeLimit<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Limited<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let limit = self.current.glance(|now| now.request_timeout);
        let id = RequestId::of(request.extensions());
        Limited {
            answering: timeout(limit, self.inner.call(request)),
            problems: self.problems.clone(),
            id,
            limit,
        }
    }
}

pin_project! {
    /// An answer, or that there was none in time.
    pub(crate) struct Limited<F> {
        #[pin]
        answering: Timeout<F>,
        problems: Problems,
        id: Uuid,
        limit: Duration,
    }
}

impl<F: Future<Output = Result<Response<Body>, Infallible>>> Future for Limited<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answer = ready!(this.answering.poll(cx));
        Poll::Ready(
            answer.unwrap_or_else(|_| Ok(this.problems.response(*this.id, Problem::TimedOut(*this.limit)))),
        )
    }
}
