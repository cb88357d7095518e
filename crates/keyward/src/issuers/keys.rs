//! The keys of one issuer, kept fresh: fetched one at a time, on schedule before they are old, at once for a key that is
//! not known, and when the operator orders it.
//!
//! A token whose key is not known waits here. Tokens with invented keys cost an issuer one fetch in a cool-down, and the
//! places to wait are shared among addresses and networks, so that they cannot pile up.

use super::KeySource;
use super::fetch::FetchError;
use crate::current::Current;
use keyward_core::BoxFuture;
use keyward_core::address::ClientAddress;
use keyward_core::clock::Clock;
use keyward_core::jwt::{KeyLife, KeySet, KeyStep};
use keyward_core::share::{Full, Lease, Shares};
use keyward_tower::authenticate::{IssuerKeys, KeyFetch, KeyQuery};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Tokens that wait for a key of one issuer at once, and how many of them may come from one address and one network.
const WAITING: u64 = 1_024;
const WAITING_OF_ADDRESS: u64 = 64;
const WAITING_OF_NETWORK: u64 = 256;
/// So long before the end of `request_timeout` a wait ends, so that the answer says when to ask again.
const BEFORE_TIMEOUT: Duration = Duration::from_secs(1);

/// One issuer's keys.
#[derive(Debug)]
pub struct Keys {
    shared: Arc<Shared>,
    /// The operator wants them fetched.
    wanted: Notify,
    of_addresses: Shares<ClientAddress>,
    of_networks: Shares<ClientAddress>,
    /// How long a request may take.
    current: Current,
}

#[derive(Debug)]
struct Shared {
    issuer: String,
    source: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    life: Mutex<KeyLife>,
    /// Changes whenever a fetch has ended.
    ended: watch::Sender<()>,
    fetched: AtomicU64,
    failed: AtomicU64,
}

/// How an issuer's keys are, for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How long ago the set in use was fetched; `None`: there is none.
    pub age: Option<Duration>,
    /// How many keys can be used.
    pub keys: usize,
    /// Fetches that brought a set.
    pub fetched: u64,
    /// Fetches that brought nothing.
    pub failed: u64,
}

impl Keys {
    /// Of this issuer, none yet.
    pub fn new(issuer: String, source: Arc<dyn KeySource>, clock: Arc<dyn Clock>, current: Current) -> Self {
        let shared = Shared {
            issuer,
            source,
            clock,
            life: Mutex::default(),
            ended: watch::Sender::new(()),
            fetched: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        };
        Self {
            shared: Arc::new(shared),
            wanted: Notify::new(),
            of_addresses: Shares::new(WAITING, WAITING_OF_ADDRESS),
            of_networks: Shares::new(WAITING, WAITING_OF_NETWORK),
            current,
        }
    }

    /// How long a token may wait here, within the time that its request has.
    fn patience(&self) -> Duration {
        let limit = self.current.glance(|now| now.request_timeout);
        self.shared.life().patience().min(limit.saturating_sub(BEFORE_TIMEOUT))
    }

    /// How they are now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let now = self.shared.clock.elapsed();
        let life = self.shared.life();
        Standing {
            age: life.age(now),
            // Absent: no set is believed.
            keys: life.keys(now).map_or(0, |set| set.keys().count()),
            fetched: self.shared.fetched.load(Ordering::Relaxed),
            failed: self.shared.failed.load(Ordering::Relaxed),
        }
    }

    /// Fetches whenever a fetch is due, indefinitely.
    pub(super) async fn keep_fresh(&self) {
        let mut ended = self.shared.ended.subscribe();
        loop {
            let due = self.shared.life().due_at();
            let pause = due.saturating_sub(self.shared.clock.elapsed());
            let ordered = tokio::select! {
                () = tokio::time::sleep(pause) => false,
                () = self.wanted.notified() => true,
                // A fetch for a token can have changed when the next one is due.
                _ = ended.changed() => continue,
            };
            self.shared.fetch_on_schedule(ordered).await;
        }
    }

    /// Has them fetched now, whatever their age.
    pub(super) fn fetch_anew(&self) {
        self.wanted.notify_one();
    }

    /// A place to wait in.
    fn place(&self, from: ClientAddress) -> Result<[Lease<ClientAddress>; 2], Full> {
        Ok([self.of_addresses.take(from.host(), 1)?, self.of_networks.take(from.network(), 1)?])
    }
}

impl Shared {
    fn life(&self) -> MutexGuard<'_, KeyLife> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches if it is still due, or was ordered, once no other fetch is under way.
    async fn fetch_on_schedule(self: &Arc<Self>, ordered: bool) {
        let mut ended = self.ended.subscribe();
        loop {
            let flight = {
                let mut life = self.life();
                let now = self.clock.elapsed();
                if !ordered && life.due_at() > now {
                    return;
                }
                (!life.is_under_way()).then(|| {
                    if ordered {
                        life.begin_ordered(now)
                    } else {
                        life.begin(now)
                    }
                    Flight::begun(self)
                })
            };
            match flight {
                Some(flight) => return flight.carry_out().await,
                // The sender is ours, so there is always a next end.
                None => _ = ended.changed().await,
            }
        }
    }

    /// What a question for a key comes to.
    async fn settle(self: &Arc<Self>, wanted: &KeyQuery<'_>) -> KeyFetch {
        let mut ended = self.ended.subscribe();
        let question = self.life().question();
        loop {
            ended.mark_unchanged();
            let (step, failing) = {
                let mut life = self.life();
                let now = self.clock.elapsed();
                if life.keys(now).is_some_and(|set| wanted.is_in(set)) {
                    return KeyFetch::Current;
                }
                (life.step(question, now), life.is_failing())
            };
            match step {
                KeyStep::Over { well: true } => return KeyFetch::Current,
                KeyStep::Over { well: false } => return KeyFetch::Failed(self.retry_after()),
                KeyStep::Pause(_) if failing => return KeyFetch::Failed(self.retry_after()),
                KeyStep::Pause(pause) => _ = tokio::time::timeout(pause, ended.changed()).await,
                KeyStep::UnderWay => _ = ended.changed().await,
                // Apart, so that a client that leaves does not break off what others wait for.
                KeyStep::Fetch => drop(tokio::spawn(Flight::begun(self).carry_out())),
            }
        }
    }

    fn retry_after(&self) -> Duration {
        self.life().retry_after(self.clock.elapsed())
    }

    async fn fetch(&self) -> Result<(KeySet, Option<Duration>), FetchError> {
        let document = self.source.fetch().await?;
        Ok((KeySet::parse(&document.body)?, document.max_age))
    }
}

/// A fetch that has begun. One that ends without an answer, by a panic for example, has failed.
struct Flight {
    shared: Arc<Shared>,
    answered: bool,
}

impl Flight {
    fn begun(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), answered: false }
    }

    async fn carry_out(mut self) {
        let shared = Arc::clone(&self.shared);
        match shared.fetch().await {
            Ok((set, max_age)) => {
                for unusable in &set.unusable {
                    // Absent: the key has no name that can be read.
                    let kid = unusable.kid.as_deref().unwrap_or("none");
                    tracing::debug!(issuer = shared.issuer, kid, why = %unusable.why, "a key is not used");
                }
                shared.fetched.fetch_add(1, Ordering::Relaxed);
                let (empty, now) = (set.is_empty(), shared.clock.elapsed());
                let holds = shared.life().took(Arc::new(set), max_age, now);
                self.answered = true;
                if empty {
                    tracing::warn!(
                        issuer = shared.issuer,
                        holds,
                        "the issuer's key set has no key that can be used"
                    );
                }
            }
            Err(error) if error.is_gone() => {
                shared.failed.fetch_add(1, Ordering::Relaxed);
                let holds = shared.life().gone();
                self.answered = true;
                tracing::warn!(issuer = shared.issuer, %error, holds, "the issuer's keys are not where they were");
            }
            Err(error) => {
                let believed = shared.life().keys(shared.clock.elapsed()).is_some();
                tracing::warn!(issuer = shared.issuer, %error, believed, "the issuer's keys could not be fetched");
            }
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.answered {
            self.shared.failed.fetch_add(1, Ordering::Relaxed);
            self.shared.life().failed();
        }
        self.shared.ended.send_replace(());
    }
}

impl IssuerKeys for Keys {
    fn known(&self) -> Option<Arc<KeySet>> {
        self.shared.life().keys(self.shared.clock.elapsed()).cloned()
    }

    fn refresh<'a>(&'a self, wanted: KeyQuery<'a>) -> BoxFuture<'a, KeyFetch> {
        Box::pin(async move {
            let Ok(_place) = self.place(wanted.from) else {
                let latest = self.shared.life().retry_latest(self.shared.clock.elapsed());
                return KeyFetch::Later(latest);
            };
            let settled = tokio::time::timeout(self.patience(), self.shared.settle(&wanted)).await;
            // Absent: not within the request's time; the token is neither taken nor refused.
            settled.unwrap_or_else(|_| KeyFetch::Later(self.shared.retry_after()))
        })
    }
}

#[cfg(test)]
mod tests;
