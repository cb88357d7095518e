//! Giving a key another secret: the one before lives on for its grace period, so that clients can change over.
//!
//! Two secrets of a key live at most: the current one, and the last before it. A further rotation ends that one at once.

use super::ApiKey;
use crate::clock::{Moment, Timestamp};
use crate::denial::Denial;

/// As many replaced secrets of one key are kept that are over, to find the key by after a leak. Beyond that the one goes that was the
/// current one for the shortest time: rotating quickly does not push out the secret that leaked.
pub const MOST_REPLACED: u32 = 100;

/// What a rotation makes of the secret that was the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Its end.
    pub ends_at: Timestamp,
    /// Its end as the answer shows it; `None`: at once.
    pub shown_end: Option<Timestamp>,
}

impl ApiKey {
    /// What a rotation with a grace period of `grace_seconds` makes of its current secret.
    ///
    /// # Errors
    /// [`Denial::Invalid`] for a key that was revoked or has expired, [`Denial::ClockBehind`] where that cannot be judged.
    pub fn rotate(&self, grace_seconds: i64, clock: Moment) -> Result<Rotation, Denial> {
        let expired = self.expires_at.map(|end| clock.has_passed(end)).transpose()?;
        if self.revoked_at.is_some() || expired == Some(true) {
            return Err(Denial::invalid("key_id", "key_id names a key that has expired; create a new one"));
        }
        let shown_end = (grace_seconds > 0).then(|| clock.now.plus_seconds(grace_seconds));
        // Absent: without a grace period it is over for good, even if the clock is set back later.
        Ok(Rotation { ends_at: shown_end.unwrap_or(Timestamp::FIRST), shown_end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::Grant;
    use crate::id::{AccountId, KeyId, UserId};

    const NOW: i64 = 1_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    fn right() -> Moment {
        Moment::fixed(at(NOW))
    }

    /// A clock that shows `passed`, and once showed [`NOW`].
    fn behind(passed: i64) -> Moment {
        Moment { passed: at(passed), behind: true, ..right() }
    }

    fn key(expires_at: Option<i64>, revoked_at: Option<i64>) -> ApiKey {
        ApiKey {
            id: KeyId(1),
            account: AccountId(1),
            user: UserId(1),
            label: String::new(),
            prefix: String::new(),
            grant: Grant::FullAccess,
            created_at: at(1),
            made_by: None,
            expires_at: expires_at.map(at),
            allowed_ips: None,
            revoked_at: revoked_at.map(at),
            last_used_at: None,
        }
    }

    fn expired() -> Denial {
        Denial::invalid("key_id", "key_id names a key that has expired; create a new one")
    }

    #[test]
    fn a_key_is_rotated_until_its_end() {
        for (what, expires_at, revoked_at, clock, refusal) in [
            ("without an end", None, None, right(), None),
            ("in its last second", Some(NOW + 1), None, right(), None),
            ("a second later", Some(NOW), None, right(), Some(expired())),
            ("long after", Some(1), None, right(), Some(expired())),
            ("revoked", None, Some(NOW), right(), Some(expired())),
            ("revoked and expired", Some(NOW), Some(NOW), right(), Some(expired())),
            // Of a clock that is behind, only what it shows has passed for certain.
            ("behind, without an end", None, None, behind(500), None),
            ("behind, and its end is past both", Some(500), None, behind(500), Some(expired())),
            ("behind, and its end is between them", Some(501), None, behind(500), Some(Denial::ClockBehind)),
            (
                "behind, and its end is the newest time",
                Some(NOW),
                None,
                behind(500),
                Some(Denial::ClockBehind),
            ),
            ("behind, and its end is ahead of both", Some(NOW + 1), None, behind(500), None),
            ("behind, revoked", Some(501), Some(1), behind(500), Some(Denial::ClockBehind)),
        ] {
            assert_eq!(key(expires_at, revoked_at).rotate(60, clock).err(), refusal, "{what}");
        }
    }

    #[test]
    fn the_secret_before_ends_with_its_grace_period_or_at_once() {
        for (grace, ends_at, shown) in [
            (0, 0, None),
            (-1, 0, None),
            (1, NOW + 1, Some(NOW + 1)),
            (60, NOW + 60, Some(NOW + 60)),
            (604_800, NOW + 604_800, Some(NOW + 604_800)),
        ] {
            let rotation = Rotation { ends_at: at(ends_at), shown_end: shown.map(at) };
            assert_eq!(key(None, None).rotate(grace, right()), Ok(rotation), "{grace}");
        }
        // The grace period begins with the newest time, also while the clock is behind.
        assert_eq!(key(None, None).rotate(60, behind(1)).map(|it| it.ends_at), Ok(at(NOW + 60)));
    }
}
