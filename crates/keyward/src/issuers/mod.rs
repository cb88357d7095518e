//! The issuers that are trusted, as they are configured: where their keys come from, and how their subjects become users.

pub(crate) mod discovery;
mod document;
pub(crate) mod fetch;
mod keys;
mod links;
mod source;

pub use document::Document;
pub use fetch::FetchError;
pub(crate) use fetch::max_age;
pub use keys::{Keys, Standing};
pub use links::ByStore;
pub use source::KeySource;

use crate::config::IssuerConfig;
use crate::current::Current;
use crate::store::Store;
use crate::watch::Degraded;
use fetch::Web;
use keyward_core::clock::Clock;
use keyward_core::identity::IssuerAccounts;
use keyward_core::jwt::COOL_DOWN;
use keyward_core::random::Random;
use keyward_tower::authenticate::{IssuerKeys, Jwts, Trusted};
use std::sync::Arc;

/// What a token is for.
#[derive(Clone, Copy, Debug)]
pub enum Resource<'n> {
    /// The API.
    Api,
    /// The MCP endpoint, by its name.
    Mcp(&'n str),
}

/// All of them. Clones share the keys.
#[derive(Clone, Debug, Default)]
pub struct Issuers {
    all: Arc<[(IssuerConfig, Arc<Keys>)]>,
}

impl Issuers {
    /// As configured, their keys from the network. Where the machine has no root certificates, those of https issuers are not
    /// had until it has, and their tokens are answered 503.
    pub fn of(
        configured: &[IssuerConfig],
        clock: &Arc<dyn Clock>,
        current: &Current,
        degraded: &Degraded,
    ) -> Self {
        let web = Web::new(degraded);
        if configured.iter().any(|issuer| issuer.issuer.starts_with("https:")) {
            web.prepare();
        }
        let source = |issuer: &IssuerConfig| -> Arc<dyn KeySource> {
            Arc::new(discovery::OfIssuer::new(issuer, web.clone()))
        };
        Self::with(configured, clock, current, source)
    }

    /// As configured, their keys from these sources.
    pub fn with(
        configured: &[IssuerConfig],
        clock: &Arc<dyn Clock>,
        current: &Current,
        source: impl Fn(&IssuerConfig) -> Arc<dyn KeySource>,
    ) -> Self {
        let keys = |issuer: &IssuerConfig| {
            let name = issuer.issuer.clone();
            Arc::new(Keys::new(name, source(issuer), Arc::clone(clock), current.clone()))
        };
        Self { all: configured.iter().map(|issuer| (issuer.clone(), keys(issuer))).collect() }
    }

    /// The scheme that judges their tokens for a resource, and those of our own issuer, if there is one.
    pub fn scheme(
        &self,
        resource: Resource<'_>,
        store: &Arc<dyn Store>,
        random: &Arc<dyn Random>,
        clock: &Arc<dyn Clock>,
        own: Option<Trusted>,
    ) -> Jwts {
        let trusted: Vec<Trusted> = self
            .all
            .iter()
            .map(|(issuer, keys)| Trusted {
                rules: match resource {
                    Resource::Api => issuer.rules(),
                    Resource::Mcp(name) => issuer.rules_of_mcp(name),
                },
                keys: Arc::clone(keys) as Arc<dyn IssuerKeys>,
            })
            .chain(own)
            .collect();
        let issuers = IssuerAccounts::of(trusted.iter().map(|trusted| &trusted.rules));
        let links = ByStore { store: Arc::clone(store), random: Arc::clone(random), issuers };
        Jwts::new(trusted.into(), store.directory().clone(), Arc::new(links), Arc::clone(clock))
    }

    /// Those that the MCP endpoint's metadata name; `own`: whether our own server is on, which then comes before them.
    pub fn for_mcp(&self, own: bool) -> impl Iterator<Item = &IssuerConfig> {
        self.all.iter().map(|(issuer, _)| issuer).filter(move |issuer| issuer.is_for_mcp(own))
    }

    /// The keys of each, by its `iss`.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &Arc<Keys>)> {
        self.all.iter().map(|(issuer, keys)| (issuer.issuer.as_str(), keys))
    }

    /// Keeps the keys of all of them fresh, for ever.
    pub async fn keep_fresh(&self) {
        let each = self.all.iter().map(|(issuer, keys)| async move {
            // One that fails must neither end nor end the others.
            loop {
                let keys = Arc::clone(keys);
                let ended = tokio::spawn(async move { keys.keep_fresh().await }).await;
                tracing::error!(
                    issuer = issuer.issuer,
                    ?ended,
                    "the upkeep of an issuer's keys ended; it begins again"
                );
                tokio::time::sleep(COOL_DOWN).await;
            }
        });
        futures_util::future::join_all(each).await;
    }

    /// Has all keys fetched anew, whatever their age.
    pub fn fetch_anew(&self) {
        self.all.iter().for_each(|(_, keys)| keys.fetch_anew());
    }
}
