//! Passwords: argon2id (RFC 9106), kept as PHC strings.

use crate::id::UserId;
use crate::random::Random;
use crate::secret::Secret;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

/// The shortest password that can be chosen, in characters (NIST SP 800-63B-4 §3.1.1.2 asks for 15 where it stands alone, and 8
/// beside another factor), and the longest.
pub const LENGTHS: std::ops::RangeInclusive<usize> = 12..=128;

/// Somebody proved by a password to be this user. Only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    user: UserId,
    hash: Secret,
}

impl Proof {
    /// Who.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    /// Of which password: its PHC string, which must still be the user's when the proof is used.
    #[must_use]
    pub fn hash(&self) -> &Secret {
        &self.hash
    }
}

/// Whether the password is the user's. For nobody, or somebody without a password, it takes as long and is `None`: whoever asks
/// learns nothing of who is known here. Slow on purpose: some 20 ms and 19 MiB.
#[must_use]
pub fn verify(password: &Secret, kept: Option<(UserId, &Secret)>) -> Option<Proof> {
    let text = kept.map_or(NOBODYS, |(_, hash)| hash.expose());
    let hash = PasswordHash::new(text).ok()?;
    let good = Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok();
    kept.filter(|_| good).map(|(user, hash)| Proof { user, hash: hash.clone() })
}

/// A hash with the usual parameters, of a password that nobody knows.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5cyBzYWx0IQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct PasswordError;

/// Hashes a password with argon2id: 19 MiB, two passes, one lane (the OWASP minimum), a salt of 16 bytes.
///
/// # Errors
/// When randomness or memory is not to be had.
pub fn hash(password: &Secret, random: &dyn Random) -> Result<Secret, PasswordError> {
    let mut salt = [0; 16];
    random.fill(&mut salt).map_err(|_| PasswordError)?;
    let salt = SaltString::encode_b64(&salt).map_err(|_| PasswordError)?;
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|_| PasswordError)?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.expose().as_bytes(), &salt)
        .map(|hash| Secret::new(hash.to_string()))
        .map_err(|_| PasswordError)
}

/// A new password of 24 base62 characters (142 bits).
///
/// # Errors
/// When randomness is not to be had.
pub fn generate(random: &dyn Random) -> Result<Secret, PasswordError> {
    crate::api_key::base62(random, 24).map(Secret::new).map_err(|_| PasswordError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;

    #[test]
    fn only_the_password_of_that_user_proves_who_it_is() {
        let password = Secret::new("correct horse battery".to_owned());
        let hash = hash(&password, &OsRandom).unwrap();
        assert_eq!(verify(&password, Some((UserId(7), &hash))).map(|proof| proof.user()), Some(UserId(7)));
        for wrong in ["", "correct horse battery ", "Correct horse battery"] {
            assert_eq!(verify(&Secret::new(wrong.to_owned()), Some((UserId(7), &hash))), None);
        }
        assert_eq!(verify(&password, None), None);
        assert!(PasswordHash::new(NOBODYS).is_ok(), "nobody's password takes as long as anybody's");
    }
}
