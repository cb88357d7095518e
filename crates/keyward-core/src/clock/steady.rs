//! Time that does not go back, whatever the machine's clock does: what has ended stays ended.
//!
//! The newest time that was read is remembered, and a store records it, so that a restart does not forget it. Everything is judged
//! by the newest time or a later one. While the clock shows a time that is earlier by more than [`TOLERANCE`], nobody knows how much
//! time has passed since, so a credential that has an end is refused (503) until the clock is right or the operator accepts it. The
//! same holds while the recorded time cannot be read: then nobody knows whether the clock is behind it.

use super::settling::{Leap, Reading, Settling};
use super::{Clock, Timestamp};
use crate::denial::Denial;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The clock may be behind the newest time by so many seconds: small corrections are no reason to refuse anything.
pub const TOLERANCE: i64 = 60;

/// What the clock says at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The time to judge by: not before any earlier one.
    pub now: Timestamp,
    /// What ends at this time or before has ended, whatever the clock shows next: `now`, or what a clock shows that is behind it.
    pub passed: Timestamp,
    /// By this time something may be forgotten: not ahead of `now`, and behind it while a leap of the clock is not believed yet, or
    /// the clock is behind.
    pub settled: Timestamp,
    /// The leap of the clock that is not believed yet.
    pub leap: Option<Leap>,
    /// Whether the clock is behind the newest time, or that cannot be known.
    pub behind: bool,
    /// Whether it cannot be known, because the time that was recorded cannot be read.
    pub unread: bool,
}

impl Moment {
    /// This time exactly, of a clock that is right.
    #[must_use]
    pub const fn fixed(now: Timestamp) -> Self {
        Self { now, passed: now, settled: now, leap: None, behind: false, unread: false }
    }

    /// That an end can be judged now.
    ///
    /// # Errors
    /// [`Denial::ClockBehind`].
    pub fn judges_ends(self) -> Result<(), Denial> {
        if self.behind { Err(Denial::ClockBehind) } else { Ok(()) }
    }

    /// Whether this end has passed.
    ///
    /// # Errors
    /// [`Denial::ClockBehind`] where the clock is behind it, and was not.
    pub fn has_passed(self, end: Timestamp) -> Result<bool, Denial> {
        if end <= self.passed {
            return Ok(true);
        }
        if end <= self.now { Err(Denial::ClockBehind) } else { Ok(false) }
    }
}

/// What is known of the clock. Clones share it. The default has no record, and is never behind.
#[derive(Clone, Debug, Default)]
pub struct ClockWatch(Arc<State>);

#[derive(Debug, Default)]
struct State {
    newest: AtomicI64,
    wall: AtomicI64,
    unread: AtomicBool,
    settling: Mutex<Settling>,
}

/// What a watch knew at one look.
#[derive(Clone, Copy)]
struct Seen {
    newest: Timestamp,
    wall: Timestamp,
    unread: bool,
}

impl Seen {
    fn is_behind(self) -> bool {
        self.unread || self.wall.plus_seconds(TOLERANCE) < self.newest
    }

    fn passed(self, now: Timestamp) -> Timestamp {
        if self.is_behind() { now.min(self.wall) } else { now }
    }
}

impl ClockWatch {
    /// With the newest recorded time, and the one by which something could be forgotten then.
    #[must_use]
    pub fn recorded(newest: Timestamp, settled: Timestamp, elapsed: Duration) -> Self {
        Self(Arc::new(State {
            newest: AtomicI64::new(newest.unix()),
            // Until the clock is read nothing is known of it.
            wall: AtomicI64::new(0),
            unread: AtomicBool::new(false),
            settling: Mutex::new(Settling::from(settled.min(newest), elapsed)),
        }))
    }

    /// The same, where this leap was waited for then.
    #[must_use]
    pub fn waiting(self, leap: Leap) -> Self {
        self.settle(|settling| *settling = settling.waiting(leap));
        self
    }

    fn settle<T>(&self, with: impl FnOnce(&mut Settling) -> T) -> T {
        with(&mut self.0.settling.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// With a record that cannot be read: no clock is right until the operator says so, and nothing is forgotten. `newest` is the
    /// newest time that is known from elsewhere.
    #[must_use]
    pub fn unread(newest: Timestamp, elapsed: Duration) -> Self {
        let watch = Self::recorded(newest, Timestamp::FIRST, elapsed);
        watch.0.unread.store(true, Ordering::SeqCst);
        watch
    }

    /// Takes a reading of the clock; the time to judge by.
    pub fn read(&self, wall: Timestamp) -> Timestamp {
        // The reading first: nobody sees a newest time without the reading that made it so.
        if self.0.wall.load(Ordering::SeqCst) != wall.unix() {
            self.0.wall.store(wall.unix(), Ordering::SeqCst);
        }
        if self.newest() >= wall {
            return self.newest();
        }
        Timestamp::from_unix(self.0.newest.fetch_max(wall.unix(), Ordering::SeqCst).max(wall.unix()))
    }

    /// The newest time that was read or recorded.
    #[must_use]
    pub fn newest(&self) -> Timestamp {
        Timestamp::from_unix(self.0.newest.load(Ordering::SeqCst))
    }

    /// What the clock showed when it was last read.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        Timestamp::from_unix(self.0.wall.load(Ordering::SeqCst))
    }

    /// Whether the clock was behind the newest time when it was last read. Where the record cannot be read it counts as behind.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.seen().is_behind()
    }

    /// What is known now, looked at once: readings of others come in between two looks.
    fn seen(&self) -> Seen {
        // The newest time first, as it is written after the reading that made it so.
        let newest = self.newest();
        Seen { newest, wall: self.wall(), unread: self.is_unread() }
    }

    /// Whether the time that was recorded cannot be read, and the operator has not accepted the clock since.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.0.unread.load(Ordering::SeqCst)
    }

    /// That an end can be judged now.
    ///
    /// # Errors
    /// [`Denial::ClockBehind`].
    pub fn judges_ends(&self) -> Result<(), Denial> {
        if self.is_behind() { Err(Denial::ClockBehind) } else { Ok(()) }
    }

    /// That this end can be judged and has not passed at `now`. It is the last word of an admission: since it was compared with
    /// [`ClockWatch::passed`], the clock may have been read by another thread, and be right again.
    ///
    /// # Errors
    /// [`Denial::ClockBehind`].
    pub fn judges(&self, end: Timestamp, now: Timestamp) -> Result<(), Denial> {
        if self.is_behind() || end <= now { Err(Denial::ClockBehind) } else { Ok(()) }
    }

    /// The time that has passed for certain: what ends then or before has ended. Of a clock that is behind it is what the clock
    /// shows: what ends later, and before `now`, has ended or not, and that cannot be judged.
    #[must_use]
    pub fn passed(&self, now: Timestamp) -> Timestamp {
        self.seen().passed(now)
    }

    /// A refusal, or that of the clock, where it is only by a clock which is behind that something has not begun yet.
    #[must_use]
    pub fn or_behind(&self, denial: Denial) -> Denial {
        match denial {
            Denial::TokenNotYetValid if self.is_behind() => Denial::ClockBehind,
            denial => denial,
        }
    }

    /// All that is known at a moment; `now` is what [`ClockWatch::read`] returned.
    #[must_use]
    pub fn moment(&self, now: Timestamp, elapsed: Duration) -> Moment {
        let seen = self.seen();
        let (wall, behind, passed) = (seen.wall, seen.is_behind(), seen.passed(now));
        let (settled, leap) = self.settle(|settling| {
            let settled = settling.at(Reading { now, wall, behind, elapsed });
            (settled, settling.leap(elapsed))
        });
        Moment { now, passed, settled, leap, behind, unread: seen.unread }
    }

    /// The operator says that this time is right: later ones that were read were wrong.
    pub fn accept(&self, now: Timestamp) {
        self.0.wall.store(now.unix(), Ordering::SeqCst);
        self.0.newest.store(now.unix(), Ordering::SeqCst);
        self.0.unread.store(false, Ordering::SeqCst);
        self.settle(|settling| *settling = Settling::accepted(now));
    }
}

/// A clock whose readings a watch takes: [`Clock::now`] does not go back.
#[derive(Clone, Debug)]
pub struct SteadyClock {
    inner: Arc<dyn Clock>,
    watch: ClockWatch,
}

impl SteadyClock {
    /// Of this clock, beginning with a reading.
    #[must_use]
    pub fn new(inner: Arc<dyn Clock>, watch: ClockWatch) -> Self {
        watch.read(inner.now());
        Self { inner, watch }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        self.watch.read(self.inner.now())
    }

    fn elapsed(&self) -> Duration {
        self.inner.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    /// What a credential with this end opens at a moment: nothing if it has ended, and nothing if that cannot be judged.
    fn opens(watch: &ClockWatch, wall: i64, end: i64) -> Result<(), Denial> {
        let now = watch.read(at(wall));
        if at(end) <= watch.passed(now) { Err(Denial::KeyExpired) } else { watch.judges_ends() }
    }

    #[test]
    fn a_reading_that_comes_between_two_looks_lets_nothing_pass_that_has_ended() {
        let watch = ClockWatch::recorded(at(10_000), at(10_000), Duration::ZERO);
        let (now, end) = (watch.read(at(5_000)), at(7_000));
        assert!(end > watch.passed(now), "whether it has ended cannot be judged");
        // Another thread finds the clock right again.
        watch.read(at(10_000));
        assert_eq!(watch.judges_ends(), Ok(()));
        assert_eq!(watch.judges(end, now), Err(Denial::ClockBehind));
        assert_eq!(watch.judges(at(10_001), now), Ok(()));
    }

    #[test]
    fn a_clock_that_is_behind_by_more_than_a_minute_judges_no_end_until_it_is_right_again() {
        let watch = ClockWatch::recorded(at(10_000), at(10_000), Duration::ZERO);
        assert!(watch.is_behind(), "nothing is known before the first reading");
        for (wall, behind) in [(10_000, false), (9_940, false), (9_939, true), (0, true), (9_940, false)] {
            assert_eq!(watch.read(at(wall)), at(10_000), "time does not go back");
            assert_eq!((watch.is_behind(), watch.wall()), (behind, at(wall)), "{wall}");
            assert_eq!(watch.judges_ends().is_err(), behind);
        }
        assert_eq!((watch.read(at(10_001)), watch.is_behind()), (at(10_001), false));
    }

    #[test]
    fn what_ends_after_the_time_that_a_clock_shows_which_is_behind_has_not_ended_for_certain() {
        let watch = ClockWatch::recorded(at(10_000), at(10_000), Duration::ZERO);
        for (wall, passed) in [(10_000, 10_000), (9_940, 10_000), (9_939, 9_939), (0, 0), (10_001, 10_001)] {
            let now = watch.read(at(wall));
            assert_eq!(watch.passed(now), at(passed), "{wall}");
            assert_eq!(watch.moment(now, Duration::ZERO).passed, at(passed), "{wall}");
        }
    }

    #[test]
    fn where_the_record_cannot_be_read_nothing_is_forgotten() {
        let watch = ClockWatch::unread(at(4_300_000_000), Duration::ZERO);
        let day = Duration::from_secs(86_400);
        for days in 0..4 {
            let moment = watch.moment(watch.read(at(10_000_000)), day * days);
            assert!(moment.settled <= at(i64::from(days) * 86_400), "{days} days");
        }
        watch.accept(at(10_000_000));
        assert_eq!(watch.moment(at(10_000_000), day * 4).settled, at(10_000_000));
    }

    #[test]
    fn a_wrong_future_is_taken_back_by_the_operator() {
        let watch = ClockWatch::recorded(at(10_000), at(10_000), Duration::ZERO);
        watch.read(at(4_300_000_000));
        watch.read(at(10_100));
        assert!(watch.is_behind());
        watch.accept(at(10_100));
        assert_eq!(
            (watch.is_behind(), watch.newest(), watch.read(at(10_101))),
            (false, at(10_100), at(10_101))
        );
    }

    #[test]
    fn where_the_record_cannot_be_read_no_clock_is_right_until_the_operator_says_so() {
        let watch = ClockWatch::unread(at(10_000), Duration::ZERO);
        for wall in [0, 9_999, 10_000, 10_001, 4_300_000_000, 10_002] {
            watch.read(at(wall));
            let moment = watch.moment(watch.newest(), Duration::ZERO);
            assert!(watch.is_behind() && watch.is_unread() && moment.behind, "{wall}");
            assert_eq!(
                (watch.judges_ends(), moment.judges_ends()),
                (Err(Denial::ClockBehind), Err(Denial::ClockBehind))
            );
        }
        watch.accept(at(10_002));
        assert_eq!(
            (watch.is_behind(), watch.is_unread(), watch.read(at(10_003))),
            (false, false, at(10_003))
        );
    }

    /// What can happen to a clock and to the server that reads it.
    #[derive(Clone, Debug)]
    enum Step {
        Read(i64),
        /// A clean stop: the newest time is recorded.
        Restart,
    }

    fn step() -> impl Strategy<Value = Step> {
        let seconds = prop_oneof![
            0_i64..400,
            Just(0),
            Just(4_291_747_200), // 2106
            Just(i64::MAX),
            Just(i64::MIN),
        ];
        prop_oneof![5 => seconds.prop_map(Step::Read), 1 => Just(Step::Restart)]
    }

    proptest! {
        #[test]
        fn for_every_sequence_of_readings_no_ended_thing_is_ever_good(
            steps in proptest::collection::vec(step(), 1..60), end in 0_i64..400,
        ) {
            let mut watch = ClockWatch::recorded(at(0), at(0), Duration::ZERO);
            let mut ended = false;
            let mut newest = i64::MIN;
            for step in steps {
                match step {
                    Step::Restart => {
                        let Moment { now, settled, .. } = watch.moment(watch.newest(), Duration::ZERO);
                        watch = ClockWatch::recorded(now, settled, Duration::ZERO);
                    }
                    Step::Read(wall) => {
                        let opened = opens(&watch, wall, end);
                        ended |= at(wall) >= at(end);
                        prop_assert!(!(ended && opened.is_ok()), "it has ended");
                        newest = newest.max(at(wall).unix());
                        let right = at(wall).unix() >= newest - TOLERANCE;
                        prop_assert_eq!(opened.is_ok(), !ended && right, "what should work is not lost");
                    }
                }
            }
        }

        #[test]
        fn what_may_be_forgotten_is_never_ahead_of_now(
            readings in proptest::collection::vec((0_i64..10_000_000_000, 0_u64..200_000), 1..40),
        ) {
            let watch = ClockWatch::recorded(at(0), at(0), Duration::ZERO);
            let mut elapsed = Duration::ZERO;
            for (wall, passes) in readings {
                elapsed += Duration::from_secs(passes);
                let moment = watch.moment(watch.read(at(wall)), elapsed);
                prop_assert!(moment.settled <= moment.now);
            }
        }
    }
}
