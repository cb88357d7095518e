//! Whether the time can stand in an answer.
//!
//! hyper writes `Date` (RFC 9110 §6.6.1) from the system's clock, asks for it on every connection of HTTP/1.1 whatever it is set
//! to, and its library panics over a time before 1970 or after 9999. A machine with such a clock is not served: its tokens,
//! limits and audit trail would be wrong as well.

use keyward_core::clock::Timestamp;

/// The last second of the year 9999.
const LAST: i64 = 253_402_300_799;

/// Whether hyper can write this time. [`keyward_core::clock::SystemClock`] reads a clock before 1970 as 0.
pub(crate) fn is_writable(now: Timestamp) -> bool {
    (1..LAST).contains(&now.unix())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_hyper_would_panic_over_is_not_handed_to_it() {
        for (unix, writable) in [(i64::MIN, false), (-1, false), (0, false), (1, true), (1_800_000_000, true)]
        {
            assert_eq!(is_writable(Timestamp::from_unix(unix)), writable, "{unix}");
        }
        assert!(!is_writable(Timestamp::from_unix(LAST)));
    }
}
