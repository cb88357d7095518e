//! Requests that a trusted proxy passed on without an address that can be read: counted, and warned of once.

use super::stream::Peer;
use prometheus_client::metrics::counter::Counter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Counts them. Clones share the count and the one warning.
#[derive(Clone, Debug)]
pub(super) struct UnknownAddresses {
    count: Counter,
    warned: Arc<AtomicBool>,
}

impl UnknownAddresses {
    /// Counts with this counter.
    pub(super) fn new(count: Counter) -> Self {
        Self { count, warned: Arc::default() }
    }

    /// One more, from this proxy.
    pub(super) fn note(&self, proxy: Peer) {
        self.count.inc();
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %proxy,
                "a trusted proxy sent no client address that can be read: such requests have no address and match no allowed_ips; \
                 have the proxy append the client's address to the header that server.forwarded names"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_counted_and_one_is_warned_of() {
        let unknown = UnknownAddresses::new(Counter::default());
        let lines = crate::telemetry::testing::lines(|| {
            for _ in 0..3 {
                unknown.clone().note(Peer::Address([10, 0, 0, 1].into()));
            }
        });
        assert_eq!(unknown.count.get(), 3);
        assert_eq!(lines.matches("10.0.0.1").count(), 1, "{lines}");
    }
}
