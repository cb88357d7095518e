//! Passwords: argon2id (RFC 9106), kept as PHC strings.

use crate::random::Random;
use crate::secret::Secret;
use argon2::password_hash::{PasswordHasher, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

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
