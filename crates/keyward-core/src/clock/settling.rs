//! By which time something may be forgotten: a clock that leaps ahead, and may be wrong, takes nothing away at once, and one that is
//! behind takes nothing away at all.

use super::Timestamp;
use std::time::Duration;

/// A clock that is ahead by more than this, in seconds, has leapt: no more than it may be behind. What is taken away the moment it is
/// over, such as the record of a write, would go early by as much.
pub const LEAP: i64 = super::TOLERANCE;
/// A leap is believed after so much time of running: long enough for the operator to notice a wrong clock, and for all that was kept
/// for a day when the clock leapt to be a day old.
pub const BELIEVED_AFTER: Duration = Duration::from_secs(86_400);

/// What is read of the clock at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// The time to judge by.
    pub(super) now: Timestamp,
    /// What the clock shows.
    pub(super) wall: Timestamp,
    /// Whether it is behind.
    pub(super) behind: bool,
    pub(super) elapsed: Duration,
}

/// The time by which something may be forgotten, and since when it has been that.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settling {
    at: i64,
    /// `None`: as of the next reading.
    since: Option<Duration>,
    leap: Option<Waiting>,
}

/// A leap of the clock that is not believed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leap {
    /// By so many seconds.
    pub ahead: i64,
    /// How long it has been waited for.
    pub waited: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// As it was at that moment.
    leap: Leap,
    since: Duration,
}

impl Settling {
    /// From a recorded time on.
    pub(super) fn from(at: Timestamp, since: Duration) -> Self {
        Self { at: at.unix(), since: Some(since), leap: None }
    }

    /// From a time on that is known to be right.
    pub(super) fn accepted(at: Timestamp) -> Self {
        Self { at: at.unix(), since: None, leap: None }
    }

    /// While this leap was waited for already.
    pub(super) fn waiting(self, leap: Leap) -> Self {
        // Absent: nothing has been read, so nothing has passed.
        Self { leap: Some(Waiting { leap, since: self.since.unwrap_or_default() }), ..self }
    }

    /// The time that has surely passed.
    fn certain(&mut self, elapsed: Duration) -> Timestamp {
        let since = *self.since.get_or_insert(elapsed);
        // Absent: no process runs for so long; then nothing is certain to have passed.
        let passed = i64::try_from(elapsed.saturating_sub(since).as_secs()).unwrap_or(0);
        Timestamp::from_unix(self.at).plus_seconds(passed)
    }

    /// The time of now. After a leap it goes on by the time that passes, until the leap is believed. A clock that is behind is
    /// wrong, or was: no leap is believed meanwhile, and nothing goes that it says has not ended.
    pub(super) fn at(&mut self, Reading { now, wall, behind, elapsed }: Reading) -> Timestamp {
        let certain = self.certain(elapsed);
        if behind {
            self.leap = None;
            return certain.min(wall);
        }
        if now <= certain.plus_seconds(LEAP) {
            *self = Self::from(now, elapsed);
            return now;
        }
        let ahead = now.unix() - certain.unix();
        let leap = Leap { ahead, waited: Duration::ZERO };
        let leap = self.leap.get_or_insert(Waiting { leap, since: elapsed }).at(elapsed);
        if leap.waited < BELIEVED_AFTER {
            return certain;
        }
        // One on top of it, that came later, is waited for by itself.
        *self = Self::from(certain.plus_seconds(leap.ahead).min(now), elapsed);
        self.at(Reading { now, wall, behind, elapsed })
    }

    /// The leap that is waited for.
    pub(super) fn leap(&self, elapsed: Duration) -> Option<Leap> {
        self.leap.map(|waiting| waiting.at(elapsed))
    }
}

impl Waiting {
    fn at(&self, elapsed: Duration) -> Leap {
        Leap { waited: self.leap.waited + elapsed.saturating_sub(self.since), ..self.leap }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_774_020_645;
    const YEARS: i64 = 80 * 365 * 86_400;
    const HOUR: i64 = 3_600;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    /// A clock that shows this, `after` so many seconds of running.
    fn right(settling: &mut Settling, shows: i64, after: i64) -> i64 {
        let elapsed = Duration::from_secs(after.try_into().unwrap());
        settling.at(Reading { now: at(shows), wall: at(shows), behind: false, elapsed }).unix()
    }

    /// A clock that shows this and was at `newest` before.
    fn behind(settling: &mut Settling, newest: i64, shows: i64, after: i64) -> i64 {
        let elapsed = Duration::from_secs(after.try_into().unwrap());
        settling.at(Reading { now: at(newest), wall: at(shows), behind: true, elapsed }).unix()
    }

    fn started() -> Settling {
        Settling::from(at(START), Duration::ZERO)
    }

    #[test]
    fn a_clock_that_leaps_ahead_lets_nothing_be_forgotten_for_a_day() {
        let mut settling = started();
        assert_eq!(right(&mut settling, START + 60, 60), START + 60);
        let leapt = START + YEARS;
        assert_eq!(right(&mut settling, leapt, HOUR), START + HOUR, "only what has passed");
        assert_eq!(right(&mut settling, leapt + 23 * HOUR, 24 * HOUR), START + 24 * HOUR);
        let believed = leapt + 24 * HOUR;
        assert_eq!(right(&mut settling, believed, 25 * HOUR), believed, "after a day it is believed");
    }

    #[test]
    fn a_leap_of_more_than_a_minute_is_a_leap() {
        for (ahead, believed) in [(1, true), (60, true), (61, false), (HOUR, false), (20 * HOUR, false)] {
            let expected = if believed { START + ahead } else { START };
            assert_eq!(right(&mut started(), START + ahead, 0), expected, "{ahead} s");
        }
    }

    #[test]
    fn a_wrong_future_that_is_over_is_not_believed_after_a_day() {
        let mut settling = started();
        let leapt = START + YEARS;
        assert_eq!(right(&mut settling, leapt, 0), START);
        for hour in 1..100 {
            let now = START + hour * HOUR;
            assert_eq!(behind(&mut settling, leapt, now, hour * HOUR), now, "hour {hour}");
        }
        assert_eq!(
            right(&mut settling, leapt, 100 * HOUR),
            START + 100 * HOUR,
            "there again, it begins again"
        );
        assert_eq!(right(&mut settling, leapt + 23 * HOUR, 123 * HOUR), START + 123 * HOUR);
    }

    #[test]
    fn while_the_clock_is_behind_nothing_goes_that_it_says_has_not_ended() {
        // What was recorded was of a wrong future.
        let mut settling = Settling::from(at(START + YEARS), Duration::ZERO);
        assert_eq!(behind(&mut settling, START + YEARS, START, 30 * HOUR), START);
        settling = Settling::accepted(at(START));
        assert_eq!(right(&mut settling, START + 10, 31 * HOUR), START + 10);
    }

    #[test]
    fn a_leap_on_top_of_another_is_waited_for_by_itself() {
        let mut settling = started();
        // A machine that slept for eight hours, and whose clock leaps by years nearly a day later.
        assert_eq!(right(&mut settling, START + 8 * HOUR, 0), START);
        let far = START + 8 * HOUR + YEARS;
        assert_eq!(right(&mut settling, far + 23 * HOUR, 23 * HOUR), START + 23 * HOUR);
        assert_eq!(right(&mut settling, far + 24 * HOUR, 24 * HOUR), START + 32 * HOUR, "the sleep alone");
        assert_eq!(right(&mut settling, far + 47 * HOUR, 47 * HOUR), START + 55 * HOUR);
        assert_eq!(right(&mut settling, far + 48 * HOUR, 48 * HOUR), far + 48 * HOUR);
    }

    #[test]
    fn a_server_that_never_runs_for_a_day_believes_after_a_day_of_running() {
        let (mut settling, mut now, mut last) = (started(), START, START);
        for day in 1..=30 {
            // Sixteen hours off, eight hours on.
            now += 16 * HOUR;
            right(&mut settling, now, 0);
            now += 8 * HOUR;
            last = right(&mut settling, now, 8 * HOUR);
            assert!(now - last <= 6 * 16 * HOUR, "day {day}: {} h", (now - last) / HOUR);
            let leap = settling.leap(Duration::from_secs(8 * 3_600));
            settling = Settling::from(at(last), Duration::ZERO);
            settling = leap.map_or(settling, |leap| settling.waiting(leap));
        }
        let far = right(&mut settling, now + YEARS, 23 * HOUR);
        assert!(far <= last + 6 * 24 * HOUR, "a wrong future is not believed with it: {far}");
    }
}
