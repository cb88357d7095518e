//! Takes away what is kept no longer: answers of idempotent writes, and counters in which nothing counts.

use crate::app::Store;
use keyward_core::clock::At;
use keyward_core::rate_limit::Limiter;
use std::time::Duration;

/// Between two rounds.
const INTERVAL: Duration = Duration::from_secs(30);
/// Between two batches of a round: writes go first.
const PAUSE: Duration = Duration::from_millis(50);

/// Goes round now and then, for ever.
pub(crate) async fn forever(store: &dyn Store, limiter: &Limiter) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        limiter.sweep();
        loop {
            match store.purge(At::Store).await {
                Ok(0) => break,
                Ok(_) => tokio::time::sleep(PAUSE).await,
                Err(error) => {
                    tracing::warn!(%error, "old answers could not be taken away yet");
                    break;
                }
            }
        }
    }
}
