//! A request has so long from its head to its answer. What it has begun to write goes on: only the waiting ends.

use crate::app::App;
use crate::problem::{Problem, Problems, RequestId};
use axum::body::Body;
use http::{Request, Response};
use keyward_core::BoxFuture;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::timeout;
use tower::{Layer, Service};
use uuid::Uuid;

/// Wraps a service in [`TimeLimit`].
#[derive(Clone, Debug)]
pub(crate) struct TimeLimitLayer(pub(crate) Arc<App>);

impl<S> Layer<S> for TimeLimitLayer {
    type Service = TimeLimit<S>;

    fn layer(&self, inner: S) -> TimeLimit<S> {
        TimeLimit { inner, app: Arc::clone(&self.0) }
    }
}

/// Waits no longer than `request_timeout`.
#[derive(Clone, Debug)]
pub(crate) struct TimeLimit<S> {
    inner: S,
    app: Arc<App>,
}

impl<S> Service<Request<Body>> for TimeLimit<S>
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

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let limit = self.app.current.get().request_timeout;
        let id = request.extensions().get().map_or(Uuid::nil(), |RequestId(id)| *id);
        let answering = self.inner.call(request);
        let app = Arc::clone(&self.app);
        Box::pin(async move {
            match timeout(limit, answering).await {
                Ok(answer) => answer,
                Err(_) => Ok(Problems(app).response(id, Problem::TimedOut(limit))),
            }
        })
    }
}
