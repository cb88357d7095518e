//! Takes away what is kept no longer: answers of idempotent writes, old rows of the audit trail, what has ended, and counters
//! in which nothing counts.

use crate::store::Store;
use keyward_core::BoxFuture;
use keyward_core::clock::At;
use keyward_core::rate_limit::Limiter;
use keyward_core::store::{Retention, StoreError};
use std::time::Duration;

/// Between two rounds.
const INTERVAL: Duration = Duration::from_secs(30);
/// Between two batches of a round: writes go first.
const PAUSE: Duration = Duration::from_millis(50);

/// Goes round now and then, for ever.
pub(crate) async fn forever(store: &dyn Store, limiter: &Limiter, keep: Retention) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        limiter.sweep();
        until_none(|| store.purge(At::Store)).await;
        until_none(|| store.forget(At::Store, keep)).await;
    }
}

/// Takes batch after batch away, until none is left.
async fn until_none<'s>(batch: impl Fn() -> BoxFuture<'s, Result<usize, StoreError>>) {
    loop {
        match batch().await {
            Ok(0) => return,
            Ok(_) => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                tracing::warn!(%error, "what is old could not be taken away yet");
                return;
            }
        }
    }
}
