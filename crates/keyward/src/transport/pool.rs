//! A pool of places for connections, with a share for each address and for each network.

use keyward_core::address::ClientAddress;
use keyward_core::share::{Full, Lease, Shares};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Whose place it is. A proxy stands for many clients, so each of its connections is its own holder: only the whole pool
/// bounds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Holder {
    Client(ClientAddress),
    OfProxy(u64),
}

/// The places. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    addresses: Shares<Holder>,
    networks: Shares<Holder>,
    next: Arc<AtomicU64>,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _address: Lease<Holder>,
    _network: Lease<Holder>,
}

impl Pool {
    /// For so many in all, from one address, and from one network.
    pub(super) fn new(most: u64, address: u64, network: u64) -> Self {
        Self {
            addresses: Shares::new(most, address),
            networks: Shares::new(most, network),
            next: Arc::default(),
        }
    }

    /// A place for a connection from there.
    ///
    /// # Errors
    /// [`Full`] where there is none left.
    pub(super) fn enter(&self, from: ClientAddress, is_proxy: bool) -> Result<Place, Full> {
        let (address, network) = if is_proxy {
            let alone = Holder::OfProxy(self.next.fetch_add(1, Ordering::Relaxed));
            (alone, alone)
        } else {
            (Holder::Client(from.host()), Holder::Client(from.network()))
        };
        Ok(Place { _address: self.addresses.take(address, 1)?, _network: self.networks.take(network, 1)? })
    }

    /// Places that are taken.
    #[cfg(test)]
    pub(super) fn taken(&self) -> u64 {
        self.addresses.taken()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> ClientAddress {
        ClientAddress::of(text.parse().unwrap())
    }

    #[test]
    fn an_address_and_a_network_have_a_share_and_a_proxy_is_held_to_the_whole_alone() {
        let pool = Pool::new(6, 2, 3);
        let enter = |text, is_proxy| pool.enter(from(text), is_proxy);
        let held = [enter("192.0.2.1", false), enter("::ffff:192.0.2.1", false)];
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(enter("192.0.2.1", false).err(), Some(Full::Share), "one address has two");
        let neighbour = enter("192.0.2.2", false);
        assert!(neighbour.is_ok());
        assert_eq!(enter("192.0.2.3", false).err(), Some(Full::Share), "its /24 has three");
        assert_eq!(pool.taken(), 3, "a refusal takes nothing");
        let proxied: Vec<_> = (0..3).map(|_| enter("192.0.2.1", true)).collect();
        assert!(proxied.iter().all(Result::is_ok), "a proxy has no share");
        assert_eq!(enter("198.51.100.1", false).err(), Some(Full::Pool));
        drop((held, neighbour, proxied));
        let own = [enter("2001:db8::1", false), enter("2001:db8::2", false)];
        assert!(own.iter().all(Result::is_ok));
        assert_eq!(enter("2001:db8::3", false).err(), Some(Full::Share), "a /64 is one address");
        let unknown = [pool.enter(ClientAddress::Unknown, false), pool.enter(ClientAddress::Unknown, false)];
        assert!(unknown.iter().all(Result::is_ok));
        assert!(pool.enter(ClientAddress::Unknown, false).is_err(), "all without an address are one");
    }
}
