//! Keys at rest: HMAC-SHA-256 of the whole key under a pepper. No slow hash: 256 random bits need none, and it
//! would let anyone load the server with guesses.

use crate::root_secret::{Purpose, RootSecret};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;

/// The digest of a key. Useless without the pepper, and still not printed.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Reads what the store kept.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // Absent: what is not of a digest's length is none, and its row is left out.
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, for the store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl std::hash::Hash for Digest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest([redacted])")
    }
}

/// The key of the digests, of one version of the root secret.
#[derive(Clone)]
pub struct Pepper {
    version: u32,
    keyed: Hmac<Sha256>,
}

impl Pepper {
    /// The peppers of every version, oldest first.
    #[must_use]
    pub fn all(root: &RootSecret) -> Vec<Self> {
        let pepper = |version| {
            let derived = root.derive(version, Purpose::ApiKeyPepper)?;
            // Absent: without its pepper a key is unknown.
            Some(Self { version, keyed: Hmac::new_from_slice(derived.as_slice()).ok()? })
        };
        root.versions().filter_map(pepper).collect()
    }

    /// The version of the root secret that it came from.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The digest of a key.
    #[must_use]
    pub fn digest(&self, key: &str) -> Digest {
        Digest(self.keyed.clone().chain_update(key.as_bytes()).finalize().into_bytes().into())
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pepper {{ version: {}, [redacted] }}", self.version)
    }
}
