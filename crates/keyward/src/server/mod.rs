//! The composition root: a server is built here, each part of those that it uses. Nothing that serves a request imports this folder.
//!
//! The program builds its server here, and so do the tests, the bench and the conformance server.

mod builder;
mod parts;

pub use builder::{Base, Builder, SignIn};

use crate::background::panics::Panics;
use crate::boxed::Boxed;
use crate::current::Current;
use crate::mcp::EndpointParts;
use crate::oauth::AuthorizationServer;
use crate::shared::Shared;
use crate::site::Site;
use crate::stack::{AccountNeed, Surroundings, around, guarded};
use crate::store::Store;
use crate::telemetry::Traces;
use crate::watch::{Metrics, RequestLog};
use axum::body::Body;
use http::{Request, Response};
use keyward_tower::authenticate::Jwts;
use parts::Parts;
use std::convert::Infallible;
use std::sync::Arc;
use tower::Service;

/// A server, built.
#[derive(Debug)]
pub struct Server {
    parts: Parts,
    site: Site,
    pub(crate) panics: Panics,
}

impl Server {
    /// Everything that is answered on the address of clients.
    #[must_use]
    pub fn service(&self) -> Boxed {
        self.site.service()
    }

    /// What every request passes through.
    #[must_use]
    pub fn surroundings(&self) -> &Surroundings {
        &self.site.surroundings
    }

    /// A service with all around it that stands around every request.
    pub fn around<S>(&self, inner: S) -> Boxed
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        around(&self.site.surroundings, inner)
    }

    /// A service with what stands around an operation of callers.
    pub fn guarded<S>(
        &self,
        account: AccountNeed,
        row: S,
    ) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        guarded(&self.site.guard, account, row)
    }

    /// What an endpoint of MCP is made of, for other tools than the program's.
    #[must_use]
    pub fn mcp_endpoint(&self) -> EndpointParts {
        self.parts.endpoint()
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.parts.store
    }

    /// What requests share.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.parts.shared
    }

    /// What may change while requests are served.
    #[must_use]
    pub fn current(&self) -> &Current {
        &self.parts.current
    }

    /// Verifies the tokens for the API.
    #[must_use]
    pub fn jwts(&self) -> &Jwts {
        &self.parts.tokens.api
    }

    /// The embedded authorization server, if there is one.
    #[must_use]
    pub fn oauth(&self) -> Option<&Arc<AuthorizationServer>> {
        self.parts.oauth.as_ref()
    }

    /// The figures.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.parts.metrics
    }

    /// How requests are logged.
    pub(crate) fn log(&self) -> &RequestLog {
        &self.parts.log
    }

    /// Where spans go, if anywhere.
    pub(crate) fn traces(&self) -> Option<&Traces> {
        self.parts.traces.as_deref()
    }
}
