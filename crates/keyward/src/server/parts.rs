//! The parts of a server, and what each is given.

use crate::body_room::BodyRoom;
use crate::browser::WebParts;
use crate::callers::Callers;
use crate::config::McpConfig;
use crate::current::Current;
use crate::issuers::{Issuers, Resource};
use crate::limits::Charger;
use crate::mcp::{EndpointParts, Mcp, McpParts, ProtectedResource};
use crate::oauth::{API, AuthorizationServer, OPEN_TO_ALL};
use crate::observe::Observer;
use crate::operation::OperationParts;
use crate::pages::Pages;
use crate::problem::Problems;
use crate::shared::Shared;
use crate::site::Site;
use crate::stack::{Guard, Surroundings};
use crate::store::Store;
use crate::telemetry::Traces;
use crate::watch::{Metrics, Recent, RequestLog};
use keyward_tower::authenticate::Jwts;
use std::sync::Arc;

/// What judges tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    /// Of the API.
    pub(super) api: Jwts,
    pub(super) mcp: Mcp,
}

impl Tokens {
    pub(super) fn of(
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
pub(super) struct Parts {
    pub(super) shared: Arc<Shared>,
    pub(super) store: Arc<dyn Store>,
    pub(super) current: Current,
    pub(super) tokens: Tokens,
    pub(super) oauth: Option<Arc<AuthorizationServer>>,
    pub(super) charger: Charger,
    pub(super) problems: Problems,
    pub(super) metrics: Arc<Metrics>,
    pub(super) log: RequestLog,
    pub(super) recent: Recent,
    pub(super) traces: Option<Arc<Traces>>,
    pub(super) bodies: BodyRoom,
}

impl Parts {
    /// The routes.
    pub(super) fn site(&self) -> Site {
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

    /// What an endpoint of MCP is made of.
    pub(super) fn endpoint(&self) -> EndpointParts {
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
