//! Which tokens were found good, by the hash of their exact bytes: their signature need not be checked again.
//!
//! It belongs to one resource and one configuration of issuers, and is thrown away with them. Rights are no part of it, nor
//! is the clock: whoever finds a token here still asks whether it is good now and whether its key is still its issuer's.

use super::claims::Verified;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The SHA-256 of a token's exact bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of this token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

/// What is remembered: at most so many tokens. The younger half is kept when it is full; what is used moves to it.
#[derive(Debug)]
pub struct Memory {
    half: usize,
    halves: Mutex<Halves>,
}

type Half = HashMap<Fingerprint, Arc<Verified>>;

#[derive(Debug, Default)]
struct Halves {
    younger: Half,
    older: Half,
}

impl Memory {
    /// Of at most so many tokens.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { half: (most / 2).max(1), halves: Mutex::default() }
    }

    /// The token of this fingerprint, if it was found good.
    #[must_use]
    pub fn recall(&self, fingerprint: &Fingerprint) -> Option<Arc<Verified>> {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = halves.younger.get(fingerprint) {
            return Some(Arc::clone(found));
        }
        let found = halves.older.remove(fingerprint)?;
        let old = halves.put(*fingerprint, Arc::clone(&found), self.half);
        drop(halves);
        drop(old);
        Some(found)
    }

    /// Remembers a token.
    pub fn keep(&self, fingerprint: Fingerprint, verified: Arc<Verified>) {
        let old = {
            let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
            halves.put(fingerprint, verified, self.half)
        };
        // Thousands may end here, while nobody waits.
        drop(old);
    }

    /// Forgets one.
    pub fn forget(&self, fingerprint: &Fingerprint) {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        halves.younger.remove(fingerprint);
        halves.older.remove(fingerprint);
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        let halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        halves.younger.len() + halves.older.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Halves {
    /// Puts one in; the half that makes room for it.
    fn put(&mut self, fingerprint: Fingerprint, verified: Arc<Verified>, half: usize) -> Half {
        let mut old = Half::new();
        if self.younger.len() >= half && !self.younger.contains_key(&fingerprint) {
            old = std::mem::replace(&mut self.older, std::mem::take(&mut self.younger));
        }
        self.older.remove(&fingerprint);
        self.younger.insert(fingerprint, verified);
        old
    }
}
