//! A layer from a check: the request is passed on, or refused.

use crate::{Refuse, refused};
use http::{Request, Response};
use keyward_core::denial::Denial;
use pin_project_lite::pin_project;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// Something to check of a request before it goes on. What it learns it can leave in the request's extensions.
pub trait Check<B>: Clone {
    /// Lets the request on, or says why not.
    ///
    /// # Errors
    /// The reason to refuse it.
    fn check(&self, request: &mut Request<B>) -> Result<(), Denial>;
}

/// Wraps a service in a [`Gate`].
#[derive(Clone, Debug)]
pub struct GateLayer<K, R> {
    check: K,
    refuse: R,
}

impl<K, R> GateLayer<K, R> {
    /// Checking with `check`, refusing through `refuse`.
    pub fn new(check: K, refuse: R) -> Self {
        Self { check, refuse }
    }
}

impl<S, K: Clone, R: Clone> Layer<S> for GateLayer<K, R> {
    type Service = Gate<S, K, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Gate { inner, check: self.check.clone(), refuse: self.refuse.clone() }
    }
}

/// Passes on the requests that its check lets on.
#[derive(Clone, Debug)]
pub struct Gate<S, K, R> {
    inner: S,
    check: K,
    refuse: R,
}

impl<S, K, R, B, C> Service<Request<B>> for Gate<S, K, R>
where
    S: Service<Request<B>, Response = Response<C>>,
    K: Check<B>,
    R: Refuse<C>,
{
    type Response = Response<C>;
    type Error = S::Error;
    type Future = Passage<S::Future, Ready<Result<Self::Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.check.check(&mut request) {
            Ok(()) => Passage::On { future: self.inner.call(request) },
            Err(denial) => {
                Passage::Refused { answer: ready(Ok(refused(&self.refuse, request.extensions(), denial))) }
            }
        }
    }
}

pin_project! {
    /// The inner service's future, or a refusal that is ready.
    #[project = Projected]
    #[derive(Debug)]
    #[expect(missing_docs, reason = "each variant has one future, and says which")]
    pub enum Passage<F, G> {
        /// The request was passed on.
        On {
            #[pin]
            future: F,
        },
        /// The request was refused.
        Refused {
            #[pin]
            answer: G,
        },
    }
}

impl<F, G> Future for Passage<F, G>
where
    F: Future,
    G: Future<Output = F::Output>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Projected::On { future } => future.poll(cx),
            Projected::Refused { answer } => answer.poll(cx),
        }
    }
}
