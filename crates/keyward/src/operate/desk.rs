//! What orders are carried out with.

use super::operator::Operator;
use super::os_user;
use crate::background::signing::Upkeep;
use crate::config::Config;
use crate::oauth::SignInKeys;
use crate::opened::Opened;
use crate::secret_file;
use crate::store::Store;
use crate::watch::Recent;
use keyward_core::api_key::KeyRing;
use keyward_core::clock::Clock;
use keyward_core::idempotency::Claims;
use keyward_core::limits::Tiers;
use keyward_core::list::Cursors;
use keyward_core::oauth::redirect::Schemes;
use keyward_core::random::Random;
use keyward_core::swap::Swap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The desk of a running server, or of a command that works on the file.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) ring: KeyRing,
    pub(crate) cursors: Cursors,
    pub(crate) claims: Claims,
    pub(crate) sign_in: SignInKeys,
    /// Where clients reach the server.
    pub(crate) public_url: String,
    /// The longest life of an access token, in seconds.
    pub(crate) token_seconds: i64,
    /// Whether people can sign in at the server.
    pub(crate) sign_in_enabled: bool,
    /// The schemes of native applications that redirect URIs may have besides the usual ones.
    pub(crate) redirect_schemes: Schemes,
    pub(crate) tiers: Swap<Tiers>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// Where the root secret is kept; `None`: in a variable.
    pub(crate) secret_file: Option<PathBuf>,
    /// One rotation at a time.
    pub(crate) rotating: Arc<Mutex<()>>,
    /// What the server remembers of requests.
    pub(crate) recent: Recent,
    /// Where the server listens; of a command: nowhere.
    pub(crate) addresses: Vec<SocketAddr>,
    /// How many times the usual number of rows are looked at for a page of a list, from the second one on, or until a page has enough to
    /// show. Without a server each page opens the file again, and then many are.
    pub(crate) pages: u32,
    /// Who gives the order, for the audit trail; `None`: that is not known.
    pub(crate) by: Option<Arc<str>>,
}

impl Desk {
    /// Of a command that owns the file for as long as it runs.
    pub(crate) fn without_server(opened: Opened, config: &Config) -> Self {
        Self {
            store: Arc::new(opened.store),
            ring: opened.ring,
            cursors: opened.cursors,
            claims: opened.claims,
            sign_in: opened.sign_in,
            public_url: config.public_url(config.server.address()),
            token_seconds: config.oauth.access_token_seconds,
            sign_in_enabled: config.oauth.enabled,
            redirect_schemes: config.oauth.redirect_schemes.clone(),
            tiers: Swap::new(config.limits.tiers),
            clock: opened.clock,
            random: opened.random,
            secret_file: secret_file::path(config),
            rotating: Arc::default(),
            recent: Recent::default(),
            addresses: Vec::new(),
            pages: 20,
            by: Some(os_user::own()),
        }
    }

    /// What keeps the signing keys.
    pub(crate) fn signing(&self) -> Upkeep {
        Upkeep {
            store: Arc::clone(&self.store),
            sealer: self.sign_in.sealer.clone(),
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
            lives: self.token_seconds,
        }
    }

    /// The same desk for an order of this operator.
    pub(crate) fn with(&self, by: Option<Arc<str>>) -> Self {
        Self { by, ..self.clone() }
    }

    /// How many rows make the page of a list that begins after something, where `usual` make the first.
    pub(crate) fn rows(&self, usual: u32, is_first: bool) -> u32 {
        if is_first { usual } else { usual.saturating_mul(self.pages) }
    }

    /// The operator at this desk.
    pub(crate) fn operator(&self) -> Operator<'_> {
        Operator::new(&*self.store, &self.ring, &*self.random).named(self.by.clone())
    }
}
