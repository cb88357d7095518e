//! What a running server takes in when it is told to reload (SIGHUP), and how.

use crate::cli::{CliError, variables};
use crate::config::{self, AfterCrash, Config, Flags, IssuerConfig, LimitsConfig, restart_needed};
use crate::issuers::Issuers;
use crate::secret_file;
use crate::telemetry::SetLevel;
use crate::transport::certificate::Certificate;
use crate::transport::tls;
use ipnet::IpNet;
use keyward_core::address::ForwardedBy;
use keyward_core::limits::Tiers;
use keyward_core::store::Retention;
use keyward_core::swap::Swap;
use rustls::ServerConfig;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The settings that may change while requests are served.
#[derive(Clone, Debug)]
pub struct Reloadable {
    /// Whose word on the client's address is believed; they may have as many connections as there are.
    pub proxies: Arc<[IpNet]>,
    /// Whether the same goes for whatever connects by a Unix socket.
    pub proxies_by_socket: bool,
    /// The header that they write the client's address into.
    pub forwarded: ForwardedBy,
    /// Whether they begin every connection with a header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long a connection may be idle, where it is set.
    pub idle_timeout: Option<Duration>,
    /// How long requests are served after an order to stop.
    pub shutdown_delay: Duration,
    /// The origins whose pages may call the API; `*` is all of them.
    pub origins: Arc<[String]>,
    /// HTTPS, or `None`: plain HTTP.
    pub tls: Option<Arc<ServerConfig>>,
    /// What is known of the certificate; `None`: plain HTTP, or its dates cannot be read.
    pub certificate: Option<Certificate>,
    /// What may be asked for in a minute.
    pub limits: LimitsConfig,
}

impl Default for Reloadable {
    fn default() -> Self {
        let request_timeout = crate::config::Server::default().request_timeout;
        Self {
            proxies: Arc::default(),
            proxies_by_socket: false,
            forwarded: ForwardedBy::default(),
            proxy_protocol: false,
            request_timeout,
            idle_timeout: None,
            shutdown_delay: Duration::ZERO,
            origins: Arc::default(),
            tls: None,
            certificate: None,
            limits: LimitsConfig::default(),
        }
    }
}

/// How long a connection may be idle where nothing is set.
const IDLE: Duration = Duration::from_secs(15);
/// The same of a trusted proxy's connection. The side that sends requests must let go first, and load balancers of cloud providers
/// keep theirs for up to 600 s.
const IDLE_OF_PROXIES: Duration = Duration::from_secs(650);

impl Reloadable {
    /// How long a connection may be idle, by whether a trusted proxy has opened it.
    pub(crate) fn idle(&self, by_proxy: bool) -> Duration {
        // Absent: the defaults.
        self.idle_timeout.unwrap_or(if by_proxy { IDLE_OF_PROXIES } else { IDLE })
    }

    /// What a configuration says, with the files that it names.
    pub(crate) fn of(config: &Config) -> Result<Self, CliError> {
        let server = &config.server;
        let https = match (&server.tls_cert, &server.tls_key) {
            (Some(cert), Some(key)) => Some(tls::load(cert, key)?),
            (None, None) => None,
            // Such a configuration is refused before; without TLS nothing is served in its place.
            (Some(_), None) | (None, Some(_)) => {
                return Err(CliError::Said("server.tls_cert and server.tls_key belong together".to_owned()));
            }
        };
        Ok(Self {
            proxies: Arc::clone(&server.trusted_proxies),
            proxies_by_socket: server.trusted_sockets,
            forwarded: server.forwarded,
            proxy_protocol: server.proxy_protocol,
            request_timeout: server.request_timeout,
            idle_timeout: server.idle_timeout,
            shutdown_delay: server.shutdown_delay,
            origins: Arc::clone(&config.cors.origins),
            certificate: https.as_ref().and_then(|https| https.certificate),
            tls: https.map(|https| https.config),
            limits: config.limits.clone(),
        })
    }
}

/// The shared handle to [`Reloadable`].
#[derive(Clone, Debug)]
pub struct Current {
    now: Swap<Reloadable>,
    /// What the store is told of it.
    tiers: Swap<Tiers>,
}

impl Current {
    /// With these.
    #[must_use]
    pub fn new(now: Reloadable) -> Self {
        Self { tiers: Swap::new(now.limits.tiers), now: Swap::new(now) }
    }

    /// What every tier may have, for a store.
    #[must_use]
    pub fn tiers(&self) -> Swap<Tiers> {
        self.tiers.clone()
    }

    /// What holds now.
    #[must_use]
    pub fn get(&self) -> Arc<Reloadable> {
        self.now.get()
    }

    /// Looks at what holds now: cheaper, for a glance.
    pub(crate) fn glance<R>(&self, look: impl FnOnce(&Reloadable) -> R) -> R {
        self.now.glance(look)
    }

    /// Puts others in their place: they hold from the next request, or connection, on.
    pub fn replace(&self, next: Reloadable) {
        self.tiers.replace(next.limits.tiers);
        self.now.replace(next);
    }
}

impl Default for Current {
    fn default() -> Self {
        Self::new(Reloadable::default())
    }
}

/// Reads the configuration again, whenever it is told to.
pub(crate) struct Reloader {
    /// What the command line said: it goes on to win over file and variables.
    flags: Flags,
    /// What was in force at the start, and has been since where it cannot change.
    begun_with: Config,
    /// Where it takes effect.
    pub(crate) current: Current,
    /// Their keys are fetched anew, whatever else the configuration says.
    pub(crate) issuers: Issuers,
    set_level: SetLevel,
    /// One after the other.
    turn: Mutex<()>,
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reloader {{ flags: {:?} }}", self.flags)
    }
}

impl Reloader {
    pub(crate) fn new(flags: Flags, begun_with: Config, current: Current, set_level: SetLevel) -> Self {
        let issuers = Issuers::default();
        Self { flags, begun_with, current, issuers, set_level, turn: Mutex::default() }
    }

    /// The issuers whose tokens are taken.
    pub(crate) fn trusted(&self) -> &[IssuerConfig] {
        &self.begun_with.issuers
    }

    /// What to do about limits after a crash.
    pub(crate) fn after_crash(&self) -> AfterCrash {
        self.begun_with.limits.after_crash
    }

    /// How long rows of the audit trail are kept.
    pub(crate) fn retention(&self) -> Retention {
        self.begun_with.audit.keep
    }

    /// Where the socket of the orders is said to be; `None`: beside the database.
    pub(crate) fn orders_socket(&self) -> Option<&Path> {
        self.begun_with.server.orders_socket.as_deref()
    }

    /// Where the root secret is kept; `None`: in a variable.
    pub(crate) fn secret_file(&self) -> Option<PathBuf> {
        secret_file::path(&self.begun_with)
    }

    /// Takes in what may change; on any mistake nothing is changed, and the log says why. Whether it was taken in.
    pub(crate) fn reload(&self) -> bool {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let taken_in = self.take_in();
        match &taken_in {
            Ok(()) => {}
            Err(CliError::Config(error)) => {
                for mistake in &error.0 {
                    tracing::error!(place = mistake.place, "not reloaded: {}", mistake.text);
                }
            }
            Err(error) => tracing::error!("not reloaded: {error}"),
        }
        taken_in.is_ok()
    }

    fn take_in(&self) -> Result<(), CliError> {
        let config = config::load(&self.flags, &variables())?;
        let next = Reloadable::of(&config)?;
        if next.tls.is_some() != self.current.get().tls.is_some() {
            let text = "HTTPS cannot be turned on or off while requests are served; restart the server";
            return Err(CliError::Said(text.to_owned()));
        }
        (self.set_level)(&config.log.level)?;
        self.current.replace(next);
        config.log_warnings();
        for setting in restart_needed(&self.begun_with, &config) {
            tracing::warn!(setting, "changed in the configuration, and needs a restart");
        }
        tracing::info!("reloaded");
        Ok(())
    }
}
