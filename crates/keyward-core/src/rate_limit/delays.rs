//! Growing delays between tries of one secret that people choose: the password of an e-mail address.
//!
//! The first tries are free; each further failure in a row doubles the wait, up to a quarter of an hour (NIST SP 800-63B
//! §3.2.2). Whether the address is anybody's makes no difference. A try counts when it begins, so that many at once are no
//! way around it; a success forgets the count.

use crate::address::ClientAddress;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Failures in a row before the first delay.
pub const FREE_TRIES: u32 = 5;
/// No delay is longer.
pub const LONGEST_DELAY: Duration = Duration::from_secs(15 * 60);
/// After so long without a try, nothing is known of earlier ones.
const FORGOTTEN: Duration = Duration::from_secs(86_400);
/// The next try after a delay belongs, for so long, to another network than the last one's, if one has asked.
const RESERVED: Duration = Duration::from_secs(60);
/// Addresses that counts are kept of, and those that one network may have brought in.
const MOST: usize = 10_000;
const SHARE: usize = 256;

/// The counts of all addresses. Clones share them.
#[derive(Clone, Debug)]
pub struct Delays {
    state: Arc<Mutex<State>>,
    hasher: RandomState,
    most: usize,
    share: usize,
}

#[derive(Debug, Default)]
struct State {
    counts: HashMap<u64, Count>,
    /// How many of the counts each network has brought in.
    brought: HashMap<ClientAddress, usize>,
}

#[derive(Clone, Debug)]
struct Count {
    failures: u32,
    /// Until then nothing is tried.
    until: Duration,
    last: Duration,
    /// The network that the last try came from.
    from: ClientAddress,
    /// The first other network that was refused since.
    next: Option<ClientAddress>,
    brought_by: ClientAddress,
}

/// A try that may be made. It counts as failed unless its owner says otherwise.
#[derive(Debug)]
#[must_use]
pub struct Try<'d> {
    delays: &'d Delays,
    key: u64,
    failures: u32,
    before: Duration,
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
        Self { state: Arc::default(), hasher: RandomState::new(), most, share }
    }

    /// Begins a try of this address from this network.
    ///
    /// # Errors
    /// How long to wait before the next; nothing is counted then.
    pub fn begin(&self, address: &str, network: ClientAddress, now: Duration) -> Result<Try<'_>, Duration> {
        let key = self.hasher.hash_one(address);
        let mut state = self.state();
        if state.counts.get(&key).is_some_and(|count| count.is_forgotten(now)) {
            state.forget(key);
        }
        if !state.counts.contains_key(&key) {
            self.make_room(&mut state, network, now);
            *state.brought.entry(network).or_default() += 1;
        }
        let count = state.counts.entry(key).or_insert_with(|| Count::of(network, now));
        let wait = count.wait(network, now);
        if !wait.is_zero() {
            count.next = count.next.or(Some(network)).filter(|next| *next != count.from);
            return Err(wait);
        }
        let before = count.until;
        count.failures = count.failures.saturating_add(1);
        (count.last, count.from, count.next) = (now, network, None);
        count.until = now + delay(count.failures);
        Ok(Try { delays: self, key, failures: count.failures, before })
    }

    /// Takes away the count that is least of a loss: of the network itself when it has its share, else of the network that
    /// has brought in most; the fewest failures first, so that invented addresses do not push out one that is attacked.
    fn make_room(&self, state: &mut State, network: ClientAddress, now: Duration) {
        let own = state.brought.get(&network).copied().unwrap_or_default();
        if own < self.share && state.counts.len() < self.most {
            return;
        }
        let over: Vec<u64> =
            state.counts.iter().filter(|(_, count)| count.is_forgotten(now)).map(|(key, _)| *key).collect();
        over.into_iter().for_each(|key| state.forget(key));
        let own = state.brought.get(&network).copied().unwrap_or_default();
        let from = if own >= self.share {
            Some(network)
        } else if state.counts.len() >= self.most {
            state.brought.iter().max_by_key(|(_, brought)| **brought).map(|(network, _)| *network)
        } else {
            None
        };
        let of_network = state.counts.iter().filter(|(_, count)| Some(count.brought_by) == from);
        if let Some(key) =
            of_network.min_by_key(|(_, count)| (count.failures, count.last)).map(|(key, _)| *key)
        {
            state.forget(key);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, key: u64) {
        let Some(gone) = self.counts.remove(&key) else { return };
        match self.brought.get_mut(&gone.brought_by) {
            Some(brought) if *brought > 1 => *brought -= 1,
            _ => drop(self.brought.remove(&gone.brought_by)),
        }
    }
}

impl Count {
    fn of(network: ClientAddress, now: Duration) -> Self {
        Self { failures: 0, until: now, last: now, from: network, next: None, brought_by: network }
    }

    fn is_forgotten(&self, now: Duration) -> bool {
        now >= self.last.max(self.until) + FORGOTTEN
    }

    fn wait(&self, network: ClientAddress, now: Duration) -> Duration {
        let reserved = self.next.is_some_and(|next| next != network);
        let until = if reserved && now >= self.until { self.until + RESERVED } else { self.until };
        until.saturating_sub(now)
    }
}

impl Try<'_> {
    /// It was the right password: nothing is held against the address any more.
    pub fn succeeded(self) {
        self.delays.state().forget(self.key);
    }

    /// It was not looked at, so nothing was learnt by it.
    pub fn was_not_made(self) {
        let mut state = self.delays.state();
        // Another try has begun since, or none is counted any more.
        if let Some(count) = state.counts.get_mut(&self.key).filter(|count| count.failures == self.failures) {
            (count.failures, count.until) = (self.failures - 1, self.before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn network(number: u8) -> ClientAddress {
        ClientAddress::Known(std::net::IpAddr::from([203, 0, number, 0]))
    }

    fn at(seconds: u64) -> Duration {
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

    /// One network that tries without end does not take every turn: a person elsewhere waits once.
    #[test]
    fn after_a_delay_the_turn_is_that_of_another_network_that_has_asked() {
        let delays = Delays::default();
        let mut now = at(1);
        while let Ok(begun) = delays.begin("a", network(1), now) {
            drop(begun);
        }
        for _ in 0..14 {
            now += delays.begin("a", network(1), now).unwrap_err();
            let _ = delays.begin("a", network(1), now).unwrap();
        }
        let wait = delays.begin("a", network(2), now).unwrap_err();
        assert_eq!(wait, LONGEST_DELAY);
        now += wait;
        assert_eq!(delays.begin("a", network(1), now).err(), Some(RESERVED), "the attacker waits");
        delays.begin("a", network(2), now + at(59)).unwrap().succeeded();
    }

    #[test]
    fn invented_addresses_do_not_push_out_the_count_of_one_that_is_attacked() {
        let delays = Delays::holding(200, 50);
        for _ in 0..5 {
            let _ = delays.begin("target", network(1), at(1)).unwrap();
        }
        for invented in 0..1_000_u32 {
            for from in 1..=6 {
                let _ = delays.begin(&format!("{invented} {from}"), network(from), at(1));
            }
        }
        assert_eq!(delays.begin("target", network(9), at(1)).err(), Some(at(1)));
        let state = delays.state();
        assert!(state.counts.len() <= 200 && state.brought.values().all(|brought| *brought <= 50));
        assert_eq!(state.brought.values().sum::<usize>(), state.counts.len());
    }

    #[test]
    fn after_a_day_without_a_try_nothing_is_known() {
        let delays = Delays::default();
        while delays.begin("a", network(1), at(1)).is_ok() {}
        let later = at(3) + FORGOTTEN;
        let again = (0..6).filter(|_| delays.begin("a", network(1), later).is_ok()).count();
        assert_eq!(again, 5);
    }

    proptest! {
        #[test]
        fn no_wait_is_ever_longer_than_a_quarter_of_an_hour_and_no_try_comes_before_its_time(
            steps in prop::collection::vec((0_u64..1_200, 0_u8..3, 0_u8..3, 0_u8..40), 0..400)
        ) {
            let delays = Delays::default();
            let mut now = at(0);
            let mut failures: HashMap<u8, (u32, Duration)> = HashMap::new();
            for (pause, address, from, end) in steps {
                now += Duration::from_millis(pause * 997);
                let (failed, last) = failures.get(&address).copied().unwrap_or_default();
                match delays.begin(&address.to_string(), network(from), now) {
                    Err(wait) => prop_assert!(!wait.is_zero() && wait <= LONGEST_DELAY),
                    Ok(begun) => {
                        prop_assert!(now >= last + delay(failed), "{failed} failures, {last:?}, {now:?}");
                        match end {
                            0 => { begun.succeeded(); failures.remove(&address); }
                            1 => begun.was_not_made(),
                            _ => { failures.insert(address, (failed + 1, now)); }
                        }
                    }
                }
            }
        }
    }
}
