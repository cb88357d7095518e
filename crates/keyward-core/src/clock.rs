//! Time, as an argument. Whole seconds in UTC on the wire and in the store.

mod settling;
mod steady;

pub use settling::{BELIEVED_AFTER, LEAP, Leap};
pub use steady::{ClockWatch, Moment, SteadyClock, TOLERANCE};

use serde::{Serialize, Serializer};
use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The last second that RFC 3339 can write: 9999-12-31T23:59:59Z.
const LAST: i64 = 253_402_300_799;

const EPOCH: jiff::civil::DateTime = jiff::civil::datetime(1970, 1, 1, 0, 0, 0, 0);

/// A moment in whole seconds since 1970-01-01T00:00:00Z. Written as RFC 3339 with `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const FIRST: Self = Self(0);

    /// From seconds since the Unix epoch; held within 1970 to 9999, so that it can always be written.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Self {
        Self(seconds.clamp(0, LAST))
    }

    /// Seconds since the Unix epoch.
    #[must_use]
    pub fn unix(self) -> i64 {
        self.0
    }

    /// This moment moved by `seconds`.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_unix(self.0.saturating_add(seconds))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In civil time: jiff's own timestamps end a day before the year 9999 does.
        let since = jiff::SignedDuration::from_secs(self.0);
        // Absent: never, `from_unix` holds it within the years that there are.
        let moment = EPOCH.checked_add(since).unwrap_or(EPOCH);
        write!(f, "{moment}Z")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where time comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The wall clock.
    fn now(&self) -> Timestamp;
    /// Time since some fixed start, never going back; for durations.
    fn elapsed(&self) -> Duration;
}

/// The machine's clocks. The one place that reads them.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose [`Clock::elapsed`] starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the place that the rule points to")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the place that the rule points to")]
    fn now(&self) -> Timestamp {
        // Absent: a clock set before 1970 reads as 1970: a wrong time, but no panic. A store has recorded a later one, and the
        // clock is behind then.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Absent: at the last second everything has ended.
        Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(LAST))
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The moment of a store operation: the store's own clock, or in tests a fixed one.
#[derive(Clone, Copy, Debug)]
pub enum At {
    /// The store's clock decides.
    Store,
    /// This moment exactly.
    Fixed(Timestamp),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_written_in_whole_seconds_with_z() {
        assert_eq!(Timestamp::from_unix(1_774_020_645).to_string(), "2026-03-20T15:30:45Z");
        assert_eq!(Timestamp::from_unix(i64::MIN).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp::from_unix(i64::MAX).to_string(), "9999-12-31T23:59:59Z");
    }
}
