//! The counters of limits, from a clean stop to the next start.

use crate::config::AfterCrash;
use crate::store::Store;
use keyward_core::clock::Clock;
use keyward_core::rate_limit::{Bucket, Limiter, Saved};
use keyward_core::store::{SavedLimits, StoreError};
use std::time::Duration;

/// Takes up what the server before left, or does what is to be done when it left nothing.
pub(crate) async fn load(
    store: &dyn Store,
    limiter: &Limiter,
    clock: &dyn Clock,
    after_crash: AfterCrash,
) -> Result<(), StoreError> {
    take_up(store.take_limits().await?, limiter, clock, after_crash);
    Ok(())
}

/// Counters that cannot be read count as after a crash; those beside them that can be read go on.
fn take_up(kept: Option<SavedLimits>, limiter: &Limiter, clock: &dyn Clock, after_crash: AfterCrash) {
    let Some(kept) = kept else {
        return crashed(limiter, after_crash, "the server before was not stopped");
    };
    // The wall clock is read in whole seconds, so a second of it is not believed.
    let passed = milliseconds(clock).saturating_sub(kept.at_ms).saturating_sub(1_000);
    let buckets = kept.ages.len();
    let saved = kept
        .ages
        .into_iter()
        .filter_map(|(name, ages)| Some(Saved { bucket: Bucket::named(&name)?, ages }))
        .collect::<Vec<_>>();
    let unreadable = kept.unreadable + (buckets - saved.len());
    limiter.load(saved, Duration::from_millis(passed));
    if unreadable > 0 {
        crashed(limiter, after_crash, &format!("{unreadable} counters of limits cannot be read"));
    }
}

fn crashed(limiter: &Limiter, after_crash: AfterCrash, why: &str) {
    match after_crash {
        AfterCrash::Strict => {
            tracing::warn!("{why}: nothing that is limited is admitted for a minute");
            limiter.hold();
        }
        AfterCrash::Forget => tracing::info!("{why}: the counters of limits begin at zero"),
    }
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
    // Absent: before 1970 no time has passed since the counters were kept, so all of them count.
    u64::try_from(clock.now().unix()).unwrap_or(0).saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward_core::id::AccountId;
    use keyward_core::rate_limit::{Charge, Purpose};
    use keyward_testkit::FakeClock;
    use std::sync::Arc;

    const BUCKET: Bucket = Bucket::Account(AccountId(1), Purpose::Reads);

    /// Whether one more request is admitted after these were kept, in a bucket of two, and whether all is held.
    fn after(names: &[&str], unreadable: usize, after_crash: AfterCrash) -> (bool, bool) {
        let clock = FakeClock::new();
        let limiter = Limiter::new(Arc::new(clock.clone()));
        let ages = names.iter().map(|name| ((*name).to_owned(), vec![2, 1])).collect();
        let kept = SavedLimits { ages, unreadable, at_ms: milliseconds(&clock) };
        take_up(Some(kept), &limiter, &clock, after_crash);
        (limiter.charge(&[Charge { bucket: BUCKET, limit: 2 }]).is_ok(), limiter.is_held())
    }

    #[test]
    fn counters_of_an_unknown_name_or_broken_length_count_as_after_a_crash() {
        let (own, unknown) =
            ("account 1 reads", ["account 1", "account 1 wishes", "tenant 1 reads", "account 1 reads x", ""]);
        assert_eq!(after(&["account 2 reads"], 0, AfterCrash::Strict), (true, false), "all is known");
        assert_eq!(after(&[own], 0, AfterCrash::Strict), (false, false), "two of two were admitted before");
        for name in unknown {
            assert_eq!(after(&[name], 0, AfterCrash::Strict), (false, true), "{name}");
            assert_eq!(after(&[name], 0, AfterCrash::Forget), (true, false), "{name}");
            assert_eq!(
                after(&[own, name], 0, AfterCrash::Forget),
                (false, false),
                "what is known goes on: {name}"
            );
        }
        assert_eq!(after(&[], 1, AfterCrash::Strict), (false, true), "one of broken length");
        assert_eq!(after(&[], 1, AfterCrash::Forget), (true, false), "one of broken length");
    }

    #[test]
    fn no_counters_at_all_are_a_crash() {
        let limiter = Limiter::new(Arc::new(FakeClock::new()));
        take_up(None, &limiter, &FakeClock::new(), AfterCrash::Forget);
        assert!(!limiter.is_held());
        take_up(None, &limiter, &FakeClock::new(), AfterCrash::Strict);
        assert!(limiter.is_held());
    }
}
