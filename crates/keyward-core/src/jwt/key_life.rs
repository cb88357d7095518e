//! The life of an issuer's key set: when it is fetched, how long it is believed, and what happens when it cannot be had.
//!
//! It only decides; whoever fetches tells it. Time is [`crate::clock::Clock::elapsed`], which never goes back.

use super::key_set::KeySet;
use std::sync::Arc;
use std::time::Duration;

/// The shortest time after which a set is fetched again by itself, whatever the issuer says.
pub const MIN_AGE: Duration = Duration::from_secs(60);
/// The longest.
pub const MAX_AGE: Duration = Duration::from_secs(3600);
/// Where the issuer says nothing.
const USUAL_AGE: Duration = Duration::from_secs(300);
/// The shortest time between two fetches, whoever asks for them: a flood of tokens with made-up keys fetches no more often.
pub const COOL_DOWN: Duration = Duration::from_secs(10);
/// How long a set is believed when no newer one can be had.
pub const MAX_STALE: Duration = Duration::from_secs(24 * 3600);

/// The life of one issuer's keys.
#[derive(Debug, Default)]
pub struct KeyLife {
    set: Option<Good>,
    attempted_at: Option<Duration>,
    /// Fetches that failed since the last that did not.
    failures: u32,
}

#[derive(Debug)]
struct Good {
    keys: Arc<KeySet>,
    at: Duration,
    fresh_for: Duration,
}

impl KeyLife {
    /// The keys that are believed now.
    #[must_use]
    pub fn keys(&self, now: Duration) -> Option<&Arc<KeySet>> {
        let good = self.set.as_ref()?;
        (self.age(now)? < MAX_STALE).then_some(&good.keys)
    }

    /// How long ago the set was fetched.
    #[must_use]
    pub fn age(&self, now: Duration) -> Option<Duration> {
        Some(now.saturating_sub(self.set.as_ref()?.at))
    }

    /// Whether a fetch may begin now because a token names a key that is not known, or none is.
    #[must_use]
    pub fn may_ask(&self, now: Duration) -> bool {
        self.attempted_at.is_none_or(|at| now.saturating_sub(at) >= COOL_DOWN)
    }

    /// When the set is to be fetched next by itself.
    #[must_use]
    pub fn due_at(&self) -> Duration {
        // After failures it is tried again soon, and less often the longer it lasts.
        let pause = COOL_DOWN * self.failures.clamp(1, 6);
        let retry = self.attempted_at.map_or(Duration::ZERO, |at| at + pause);
        match &self.set {
            Some(good) if self.failures == 0 => good.at + good.fresh_for,
            _ => retry,
        }
    }

    /// A fetch begins.
    pub fn begin(&mut self, now: Duration) {
        self.attempted_at = Some(now);
    }

    /// It brought a set; `max_age` is what the issuer's `Cache-Control` says.
    pub fn took(&mut self, keys: Arc<KeySet>, max_age: Option<Duration>, now: Duration) {
        let fresh_for = max_age.unwrap_or(USUAL_AGE).clamp(MIN_AGE, MAX_AGE);
        self.set = Some(Good { keys, at: now, fresh_for });
        self.failures = 0;
    }

    /// It brought nothing that could be used: what was there before stays.
    pub fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> Arc<KeySet> {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let jwks = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}]}}"#);
        Arc::new(KeySet::parse(jwks.as_bytes()).unwrap())
    }

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_set_is_fetched_again_within_the_bounds_of_what_the_issuer_says() {
        for (says, due) in
            [(None, 300), (Some(0), 60), (Some(59), 60), (Some(600), 600), (Some(86_400), 3600)]
        {
            let mut life = KeyLife::default();
            assert_eq!(life.due_at(), s(0), "at once");
            life.begin(s(100));
            life.took(set(), says.map(s), s(101));
            assert_eq!(life.due_at(), s(101 + due), "{says:?}");
        }
    }

    #[test]
    fn a_flood_fetches_once_in_a_cool_down_also_without_any_set() {
        let mut life = KeyLife::default();
        let mut fetches = 0;
        for tenth in 0..6000 {
            let now = Duration::from_millis(tenth * 100);
            if life.may_ask(now) {
                life.begin(now);
                life.failed();
                fetches += 1;
            }
        }
        assert_eq!(fetches, 60, "600 s, one in 10 s");
    }

    #[test]
    fn through_an_outage_the_last_good_set_is_believed_for_a_day() {
        let mut life = KeyLife::default();
        life.begin(s(0));
        life.took(set(), None, s(0));
        let mut now = life.due_at();
        let mut attempts = 0;
        while now < s(86_400) {
            assert!(life.keys(now).is_some());
            life.begin(now);
            life.failed();
            attempts += 1;
            now = life.due_at();
        }
        assert!((1_400..1_500).contains(&attempts), "once a minute: {attempts}");
        assert!(life.keys(s(86_399)).is_some());
        assert!(life.keys(s(86_400)).is_none());
        // And it recovers.
        life.took(set(), None, s(90_000));
        assert!(life.keys(s(90_001)).is_some());
        assert_eq!(life.due_at(), s(90_300));
    }
}
