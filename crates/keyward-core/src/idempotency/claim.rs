//! What a request with an `Idempotency-Key` asks for: that it be this write, of this caller, once.

use super::{Fingerprint, Sealing};
use crate::id::{AccountId, UserId};
use crate::random::{Random, RandomError};
use crate::root_secret::{Purpose, RootSecret};
use crate::swap::Swap;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;
use uuid::{Uuid, Variant};

/// Whose keys are looked up together: a user's in an account, whatever credential it has. So a retry finds its first answer
/// after the key was rotated, or the token refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The account; `None`: a request without one.
    pub account: Option<AccountId>,
    /// The user.
    pub user: UserId,
}

/// The name of a record: an HMAC of scope and key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Name([u8; 32]);

/// A claim to one execution.
#[derive(Clone)]
pub struct Claim {
    scope: Scope,
    fingerprint: Fingerprint,
    /// By the current version of the root secret first, then by the older one.
    named: Vec<(u32, Name, Option<Sealing>)>,
}

impl Claim {
    /// Whose it is.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// What the request says.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The version of the root secret and the name that a record gets.
    #[must_use]
    pub fn record(&self) -> Option<(u32, &[u8])> {
        self.named.first().map(|(version, name, _)| (*version, name.0.as_slice()))
    }

    /// Every name under which its record may be.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.named.iter().map(|(_, name, _)| name.0.as_slice())
    }

    /// The bytes by which equal claims exclude each other while one is being executed.
    #[must_use]
    pub fn lock(&self) -> Option<[u8; 32]> {
        self.named.first().map(|(_, name, _)| name.0)
    }

    /// What seals a new record, if the key is one that nobody can guess: see [`is_unguessable`].
    #[must_use]
    pub fn sealing(&self) -> Option<&Sealing> {
        self.named.first()?.2.as_ref()
    }

    /// What opens a record of this version.
    #[must_use]
    pub fn opening(&self, version: u32) -> Option<&Sealing> {
        self.named.iter().find(|(own, ..)| *own == version)?.2.as_ref()
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claim {{ scope: {:?}, [redacted] }}", self.scope)
    }
}

/// Whether nobody can guess a key, so that it may seal an answer for [`super::SECRET_SECONDS`]: a UUID of version 4, or of version
/// 7, of which 62 bits at least are random (RFC 9562 §5.4, §5.7).
#[must_use]
pub fn is_unguessable(key: Uuid) -> bool {
    matches!(key.get_version_num(), 4 | 7) && key.get_variant() == Variant::RFC4122
}

/// Makes claims. Clones share the keys.
#[derive(Clone)]
pub struct Claims(Swap<Vec<Keys>>);

struct Keys {
    version: u32,
    names: Hmac<Sha256>,
    seals: crate::root_secret::Derived,
}

impl Claims {
    /// With the keys of every version of the root secret.
    #[must_use]
    pub fn new(root: &RootSecret) -> Self {
        Self(Swap::new(keys_of(root)))
    }

    /// Takes up the keys of another root secret, for all clones.
    pub fn take_up(&self, root: &RootSecret) {
        self.0.replace(keys_of(root));
    }

    /// The claim of a request.
    ///
    /// # Errors
    /// When randomness is not to be had.
    pub fn claim(
        &self,
        scope: Scope,
        key: Uuid,
        fingerprint: Fingerprint,
        random: &dyn Random,
    ) -> Result<Claim, RandomError> {
        let random_key = is_unguessable(key);
        let all = self.0.get();
        let named = all.iter().rev().map(|keys| {
            let sealing = random_key.then(|| Sealing::new(keys.seals.as_slice(), key.as_bytes(), random));
            Ok((keys.version, keys.name(scope, key), sealing.transpose()?))
        });
        Ok(Claim { scope, fingerprint, named: named.collect::<Result<_, RandomError>>()? })
    }
}

impl Keys {
    fn name(&self, scope: Scope, key: Uuid) -> Name {
        let mut mac = self.names.clone();
        // Absent: 0, which no account has. Every part has a fixed length.
        mac.update(&scope.account.map_or(0, |account| account.0).to_be_bytes());
        mac.update(&scope.user.0.to_be_bytes());
        mac.update(key.as_bytes());
        Name(mac.finalize().into_bytes().into())
    }
}

/// Oldest first, as the versions are.
fn keys_of(root: &RootSecret) -> Vec<Keys> {
    let keys = |version| {
        let names = root.derive(version, Purpose::IdempotencyName)?;
        // Absent: never, HMAC takes a key of any length.
        let names = Hmac::new_from_slice(names.as_slice()).ok()?;
        Some(Keys { version, names, seals: root.derive(version, Purpose::SealedAnswer)? })
    };
    root.versions().filter_map(keys).collect()
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;

    const KEY: &str = "550e8400-e29b-41d4-a716-446655440000";

    fn claim(claims: &Claims, account: Option<i64>, user: i64, key: &str) -> Claim {
        let scope = Scope { account: account.map(AccountId), user: UserId(user) };
        let key = Uuid::parse_str(key).unwrap();
        claims.claim(scope, key, Fingerprint::of("POST", "/", "", None), &OsRandom).unwrap()
    }

    #[test]
    fn a_record_is_named_by_account_user_and_key_under_every_version() {
        let first = RootSecret::generate(&OsRandom).unwrap();
        let claims = Claims::new(&first);
        let one = claim(&claims, Some(1), 2, KEY);
        assert_eq!(one.lock(), claim(&claims, Some(1), 2, &KEY.to_uppercase()).lock());
        for (account, user, key) in [
            (Some(2), 2, KEY),
            (Some(1), 1, KEY),
            (None, 2, KEY),
            (Some(1), 2, "550e8400-e29b-41d4-a716-446655440001"),
        ] {
            assert_ne!(one.lock(), claim(&claims, account, user, key).lock());
        }
        claims.take_up(&first.next(&OsRandom).unwrap());
        let after = claim(&claims, Some(1), 2, KEY);
        assert_eq!(after.record().map(|(version, _)| version), Some(2));
        assert_eq!(after.names().nth(1), one.names().next(), "the old name is looked for too");
        assert!(after.opening(1).is_some() && after.opening(3).is_none());
        assert!(!format!("{after:?} {claims:?}").contains("550e"));
    }

    #[test]
    fn only_a_key_that_nobody_can_guess_seals() {
        let claims = Claims::new(&RootSecret::generate(&OsRandom).unwrap());
        for random in [KEY, "018f3c2a-9100-7abc-8def-0123456789ab"] {
            assert!(claim(&claims, None, 1, random).sealing().is_some(), "{random}");
        }
        for guessable in [
            "00000000-0000-0000-0000-000000000000",
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "1ec9414c-232a-6b00-b3c8-9f6bdeced846",
            "2ed6657d-e927-568b-95e1-2665a8aea6a2",
            "320c3d4d-cc00-875b-8ec9-32d5f69181c0",
            // Version 4 of another variant.
            "550e8400-e29b-41d4-c716-446655440000",
        ] {
            assert!(claim(&claims, None, 1, guessable).sealing().is_none(), "{guessable}");
        }
    }
}
