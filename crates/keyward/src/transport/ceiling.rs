//! How many connections there may be, in all and from one address.

use keyward_core::address::network;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Connections that are open. Clones share the count.
#[derive(Clone, Debug)]
pub(crate) struct Ceiling {
    in_all: usize,
    from_one: usize,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    in_all: usize,
    from: HashMap<IpAddr, usize>,
}

/// Connections that may be open, in all and from one address (a /64 counts as one), if the system has files for them.
const IN_ALL: usize = 10_000;
const FROM_ONE: usize = 1_000;
/// Files that are kept for all else: the database, its copies, orders, the log.
const RESERVE: u64 = 128;

/// A place under the ceiling, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    ceiling: Ceiling,
    address: IpAddr,
}

impl Ceiling {
    /// As high as it may be in this process, which may have so many files open; the system is asked for all that it allows.
    pub(crate) fn of_this_process() -> Self {
        let files = files();
        let room = usize::try_from(files.saturating_sub(RESERVE)).unwrap_or(usize::MAX).max(16);
        if room < IN_ALL {
            tracing::warn!(
                files,
                connections = room,
                "fewer connections than usual, for want of files; raise the limit"
            );
        }
        // One address never takes all of it.
        Self::new(IN_ALL.min(room), FROM_ONE.min(room / 2))
    }

    /// For so many connections in all, and so many from one address.
    pub(crate) fn new(in_all: usize, from_one: usize) -> Self {
        Self { in_all, from_one, open: Arc::default() }
    }

    /// A place for a connection from this address; `None` when there is none left. A proxy stands for many clients, so it
    /// is held to the number in all alone.
    pub(crate) fn enter(&self, address: IpAddr, is_proxy: bool) -> Option<Place> {
        let address = network(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let from_here = open.from.get(&address).copied().unwrap_or_default();
        if open.in_all >= self.in_all || (from_here >= self.from_one && !is_proxy) {
            return None;
        }
        open.in_all += 1;
        open.from.insert(address, from_here + 1);
        Some(Place { ceiling: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.ceiling.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.in_all = open.in_all.saturating_sub(1);
        match open.from.get(&self.address).copied() {
            Some(others) if others > 1 => open.from.insert(self.address, others - 1),
            _ => open.from.remove(&self.address),
        };
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
    limit.current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_back_when_its_connection_ends() {
        let ceiling = Ceiling::new(3, 2);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = ceiling.enter(address("192.0.2.1"), false).unwrap();
        let second = ceiling.enter(address("::ffff:192.0.2.1"), false).unwrap();
        assert!(ceiling.enter(address("192.0.2.1"), false).is_none(), "one address has two places");
        let third = ceiling.enter(address("2001:db8::1"), false).unwrap();
        assert!(ceiling.enter(address("192.0.2.9"), false).is_none(), "and all have three");
        drop(third);
        let proxied = ceiling.enter(address("192.0.2.1"), true);
        assert!(proxied.is_some(), "a proxy may have more");
        drop((first, proxied));
        let one = ceiling.enter(address("2001:db8::1"), false).unwrap();
        let other = ceiling.enter(address("2001:db8::2"), false);
        assert!(other.is_some(), "a /64 is one address, with two places");
        drop((second, one, other));
        let open = ceiling.open.lock().unwrap();
        assert!(open.in_all == 0 && open.from.is_empty(), "nothing is kept of who has left");
    }
}
