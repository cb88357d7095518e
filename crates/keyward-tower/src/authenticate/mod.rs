//! Works out who is calling, from the one `Authorization: Bearer` header.
//!
//! 1. No `Authorization`: refused. Where another header or a query parameter has the name of a credential, the denial says so;
//!    its value is not read.
//! 2. Not `Bearer`, spaces, token: refused, with the [`CredentialForm`] that was sent.
//! 3. The [`Scheme`]s are asked in their order. The first that claims the token owns it: what it says stands, and no
//!    other is asked. A token that none claims is refused.
//! 4. The [`Caller`] goes into the request's extensions.
//!
//! Where a refused credential is a known one, its [`Recognised`] goes into the response's extensions, and so does the
//! [`RefusedToken`] of a JWT: for the operator alone.
//!
//! A token in the query, in a cookie or in a body is never looked for. The body is not read.
//!
//! Caveat: the client's address comes from [`ClientAddress`] in the extensions; without one, every request seems to
//! come from `0.0.0.0`, which no range of addresses allows.

mod api_key;
mod issuer_keys;
mod jwt;

pub use api_key::ApiKeys;
pub use issuer_keys::{IssuerKeys, KeyFetch, KeyQuery};
pub use jwt::{Jwts, Links, Trusted};

use crate::{ClientAddress, Refuse, refused};
use http::header::AUTHORIZATION;
use http::{HeaderName, Request, Response};
use keyward_core::BoxFuture;
use keyward_core::credential_form::CredentialForm;
use keyward_core::denial::Denial;
use keyward_core::header::bearer;
use keyward_core::jwt::{RefusedToken, claims as is_jwt};
use keyward_core::principal::{Caller, Recognised};
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// What a scheme says of a token.
#[derive(Debug)]
pub enum Verdict {
    /// It is of another kind.
    NotMine,
    /// It proves this caller.
    Yes(Caller),
    /// It is of this kind, and bad; whose it is, where that is known; and what stands in it, where it is a JWT.
    No(Denial, Option<Recognised>, Option<Box<RefusedToken>>),
}

/// One kind of credential.
pub trait Scheme: Send + Sync + fmt::Debug {
    /// Judges a token that came from this address.
    fn judge<'a>(&'a self, token: &'a str, from: ClientAddress) -> BoxFuture<'a, Verdict>;
}

/// The schemes, in the order in which they are asked.
pub type Schemes = Arc<[Box<dyn Scheme>]>;

/// Wraps a service in [`Authenticate`].
#[derive(Clone, Debug)]
pub struct AuthenticateLayer<R> {
    schemes: Schemes,
    refuse: R,
}

impl<R> AuthenticateLayer<R> {
    /// Asking these schemes, refusing through `refuse`.
    pub fn new(schemes: Schemes, refuse: R) -> Self {
        Self { schemes, refuse }
    }
}

impl<S, R: Clone> Layer<S> for AuthenticateLayer<R> {
    type Service = Authenticate<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Authenticate { inner, schemes: Arc::clone(&self.schemes), refuse: self.refuse.clone() }
    }
}

/// Passes authenticated requests on, with their [`Caller`].
#[derive(Clone, Debug)]
pub struct Authenticate<S, R> {
    inner: S,
    schemes: Schemes,
    refuse: R,
}

impl<S, R, B, C> Service<Request<B>> for Authenticate<S, R>
where
    S: Service<Request<B>, Response = Response<C>> + Clone + Send + 'static,
    S::Future: Send,
    R: Refuse<C>,
    B: Send + 'static,
    C: 'static,
{
    type Response = Response<C>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<C>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The service that was polled ready is the one to call; the clone takes its place.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let (schemes, refuse) = (Arc::clone(&self.schemes), self.refuse.clone());
        Box::pin(async move {
            match judge(&schemes, &request).await {
                Ok(caller) => {
                    request.extensions_mut().insert(caller);
                    inner.call(request).await
                }
                Err(Refusal(denial, recognised, found)) => {
                    let mut response = refused(&refuse, request.extensions(), denial);
                    if let Some(recognised) = recognised {
                        response.extensions_mut().insert(recognised);
                    }
                    if let Some(found) = found {
                        response.extensions_mut().insert(*found);
                    }
                    Ok(response)
                }
            }
        })
    }
}

// The header is copied out before the first await, so that the request need not be shared across it.
fn judge<B>(
    schemes: &Schemes,
    request: &Request<B>,
) -> impl Future<Output = Result<Caller, Refusal>> + Send + 'static {
    let header = request.headers().get(AUTHORIZATION).cloned().ok_or_else(|| missing(request));
    // Absent: the default is no address, which no range holds.
    let from: ClientAddress = request.extensions().get().copied().unwrap_or_default();
    let schemes = Arc::clone(schemes);
    async move {
        let header = header?;
        let token = bearer(header.as_bytes())?;
        for scheme in schemes.iter() {
            match scheme.judge(token, from).await {
                Verdict::NotMine => {}
                Verdict::Yes(caller) => return Ok(caller),
                Verdict::No(denial, recognised, found) => return Err(Refusal(denial, recognised, found)),
            }
        }
        let form = if is_jwt(token) { CredentialForm::JwtForKeysOnly } else { CredentialForm::UnknownKind };
        Err(Denial::CredentialUnknownKind(form).into())
    }
}

/// Nothing was sent, or nothing where it is read.
fn missing<B>(request: &Request<B>) -> Denial {
    let names = request.headers().keys().map(HeaderName::as_str);
    // Absent: nothing was sent at all.
    CredentialForm::elsewhere(names, request.uri().query())
        .map_or(Denial::CredentialMissing, Denial::CredentialElsewhere)
}

/// A refusal, whose credential it was, and what stands in it.
struct Refusal(Denial, Option<Recognised>, Option<Box<RefusedToken>>);

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self(denial, None, None)
    }
}

#[cfg(test)]
mod tests;
