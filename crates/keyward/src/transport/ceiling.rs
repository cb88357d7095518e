//! How many connections there may be: in all, from one address, and from one network.

use super::pool::{Place, Pool};
use keyward_core::address::ClientAddress;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Connections that may be open, in all, from one address (an IPv4 address or a /64), and from one network (a /24 or a /48), if
/// the system has files for them.
const IN_ALL: u64 = 10_000;
const OF_ADDRESS: u64 = 1_000;
const OF_NETWORK: u64 = 3_000;
/// Files that are kept for all else: the database, its copies, orders, the log.
const RESERVE: u64 = 128;

/// Connections that are open. Clones share the count.
#[derive(Clone, Debug)]
pub(crate) struct Ceiling {
    open: Pool,
    /// The same connections by the address that a proxy has written in front of them.
    behind: Pool,
}

impl Ceiling {
    /// As high as it may be in this process, which may have so many files open; the system is asked for all that it allows.
    pub(crate) fn of_this_process() -> Self {
        let files = files();
        let room = files.saturating_sub(RESERVE).max(16);
        if room < IN_ALL {
            tracing::warn!(
                files,
                connections = room,
                "fewer connections than usual, for want of files; raise the limit"
            );
        }
        // Neither an address nor a network ever takes all of it.
        Self::new(IN_ALL.min(room), OF_ADDRESS.min(room / 2), OF_NETWORK.min(room / 4 * 3))
    }

    /// For so many connections in all, from one address, and from one network.
    pub(crate) fn new(most: u64, address: u64, network: u64) -> Self {
        let pool = || Pool::new(most, address, network);
        Self { open: pool(), behind: pool() }
    }

    /// A place for a connection from this address; `None` when there is none left. A proxy stands for many clients, so it
    /// is held to the number in all alone.
    pub(crate) fn enter(&self, from: ClientAddress, is_proxy: bool) -> Option<Place> {
        // Absent: there is no place, and the connection is closed.
        self.open.enter(from, is_proxy).ok()
    }

    /// The same for the address that a proxy has written in front of a connection that has its place.
    pub(super) fn enter_behind(&self, from: ClientAddress, is_proxy: bool) -> Option<Place> {
        // Absent: the same.
        self.behind.enter(from, is_proxy).ok()
    }
}

/// How many files this process may have open, after asking for as many as it may ask for.
fn files() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    // Absent: the system sets no limit.
    limit.current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_proxy_each_client_has_its_share_of_the_connections() {
        let ceiling = Ceiling::new(6, 2, 3);
        let from = |text: &str| ClientAddress::of(text.parse().unwrap());
        let proxy = from("10.0.0.1");
        let held: Vec<_> = (0..4).map(|_| ceiling.enter(proxy, true)).collect();
        assert!(held.iter().all(Option::is_some));
        let behind =
            [ceiling.enter_behind(from("192.0.2.1"), false), ceiling.enter_behind(from("192.0.2.1"), false)];
        assert!(behind.iter().all(Option::is_some));
        assert!(ceiling.enter_behind(from("192.0.2.1"), false).is_none());
        assert!(
            ceiling.enter_behind(from("198.51.100.1"), false).is_some(),
            "another client of the same proxy"
        );
        assert!(ceiling.enter(from("192.0.2.1"), false).is_some(), "the two are counted apart");
    }
}
