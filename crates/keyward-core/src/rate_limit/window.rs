//! The exact sliding window of one bucket: a ring of its last admissions.
//!
//! An admission counts for 60 s and not a millisecond less: it is noted rounded up to the next millisecond, and compared with
//! a time that is rounded down. So no span of 60 s holds more admissions than the rate allows, at any resolution of the clock.

use std::collections::VecDeque;
use std::time::Duration;

/// The length of the window, in milliseconds.
pub(super) const WINDOW: u64 = 60_000;

/// A moment of the limiter, in milliseconds of a clock that only goes forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    /// Rounded down: what time it is.
    pub(super) floor: u64,
    /// Rounded up: when what happens now will have happened.
    pub(super) ceiling: u64,
}

impl Moment {
    /// The moment at which so much time has passed.
    pub(super) fn at(elapsed: Duration) -> Self {
        // Absent: after 500 million years; then no window ends.
        let whole = |nanos: u128| u64::try_from(nanos / 1_000_000).unwrap_or(u64::MAX);
        Self { floor: whole(elapsed.as_nanos()), ceiling: whole(elapsed.as_nanos() + 999_999) }
    }
}

/// The admissions that still count, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    /// The last admission, in full.
    newest: u64,
    /// The low half of each. Those that are kept lie less than two windows before the newest, so that is enough.
    times: VecDeque<u32>,
}

impl Window {
    /// With these admissions, oldest first, none of them more than a window before the last.
    pub(super) fn of(times: impl Iterator<Item = u64>) -> Self {
        let mut window = Self::default();
        times.for_each(|time| window.note(time));
        window
    }

    /// Every admission, oldest first.
    pub(super) fn times(&self) -> impl Iterator<Item = u64> + '_ {
        self.times.iter().map(|low| self.whole(*low))
    }

    fn whole(&self, low: u32) -> u64 {
        self.newest.saturating_sub(u64::from((self.newest as u32).wrapping_sub(low)))
    }

    /// Forgets what counts no more.
    pub(super) fn prune(&mut self, now: Moment) {
        if self.newest.saturating_add(WINDOW) <= now.floor {
            self.times.clear();
            return;
        }
        while self.times.front().is_some_and(|oldest| self.whole(*oldest) + WINDOW <= now.floor) {
            self.times.pop_front();
        }
    }

    /// Whether nothing counts any more.
    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// How many count.
    pub(super) fn count(&self) -> usize {
        self.times.len()
    }

    /// Milliseconds until fewer than `limit` count; 0 if that is so now. To be asked after [`Window::prune`].
    pub(super) fn wait(&self, limit: usize, now: Moment) -> u64 {
        let Some(over) = (self.times.len() + 1).checked_sub(limit.max(1)).filter(|over| *over > 0) else {
            return 0;
        };
        // So many of the oldest have to leave.
        // Absent: never, there are as many; else all of them.
        let leaving = self.times.get(over - 1).map_or(self.newest, |low| self.whole(*low)) + WINDOW;
        leaving.saturating_sub(now.floor)
    }

    /// Notes an admission. One that comes out of turn is noted as the newest: that never lets more in.
    pub(super) fn note(&mut self, time: u64) {
        self.newest = self.newest.max(time);
        self.times.push_back(self.newest as u32);
    }

    /// Gives memory back that a burst needed.
    pub(super) fn shrink(&mut self) {
        if self.times.capacity() > 64 && self.times.len() * 4 < self.times.capacity() {
            self.times.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rule in one line: fewer than so many in the 60 s before now.
    #[derive(Default)]
    struct Plain(Vec<Duration>);

    impl Plain {
        fn admits(&mut self, limit: usize, now: Duration) -> bool {
            let counting = |noted: &&Duration| {
                // As the window rounds: up when noted, down when compared.
                Moment::at(now).floor < Moment::at(**noted).ceiling + WINDOW
            };
            let admitted = self.0.iter().rev().take(limit).filter(counting).count() < limit;
            if admitted {
                self.0.push(now);
            }
            admitted
        }

        /// The most admissions in any half-open span of 60 s.
        fn worst_span(&self) -> usize {
            let minute = Duration::from_secs(60);
            let mut worst = 0;
            let mut first = 0;
            for (last, end) in self.0.iter().enumerate() {
                while *end - self.0[first] >= minute {
                    first += 1;
                }
                worst = worst.max(last + 1 - first);
            }
            worst
        }
    }

    fn admits(window: &mut Window, limit: usize, now: Duration) -> bool {
        let now = Moment::at(now);
        window.prune(now);
        let admitted = window.wait(limit, now) == 0;
        if admitted {
            window.note(now.ceiling);
        }
        admitted
    }

    /// A run of requests with gaps of every size, from a seed.
    struct Gaps(u64);

    impl Gaps {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            self.0 >> 33
        }

        /// Bursts, floods, long pauses, and steps of nanoseconds around the edge.
        fn gap(&mut self) -> Duration {
            match self.next() % 16 {
                0..=7 => Duration::from_micros(self.next() % 5_000),
                8..=11 => Duration::from_millis(self.next() % 2_000),
                12..=13 => Duration::from_nanos(self.next() % 3_000_000),
                14 => Duration::from_nanos(59_999_000_000 + self.next() % 2_000_000),
                _ => Duration::from_secs(self.next() % 200),
            }
        }
    }

    #[test]
    fn a_million_decisions_are_those_of_the_plain_rule_and_no_minute_holds_more() {
        let mut decisions = 0;
        for (seed, limit) in [(1, 1), (2, 2), (3, 10), (4, 30), (5, 60), (6, 100), (7, 200), (8, 1000)] {
            let (mut window, mut plain, mut gaps) = (Window::default(), Plain::default(), Gaps(seed));
            let mut now = Duration::from_nanos(seed * 123_456);
            for _ in 0..130_000 {
                now += gaps.gap();
                assert_eq!(
                    admits(&mut window, limit, now),
                    plain.admits(limit, now),
                    "limit {limit} at {now:?}"
                );
                decisions += 1;
            }
            assert!(plain.worst_span() <= limit, "{} in a minute of {limit}", plain.worst_span());
            assert!(plain.0.len() > limit, "and it was used");
        }
        assert!(decisions >= 1_000_000);
    }

    #[test]
    fn a_lone_client_that_comes_back_when_told_is_admitted_and_not_a_moment_before() {
        let mut gaps = Gaps(9);
        for limit in [1, 3, 60] {
            let (mut window, mut now) = (Window::default(), Duration::from_micros(17));
            for _ in 0..20_000 {
                now += Duration::from_nanos(gaps.next() % 1_500_000_000);
                if admits(&mut window, limit, now) {
                    continue;
                }
                let wait = window.wait(limit, Moment::at(now));
                let mut early = window.clone();
                let before = (now + Duration::from_millis(wait)).saturating_sub(Duration::from_millis(2));
                assert!(before < now || !admits(&mut early, limit, before), "it was told too late a time");
                // As the header says it: whole seconds, rounded up.
                now += Duration::from_secs(wait.div_ceil(1_000));
                assert!(admits(&mut window, limit, now), "limit {limit}: told {wait} ms and refused");
            }
        }
    }

    #[test]
    fn a_lower_limit_holds_from_the_next_request_and_a_higher_one_too() {
        let mut window = Window::default();
        let second = Duration::from_secs;
        assert!((0..10).all(|at| admits(&mut window, 10, second(at))));
        assert!(!admits(&mut window, 4, second(10)));
        assert_eq!(
            window.wait(4, Moment::at(second(10))),
            56_000,
            "seven of ten have to leave: the last came at 6 s"
        );
        assert!(admits(&mut window, 11, second(10)));
        assert!(!admits(&mut window, 1, second(69)) && admits(&mut window, 1, second(70)));
    }

    proptest! {
        #[test]
        fn what_is_kept_of_a_window_is_a_window(start in any::<u32>(), gaps in proptest::collection::vec(0_u64..20_000, 1..50)) {
            // Around every place where the low halves begin anew.
            let mut at = u64::from(start) + (1 << 32) - 100_000;
            let mut window = Window::default();
            for gap in gaps {
                at += gap;
                window.prune(Moment { floor: at, ceiling: at });
                window.note(at);
                let times: Vec<u64> = window.times().collect();
                prop_assert!(times.is_sorted() && times.last() == Some(&at));
                prop_assert!(times.iter().all(|time| time + WINDOW > at));
                let again = Window::of(times.iter().copied());
                prop_assert_eq!(again.times().collect::<Vec<_>>(), times);
            }
        }
    }
}
