//! Host names, resolved as the machine is configured, by look-ups that can be given up.
//!
//! The system's own resolver holds a thread for as long as it likes, also when nobody waits any more: strangers who name
//! hosts that nobody answers for would take all of them. Here a look-up is a future: dropped, it is over, and it ends by itself
//! after [`DEADLINE`].
//!
//! 1. `localhost` and names below it are loopback (RFC 6761 §6.3).
//! 2. `/etc/hosts` goes first.
//! 3. The name servers, search domains and options of `/etc/resolv.conf` are used. Other sources of `/etc/nsswitch.conf` are
//!    not.
//! 4. Both files are read again when they have changed. Without a usable `/etc/resolv.conf` the server starts, and a look-up
//!    that needs it fails with the reason.

mod servers;

use hickory_resolver::Hosts;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::system_conf::parse_resolv_conf;
use reqwest::dns::{Addrs, Resolve, Resolving};
use servers::Servers;
use std::fmt;
use std::io::{self, Error};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// A look-up has ended after this.
const DEADLINE: Duration = Duration::from_secs(5);

/// Resolves host names. Clones share the configuration, the cache and the connections; separate instances share nothing.
#[derive(Clone)]
pub(crate) struct Dns(Arc<Inner>);

struct Inner {
    hosts: PathBuf,
    servers: PathBuf,
    machine: Mutex<Option<(Stamp, Arc<Machine>)>>,
}

/// What tells that a file is another one than it was.
type Stamp = [Option<(SystemTime, u64)>; 2];

/// How the machine resolves names.
struct Machine {
    hosts: Hosts,
    /// Asks the name servers; or why none can be asked.
    servers: Result<Servers, String>,
}

impl Default for Dns {
    fn default() -> Self {
        Self::new()
    }
}

impl Dns {
    /// As this machine is configured. Reads nothing yet.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self::of("/etc/hosts".into(), "/etc/resolv.conf".into())
    }

    fn of(hosts: PathBuf, servers: PathBuf) -> Self {
        Self(Arc::new(Inner { hosts, servers, machine: Mutex::default() }))
    }

    /// The addresses of a name. A dot at its end keeps the search domains away from it.
    ///
    /// # Errors
    /// When it has none, when no name server answers in time, or when none can be asked.
    pub(crate) async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::time::timeout(DEADLINE, self.0.machine().resolve(name)).await;
        found.unwrap_or_else(|_| {
            Err(Error::new(io::ErrorKind::TimedOut, format!("no name server answers for {name}")))
        })
    }
}

impl Inner {
    /// The configuration as it is now.
    fn machine(&self) -> Arc<Machine> {
        let stamp = [stamp(&self.hosts), stamp(&self.servers)];
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        match machine.as_ref() {
            Some((read, machine)) if *read == stamp => Arc::clone(machine),
            _ => {
                let now = Arc::new(Machine::read(&self.hosts, &self.servers));
                *machine = Some((stamp, Arc::clone(&now)));
                now
            }
        }
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

impl Machine {
    fn read(hosts: &Path, servers: &Path) -> Self {
        let mut known = Hosts::default();
        // A machine may have none; what stands before a line that cannot be read counts.
        if let Err(error) = std::fs::File::open(hosts).and_then(|file| known.read_hosts_conf(file)) {
            tracing::debug!(path = %hosts.display(), %error, "the file of hosts cannot be read");
        }
        let configured = std::fs::read(servers).map_err(|error| error.to_string());
        let configured =
            configured.and_then(|text| parse_resolv_conf(text).map_err(|error| error.to_string()));
        let built = configured.and_then(|(config, options)| Servers::build(config, options));
        let servers = built.map_err(|error| {
            format!("{} names no name server that can be asked: {error}", servers.display())
        });
        Self { hosts: known, servers }
    }

    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        if is_localhost(name) {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let parsed =
            Name::from_str(name).map_err(|error| Error::other(format!("{name} is no host name: {error}")))?;
        let named = self.named(&parsed);
        if !named.is_empty() {
            return Ok(named);
        }
        let servers = self.servers.as_ref().map_err(|error| Error::other(error.clone()))?;
        servers.resolve(parsed).await.map_err(|error| Error::other(format!("{name}: {error}")))
    }

    /// What the file of hosts says.
    fn named(&self, name: &Name) -> Vec<IpAddr> {
        let of = |kind| self.hosts.lookup_static_host(&Query::query(name.clone(), kind));
        let both = [RecordType::A, RecordType::AAAA].into_iter().filter_map(of);
        both.flat_map(|found| found.answers().iter().filter_map(|one| one.data.ip_addr()).collect::<Vec<_>>())
            .collect()
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
}

impl Resolve for Dns {
    fn resolve(&self, name: reqwest::dns::Name) -> Resolving {
        let dns = self.clone();
        Box::pin(async move {
            let found = Dns::resolve(&dns, name.as_str()).await?;
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::from((address, 0)))) as Addrs)
        })
    }
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dns").field("servers", &self.0.servers).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
