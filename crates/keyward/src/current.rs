//! The settings that may change while requests are served, and the shared handle to them.

use crate::config::LimitsConfig;
use crate::transport::certificate::Certificate;
use ipnet::IpNet;
use keyward_core::address::ForwardedBy;
use keyward_core::limits::Tiers;
use keyward_core::swap::Swap;
use rustls::ServerConfig;
use std::sync::Arc;
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
