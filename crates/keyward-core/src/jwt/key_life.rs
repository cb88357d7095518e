//! The life of an issuer's key set: when it is fetched, how long it is believed, and what a token waits for whose key is
//! not in it.
//!
//! It only decides; its owner fetches and reports. Time is [`crate::clock::Clock::elapsed`], which never goes back.
//!
//! What the issuer's key set lacks is not believed, also where it lacks every key. Since a mistake of a moment would refuse
//! everybody, such a set holds when it comes twice, a cool-down apart, or when the operator ordered the fetch. An outage says
//! nothing, and what was there before stays. That nothing is there (404) is an outage as well: a reverse proxy without a backend
//! answers so. Only where the operator ordered the fetch is it the issuer's word.
//!
//! Not knowing a key is not knowing that it is wrong. A token whose key is not in the set is refused only when a fetch that
//! began after the token arrived brought a set without it. Until then, and when that fetch failed, nothing is known.

use super::key_set::KeySet;
use std::sync::Arc;
use std::time::Duration;

/// The shortest time after which a set is fetched again on schedule, whatever the issuer says.
pub const MIN_AGE: Duration = Duration::from_secs(60);
/// The longest.
pub const MAX_AGE: Duration = Duration::from_secs(3600);
/// Where the issuer says nothing.
const USUAL_AGE: Duration = Duration::from_secs(300);
/// The shortest time between the beginnings of two fetches for unknown keys. Tokens with invented keys cause no more of
/// them, and a fetch on schedule does not count.
pub const COOL_DOWN: Duration = Duration::from_secs(2);
/// The shortest pause after a failure before the next fetch on schedule; the longest is six of it.
const RETRY: Duration = Duration::from_secs(10);
/// A fetch has ended after this, metadata and keys together.
pub const FETCH_DEADLINE: Duration = Duration::from_secs(5);
/// A fetch of an issuer that answers has mostly ended after this.
const USUAL_FETCH: Duration = Duration::from_secs(1);
/// How long a set is believed when no newer one is available.
pub const MAX_STALE: Duration = Duration::from_secs(24 * 3600);

/// The life of one issuer's keys.
#[derive(Debug, Default)]
pub struct KeyLife {
    set: Option<Good>,
    /// Fetches that have begun. A fetch's number is what this was when it began, plus one.
    begun: u64,
    /// The fetch that is under way.
    flight: Option<Duration>,
    /// The last fetch that ended, and whether it brought a set.
    ended: Option<(u64, bool)>,
    /// When the last fetch began.
    attempted_at: Option<Duration>,
    /// When the last fetch for an unknown key began.
    asked_at: Option<Duration>,
    /// Fetches that failed since the last that did not.
    failures: u32,
    /// Whether the operator ordered the fetch that is under way.
    ordered: bool,
    /// Since when the issuer has no key to offer, although that does not hold yet.
    withdrawn_at: Option<Duration>,
}

#[derive(Debug)]
struct Good {
    keys: Arc<KeySet>,
    at: Duration,
    fresh_for: Duration,
}

/// A token's question for a key, as it arrived: only fetches that begin later can answer no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyQuestion(u64);

/// What a question for an unknown key does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStep {
    /// A fetch that began after the question has ended: well, or not.
    Over {
        /// Whether it brought a set.
        well: bool,
    },
    /// Another fetch is under way: look again when it has ended.
    UnderWay,
    /// No fetch may begin before this has passed.
    Pause(Duration),
    /// A fetch has begun with this step: carry it out.
    Fetch,
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

    /// A question that arrives now.
    #[must_use]
    pub fn question(&self) -> KeyQuestion {
        KeyQuestion(self.begun)
    }

    /// What this question does now.
    pub fn step(&mut self, question: KeyQuestion, now: Duration) -> KeyStep {
        match self.ended {
            Some((number, well)) if number > question.0 => KeyStep::Over { well },
            _ if self.flight.is_some() => KeyStep::UnderWay,
            // Absent: no fetch that began since the question has ended, and none is under way.
            _ => match self.cool_down(now) {
                Duration::ZERO => {
                    self.begin(now);
                    self.asked_at = Some(now);
                    KeyStep::Fetch
                }
                pause => KeyStep::Pause(pause),
            },
        }
    }

    /// What is left of the time in which no fetch for an unknown key may begin.
    fn cool_down(&self, now: Duration) -> Duration {
        // Absent: none has begun for an unknown key yet.
        self.asked_at.map_or(Duration::ZERO, |at| (at + COOL_DOWN).saturating_sub(now))
    }

    /// Whether the last fetch failed: then nobody waits for the next one to begin.
    #[must_use]
    pub const fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// How long a token may wait for its key. A fetch takes at most [`FETCH_DEADLINE`]; after a failure the next fetch most
    /// likely fails too, and the wait is short.
    #[must_use]
    pub fn patience(&self) -> Duration {
        if self.is_failing() { COOL_DOWN } else { COOL_DOWN + FETCH_DEADLINE }
    }

    /// When a question that has no answer is worth asking again: when the fetch that is under way has ended, or the next one
    /// may begin. An issuer that answered last time most likely answers soon.
    #[must_use]
    pub fn retry_after(&self, now: Duration) -> Duration {
        let left = self.left(now);
        let flight = if self.is_failing() { left } else { left.min(USUAL_FETCH) };
        flight.max(self.cool_down(now))
    }

    /// When it is worth asking again at the latest: then the fetch that is under way has ended, whatever the issuer does.
    #[must_use]
    pub fn retry_latest(&self, now: Duration) -> Duration {
        self.left(now).max(self.cool_down(now))
    }

    /// What is left of the deadline of the fetch that is under way.
    fn left(&self, now: Duration) -> Duration {
        // Absent: none is under way, so nobody waits for it.
        self.flight.map_or(Duration::ZERO, |at| (at + FETCH_DEADLINE).saturating_sub(now))
    }

    /// When the set is due to be fetched on schedule.
    #[must_use]
    pub fn due_at(&self) -> Duration {
        // After failures it is tried again soon, and less often the longer they last.
        let pause = RETRY * self.failures.clamp(1, 6);
        // Absent: the first is due at once.
        let retry = self.attempted_at.map_or(Duration::ZERO, |at| at + pause);
        match (self.withdrawn_at, &self.set) {
            (Some(at), _) if self.failures == 0 => at + COOL_DOWN,
            (None, Some(good)) if self.failures == 0 => good.at + good.fresh_for,
            // Absent: no set yet, or the last fetch failed.
            _ => retry,
        }
    }

    /// Whether a fetch is under way. There is one at a time.
    #[must_use]
    pub const fn is_under_way(&self) -> bool {
        self.flight.is_some()
    }

    /// A fetch begins on schedule. It starts no cool-down.
    pub fn begin(&mut self, now: Duration) {
        self.begun += 1;
        self.flight = Some(now);
        self.attempted_at = Some(now);
        self.ordered = false;
    }

    /// A fetch begins by the operator's order: what it brings holds.
    pub fn begin_ordered(&mut self, now: Duration) {
        self.begin(now);
        self.ordered = true;
    }

    /// The fetch brought a set; `max_age` is what the issuer's `Cache-Control` says. `false`: it is empty, and must be so once
    /// more before it holds.
    pub fn took(&mut self, keys: Arc<KeySet>, max_age: Option<Duration>, now: Duration) -> bool {
        let was_empty = self.set.as_ref().is_some_and(|good| good.keys.is_empty());
        if keys.is_empty() && !was_empty && !self.is_confirmed() {
            self.withdraw(now);
            return false;
        }
        // Absent: the issuer says nothing; within the same bounds.
        let fresh_for = max_age.unwrap_or(USUAL_AGE).clamp(MIN_AGE, MAX_AGE);
        self.set = Some(Good { keys, at: now, fresh_for });
        (self.failures, self.withdrawn_at) = (0, None);
        self.end(true);
        true
    }

    /// Where the issuer's keys were, nothing is any more; whether that holds. It does where the operator ordered the fetch: then
    /// nothing is believed. Else the fetch failed.
    pub fn gone(&mut self) -> bool {
        let holds = self.ordered;
        if holds {
            (self.set, self.withdrawn_at) = (None, None);
        }
        self.failed();
        holds
    }

    /// Whether the answer that comes now is a second one, asked for a cool-down after the first, or is to hold by order.
    fn is_confirmed(&self) -> bool {
        let again = self.withdrawn_at.zip(self.attempted_at);
        self.ordered || again.is_some_and(|(at, begun)| begun >= at + COOL_DOWN)
    }

    /// The issuer answers, and has no key to offer: it is asked again.
    fn withdraw(&mut self, now: Duration) {
        self.withdrawn_at.get_or_insert(now);
        self.failures = 0;
        self.end(false);
    }

    /// The fetch brought nothing that can be used: what was there before stays.
    pub fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.end(false);
    }

    fn end(&mut self, well: bool) {
        self.flight = None;
        self.ended = Some((self.begun, well));
    }
}

#[cfg(test)]
mod tests;
