//! Keeps a key that signs, publishes its successor in time, and takes away what signs nothing any more.

use crate::oauth::signer::make;
use crate::problem::Problem;
use crate::store::Store;
use keyward_core::clock::{At, Clock, Timestamp};
use keyward_core::effect::{Commit, Context, Effect, Ended};
use keyward_core::permit::{Administer, background};
use keyward_core::random::{Random, uuid4};
use keyward_core::signing::{Due, PUBLISHED_SECONDS, SealedKey, Sealer, due};
use keyward_core::write::signing_key::{AddSigningKey, RemoveSigningKey, ResealSigningKey};
use std::sync::Arc;
use std::time::Duration;

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(60);

/// What it is done with.
#[derive(Clone)]
pub(crate) struct Upkeep {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sealer: Sealer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// The longest life of a token, in seconds.
    pub(crate) lives: i64,
}

impl Upkeep {
    /// Looks now and then, for ever.
    pub(crate) async fn forever(self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            if let Err(error) = self.once().await {
                tracing::error!(%error, "the signing keys could not be kept in order");
            }
        }
    }

    /// Does what is due.
    pub(crate) async fn once(&self) -> Result<(), Problem> {
        self.reseal().await?;
        loop {
            let now = self.clock.now();
            let next = {
                let live = self.store.directory().read();
                // A clock that has leapt ahead, and may be wrong, neither makes a key nor takes one away.
                let settled = live.clock().moment(now, self.clock.elapsed()).settled;
                due(&live.signing_keys(), settled, self.lives)
            };
            match next {
                None => return Ok(()),
                Some(Due::Remove(id)) => self.commit(RemoveSigningKey(id)).await?,
                Some(Due::Now) => self.add(now).await?,
                Some(Due::Soon) => self.add(now.plus_seconds(PUBLISHED_SECONDS)).await?,
            }
        }
    }

    async fn add(&self, signs_from: Timestamp) -> Result<(), Problem> {
        let key = self.made(signs_from).await?;
        self.commit(AddSigningKey { key, alone: false }).await
    }

    /// A new key that signs from then on, sealed.
    pub(crate) async fn made(&self, signs_from: Timestamp) -> Result<SealedKey, Problem> {
        let (sealer, random) = (self.sealer.clone(), Arc::clone(&self.random));
        let making = tokio::task::spawn_blocking(move || make(&sealer, signs_from, &*random));
        Ok(making.await.map_err(|_| Problem::Panicked)??)
    }

    /// Seals what is sealed under an older version of the root secret under the current one.
    async fn reseal(&self) -> Result<(), Problem> {
        let Some(current) = self.sealer.current() else { return Ok(()) };
        let older: Vec<SealedKey> = {
            let live = self.store.directory().read();
            live.signing_keys().into_iter().filter(|key| key.version != current).cloned().collect()
        };
        for key in older {
            let Some(text) = self.sealer.open(&key.kid, (&key.nonce, key.version, &key.sealed)) else {
                tracing::error!(
                    kid = &*key.kid,
                    "a signing key cannot be opened: its version of the root secret is gone"
                );
                self.commit(RemoveSigningKey(key.id)).await?;
                continue;
            };
            let (nonce, version, sealed) = self.sealer.seal(&key.kid, &text, &*self.random)?;
            self.commit(ResealSigningKey(SealedKey { nonce, version, sealed: sealed.into(), ..key })).await?;
        }
        Ok(())
    }

    async fn commit<E: Effect<Action = Administer>>(&self, effect: E) -> Result<(), Problem>
    where
        dyn Store: Commit<E>,
    {
        let context =
            Context { request_id: uuid4(&*self.random)?, address: None, origin_app: "keyward".to_owned() };
        match Commit::<E>::commit(&*self.store, effect, background(), context, None, At::Store).await? {
            Ended::Done(..) | Ended::Replayed(_) => Ok(()),
            Ended::Refused(denial) => Err(denial.into()),
        }
    }
}
