//! Tokens that mean something to us alone: sessions, codes, client secrets, links. 256 random bits, kept as a hash.

use crate::api_key::base62;
use crate::random::{Random, RandomError};
use crate::secret::Secret;
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// What is kept of a token: its SHA-256. A random token of 256 bits needs neither salt nor a slow hash.
#[derive(Clone, Copy)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// Of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Reads what the store kept.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // Absent: it is no digest, and the row is left out.
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, for the store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for TokenDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenDigest {}

impl std::hash::Hash for TokenDigest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest([redacted])")
    }
}

/// What a token is for: the beginning by which people and scanners know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A browser's session.
    Session,
    /// An authorization code.
    Code,
    /// The secret of an OAuth client.
    ClientSecret,
    /// A link that lets somebody choose a password.
    Link,
}

impl TokenKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "kw_session_",
            Self::Code => "kw_code_",
            Self::ClientSecret => "kw_client_",
            Self::Link => "kw_link_",
        }
    }
}

/// Characters of base62 that hold 256 bits.
const LENGTH: usize = 43;

/// A new token.
///
/// # Errors
/// When randomness is not to be had.
pub fn mint(kind: TokenKind, random: &dyn Random) -> Result<(Secret, TokenDigest), RandomError> {
    let token = format!("{}{}", kind.prefix(), base62(random, LENGTH)?);
    let digest = TokenDigest::of(&token);
    Ok((Secret::new(token), digest))
}
