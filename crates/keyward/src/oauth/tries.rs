//! Tries to sign in by password: who may make the next one when, and what became of those before.

use super::failed_sign_ins::{FailedSignIns, Failure};
use super::hash_queue::Asker;
use keyward_core::address::ClientAddress;
use keyward_core::denial::Denial;
use keyward_core::known_browser::Mark;
use keyward_core::rate_limit::{Delays, Purpose, Try};
use std::time::Duration;

/// The tries of one server.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    /// By e-mail address, of browsers that are not known.
    strangers: Delays,
    /// By browser, of those that are: a mark that was stolen is no way around the delays. It only counts what this browser
    /// failed in itself; marks of one user take places from each other alone.
    known: Delays,
    pub(crate) failed: FailedSignIns,
}

/// A try that may be made.
#[must_use]
pub(crate) struct Begun<'t> {
    /// For the queue of passwords to hash.
    pub(crate) asker: Asker,
    begun: Try<'t>,
}

impl Tries {
    /// Begins a try at this e-mail address. A known browser goes by its own failures alone, and is one among others when it
    /// had too many of them.
    ///
    /// # Errors
    /// [`Denial::RateLimited`], with the time to wait.
    pub(crate) fn begin(
        &self,
        email: &str,
        mark: Option<Mark>,
        from: ClientAddress,
        now: Duration,
    ) -> Result<Begun<'_>, Denial> {
        let known = mark.and_then(|mark| {
            // Absent: no turn of its own, so it waits as a stranger does.
            let begun = self.known.begin(&mark.number().to_string(), mark.user(), now).ok()?;
            Some(Begun { asker: Asker::Known(mark.user()), begun })
        });
        if let Some(begun) = known {
            return Ok(begun);
        }
        let begun = self.strangers.begin(email, from, now).map_err(|wait| {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            Denial::RateLimited(Purpose::SignIn.name(), seconds)
        })?;
        Ok(Begun { asker: Asker::Stranger(from), begun })
    }
}

impl Begun<'_> {
    /// It was the right password.
    pub(crate) fn succeeded(self) {
        self.begun.succeeded();
    }

    /// The password was not looked at.
    pub(crate) fn was_not_made(self) {
        self.begun.was_not_made();
    }
}

/// How it failed, as far as it says anything of the password.
pub(crate) fn failure(denial: &Denial) -> Option<Failure> {
    match denial {
        Denial::PasswordWrong => Some(Failure::Wrong),
        Denial::RateLimited(..) => Some(Failure::Refused),
        // Absent: any other refusal says nothing of the password.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward_core::clock::Timestamp;
    use keyward_core::id::UserId;
    use keyward_core::known_browser::KnownBrowsers;
    use keyward_core::random::OsRandom;
    use keyward_core::root_secret::RootSecret;
    use keyward_core::secret::Secret;
    use proptest::prelude::*;

    fn mark() -> Mark {
        let known = KnownBrowsers::new(&RootSecret::generate(&OsRandom).unwrap());
        let (now, hash) = (Timestamp::from_unix(1_000), Secret::new("hash".to_owned()));
        known.marks(&known.value(&[], UserId(1), &hash, now).unwrap(), now)[0]
    }

    fn from(network: u8) -> ClientAddress {
        ClientAddress::Known([203, 0, network, 9].into())
    }

    proptest! {
        /// However often strangers fail at the address, and whenever: a known browser's try begins at once.
        #[test]
        fn known_browsers_never_wait_because_of_strangers(
            steps in prop::collection::vec((0_u64..2_000, any::<u8>(), any::<bool>()), 1..300)
        ) {
            let (tries, mark) = (Tries::default(), mark());
            let mut now = Duration::from_secs(1);
            for (pause, network, known) in steps {
                now += Duration::from_millis(pause);
                if known {
                    let begun = tries.begin("a@x.example", Some(mark), from(network), now);
                    let is_known = matches!(&begun, Ok(Begun { asker: Asker::Known(_), .. }));
                    prop_assert!(is_known);
                    begun.unwrap().succeeded();
                } else {
                    let _ = tries.begin("a@x.example", None, from(network), now);
                }
            }
        }
    }

    #[test]
    fn a_known_browser_that_fails_again_and_again_is_one_among_others() {
        let (tries, mark, now) = (Tries::default(), mark(), Duration::from_secs(1));
        let askers: Vec<_> = (0..12)
            .map(|_| tries.begin("a@x.example", Some(mark), from(1), now).map(|begun| begun.asker))
            .collect();
        let known = askers.iter().filter(|asker| matches!(asker, Ok(Asker::Known(_)))).count();
        let strangers = askers.iter().filter(|asker| matches!(asker, Ok(Asker::Stranger(_)))).count();
        assert_eq!((known, strangers), (5, 5));
        assert_eq!(askers[11].clone().unwrap_err(), Denial::RateLimited("sign_in", 1));
    }
}
