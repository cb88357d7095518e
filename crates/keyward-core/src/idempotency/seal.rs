//! An answer that shows a secret is kept sealed: by a key from the root secret, a random salt and the client's own
//! `Idempotency-Key`. The store has the first two at best, so nothing in it opens an answer; only the retry does.

use crate::random::{Random, RandomError};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// A sealed answer, for the store.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Part of the key's derivation, anew for each answer.
    pub salt: [u8; 16],
    /// The answer's body, encrypted and authenticated.
    pub body: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.body.len())
    }
}

/// What seals and opens the answers of one `Idempotency-Key`.
#[derive(Clone)]
pub struct Sealing {
    /// The root secret's key for this purpose, then the client's key.
    material: Zeroizing<Vec<u8>>,
    salt: [u8; 16],
}

impl Sealing {
    /// With the derived key of a root secret's version and the client's key.
    ///
    /// # Errors
    /// When randomness is not to be had.
    pub(super) fn new(root: &[u8], key: &[u8], random: &dyn Random) -> Result<Self, RandomError> {
        let mut salt = [0; 16];
        random.fill(&mut salt)?;
        Ok(Self { material: Zeroizing::new([root, key].concat()), salt })
    }

    fn cipher(&self, salt: &[u8]) -> Option<ChaCha20Poly1305> {
        let mut key = Zeroizing::new([0; 32]);
        let hkdf = Hkdf::<Sha256>::new(Some(salt), &self.material);
        // Absent: without a key nothing is sealed, and nothing opened.
        hkdf.expand(b"keyward/sealed-answer", key.as_mut_slice()).ok()?;
        Some(ChaCha20Poly1305::new(Key::from_slice(key.as_slice())))
    }

    /// Seals a body for the record of this name. `None`: the cipher failed, and nothing may be kept.
    #[must_use]
    pub fn seal(&self, record: &[u8], body: &[u8]) -> Option<Sealed> {
        // Each key is used for one body, so the nonce can be the same.
        let payload = Payload { msg: body, aad: record };
        // Absent: nothing is kept that is not sealed.
        let body = self.cipher(&self.salt)?.encrypt(&Nonce::default(), payload).ok()?;
        Some(Sealed { salt: self.salt, body })
    }

    /// Opens what was sealed for the record of this name with the same key.
    #[must_use]
    pub fn open(&self, record: &[u8], sealed: &Sealed) -> Option<Vec<u8>> {
        let payload = Payload { msg: &sealed.body, aad: record };
        // Absent: of another key or record, or changed since: it stays closed.
        self.cipher(&sealed.salt)?.decrypt(&Nonce::default(), payload).ok()
    }
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealing([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;

    #[test]
    fn only_the_same_key_opens_an_answer_and_only_in_its_own_record() {
        let sealing = |root: &[u8], key: &[u8]| Sealing::new(root, key, &OsRandom).unwrap();
        let sealed = sealing(b"root", b"key").seal(b"record", b"a secret").unwrap();
        assert!(!sealed.body.windows(8).any(|part| part == b"a secret"));
        assert_eq!(
            sealing(b"root", b"key").open(b"record", &sealed).as_deref(),
            Some(b"a secret".as_slice())
        );
        assert_eq!(sealing(b"root", b"other").open(b"record", &sealed), None);
        assert_eq!(sealing(b"other", b"key").open(b"record", &sealed), None);
        assert_eq!(sealing(b"root", b"key").open(b"another", &sealed), None);
        let mut edited = sealed.clone();
        edited.body[3] ^= 1;
        assert_eq!(sealing(b"root", b"key").open(b"record", &edited), None);
        let twice = sealing(b"root", b"key").seal(b"record", b"a secret").unwrap();
        assert_ne!(twice, sealed, "each has a salt of its own");
    }
}
