//! Charges requests to the buckets that a policy names, and tells the client how they stand.
//!
//! 1. The [`Policy`] names the buckets of a request. Without any, the request passes and nothing is told.
//! 2. All of them are charged, or none: a request that is refused consumes nothing.
//! 3. Every answer of a request that was charged, refusals by inner layers included, has `RateLimit-Policy` and `RateLimit`
//!    (draft-ietf-httpapi-ratelimit-headers-11). The standing is that of the moment of the charge.
//! 4. A refusal carries the seconds after which the request would be admitted if nobody else came.
//! 5. Where the policy has a time for them, the older `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` stand
//!    beside the draft's fields.
//!
//! Caveat: the counters are those of one process.

use crate::{Refuse, refused};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::rate_limit::{Charge, Limiter, OverLimit, Standing, fields, legacy_fields};
use pin_project_lite::pin_project;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tower_layer::Layer;
use tower_service::Service;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// What clients of before the draft read.
const LEGACY: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];

/// Which buckets a request is charged to, and what it means when one is full.
pub trait Policy<B>: Clone {
    /// The buckets.
    fn charges(&self, request: &Request<B>) -> Vec<Charge>;

    /// The refusal of a request that is over a limit; `None`: it passes, and only this has heard of it.
    fn over(&self, request: &Request<B>, over: &OverLimit) -> Option<Denial>;

    /// The time, if `X-RateLimit-…` is sent beside the draft's fields.
    fn legacy(&self) -> Option<Timestamp> {
        None
    }
}

/// Sets the fields that report how these buckets stand; with a time, the older ones too.
pub fn tell(headers: &mut HeaderMap, standings: &[Standing], legacy: Option<Timestamp>) {
    if standings.is_empty() {
        return;
    }
    let (policy, limit) = fields(standings);
    for (name, value) in [(POLICY, policy), (LIMIT, limit)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    if let Some(values) = legacy.and_then(|now| legacy_fields(standings, now)) {
        for (name, value) in LEGACY.into_iter().zip(values) {
            headers.insert(name, HeaderValue::from(value));
        }
    }
}

/// Wraps a service in [`RateLimit`].
#[derive(Clone, Debug)]
pub struct RateLimitLayer<P, R> {
    limiter: Limiter,
    policy: P,
    refuse: R,
}

impl<P, R> RateLimitLayer<P, R> {
    /// Charging by this policy, refusing through `refuse`.
    pub fn new(limiter: Limiter, policy: P, refuse: R) -> Self {
        Self { limiter, policy, refuse }
    }
}

impl<S, P: Clone, R: Clone> Layer<S> for RateLimitLayer<P, R> {
    type Service = RateLimit<S, P, R>;

    fn layer(&self, inner: S) -> Self::Service {
        let (limiter, policy, refuse) = (self.limiter.clone(), self.policy.clone(), self.refuse.clone());
        RateLimit { inner, limiter, policy, refuse }
    }
}

/// Passes on the requests that their buckets admit.
#[derive(Clone, Debug)]
pub struct RateLimit<S, P, R> {
    inner: S,
    limiter: Limiter,
    policy: P,
    refuse: R,
}

impl<S, P, R, B, C> Service<Request<B>> for RateLimit<S, P, R>
where
    S: Service<Request<B>, Response = Response<C>>,
    P: Policy<B>,
    R: Refuse<C>,
{
    type Response = Response<C>;
    type Error = S::Error;
    type Future = Charged<S::Future, Ready<Result<Self::Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let legacy = self.policy.legacy();
        let charges = self.policy.charges(&request);
        let standings = match self.limiter.charge(&charges) {
            Ok(standings) => standings,
            Err(over) => match self.policy.over(&request, &over) {
                None => over.standings,
                Some(denial) => {
                    let answer = refused(&self.refuse, request.extensions(), denial);
                    return Charged::Refused { answer: ready(Ok(answer)), standings: over.standings, legacy };
                }
            },
        };
        Charged::Admitted { future: self.inner.call(request), standings, legacy }
    }
}

pin_project! {
    /// The inner service's future, or a refusal that is ready; with how the buckets stand.
    #[project = Projected]
    #[derive(Debug)]
    #[expect(missing_docs, reason = "each variant has one future, and says which")]
    pub enum Charged<F, G> {
        /// The request was admitted.
        Admitted {
            #[pin]
            future: F,
            standings: Vec<Standing>,
            legacy: Option<Timestamp>,
        },
        /// The request was refused.
        Refused {
            #[pin]
            answer: G,
            standings: Vec<Standing>,
            legacy: Option<Timestamp>,
        },
    }
}

impl<F, G, C, E> Future for Charged<F, G>
where
    F: Future<Output = Result<Response<C>, E>>,
    G: Future<Output = Result<Response<C>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let (answer, standings, legacy) = match self.project() {
            Projected::Admitted { future, standings, legacy } => {
                (ready!(future.poll(cx)), standings, *legacy)
            }
            Projected::Refused { answer, standings, legacy } => (ready!(answer.poll(cx)), standings, *legacy),
        };
        Poll::Ready(answer.map(|mut response| {
            tell(response.headers_mut(), standings, legacy);
            response
        }))
    }
}
