//! The keys of one issuer, kept fresh: fetched one at a time, by itself before they are old, at once for a key that is not
//! known, and when the operator says so.

use super::KeySource;
use super::fetch::FetchError;
use keyward_core::BoxFuture;
use keyward_core::clock::Clock;
use keyward_core::jwt::{KeyLife, KeySet};
use keyward_tower::authenticate::IssuerKeys;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// One issuer's keys.
#[derive(Debug)]
pub struct Keys {
    shared: Arc<Shared>,
    /// The operator wants them fetched.
    wanted: Notify,
}

#[derive(Debug)]
struct Shared {
    issuer: String,
    source: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    life: Mutex<KeyLife>,
    /// Held while they are fetched, so that it is done by one for all.
    flight: tokio::sync::Mutex<()>,
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
    pub fn new(issuer: String, source: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        let shared = Shared {
            issuer,
            source,
            clock,
            life: Mutex::default(),
            flight: tokio::sync::Mutex::default(),
            fetched: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared), wanted: Notify::new() }
    }

    /// How they are now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let now = self.shared.clock.elapsed();
        let life = self.shared.life();
        Standing {
            age: life.age(now),
            keys: life.keys(now).map_or(0, |set| set.keys().count()),
            fetched: self.shared.fetched.load(Ordering::Relaxed),
            failed: self.shared.failed.load(Ordering::Relaxed),
        }
    }

    /// Fetches whenever it is time to, for ever.
    pub(super) async fn keep_fresh(&self) {
        loop {
            let due = self.shared.life().due_at();
            let pause = due.saturating_sub(self.shared.clock.elapsed());
            let ordered = tokio::select! {
                () = tokio::time::sleep(pause) => false,
                () = self.wanted.notified() => true,
            };
            let is_due = |life: &KeyLife, now| ordered || life.due_at() <= now;
            Arc::clone(&self.shared).fetch_if(is_due).await;
        }
    }

    /// Has them fetched now, whatever their age.
    pub(super) fn fetch_anew(&self) {
        self.wanted.notify_one();
    }
}

impl Shared {
    fn life(&self) -> MutexGuard<'_, KeyLife> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches, if that is still to be done when it is this one's turn.
    async fn fetch_if(self: Arc<Self>, wanted: impl Fn(&KeyLife, Duration) -> bool) {
        let _turn = self.flight.lock().await;
        {
            let mut life = self.life();
            let now = self.clock.elapsed();
            if !wanted(&life, now) {
                return;
            }
            life.begin(now);
        }
        match self.fetch().await {
            Ok((set, max_age)) => {
                for unusable in &set.unusable {
                    let kid = unusable.kid.as_deref().unwrap_or("none");
                    tracing::debug!(issuer = self.issuer, kid, why = %unusable.why, "a key is not used");
                }
                self.fetched.fetch_add(1, Ordering::Relaxed);
                self.life().took(Arc::new(set), max_age, self.clock.elapsed());
            }
            Err(error) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                let mut life = self.life();
                life.failed();
                let believed = life.keys(self.clock.elapsed()).is_some();
                tracing::warn!(issuer = self.issuer, %error, believed, "the issuer's keys could not be fetched");
            }
        }
    }

    async fn fetch(&self) -> Result<(KeySet, Option<Duration>), FetchError> {
        let document = self.source.fetch().await?;
        Ok((KeySet::parse(&document.body)?, document.max_age))
    }
}

impl IssuerKeys for Keys {
    fn known(&self) -> Option<Arc<KeySet>> {
        self.shared.life().keys(self.shared.clock.elapsed()).cloned()
    }

    fn refresh(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // One that is under way is for all who wait.
            let Ok(free) = self.shared.flight.try_lock() else {
                drop(self.shared.flight.lock().await);
                return;
            };
            drop(free);
            if !self.shared.life().may_ask(self.shared.clock.elapsed()) {
                return;
            }
            // Apart, so that a client that leaves does not break off what others wait for.
            let fetching = tokio::spawn(Arc::clone(&self.shared).fetch_if(KeyLife::may_ask));
            if let Err(error) = fetching.await {
                tracing::error!(%error, "the fetch of an issuer's keys ended by itself");
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuers::Document;
    use keyward_testkit::FakeClock;
    use keyward_testkit::issuer::{SigningKey, key_set};

    /// Answers when it is told to, and counts.
    #[derive(Debug)]
    struct Gate {
        begun: AtomicU64,
        open: tokio::sync::Semaphore,
    }

    impl Gate {
        fn new() -> Arc<Self> {
            Arc::new(Self { begun: AtomicU64::new(0), open: tokio::sync::Semaphore::new(0) })
        }
    }

    impl KeySource for Arc<Gate> {
        fn fetch(&self) -> BoxFuture<'_, Result<Document, FetchError>> {
            Box::pin(async move {
                self.begun.fetch_add(1, Ordering::SeqCst);
                self.open.acquire().await.unwrap().forget();
                let body = key_set(&[&SigningKey::rsa(0, "k")]);
                Ok(Document { body, max_age: Some(Duration::from_secs(120)) })
            })
        }
    }

    #[tokio::test]
    async fn a_fetch_is_one_for_all_who_wait_and_survives_the_one_who_began_it() {
        let (gate, clock) = (Gate::new(), FakeClock::new());
        let source: Arc<dyn KeySource> = Arc::new(Arc::clone(&gate));
        let keys = Arc::new(Keys::new("https://id.example/".to_owned(), source, Arc::new(clock.clone())));
        let ask = || {
            let keys = Arc::clone(&keys);
            tokio::spawn(async move { keys.refresh().await })
        };
        let first = ask();
        while gate.begun.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let others: Vec<_> = (0..100).map(|_| ask()).collect();
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        assert!(others.iter().all(|other| !other.is_finished()), "they wait");
        assert!(keys.known().is_none(), "and nobody waits to look at what is known");
        // Whoever began it leaves.
        first.abort();
        gate.open.add_permits(1);
        for other in others {
            other.await.unwrap();
        }
        assert_eq!(gate.begun.load(Ordering::SeqCst), 1);
        assert_eq!(keys.known().map(|set| set.keys().count()), Some(1));
        // Within the cool-down nobody waits at all, and nothing is fetched.
        keys.refresh().await;
        assert_eq!(gate.begun.load(Ordering::SeqCst), 1);
        clock.pass(Duration::from_secs(10));
        gate.open.add_permits(1);
        keys.refresh().await;
        assert_eq!((gate.begun.load(Ordering::SeqCst), keys.standing().fetched), (2, 2));
        assert_eq!(keys.shared.life().due_at(), Duration::from_secs(130), "as Cache-Control says");
    }
}
