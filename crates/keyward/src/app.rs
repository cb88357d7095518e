//! What every request shares: the store, the rings of secrets, the clock, randomness.

use crate::body_room::BodyRoom;
use crate::current::Current;
use crate::mcp::Mcp;
use crate::oauth::AuthorizationServer;
use crate::pages::Pages;
use crate::store::Store;
use crate::telemetry::Traces;
use crate::watch::{Metrics, Recent, RequestLog};
use keyward_core::api_key::KeyRing;
use keyward_core::clock::Clock;
use keyward_core::idempotency::Claims;
use keyward_core::list::Cursors;
use keyward_core::live::Directory;
use keyward_core::random::Random;
use keyward_core::rate_limit::Limiter;
use keyward_tower::authenticate::Jwts;
use keyward_tower::hygiene::Limits;
use std::sync::Arc;

/// Shared by all requests.
#[derive(Debug)]
pub struct App {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Makes and admits keys.
    pub ring: KeyRing,
    /// Verifies the tokens of the issuers that are trusted.
    pub jwts: Jwts,
    /// The MCP server.
    pub mcp: Mcp,
    /// The embedded authorization server, if there is one.
    pub oauth: Option<AuthorizationServer>,
    /// Signs and opens cursors.
    pub cursors: Cursors,
    /// Makes claims to one execution.
    pub claims: Claims,
    /// The counters of limits.
    pub limiter: Limiter,
    /// The store's clock, which does not go back.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Where clients reach this server, without a slash at the end. Every URL that is sent begins with it.
    pub public_url: String,
    /// What may change while requests are served.
    pub current: Current,
    /// Where spans go, if anywhere.
    pub traces: Option<Traces>,
    /// What is remembered of requests that were not answered as asked.
    pub recent: Recent,
    /// How requests are logged.
    pub log: RequestLog,
    /// The documentation.
    pub pages: Pages,
    /// The figures.
    pub metrics: Metrics,
    /// The measures of a request.
    pub limits: Limits,
    /// Room for the bodies that are being read.
    pub bodies: BodyRoom,
}

impl App {
    /// What is known now.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        self.store.directory()
    }
}
