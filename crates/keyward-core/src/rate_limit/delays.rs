//! Growing delays between tries of one secret that people choose: the password of an e-mail address.
//!
//! The first tries are free; each further failure in a row doubles the wait, up to a quarter of an hour (NIST SP 800-63B
//! §3.2.2). Whether the address is anybody's makes no difference. A try counts when it begins, so that many at once are no
//! way around it; a success forgets the count.
//!
//! A network that has not failed at the address waits for the end of one delay at most, whatever others do: each has a few
//! tries of its own, see `networks.rs`.
//!
//! A network that brings in more addresses than its share loses the count with the fewest failures. What that count held is
//! its own from then on: each further address that it brings in begins so. Invented addresses are no way to forget one.

mod counts;
mod turns;

use super::networks::Source;
use counts::{Counts, MOST, SHARE};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use turns::Turns;

/// Failures in a row before the first delay.
pub const FREE_TRIES: u32 = 5;
/// No delay is longer.
pub const LONGEST_DELAY: Duration = Duration::from_secs(15 * 60);

/// The counts of all addresses. Clones share them.
#[derive(Clone, Debug)]
pub struct Delays {
    counts: Arc<Mutex<Counts>>,
    hasher: RandomState,
}

/// A try that may be made. It counts as failed unless its owner says otherwise.
#[derive(Debug)]
#[must_use]
pub struct Try<'d> {
    delays: &'d Delays,
    key: u64,
    failures: u32,
    source: Source,
    /// The turn, where the try is one of the source's own.
    own: Option<Duration>,
    before: Turns,
}

impl Default for Delays {
    fn default() -> Self {
        Self::holding(MOST, SHARE)
    }
}

/// The delay after so many failures in a row.
fn delay(failures: u32) -> Duration {
    match failures.checked_sub(FREE_TRIES) {
        None => Duration::ZERO,
        Some(doublings) => Duration::from_secs(1 << doublings.min(20)).min(LONGEST_DELAY),
    }
}

impl Delays {
    fn holding(most: usize, share: usize) -> Self {
        Self { counts: Arc::new(Mutex::new(Counts::holding(most, share))), hasher: RandomState::new() }
    }

    /// Begins a try of this address from this source.
    ///
    /// # Errors
    /// How long to wait before the next; nothing is counted then.
    pub fn begin(
        &self,
        address: &str,
        source: impl Into<Source>,
        now: Duration,
    ) -> Result<Try<'_>, Duration> {
        let (key, source) = (self.hasher.hash_one(address), source.into());
        self.counts().change_or_bring((key, source), now, |count| {
            let own = count.sources.turn(source, count.turns.others, now);
            // Absent: no turn of its own, so it waits for the one that all share.
            let wait = own.map_or_else(|| count.turns.wait(source, now), |turn| turn.saturating_sub(now));
            if !wait.is_zero() {
                if own.is_none() {
                    count.turns.reserve(source);
                }
                return Err(wait);
            }
            let before = count.turns;
            count.turns.take(source, own.is_some(), now);
            count.sources.tried(source, 1, now);
            Ok(Try { delays: self, key, failures: count.turns.failures, source, own, before })
        })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Try<'_> {
    /// It was the right password: nothing is held against the address any more.
    pub fn succeeded(self) {
        self.delays.counts().forget(self.key);
    }

    /// It was not looked at, so nothing was learnt by it.
    pub fn was_not_made(self) {
        self.delays.counts().change(self.key, |count| {
            if let Some(turn) = self.own {
                count.sources.give_back(self.source, turn);
            }
            // Another try may have begun since.
            if count.turns.failures == self.failures && count.turns.from == self.source {
                let next = self.before.next.or(count.turns.next);
                count.turns = Turns { next, ..self.before };
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::turns::RESERVED;
    use super::*;
    use crate::address::ClientAddress;
    use crate::rate_limit::networks::{FORGOTTEN, OWN_TRIES};
    use proptest::prelude::*;
    use std::collections::HashMap;

    pub(super) fn network(number: u8) -> ClientAddress {
        ClientAddress::Known(std::net::IpAddr::from([203, 0, number, 0]))
    }

    pub(super) fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn five_tries_are_free_and_then_the_delay_doubles_up_to_a_quarter_of_an_hour() {
        let delays = Delays::default();
        let (mut now, mut waits) = (at(100), Vec::new());
        for _ in 0..20 {
            let _ = delays.begin("a", network(1), now).unwrap();
            let wait = delays.begin("a", network(1), now).map_or_else(
                |wait| wait,
                |again| {
                    again.was_not_made();
                    Duration::ZERO
                },
            );
            waits.push(wait.as_secs());
            now += wait;
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900, 900]);
        let _ = delays.begin("b", network(1), now).expect("another address is not concerned");
    }

    #[test]
    fn many_tries_at_once_are_counted_before_they_are_judged() {
        let delays = Delays::default();
        let begun: Vec<_> = (0..64).filter_map(|_| delays.begin("a", network(1), at(1)).ok()).collect();
        assert_eq!(begun.len(), 5);
    }

    #[test]
    fn a_success_forgets_the_count_and_a_try_that_was_not_made_does_not_count() {
        let delays = Delays::default();
        for _ in 0..4 {
            let _ = delays.begin("a", network(1), at(1)).unwrap();
        }
        for _ in 0..10 {
            delays.begin("a", network(1), at(1)).unwrap().was_not_made();
        }
        let _ = delays.begin("a", network(1), at(1)).unwrap();
        assert_eq!(delays.begin("a", network(1), at(1)).err(), Some(at(1)));
        delays.begin("a", network(1), at(2)).unwrap().succeeded();
        for _ in 0..5 {
            let _ = delays.begin("a", network(1), at(2)).unwrap();
        }
    }

    /// Tries until the delay is the longest.
    fn attacked(delays: &Delays, from: u8) -> Duration {
        let mut now = at(1);
        for _ in 0..20 {
            now += LONGEST_DELAY;
            let _ = delays.begin("a", network(from), now).unwrap();
        }
        now
    }

    #[test]
    fn a_network_that_has_not_failed_has_tries_of_its_own() {
        let delays = Delays::default();
        let now = attacked(&delays, 1);
        let _ = delays.begin("a", network(2), now).expect("the attacker's delay is not its own");
        assert_eq!(delays.begin("a", network(3), now).err(), Some(LONGEST_DELAY));
        let later = now + LONGEST_DELAY;
        let _ = delays.begin("a", network(2), later).expect("its second");
        delays.begin("a", network(3), later).expect("what others do does not move its turn").succeeded();
        let _ = delays.begin("a", network(1), later).expect("all is forgotten");
    }

    /// One network that tries without end does not take every turn, also of those who have mistyped three times.
    #[test]
    fn after_a_delay_the_turn_is_that_of_another_network_that_has_asked() {
        let delays = Delays::default();
        let mut now = attacked(&delays, 1);
        for _ in 0..OWN_TRIES {
            let _ = delays.begin("a", network(2), now).unwrap();
            now += LONGEST_DELAY;
        }
        let _ = delays.begin("a", network(1), now).unwrap();
        let wait = delays.begin("a", network(2), now).unwrap_err();
        assert_eq!(wait, LONGEST_DELAY);
        now += wait;
        assert_eq!(delays.begin("a", network(1), now).err(), Some(RESERVED), "the attacker waits");
        delays.begin("a", network(2), now + at(59)).unwrap().succeeded();
    }

    #[test]
    fn a_try_that_was_not_made_leaves_its_turn_and_what_is_reserved_as_they_were() {
        let delays = Delays::default();
        let mut now = attacked(&delays, 1);
        for _ in 0..OWN_TRIES {
            let _ = delays.begin("a", network(2), now).unwrap();
            now += LONGEST_DELAY;
        }
        let _ = delays.begin("a", network(1), now).unwrap();
        now += delays.begin("a", network(2), now).unwrap_err();
        delays.begin("a", network(2), now).unwrap().was_not_made();
        assert_eq!(delays.begin("a", network(1), now).err(), Some(RESERVED), "it is still reserved");
        for _ in 0..OWN_TRIES + 1 {
            delays.begin("a", network(3), now).expect("a try of its own is given back").was_not_made();
        }
        delays.begin("a", network(2), now).unwrap().succeeded();
    }

    #[test]
    fn after_a_day_without_a_try_nothing_is_known() {
        let delays = Delays::default();
        while delays.begin("a", network(1), at(1)).is_ok() {}
        let later = at(3) + FORGOTTEN;
        let again = (0..6).filter(|_| delays.begin("a", network(1), later).is_ok()).count();
        assert_eq!(again, 5);
    }

    /// Tries one address as often as it can, and pushes its count out with as many invented ones.
    fn guesses(delays: &Delays, seconds: u64, fillers: u32, pause: u64) -> u32 {
        let (mut guessed, mut invented) = (0, 0_u32);
        for second in (0..seconds).step_by(usize::try_from(pause).unwrap()) {
            while delays.begin("target", network(1), at(second)).is_ok() {
                guessed += 1;
            }
            for filler in 0..fillers {
                while delays.begin(&filler.to_string(), network(1), at(second)).is_ok() {}
            }
            invented += 1;
            let _ = delays.begin(&format!("invented {invented}"), network(1), at(second));
        }
        guessed
    }

    #[test]
    fn fillers_that_are_heavier_than_the_target_give_no_free_tries() {
        let delays = Delays::holding(100, 16);
        for filler in 0..15 {
            for second in 0..16 {
                while delays.begin(&format!("filler {filler}"), network(1), at(second)).is_ok() {}
            }
        }
        let mut guessed = 0;
        for invented in 0..200 {
            while delays.begin("target", network(1), at(20)).is_ok() {
                guessed += 1;
            }
            let _ = delays.begin(&format!("invented {invented}"), network(1), at(20));
        }
        assert!(guessed <= 10, "{guessed}");
    }

    #[test]
    fn what_gave_way_is_held_against_the_network_that_brought_it_alone() {
        let delays = Delays::holding(100, 16);
        for second in 0..600 {
            for filler in 0..20 {
                while delays.begin(&format!("filler {filler}"), network(1), at(second)).is_ok() {}
            }
        }
        assert!(delays.begin("person", network(1), at(600)).is_err(), "a new address of this network waits");
        let elsewhere = delays.begin("person", network(2), at(600));
        elsewhere.expect("and its person elsewhere does not").succeeded();
        delays.begin("another person", network(2), at(600)).expect("nor do others").succeeded();
        let _ = delays.begin("person", network(1), at(1_600)).expect("a quarter of an hour at most");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

        #[test]
        fn one_network_tries_one_address_at_most_120_times_a_day(fillers in 0_u32..12, pause in 20_u64..300) {
            let delays = Delays::holding(40, 8);
            let guessed = guesses(&delays, 86_400, fillers, pause);
            prop_assert!(guessed <= 120, "{guessed}");
        }

        #[test]
        fn all_networks_together_try_one_address_at_most_220_times_a_day(
            networks in 1_u8..60, pause in 60_u64..300
        ) {
            let delays = Delays::default();
            let mut guessed = 0;
            for second in (0..86_400).step_by(usize::try_from(pause).unwrap()) {
                for from in 0..networks {
                    while delays.begin("target", network(from), at(second)).is_ok() {
                        guessed += 1;
                    }
                }
            }
            prop_assert!(guessed <= 220, "{guessed}");
        }

        /// The others are as many as there are places beside the person's, and ask first, at every moment.
        #[test]
        fn a_network_that_has_not_failed_waits_a_quarter_of_an_hour_in_all_whatever_others_do(
            others in 0_u8..32, comes in 0_u64..80_000, pause in 60_u64..1_000
        ) {
            let delays = Delays::default();
            let attack = |second| (0..others).for_each(|from| {
                while delays.begin("a", network(from), at(second)).is_ok() {}
            });
            (0..=comes).step_by(usize::try_from(pause).unwrap()).for_each(attack);
            attack(comes);
            if let Err(wait) = delays.begin("a", network(200), at(comes)) {
                prop_assert!(wait <= LONGEST_DELAY);
                let end = comes + wait.as_secs();
                (comes..=end).step_by(usize::try_from(pause).unwrap()).for_each(attack);
                attack(end);
                let begun = delays.begin("a", network(200), at(end));
                prop_assert!(begun.is_ok(), "{begun:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_wait_is_ever_longer_than_a_quarter_of_an_hour_and_no_network_tries_before_its_time(
            steps in prop::collection::vec((0_u64..1_200, 0_u8..3, 0_u8..3, 0_u8..40), 0..400)
        ) {
            let delays = Delays::default();
            let mut now = at(0);
            let mut failures: HashMap<u8, u32> = HashMap::new();
            let mut next: HashMap<(u8, u8), Duration> = HashMap::new();
            for (pause, address, from, end) in steps {
                now += Duration::from_millis(pause * 997);
                match delays.begin(&address.to_string(), network(from), now) {
                    Err(wait) => prop_assert!(!wait.is_zero() && wait <= LONGEST_DELAY),
                    Ok(begun) => {
                        let due = next.get(&(address, from)).copied().unwrap_or_default();
                        prop_assert!(now >= due, "{due:?}, {now:?}");
                        match end {
                            0 => {
                                begun.succeeded();
                                failures.remove(&address);
                                next.retain(|(of, _), _| *of != address);
                            }
                            1 => begun.was_not_made(),
                            _ => {
                                let failed = failures.entry(address).or_default();
                                *failed += 1;
                                next.insert((address, from), now + delay(*failed));
                            }
                        }
                    }
                }
            }
        }
    }
}
