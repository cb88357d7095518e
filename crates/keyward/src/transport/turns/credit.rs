//! What a connection has shown of its client: a good credential, or nothing.

use super::proven::minute;
use http::StatusCode;
use keyward_tower::ClientAddress;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// For so many minutes a connection needs no turn after a request with a good credential, a minute more or less.
const MINUTES: u64 = 1;

/// The credit of a connection, or of a request that a trusted proxy passed on; also in the extensions of the request. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Credit {
    from: ClientAddress,
    shown: Arc<Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    /// A request has a good credential, and has no answer yet.
    claimed: AtomicBool,
    /// The minute of the last one that was answered, 0 for none.
    at: AtomicU64,
}

impl Credit {
    pub(super) fn new(from: ClientAddress) -> Self {
        Self { from, shown: Arc::default() }
    }

    pub(super) const fn from(&self) -> ClientAddress {
        self.from
    }

    /// The credential of a request is good. It counts once the request is answered.
    pub(crate) fn claim(&self) {
        self.shown.claimed.store(true, Ordering::Relaxed);
    }

    /// A request was answered so: whether it had a good credential that is within its limits. Those bound what can be gained: over
    /// them a credential is worth no more than none.
    pub(super) fn settle(&self, status: StatusCode, now: Duration) -> bool {
        let is_good =
            self.shown.claimed.swap(false, Ordering::Relaxed) && status != StatusCode::TOO_MANY_REQUESTS;
        if is_good {
            self.shown.at.store(minute(now), Ordering::Relaxed);
        }
        is_good
    }

    /// Whether one was answered of late.
    pub(super) fn is_good(&self, now: Duration) -> bool {
        let at = self.shown.at.load(Ordering::Relaxed);
        at > 0 && minute(now) <= at + MINUTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credit_lasts_for_a_minute_after_each_good_answer() {
        let credit = Credit::new(ClientAddress::Unknown);
        let at = Duration::from_secs;
        assert!(!credit.settle(StatusCode::OK, at(1)) && !credit.is_good(at(1)), "nothing was claimed");
        credit.claim();
        assert!(!credit.settle(StatusCode::TOO_MANY_REQUESTS, at(1)) && !credit.is_good(at(1)));
        credit.claim();
        assert!(credit.settle(StatusCode::NOT_FOUND, at(1)));
        assert!(credit.is_good(at(61)) && !credit.is_good(at(121)));
    }
}
