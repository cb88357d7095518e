//! What has an end, while the clock is behind: it is not known whether the end has passed.

use super::{Directory, Live};
use crate::api_key::{ApiKey, KeySecret};
use crate::clock::{ClockWatch, Timestamp};
use crate::denial::Denial;
use std::sync::{Arc, RwLock};

impl Live {
    /// What is known of the clock.
    #[must_use]
    pub fn clock(&self) -> &ClockWatch {
        &self.clock
    }

    /// That a key can be judged: it has no end, its secret is in no grace period, or the clock is right.
    pub(super) fn judges_key(&self, key: &ApiKey, secret: &KeySecret, now: Timestamp) -> Result<(), Denial> {
        let mut ends = key.expires_at.into_iter().chain(secret.ends_at);
        ends.try_for_each(|end| self.clock.judges(end, now))
    }
}

impl Directory {
    /// One whose ends are judged by this clock.
    #[must_use]
    pub fn watching(clock: ClockWatch) -> Self {
        Self { live: Arc::new(RwLock::new(Live { clock, ..Live::default() })), ..Self::default() }
    }

    /// What is known of the clock.
    #[must_use]
    pub fn clock(&self) -> ClockWatch {
        self.read().clock.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Change;
    use super::*;
    use crate::account::{Account, User};
    use crate::address::ClientAddress;
    use crate::api_key::Digest;
    use crate::grant::Grant;
    use crate::id::{AccountId, KeyId, UserId};
    use crate::limits::Overrides;
    use crate::opaque::TokenDigest;
    use crate::role::Role;
    use crate::session::Session;
    use crate::tier::Tier;
    use std::time::Duration;

    const NOW: i64 = 1_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    /// A member of an account with one key.
    fn live(expires_at: Option<i64>, grace: Option<i64>) -> (Live, Digest) {
        let mut live =
            Live { clock: ClockWatch::recorded(at(NOW), at(NOW), Duration::ZERO), ..Live::default() };
        let digest = Digest::from_bytes(&[7; 32]).unwrap();
        let (account, user, key) = (AccountId(1), UserId(1), KeyId(1));
        for change in [
            Change::Account(Account {
                id: account,
                slug: "a".to_owned(),
                name: "A".to_owned(),
                account_type: None,
                tier: Tier::Free,
                overrides: Overrides::default(),
                disabled: false,
            }),
            Change::User(User {
                id: user,
                uuid: String::new(),
                email: String::new(),
                email_verified: false,
                first_name: "A".to_owned(),
                last_name: String::new(),
                title: None,
                photo_url: None,
                last_login_at: None,
                disabled: false,
            }),
            Change::Member(account, user, Some(Role::Viewer)),
            Change::Key(ApiKey {
                id: key,
                account,
                user,
                label: "k".to_owned(),
                prefix: "lev_sk_abcd".to_owned(),
                grant: Grant::FullAccess,
                created_at: at(0),
                expires_at: expires_at.map(at),
                allowed_ips: None,
                revoked_at: None,
                last_used_at: None,
                made_by: None,
            }),
            Change::Secrets(key, vec![KeySecret { key, digest, pepper_version: 1, ends_at: grace.map(at) }]),
        ] {
            live.apply(change);
        }
        (live, digest)
    }

    fn asked(live: &Live, digest: &Digest, wall: i64) -> Result<(), Denial> {
        let now = live.clock.read(at(wall));
        live.admit(digest, ClientAddress::Unknown, now).map(drop)
    }

    #[test]
    fn a_key_with_an_end_or_in_a_grace_period_opens_nothing_while_the_clock_is_behind() {
        let (day, later) = (86_400, Some(NOW + 500));
        let behind = Err(Denial::ClockBehind);
        for (expires_at, grace, right, back) in [
            (None, None, Ok(()), Ok(())),
            (later, None, Ok(()), behind.clone()),
            (None, later, Ok(()), behind),
        ] {
            let (live, digest) = live(expires_at, grace);
            for (wall, expected) in [
                (NOW, &right),
                (NOW - 60, &right),
                (NOW - 61, &back),
                (NOW - day, &back),
                (0, &back),
                (NOW, &right),
            ] {
                assert_eq!(&asked(&live, &digest, wall), expected, "{expires_at:?} {grace:?} at {wall}");
            }
        }
    }

    #[test]
    fn a_refusal_that_holds_at_every_time_comes_before_that_of_the_clock() {
        let (mut live, digest) = live(Some(NOW + 500), None);
        live.apply(Change::Member(AccountId(1), UserId(1), None));
        assert_eq!(asked(&live, &digest, 0), Err(Denial::NotAMember));
        live.apply(Change::Revoked(KeyId(1), at(NOW)));
        assert_eq!(asked(&live, &digest, 0), Err(Denial::KeyRevoked));
    }

    #[test]
    fn a_session_opens_nothing_while_the_clock_is_behind() {
        let (mut live, _) = live(None, None);
        let digest = TokenDigest::of("a session");
        let (user, created_at, ends_at) = (UserId(1), at(NOW - 10), at(NOW + 500));
        live.apply(Change::Session(Session { id: 1, digest, user, created_at, ends_at }));
        for (wall, expected) in [
            (NOW, None),
            (NOW - 86_400, Some(Denial::ClockBehind)),
            (NOW + 499, None),
            (NOW + 500, Some(Denial::SessionEnded)),
            (NOW - 86_400, Some(Denial::ClockBehind)),
            (NOW + 10_000, Some(Denial::SessionEnded)),
            (NOW + 499, Some(Denial::ClockBehind)),
            (NOW + 500, Some(Denial::SessionEnded)),
        ] {
            let now = live.clock.read(at(wall));
            assert_eq!(live.admit_session(&digest, now).err(), expected, "at {wall}");
            let to_end = live.admit_session_to_end(&digest, now).err();
            assert_eq!(to_end, expected.filter(|denial| *denial != Denial::ClockBehind), "at {wall}");
        }
    }

    #[test]
    fn what_ends_after_the_time_that_a_clock_shows_which_is_behind_is_not_refused_for_good() {
        for (expires_at, grace, ended) in
            [(Some(NOW + 500), None, Denial::KeyExpired), (None, Some(NOW + 500), Denial::KeyRotated)]
        {
            let (live, digest) = live(expires_at, grace);
            assert_eq!(asked(&live, &digest, NOW + 10_000), Err(ended.clone()));
            assert_eq!(asked(&live, &digest, NOW + 499), Err(Denial::ClockBehind));
            // The key may still end itself, but not by a secret that another has replaced.
            let to_end = live.admit_to_end(&digest, ClientAddress::Unknown, at(NOW + 10_000)).map(drop);
            assert_eq!(to_end, if grace.is_some() { Err(Denial::ClockBehind) } else { Ok(()) });
            assert_eq!(asked(&live, &digest, NOW + 500), Err(ended));
        }
    }

    #[test]
    fn an_accepted_clock_judges_ends_again() {
        let (mut live, digest) = live(Some(NOW + 500), None);
        assert_eq!(asked(&live, &digest, 4_300_000_000), Err(Denial::KeyExpired));
        assert_eq!(asked(&live, &digest, NOW + 10), Err(Denial::ClockBehind), "nothing that ended opens");
        live.apply(Change::ClockAccepted(at(NOW + 10)));
        assert_eq!(asked(&live, &digest, NOW + 10), Ok(()));
    }
}
