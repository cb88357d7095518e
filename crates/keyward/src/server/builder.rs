//! Builds a server of what it stands on.

use super::Server;
use super::parts::{Parts, Tokens};
use crate::background::panics::Panics;
use crate::body_room::BodyRoom;
use crate::config::{McpConfig, OAuthConfig};
use crate::current::Current;
use crate::issuers::Issuers;
use crate::limits::Charger;
use crate::oauth::documents::Documents;
use crate::oauth::{AuthorizationServer, DemoPerson, SignInKeys};
use crate::problem::Problems;
use crate::shared::Shared;
use crate::store::Store;
use crate::telemetry::{Subjects, Traces};
use crate::watch::{
    Degraded, Recent, RequestLog, ask_certificate, ask_degraded, ask_depths, ask_panics, of_server,
};
use keyward_core::api_key::KeyRing;
use keyward_core::clock::Clock;
use keyward_core::idempotency::Claims;
use keyward_core::list::Cursors;
use keyward_core::random::Random;
use keyward_core::rate_limit::Limiter;
use keyward_tower::hygiene::Limits;
use std::sync::Arc;

/// What a server stands on.
#[derive(Debug)]
pub struct Base {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Makes and admits keys.
    pub ring: KeyRing,
    /// Signs and opens cursors.
    pub cursors: Cursors,
    /// Makes claims to one execution.
    pub claims: Claims,
    /// The store's clock, which does not go back.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// What may change while requests are served.
    pub current: Current,
    /// Where clients reach the server, without a slash at the end.
    pub public_url: String,
}

/// What the embedded authorization server is made of.
#[derive(Debug)]
pub struct SignIn {
    /// What is set.
    pub settings: OAuthConfig,
    /// The derived keys.
    pub keys: SignInKeys,
    /// Clients that are documents.
    pub documents: Documents,
    /// Whom the sign-in page offers, in the demo.
    pub people: Vec<DemoPerson>,
}

/// Builds a server.
#[derive(Debug)]
pub struct Builder {
    base: Base,
    issuers: Issuers,
    sign_in: Option<SignIn>,
    mcp: McpConfig,
    limits: Limits,
    subjects: Subjects,
    traces: Option<Traces>,
    recent: Recent,
    degraded: Degraded,
}

impl Builder {
    /// A server that trusts no issuer, has no authorization server of its own, and sends no traces; its log hides subjects.
    #[must_use]
    pub fn new(base: Base) -> Self {
        Self {
            base,
            issuers: Issuers::default(),
            sign_in: None,
            mcp: McpConfig::default(),
            limits: Limits::default(),
            subjects: Subjects::Hidden,
            traces: None,
            recent: Recent::default(),
            degraded: Degraded::default(),
        }
    }

    /// Trusts these issuers.
    #[must_use]
    pub fn issuers(self, issuers: Issuers) -> Self {
        Self { issuers, ..self }
    }

    /// With an authorization server, if there is one.
    #[must_use]
    pub fn sign_in(self, sign_in: Option<SignIn>) -> Self {
        Self { sign_in, ..self }
    }

    /// With the MCP server configured so.
    #[must_use]
    pub fn mcp(self, mcp: McpConfig) -> Self {
        Self { mcp, ..self }
    }

    /// With these size limits of a request.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Whose log shows subjects in this way.
    #[must_use]
    pub fn subjects(self, subjects: Subjects) -> Self {
        Self { subjects, ..self }
    }

    /// That sends its spans there, if anywhere.
    #[must_use]
    pub fn traces(self, traces: Option<Traces>) -> Self {
        Self { traces, ..self }
    }

    /// That remembers requests which were not answered as asked there.
    #[must_use]
    pub fn recent(self, recent: Recent) -> Self {
        Self { recent, ..self }
    }

    /// That shows there what its work does without.
    #[must_use]
    pub fn degraded(self, degraded: Degraded) -> Self {
        Self { degraded, ..self }
    }

    /// The server.
    #[must_use]
    pub fn build(self) -> Server {
        let Base { store, ring, cursors, claims, clock, random, current, public_url } = self.base;
        let limiter = Limiter::new(Arc::clone(&clock));
        let directory = store.directory().clone();
        let (limits, traces) = (self.limits, self.traces.map(Arc::new));
        let shared =
            Arc::new(Shared { directory, ring, limiter, clock, random, claims, cursors, public_url, limits });
        let (log, bodies) = (RequestLog::new(self.subjects), BodyRoom::default());
        let oauth = self.sign_in.map(|sign_in| Arc::new(authorization_server(sign_in, &shared)));
        let clock = Arc::clone(&shared.clock);
        let panics = Panics::new(move || clock.now());
        let mut metrics = of_server(
            &store,
            (&shared.ring, &shared.clock),
            &shared.limiter,
            (&self.issuers, traces.as_deref()),
        );
        ask_depths(&mut metrics, &log, &bodies, oauth.as_deref());
        ask_certificate(&mut metrics, &current);
        ask_degraded(&mut metrics, &self.degraded);
        ask_panics(&mut metrics, &panics);
        let parts = Parts {
            tokens: Tokens::of(&self.issuers, oauth.as_deref(), self.mcp, (&store, &shared)),
            problems: Problems::at(&shared.public_url),
            charger: Charger::new(Arc::clone(&shared), current.clone(), &metrics),
            metrics: Arc::new(metrics),
            recent: self.recent,
            shared,
            store,
            current,
            oauth,
            log,
            bodies,
            traces,
        };
        Server { site: parts.site(), panics, parts }
    }
}

fn authorization_server(sign_in: SignIn, shared: &Shared) -> AuthorizationServer {
    let SignIn { settings, keys, documents, people } = sign_in;
    let known = (&shared.directory, &shared.clock);
    AuthorizationServer::new(settings, shared.public_url.clone(), keys, documents, people, known)
}
