//! The composition root: a server is built here, each part of those that it uses. Nothing that serves a request imports this file.
//!
//! The program builds its server here, and so do the tests, the bench and the conformance server.

use crate::background::panics::Panics;
use crate::body_room::BodyRoom;
use crate::boxed::Boxed;
use crate::browser::WebParts;
use crate::callers::Callers;
use crate::config::{McpConfig, OAuthConfig};
use crate::current::Current;
use crate::issuers::{Issuers, Resource};
use crate::limits::Charger;
use crate::mcp::{EndpointParts, Mcp, McpParts, ProtectedResource};
use crate::oauth::documents::Documents;
use crate::oauth::{API, AuthorizationServer, DemoPerson, OPEN_TO_ALL, SignInKeys};
use crate::observe::Observer;
use crate::operation::OperationParts;
use crate::pages::Pages;
use crate::problem::Problems;
use crate::shared::Shared;
use crate::site::Site;
use crate::stack::{AccountNeed, Guard, Surroundings, around, guarded};
use crate::store::Store;
use crate::telemetry::{Subjects, Traces};
use crate::watch::{
    Degraded, Metrics, Recent, RequestLog, ask_certificate, ask_degraded, ask_depths, ask_panics, of_server,
};
use axum::body::Body;
use http::{Request, Response};
use keyward_core::api_key::KeyRing;
use keyward_core::clock::Clock;
use keyward_core::idempotency::Claims;
use keyward_core::list::Cursors;
use keyward_core::random::Random;
use keyward_core::rate_limit::Limiter;
use keyward_tower::authenticate::Jwts;
use keyward_tower::hygiene::Limits;
use std::convert::Infallible;
use std::sync::Arc;
use tower::Service;

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

/// What judges tokens.
#[derive(Debug)]
struct Tokens {
    /// Of the API.
    api: Jwts,
    mcp: Mcp,
}

impl Tokens {
    fn of(
        issuers: &Issuers,
        own: Option<&AuthorizationServer>,
        mcp: McpConfig,
        (store, shared): (&Arc<dyn Store>, &Shared),
    ) -> Self {
        let Shared { random, clock, public_url, .. } = shared;
        let trusted = own.map(|own| own.trusted(API));
        Self {
            api: issuers.scheme(Resource::Api, store, random, clock, trusted),
            mcp: Mcp::of(mcp, public_url, issuers, own, (store, random, clock)),
        }
    }
}

/// The parts of a server.
#[derive(Debug)]
struct Parts {
    shared: Arc<Shared>,
    store: Arc<dyn Store>,
    current: Current,
    tokens: Tokens,
    oauth: Option<Arc<AuthorizationServer>>,
    charger: Charger,
    problems: Problems,
    metrics: Arc<Metrics>,
    log: RequestLog,
    recent: Recent,
    traces: Option<Arc<Traces>>,
    bodies: BodyRoom,
}

impl Parts {
    fn site(&self) -> Site {
        let pages = Arc::new(Pages::new(self.shared.public_url.clone(), self.current.clone()));
        Site {
            surroundings: self.surroundings(),
            guard: self.guard(),
            operations: Arc::new(OperationParts {
                shared: Arc::clone(&self.shared),
                store: Arc::clone(&self.store),
                charger: self.charger.clone(),
                bodies: self.bodies.clone(),
                problems: self.problems.clone(),
            }),
            web: Arc::new(self.web()),
            mcp: self.mcp(&pages),
            pages,
        }
    }

    fn surroundings(&self) -> Surroundings {
        let observer = Observer {
            clock: Arc::clone(&self.shared.clock),
            random: Arc::clone(&self.shared.random),
            problems: self.problems.clone(),
            metrics: Arc::clone(&self.metrics),
            log: self.log.clone(),
            recent: self.recent.clone(),
            traces: self.traces.clone(),
        };
        Surroundings {
            shared: Arc::clone(&self.shared),
            current: self.current.clone(),
            problems: self.problems.clone(),
            observer: Arc::new(observer),
            open_to_all: OPEN_TO_ALL,
        }
    }

    fn guard(&self) -> Guard {
        Guard {
            shared: Arc::clone(&self.shared),
            charger: self.charger.clone(),
            problems: self.problems.clone(),
            jwts: self.tokens.api.clone(),
        }
    }

    fn web(&self) -> WebParts {
        WebParts {
            shared: Arc::clone(&self.shared),
            store: Arc::clone(&self.store),
            charger: self.charger.clone(),
            bodies: self.bodies.clone(),
            problems: self.problems.clone(),
            oauth: self.oauth.clone(),
            api_jwts: self.tokens.api.clone(),
            mcp_jwts: self.tokens.mcp.jwts.clone(),
        }
    }

    fn endpoint(&self) -> EndpointParts {
        let mcp = &self.tokens.mcp;
        let resource = ProtectedResource {
            public_url: self.shared.public_url.clone(),
            issuers: mcp.issuers.clone(),
            scopes: mcp.scopes.clone(),
            signs_in: self.oauth.is_some(),
        };
        EndpointParts {
            guard: self.guard(),
            jwts: mcp.jwts.clone(),
            callers: Callers::at(&self.shared.public_url, self.current.clone()),
            bodies: self.bodies.clone(),
            resource: Arc::new(resource),
        }
    }

    fn mcp(&self, pages: &Arc<Pages>) -> Option<McpParts> {
        let mcp = &self.tokens.mcp;
        mcp.enabled.then(|| McpParts {
            shared: Arc::clone(&self.shared),
            endpoint: self.endpoint(),
            pages: Arc::clone(pages),
            output_schemas: mcp.output_schemas,
        })
    }
}

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
