//! By which time something may be forgotten: a clock that leaps ahead, and may be wrong, takes nothing away at once.

use super::Timestamp;
use std::time::Duration;

/// A clock that is ahead by more than this, in seconds, has leapt. What has ended is kept for a day anyway.
pub const LEAP: i64 = 86_400;
/// A leap is believed after so much time: long enough for the operator to notice a wrong clock.
pub const BELIEVED_AFTER: Duration = Duration::from_secs(86_400);

/// The time by which something may be forgotten, and since when it has been that.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settling {
    at: i64,
    since: Duration,
    leapt: Option<Duration>,
}

impl Settling {
    /// From a recorded time on.
    pub(super) fn from(at: Timestamp, since: Duration) -> Self {
        Self { at: at.unix(), since, leapt: None }
    }

    /// The time of now. After a leap it goes on by the time that passes, until the leap is believed.
    pub(super) fn at(&mut self, now: Timestamp, elapsed: Duration) -> Timestamp {
        // Absent: no process runs for so long; then nothing is certain to have passed.
        let passed = i64::try_from(elapsed.saturating_sub(self.since).as_secs()).unwrap_or(0);
        let certain = Timestamp::from_unix(self.at).plus_seconds(passed);
        if now <= certain.plus_seconds(LEAP) {
            *self = Self::from(now, elapsed);
            return now;
        }
        let leapt = *self.leapt.get_or_insert(elapsed);
        if elapsed.saturating_sub(leapt) < BELIEVED_AFTER {
            return certain;
        }
        *self = Self::from(now, elapsed);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_774_020_645;
    const YEARS: i64 = 80 * 365 * 86_400;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    #[test]
    fn a_clock_that_leaps_ahead_lets_nothing_be_forgotten_for_a_day() {
        let hour = |hours: u64| Duration::from_secs(hours * 3_600);
        let mut settling = Settling::from(at(START), Duration::ZERO);
        assert_eq!(settling.at(at(START + 60), Duration::from_secs(60)), at(START + 60));
        let leapt = START + YEARS;
        assert_eq!(settling.at(at(leapt), hour(1)), at(START + 3_600), "only what has passed");
        assert_eq!(settling.at(at(leapt + 82_800), hour(24)), at(START + 86_400));
        assert_eq!(
            settling.at(at(leapt + 86_400), hour(25)),
            at(leapt + 86_400),
            "after a day it is believed"
        );
    }

    #[test]
    fn a_clock_that_is_right_again_has_forgotten_nothing() {
        let mut settling = Settling::from(at(START), Duration::ZERO);
        assert_eq!(settling.at(at(START + YEARS), Duration::ZERO), at(START));
        assert_eq!(settling.at(at(START + 10), Duration::from_secs(10)), at(START + 10));
        assert_eq!(settling.at(at(START + LEAP + 10), Duration::from_secs(10)), at(START + LEAP + 10));
    }
}
