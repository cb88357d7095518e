//! When a new key may end.

use crate::clock::{Moment, Timestamp};
use crate::denial::Denial;

/// That a key may be made that ends then; `None`: that has no end. While the clock is behind, nobody knows what the future is, so
/// no key with an end is made.
///
/// # Errors
/// [`Denial::ClockBehind`]; [`Denial::Invalid`], about `expires_at`.
pub fn may_expire(end: Option<Timestamp>, clock: Moment) -> Result<(), Denial> {
    let Some(end) = end else { return Ok(()) };
    clock.judges_ends()?;
    if end <= clock.now {
        return Err(Denial::invalid("expires_at", "expires_at must be in the future"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    #[test]
    fn a_new_key_ends_in_the_future() {
        let right = Moment::fixed(at(NOW));
        let behind = Moment { passed: at(500), behind: true, ..right };
        let past = || Denial::invalid("expires_at", "expires_at must be in the future");
        for (end, clock, refusal) in [
            (None, right, None),
            (None, behind, None),
            (Some(NOW + 1), right, None),
            (Some(NOW), right, Some(past())),
            (Some(1), right, Some(past())),
            (Some(NOW + 1), behind, Some(Denial::ClockBehind)),
            (Some(1), behind, Some(Denial::ClockBehind)),
        ] {
            assert_eq!(may_expire(end.map(at), clock).err(), refusal, "{end:?} at {clock:?}");
        }
    }
}
