//! The counts of all addresses, which are bounded: in all, and for each source that brings them in.
//!
//! Anybody can try a new address at any time, so no try walks over the counts. What gives way and what has ended is first in
//! an order, and every change of a count changes its place in each order.

use super::turns::Turns;
use crate::rate_limit::networks::{FORGOTTEN, OWN_TRIES, Source, Sources};
use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::time::Duration;

/// Addresses that counts are kept of, and those that one source may have brought in.
pub(super) const MOST: usize = 10_000;
pub(super) const SHARE: usize = 256;
/// So many counts and sources that have ended are forgotten with each try, which adds one of each at most.
const SWEPT: usize = 4;

/// The order in which the counts of a source give way: failures of its own, last try, key.
type Rank = (u32, Duration, u64);

#[derive(Debug)]
pub(super) struct Counts {
    most: usize,
    share: usize,
    counts: HashMap<u64, Count>,
    brought: HashMap<Source, Brought>,
    /// The number of counts of each source, and the one that gives way first. The source that has most comes first, of
    /// several the one whose count has the fewest failures.
    heaviest: BTreeSet<(Reverse<usize>, Rank)>,
    /// When each count ends.
    ends: BTreeSet<(Duration, u64)>,
    /// Sources without a count, by when their last one gave way.
    former: BTreeSet<(Duration, Source)>,
}

#[derive(Clone, Debug)]
pub(super) struct Count {
    pub(super) turns: Turns,
    pub(super) sources: Sources,
    brought_by: Source,
    /// Failures that it began with.
    inherited: u32,
}

/// The counts that a source has brought in, and the most that those held which gave way.
#[derive(Debug, Default)]
struct Brought {
    ranks: BTreeSet<Rank>,
    failures: u32,
    until: Duration,
    others: Duration,
    /// When the last one gave way.
    at: Duration,
}

/// Where a count stands.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    rank: Rank,
    end: Duration,
}

impl Counts {
    pub(super) fn holding(most: usize, share: usize) -> Self {
        Self {
            most,
            share,
            counts: HashMap::new(),
            brought: HashMap::new(),
            heaviest: BTreeSet::new(),
            ends: BTreeSet::new(),
            former: BTreeSet::new(),
        }
    }

    /// Changes the count of this key. If there is none, this source brings it in.
    pub(super) fn change_or_bring<T>(
        &mut self,
        (key, source): (u64, Source),
        now: Duration,
        change: impl FnOnce(&mut Count) -> T,
    ) -> T {
        self.sweep(now);
        if self.counts.get(&key).is_some_and(|count| now >= count.turns.end()) {
            self.forget(key);
        }
        if !self.counts.contains_key(&key) {
            self.make_room(source, now);
        }
        let (count, before) = match self.counts.entry(key) {
            Entry::Occupied(known) => {
                let count = known.into_mut();
                let before = count.place(key);
                (count, Some(before))
            }
            Entry::Vacant(free) => {
                let brought = self.brought.entry(source).or_default();
                self.former.remove(&(brought.at, source));
                (free.insert(brought.bring(source, now)), None)
            }
        };
        let changed = change(count);
        let (source, after) = (count.brought_by, count.place(key));
        self.reorder(source, before, Some(after));
        changed
    }

    /// Changes the count of this key, if there is one.
    pub(super) fn change(&mut self, key: u64, change: impl FnOnce(&mut Count)) {
        let Some(count) = self.counts.get_mut(&key) else { return };
        let before = count.place(key);
        change(count);
        let (source, after) = (count.brought_by, count.place(key));
        self.reorder(source, Some(before), Some(after));
    }

    /// Forgets the count of this key. What is held against the source that brought it in stays.
    pub(super) fn forget(&mut self, key: u64) {
        let Some(gone) = self.counts.remove(&key) else { return };
        let source = gone.brought_by;
        self.reorder(source, Some(gone.place(key)), None);
        let Some(brought) = self.brought.get(&source).filter(|brought| brought.ranks.is_empty()) else {
            return;
        };
        if brought.failures == 0 {
            self.brought.remove(&source);
            return;
        }
        self.former.insert((brought.at, source));
        if self.former.len() > self.most
            && let Some((_, oldest)) = self.former.pop_first()
        {
            self.brought.remove(&oldest);
        }
    }

    /// Takes away the count that is least of a loss: of the source itself when it has its share, else of the source that
    /// has brought in most; the fewest failures first, so that invented addresses do not push out one that is attacked.
    fn make_room(&mut self, source: Source, now: Duration) {
        let own = self.brought.get(&source).filter(|brought| brought.ranks.len() >= self.share);
        let first = match own {
            Some(own) => own.ranks.first(),
            None if self.counts.len() >= self.most => self.heaviest.first().map(|(_, rank)| rank),
            None => None,
        };
        let Some((.., key)) = first.copied() else { return };
        if let Some(gone) = self.counts.get(&key)
            && now < gone.turns.end()
            && let Some(brought) = self.brought.get_mut(&gone.brought_by)
        {
            brought.keep(&gone.turns, now);
        }
        self.forget(key);
    }

    /// Forgets the first of those that have ended.
    fn sweep(&mut self, now: Duration) {
        for _ in 0..SWEPT {
            if let Some((_, key)) = self.ends.first().copied().filter(|(end, _)| now >= *end) {
                self.forget(key);
            }
            if let Some((at, source)) = self.former.first().copied().filter(|(at, _)| now >= *at + FORGOTTEN)
            {
                self.former.remove(&(at, source));
                self.brought.remove(&source);
            }
        }
    }

    /// A count of this source has another place, is new, or is no more.
    fn reorder(&mut self, source: Source, before: Option<Place>, after: Option<Place>) {
        if before == after {
            return;
        }
        let brought = self.brought.entry(source).or_default();
        let weight = brought.weight();
        if let Some(Place { rank, end }) = before {
            brought.ranks.remove(&rank);
            self.ends.remove(&(end, rank.2));
        }
        if let Some(Place { rank, end }) = after {
            brought.ranks.insert(rank);
            self.ends.insert((end, rank.2));
        }
        if let Some(weight) = weight {
            self.heaviest.remove(&weight);
        }
        self.heaviest.extend(brought.weight());
    }
}

impl Count {
    fn place(&self, key: u64) -> Place {
        let own_failures = self.turns.failures.saturating_sub(self.inherited);
        Place { rank: (own_failures, self.turns.last, key), end: self.turns.end() }
    }
}

impl Brought {
    fn weight(&self) -> Option<(Reverse<usize>, Rank)> {
        self.ranks.first().map(|first| (Reverse(self.ranks.len()), *first))
    }

    /// A count of this source gives way.
    fn keep(&mut self, gone: &Turns, now: Duration) {
        self.forget_after_a_day(now);
        self.failures = self.failures.max(gone.failures);
        (self.until, self.others) = (self.until.max(gone.until), self.others.max(gone.others));
        self.at = now;
    }

    fn forget_after_a_day(&mut self, now: Duration) {
        if now >= self.at + FORGOTTEN {
            *self = Self { ranks: mem::take(&mut self.ranks), ..Self::default() };
        }
    }

    /// A new count. It may be one that gave way, so it begins as if it were.
    fn bring(&mut self, source: Source, now: Duration) -> Count {
        self.forget_after_a_day(now);
        let failures = self.failures;
        let (until, others) = (self.until.max(now), self.others.max(now));
        let turns = Turns { failures, until, others, last: now, from: source, next: None };
        let sources = Sources::after(source, failures.min(OWN_TRIES), now);
        Count { turns, sources, brought_by: source, inherited: failures }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Delays;
    use super::super::tests::{at, network};
    use super::*;
    use crate::clock::{Clock, SystemClock};
    use proptest::prelude::*;
    use std::hash::BuildHasher;

    impl Delays {
        fn key(&self, address: &str) -> u64 {
            self.hasher.hash_one(address)
        }

        fn holds(&self, address: &str) -> bool {
            self.counts().counts.contains_key(&self.key(address))
        }

        fn fail(&self, address: &str, from: u8, now: Duration) {
            while self.begin(address, network(from), now).is_ok() {}
        }
    }

    impl Counts {
        /// Compares what is kept in step with what a walk over all counts finds.
        fn agree_with_a_walk(&self) -> Result<(), TestCaseError> {
            let mut ranks: HashMap<Source, BTreeSet<Rank>> = HashMap::new();
            let mut ends = BTreeSet::new();
            for (key, count) in &self.counts {
                let Place { rank, end } = count.place(*key);
                ranks.entry(count.brought_by).or_default().insert(rank);
                ends.insert((end, *key));
            }
            prop_assert_eq!(&self.ends, &ends);
            let heaviest = ranks.values().map(|own| (Reverse(own.len()), *own.iter().min().unwrap()));
            prop_assert_eq!(&self.heaviest, &heaviest.collect());
            let mut former = BTreeSet::new();
            for (source, brought) in &self.brought {
                prop_assert_eq!(&brought.ranks, &ranks.remove(source).unwrap_or_default());
                prop_assert!(brought.ranks.len() <= self.share);
                if brought.ranks.is_empty() {
                    prop_assert!(brought.failures > 0, "nothing is held against {:?}", source);
                    former.insert((brought.at, *source));
                }
            }
            prop_assert!(ranks.is_empty());
            prop_assert_eq!(&self.former, &former);
            prop_assert!(self.counts.len() <= self.most && self.former.len() <= self.most);
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn every_order_is_that_of_a_walk(
            steps in prop::collection::vec((0_u64..20, 0_u8..12, 0_u8..9, 0_u8..6), 0..300)
        ) {
            let delays = Delays::holding(6, 3);
            let mut now = at(0);
            for (pause, address, from, end) in steps {
                now += if pause == 19 { FORGOTTEN / 2 } else { at(pause) };
                match (delays.begin(&address.to_string(), network(from), now), end) {
                    (Ok(begun), 0) => begun.succeeded(),
                    (Ok(begun), 1) => begun.was_not_made(),
                    _ => {}
                }
                delays.counts().agree_with_a_walk()?;
            }
        }
    }

    #[test]
    fn a_try_of_a_new_address_walks_over_no_counts() {
        let delays = Delays::default();
        let tries = |from: usize| {
            for address in from..from + 2 * MOST {
                let source = network(u8::try_from(address % 40).unwrap());
                let _ = delays.begin(&address.to_string(), source, at(1));
            }
        };
        tries(0);
        assert_eq!(delays.counts().counts.len(), MOST);
        let clock = SystemClock::new();
        let began = clock.elapsed();
        tries(2 * MOST);
        let took = clock.elapsed() - began;
        assert!(took < at(5), "{took:?}");
    }

    #[test]
    fn invented_addresses_do_not_push_out_the_count_of_one_that_is_attacked() {
        let delays = Delays::holding(200, 50);
        delays.fail("target", 1, at(1));
        for invented in 0..1_000_u32 {
            for from in 1..=6 {
                let _ = delays.begin(&format!("{invented} {from}"), network(from), at(1));
            }
        }
        assert_eq!(delays.begin("target", network(1), at(1)).err(), Some(at(1)));
        let (counts, key) = (delays.counts(), delays.key("target"));
        assert_eq!(counts.counts[&key].place(key).rank.0, 5);
        assert_eq!(counts.counts.len(), 200);
        counts.agree_with_a_walk().unwrap();
    }

    #[test]
    fn of_networks_with_as_many_counts_the_one_with_the_fewest_failures_loses_one() {
        let delays = Delays::holding(10, 4);
        delays.fail("target", 100, at(1));
        for from in 0..100 {
            let _ = delays.begin(&from.to_string(), network(from), at(1)).unwrap();
            assert!(delays.holds("target"), "pushed out by network {from}");
        }
    }

    #[test]
    fn a_network_whose_only_count_gave_way_begins_where_it_was() {
        let delays = Delays::holding(4, 4);
        for from in 0..5 {
            delays.fail(&from.to_string(), from, at(1));
        }
        let gone: Vec<u8> = (0..5).filter(|from| !delays.holds(&from.to_string())).collect();
        assert_eq!(gone.len(), 1);
        let again = delays.begin(&gone[0].to_string(), network(gone[0]), at(1));
        assert_eq!(again.err(), Some(at(1)), "it has no free tries");
    }

    #[test]
    fn what_is_held_against_networks_without_counts_is_bounded_and_goes_after_a_day() {
        let delays = Delays::holding(10, 4);
        for from in 0..100 {
            delays.fail(&from.to_string(), from, at(1));
        }
        let kept = || {
            let Counts { counts, brought, former, .. } = &*delays.counts();
            (counts.len(), brought.len(), former.len())
        };
        assert_eq!(kept(), (10, 20, 10));
        for _ in 0..10 {
            let _ = delays.begin("later", network(200), at(2) + FORGOTTEN);
        }
        assert_eq!(kept(), (1, 1, 0));
    }
}
