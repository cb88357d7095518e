//! How a bucket stands, and how a client is told (draft-ietf-httpapi-ratelimit-headers-11).

use crate::clock::Timestamp;
use std::fmt::Write;

/// How a bucket stands after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The name of its policy, such as `reads`.
    pub name: &'static str,
    /// Requests that it admits in any 60 seconds.
    pub limit: u32,
    /// How many it would admit now.
    pub remaining: u32,
    /// Milliseconds until one more is admitted than now; 0 when nothing counts.
    pub next_ms: u64,
}

impl Standing {
    /// Whole seconds until one more is admitted than now, rounded up.
    #[must_use]
    pub const fn next_seconds(&self) -> u64 {
        self.next_ms.div_ceil(1_000)
    }
}

/// The values of `RateLimit-Policy` and `RateLimit` for these buckets. There is at least one.
#[must_use]
pub fn fields(standings: &[Standing]) -> (String, String) {
    let (mut policy, mut limit) = (String::new(), String::new());
    for standing in standings {
        let Standing { name, limit: quota, remaining, .. } = standing;
        let gap = if policy.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(policy, "{gap}\"{name}\";q={quota};w=60");
        // A millisecond is rounded up to a second, and more than the window is never waited for.
        let _ = write!(limit, "{gap}\"{name}\";r={remaining};t={}", standing.next_seconds().min(60));
    }
    (policy, limit)
}

/// The values of `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`, of the bucket that admits the fewest now. They
/// have no room for several. `Reset` is in seconds of Unix time, as most clients of these fields read it, and never too early: `now`
/// is a whole second that has begun.
#[must_use]
pub fn legacy_fields(standings: &[Standing], now: Timestamp) -> Option<[i64; 3]> {
    // Absent: no bucket, so nothing to report.
    let tightest = standings.iter().min_by_key(|standing| standing.remaining)?;
    let wait = if tightest.next_ms == 0 { 0 } else { tightest.next_seconds().min(60) + 1 };
    // Absent: never, it is at most 61.
    let reset = now.plus_seconds(i64::try_from(wait).unwrap_or(60)).unix();
    Some([i64::from(tightest.limit), i64::from(tightest.remaining), reset])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_fields_are_those_of_the_bucket_that_admits_the_fewest() {
        let reads = Standing { name: "reads", limit: 200, remaining: 199, next_ms: 60_000 };
        let full = Standing { name: "address", limit: 10, remaining: 0, next_ms: 40_001 };
        let now = Timestamp::from_unix(1_774_020_645);
        assert_eq!(legacy_fields(&[reads, full], now), Some([10, 0, 1_774_020_687]));
        let untouched = Standing { next_ms: 0, remaining: 200, ..reads };
        assert_eq!(legacy_fields(&[untouched], now), Some([200, 200, 1_774_020_645]));
        assert_eq!(legacy_fields(&[], now), None);
    }

    #[test]
    fn no_time_to_wait_is_longer_than_the_window() {
        let first = Standing { name: "reads", limit: 200, remaining: 199, next_ms: 60_001 };
        assert_eq!(fields(&[first]).1, "\"reads\";r=199;t=60");
    }

    #[test]
    fn a_client_is_told_in_structured_fields() {
        let reads = Standing { name: "reads", limit: 200, remaining: 199, next_ms: 60_000 };
        let other = Standing { name: "address", limit: 10, remaining: 0, next_ms: 40_001 };
        let (policy, limit) = fields(&[reads, other]);
        assert_eq!(policy, "\"reads\";q=200;w=60, \"address\";q=10;w=60");
        assert_eq!(limit, "\"reads\";r=199;t=60, \"address\";r=0;t=41");
    }
}
