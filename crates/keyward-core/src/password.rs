//! Passwords: argon2id (RFC 9106), kept as PHC strings.

mod strength;

pub use strength::{LENGTHS, Weakness, judge};

use crate::id::UserId;
use crate::random::Random;
use crate::secret::Secret;
use argon2::password_hash::{Output, ParamsString, PasswordHash, SaltString};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use std::fmt;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// Proof that a password is this user's. Only a successful verification makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    user: UserId,
    hash: Secret,
}

impl Proof {
    /// The user.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    /// The PHC string of the password, which must still be the user's when the proof is used.
    #[must_use]
    pub fn hash(&self) -> &Secret {
        &self.hash
    }
}

/// A hash with the usual parameters, of a password that nobody knows.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5cyBzYWx0IQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// 19 MiB, two passes, one lane: the OWASP minimum.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
const HASH_BYTES: usize = 32;

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct PasswordError;

impl From<argon2::Error> for PasswordError {
    fn from(_: argon2::Error) -> Self {
        Self
    }
}

impl From<argon2::password_hash::Error> for PasswordError {
    fn from(_: argon2::password_hash::Error) -> Self {
        Self
    }
}

/// The memory that hashes work in, one after the other. It is allocated at the first use and reused from then on, so
/// that any number of tries costs the memory of one; it is wiped after each.
#[derive(Default)]
pub struct HashMemory(Vec<Block>);

impl fmt::Debug for HashMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HashMemory({} KiB)", self.0.len())
    }
}

impl HashMemory {
    /// Whether the password is the user's. For an address without a user, or a user without a password, it takes as long
    /// and is `None`, so that the answer does not show which addresses are known. Slow on purpose: some 20 ms.
    pub fn verify(&mut self, password: &Secret, kept: Option<(UserId, &Secret)>) -> Option<Proof> {
        // Absent: nobody's hash, which no password has; there is no user whose proof it could be.
        let text = kept.map_or(NOBODYS, |(_, hash)| hash.expose());
        let good =
            PasswordHash::new(text).is_ok_and(|hash| self.is_of(password, &hash).is_ok_and(bool::from));
        kept.filter(|_| good).map(|(user, hash)| Proof { user, hash: hash.clone() })
    }

    /// An error: the hash is not argon2, or lacks a part.
    fn is_of(&mut self, password: &Secret, kept: &PasswordHash<'_>) -> Result<Choice, PasswordError> {
        let algorithm = Algorithm::try_from(kept.algorithm)?;
        // Absent: as the library's own verifier reads it; of another version it fits no password.
        let version = kept.version.map_or(Ok(Version::default()), Version::try_from)?;
        let argon2 = Argon2::new(algorithm, version, Params::try_from(kept)?);
        let mut salt = [0; 64];
        let salt = kept.salt.ok_or(PasswordError)?.decode_b64(&mut salt)?;
        let expected = kept.hash.ok_or(PasswordError)?;
        let mut found = Zeroizing::new(vec![0; expected.len()]);
        self.fill(&argon2, password, salt, &mut found)?;
        Ok(expected.as_bytes().ct_eq(&found))
    }

    /// Hashes a password with argon2id and a salt of 16 bytes.
    ///
    /// # Errors
    /// When randomness or memory is not available.
    pub fn hash(&mut self, password: &Secret, random: &dyn Random) -> Result<Secret, PasswordError> {
        let (memory, passes, lanes) = COST;
        let params = Params::new(memory, passes, lanes, None)?;
        let mut salt = [0; 16];
        random.fill(&mut salt).map_err(|_| PasswordError)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut found = Zeroizing::new([0; HASH_BYTES]);
        self.fill(&argon2, password, &salt, found.as_mut_slice())?;
        let salt = SaltString::encode_b64(&salt)?;
        let hash = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(argon2.params())?,
            salt: Some(salt.as_salt()),
            hash: Some(Output::new(found.as_slice())?),
        };
        Ok(Secret::new(hash.to_string()))
    }

    fn fill(
        &mut self,
        argon2: &Argon2<'_>,
        password: &Secret,
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<(), PasswordError> {
        let wanted = argon2.params().block_count();
        let missing = wanted.saturating_sub(self.0.len());
        self.0.try_reserve_exact(missing).map_err(|_| PasswordError)?;
        self.0.resize(self.0.len() + missing, Block::new());
        let blocks = self.0.get_mut(..wanted).ok_or(PasswordError)?;
        let done =
            argon2.hash_password_into_with_memory(password.expose().as_bytes(), salt, out, &mut *blocks);
        blocks.iter_mut().for_each(Zeroize::zeroize);
        Ok(done?)
    }
}

/// [`HashMemory::verify`] in memory of its own.
#[must_use]
pub fn verify(password: &Secret, kept: Option<(UserId, &Secret)>) -> Option<Proof> {
    HashMemory::default().verify(password, kept)
}

/// [`HashMemory::hash`] in memory of its own.
///
/// # Errors
/// When randomness or memory is not available.
pub fn hash(password: &Secret, random: &dyn Random) -> Result<Secret, PasswordError> {
    HashMemory::default().hash(password, random)
}

/// A new password of 24 base62 characters (142 bits).
///
/// # Errors
/// When randomness is not available.
pub fn generate(random: &dyn Random) -> Result<Secret, PasswordError> {
    crate::api_key::base62(random, 24).map(Secret::new).map_err(|_| PasswordError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;
    use argon2::{PasswordHasher, PasswordVerifier};

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn only_the_password_of_that_user_proves_who_it_is() {
        let password = secret("correct horse battery");
        let hash = hash(&password, &OsRandom).unwrap();
        assert_eq!(verify(&password, Some((UserId(7), &hash))).map(|proof| proof.user()), Some(UserId(7)));
        for wrong in ["", "correct horse battery ", "Correct horse battery"] {
            assert_eq!(verify(&secret(wrong), Some((UserId(7), &hash))), None);
        }
        assert_eq!(verify(&password, None), None);
        assert!(PasswordHash::new(NOBODYS).is_ok(), "an address without a user takes as long as any other");
    }

    /// Hashes that were stored before, also with other parameters, are verified; new ones are as others write them.
    #[test]
    fn hashes_are_those_of_the_library_in_both_directions() {
        let password = secret("correct horse battery");
        let salt = SaltString::encode_b64(b"sixteen bytes ok").unwrap();
        let mut memory = HashMemory::default();
        for (algorithm, params) in [
            (Algorithm::Argon2id, Params::new(19 * 1024, 2, 1, None).unwrap()),
            (Algorithm::Argon2id, Params::new(64, 3, 2, Some(64)).unwrap()),
            (Algorithm::Argon2i, Params::new(256, 1, 1, Some(16)).unwrap()),
        ] {
            let theirs = Argon2::new(algorithm, Version::V0x13, params);
            let theirs = theirs.hash_password(password.expose().as_bytes(), &salt).unwrap().to_string();
            let kept = Secret::new(theirs);
            assert!(memory.verify(&password, Some((UserId(1), &kept))).is_some(), "{}", kept.expose());
            assert!(memory.verify(&secret("another"), Some((UserId(1), &kept))).is_none());
        }
        let ours = memory.hash(&password, &OsRandom).unwrap();
        assert!(ours.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", ours.expose());
        let parsed = PasswordHash::new(ours.expose()).unwrap();
        assert!(Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok());
        for bad in ["", "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5cyBzYWx0IQ", "$2b$12$abc", "plain"] {
            assert_eq!(memory.verify(&password, Some((UserId(1), &secret(bad)))), None);
        }
    }

    #[test]
    fn the_memory_of_a_hash_is_reused_and_wiped() {
        let mut memory = HashMemory::default();
        memory.hash(&secret("correct horse battery"), &OsRandom).unwrap();
        let place = memory.0.as_ptr();
        assert_eq!(memory.0.len(), 19 * 1024);
        assert!(memory.verify(&secret("wrong"), None).is_none());
        assert_eq!((memory.0.as_ptr(), memory.0.len()), (place, 19 * 1024), "the same block");
        assert!(
            memory.0.iter().all(|block| block.as_ref().iter().all(|word| *word == 0)),
            "nothing is left in it"
        );
    }
}
