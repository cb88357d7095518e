//! The keys that our own access tokens are signed with: sealed at rest, published before use, kept until the last token is gone.

use crate::clock::Timestamp;
use crate::random::{Random, RandomError};
use crate::root_secret::{Purpose, RootSecret};
use crate::swap::Swap;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A new key is published for so long before it signs, in seconds: whoever keeps the set has it by then.
pub const PUBLISHED_SECONDS: i64 = 3600;
/// A key signs for so long, in seconds: 90 days.
pub const SIGNING_SECONDS: i64 = 90 * 86_400;

/// A signing key at rest.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// The id of its row.
    pub id: i64,
    /// Its name in the key set.
    pub kid: Arc<str>,
    /// The private key (PKCS #8), sealed.
    pub sealed: Arc<[u8]>,
    /// The nonce of the seal.
    pub nonce: [u8; 12],
    /// The version of the root secret that it is sealed under.
    pub version: u32,
    /// When it was made and published.
    pub created_at: Timestamp,
    /// From when on it signs, until a later one does.
    pub signs_from: Timestamp,
}

impl fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedKey {{ kid: {}, [redacted] }}", self.kid)
    }
}

/// Seals and opens private keys. Clones share the keys.
#[derive(Clone)]
pub struct Sealer(Swap<Vec<(u32, ChaCha20Poly1305)>>);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer([redacted])")
    }
}

impl Sealer {
    /// With the keys of every version of the root secret.
    #[must_use]
    pub fn new(root: &RootSecret) -> Self {
        Self(Swap::new(ciphers(root)))
    }

    /// Takes up the keys of another root secret, for all clones.
    pub fn take_up(&self, root: &RootSecret) {
        self.0.replace(ciphers(root));
    }

    /// Seals a text under the current version. `about` must be said again to open it.
    ///
    /// # Errors
    /// When randomness is not to be had.
    pub fn seal(
        &self,
        about: &str,
        text: &[u8],
        random: &dyn Random,
    ) -> Result<([u8; 12], u32, Vec<u8>), RandomError> {
        let mut nonce = [0; 12];
        random.fill(&mut nonce)?;
        let ciphers = self.0.get();
        let (version, cipher) = ciphers.last().ok_or(RandomError)?;
        let payload = Payload { msg: text, aad: about.as_bytes() };
        let sealed = cipher.encrypt(Nonce::from_slice(&nonce), payload).map_err(|_| RandomError)?;
        Ok((nonce, *version, sealed))
    }

    /// Opens what was sealed about this.
    #[must_use]
    pub fn open(
        &self,
        about: &str,
        (nonce, version, sealed): (&[u8; 12], u32, &[u8]),
    ) -> Option<Zeroizing<Vec<u8>>> {
        let ciphers = self.0.get();
        let (_, cipher) = ciphers.iter().find(|(own, _)| *own == version)?;
        let payload = Payload { msg: sealed, aad: about.as_bytes() };
        // Absent: sealed by another secret, or about something else: it stays closed.
        cipher.decrypt(Nonce::from_slice(nonce), payload).ok().map(Zeroizing::new)
    }

    /// The version that is sealed under now.
    #[must_use]
    pub fn current(&self) -> Option<u32> {
        self.0.glance(|ciphers| ciphers.last().map(|(version, _)| *version))
    }
}

fn ciphers(root: &RootSecret) -> Vec<(u32, ChaCha20Poly1305)> {
    let cipher = |version| {
        let derived = root.derive(version, Purpose::AtRest)?;
        Some((version, ChaCha20Poly1305::new(Key::from_slice(derived.as_slice()))))
    };
    root.versions().filter_map(cipher).collect()
}

/// What is to be done about the keys at a moment, so that there is always one that signs and was known before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// There is none that signs: one is needed at once.
    Now,
    /// The one that signs is old: its successor is to be published.
    Soon,
    /// This one signs no more, and its last token is gone.
    Remove(i64),
}

/// The key that signs now: the latest that has begun. Where none has, since the clock went back, the first to begin: it has been
/// published for the longest time.
#[must_use]
pub fn signs<'k>(keys: &[&'k SealedKey], now: Timestamp) -> Option<&'k SealedKey> {
    let begun = keys.iter().filter(|key| key.signs_from <= now).max_by_key(|key| (key.signs_from, key.id));
    begun.or_else(|| keys.iter().min_by_key(|key| (key.signs_from, key.id))).copied()
}

/// What is to be done. `lives` is the longest life of a token, in seconds.
#[must_use]
pub fn due(keys: &[&SealedKey], now: Timestamp, lives: i64) -> Option<Due> {
    let Some(current) = signs(keys, now) else { return Some(Due::Now) };
    // A token that the one before has signed a moment ago lives on; a minute more for clocks that differ.
    let gone = current.signs_from.plus_seconds(lives + 60) <= now;
    if let Some(old) =
        keys.iter().find(|key| gone && (key.signs_from, key.id) < (current.signs_from, current.id))
    {
        return Some(Due::Remove(old.id));
    }
    let followed = keys.iter().any(|key| key.signs_from > now);
    let old = current.signs_from.plus_seconds(SIGNING_SECONDS - PUBLISHED_SECONDS) <= now;
    (old && !followed).then_some(Due::Soon)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;

    fn key(id: i64, signs_from: i64) -> SealedKey {
        SealedKey {
            id,
            kid: format!("k{id}").into(),
            sealed: [].into(),
            nonce: [0; 12],
            version: 1,
            created_at: Timestamp::from_unix(0),
            signs_from: Timestamp::from_unix(signs_from),
        }
    }

    #[test]
    fn a_key_is_published_before_it_signs_and_kept_until_the_last_token_is_gone() {
        let (start, lives) = (1_000_000, 900);
        let mut keys: Vec<SealedKey> = Vec::new();
        let (mut next, mut changes) = (1, Vec::new());
        // A year, minute by minute.
        for minute in 0..365 * 24 * 60 {
            let now = Timestamp::from_unix(start + minute * 60);
            let known: Vec<&SealedKey> = keys.iter().collect();
            match due(&known, now, lives) {
                None => {}
                Some(Due::Remove(id)) => {
                    let signing = signs(&known, now).unwrap();
                    assert_ne!(signing.id, id);
                    assert!(now.unix() - signing.signs_from.unix() >= lives, "its last token is gone");
                    keys.retain(|key| key.id != id);
                }
                Some(due) => {
                    let from = if due == Due::Now { now } else { now.plus_seconds(PUBLISHED_SECONDS) };
                    changes.push((due, minute));
                    keys.push(key(next, from.unix()));
                    next += 1;
                }
            }
            assert!(keys.len() <= 2);
            let known: Vec<&SealedKey> = keys.iter().collect();
            assert!(signs(&known, now).is_some());
        }
        assert_eq!(changes.iter().filter(|(due, _)| *due == Due::Now).count(), 1, "at the first start only");
        assert_eq!(changes.len(), 5);
    }

    #[test]
    fn a_clock_that_went_back_leaves_a_key_that_signs() {
        let (first, second) = (key(1, 1_000), key(2, 2_000));
        let keys = [&first, &second];
        let signing = |now| signs(&keys, Timestamp::from_unix(now)).map(|key| key.id);
        assert_eq!((signing(2_500), signing(1_500), signing(10)), (Some(2), Some(1), Some(1)));
        assert_eq!(due(&keys, Timestamp::from_unix(10), 900), None, "and no further one is made");
    }

    #[test]
    fn only_the_same_root_secret_opens_a_key_and_only_as_what_it_is() {
        let sealer = Sealer::new(&RootSecret::generate(&OsRandom).unwrap());
        let other = Sealer::new(&RootSecret::generate(&OsRandom).unwrap());
        let (nonce, version, sealed) = sealer.seal("k1", b"private", &OsRandom).unwrap();
        assert!(!sealed.windows(7).any(|part| part == b"private"));
        let open =
            |sealer: &Sealer, about| sealer.open(about, (&nonce, version, &sealed)).map(|text| text.to_vec());
        assert_eq!(open(&sealer, "k1").as_deref(), Some(b"private".as_slice()));
        assert_eq!(open(&sealer, "k2"), None);
        assert_eq!(open(&other, "k1"), None);
    }
}
