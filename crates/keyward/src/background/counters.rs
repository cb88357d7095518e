//! The counters of limits, from a clean stop to the next start.

use crate::app::Store;
use crate::cli::CliError;
use crate::config::AfterCrash;
use keyward_core::clock::Clock;
use keyward_core::rate_limit::{Bucket, Limiter, Saved};
use std::time::Duration;

/// Takes up what the server before left, or does what is to be done when it left nothing.
pub(crate) async fn load(
    store: &dyn Store,
    limiter: &Limiter,
    clock: &dyn Clock,
    after_crash: AfterCrash,
) -> Result<(), CliError> {
    match (store.take_limits().await?, after_crash) {
        (Some(kept), _) => {
            // The wall clock is read in whole seconds, so a second of it is not believed.
            let passed = milliseconds(clock).saturating_sub(kept.at_ms).saturating_sub(1_000);
            let saved = kept
                .ages
                .into_iter()
                .filter_map(|(name, ages)| Some(Saved { bucket: Bucket::named(&name)?, ages }));
            limiter.load(saved.collect(), Duration::from_millis(passed));
        }
        (None, AfterCrash::Strict) => {
            tracing::warn!(
                "the server before was not stopped: nothing that is limited is admitted for a minute"
            );
            limiter.hold();
        }
        (None, AfterCrash::Forget) => {
            tracing::info!("the server before was not stopped: limits are counted anew")
        }
    }
    Ok(())
}

/// Leaves them to the next server. Nothing while all is refused after a crash: what was admitted before it still counts, and
/// is still not known.
pub(crate) async fn save(store: &dyn Store, limiter: &Limiter, clock: &dyn Clock) {
    if limiter.is_held() {
        return;
    }
    let saved = limiter.save().into_iter().map(|saved| (saved.bucket.name(), saved.ages)).collect();
    if let Err(error) = store.save_limits(saved, milliseconds(clock)).await {
        tracing::warn!(%error, "the counters of limits could not be kept");
    }
}

fn milliseconds(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.now().unix()).unwrap_or(0).saturating_mul(1_000)
}
