//! What a running server takes in when it is told to reload (SIGHUP), and how.

pub use crate::current::{Current, Reloadable};

use crate::config::{self, AfterCrash, Config, ConfigError, Flags, IssuerConfig, restart_needed};
use crate::environment::variables;
use crate::issuers::Issuers;
use crate::secret_file;
use crate::telemetry::{LevelError, SetLevel};
use crate::transport::tls::{self, TlsError};
use keyward_core::store::Retention;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Settings are not taken in.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The configuration is not usable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// HTTPS cannot be served.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A certificate without its key, or the other way round.
    #[error("server.tls_cert and server.tls_key belong together")]
    HalfOfTls,
    /// A running server cannot change this.
    #[error("HTTPS cannot be turned on or off while requests are served; restart the server")]
    TlsChanged,
    /// The level of the log cannot be set.
    #[error(transparent)]
    Level(#[from] LevelError),
}

impl Reloadable {
    /// What a configuration says, with the files that it names.
    pub(crate) fn of(config: &Config) -> Result<Self, ReloadError> {
        let server = &config.server;
        let https = match (&server.tls_cert, &server.tls_key) {
            (Some(cert), Some(key)) => Some(tls::load(cert, key)?),
            (None, None) => None,
            // Such a configuration is refused before; without TLS nothing is served in its place.
            (Some(_), None) | (None, Some(_)) => {
                return Err(ReloadError::HalfOfTls);
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
            Err(ReloadError::Config(error)) => {
                for mistake in &error.0 {
                    tracing::error!(place = mistake.place, "not reloaded: {}", mistake.text);
                }
            }
            Err(error) => tracing::error!("not reloaded: {error}"),
        }
        taken_in.is_ok()
    }

    fn take_in(&self) -> Result<(), ReloadError> {
        let config = config::load(&self.flags, &variables())?;
        let next = Reloadable::of(&config)?;
        if next.tls.is_some() != self.current.get().tls.is_some() {
            return Err(ReloadError::TlsChanged);
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
