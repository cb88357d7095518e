//! The keys that sign our tokens, opened when they are needed, and the set of their public halves.

use keyward_core::BoxFuture;
use keyward_core::clock::Clock;
use keyward_core::jwt::{KeySet, SigningError, SigningKey};
use keyward_core::live::Directory;
use keyward_core::random::Random;
use keyward_core::signing::{SealedKey, Sealer, signs};
use keyward_tower::authenticate::{IssuerKeys, KeyFetch, KeyQuery};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Signs, and publishes what verifies.
#[derive(Debug)]
pub(crate) struct Signer {
    directory: Directory,
    sealer: Sealer,
    clock: Arc<dyn Clock>,
    opened: Mutex<HashMap<Arc<str>, Arc<SigningKey>>>,
    set: Mutex<Option<Published>>,
}

#[derive(Clone, Debug)]
struct Published {
    of: Vec<i64>,
    document: Arc<[u8]>,
    keys: Arc<KeySet>,
    /// Whether there is a key that does not open.
    lacks_one: bool,
}

impl Signer {
    pub(crate) fn new(directory: Directory, sealer: Sealer, clock: Arc<dyn Clock>) -> Self {
        Self { directory, sealer, clock, opened: Mutex::default(), set: Mutex::default() }
    }

    fn open(&self, key: &SealedKey) -> Result<Arc<SigningKey>, SigningError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = opened.get(&key.kid) {
            return Ok(Arc::clone(open));
        }
        let text = self.sealer.open(&key.kid, (&key.nonce, key.version, &key.sealed)).ok_or(SigningError)?;
        let open = Arc::new(SigningKey::read(Arc::clone(&key.kid), &text)?);
        opened.insert(Arc::clone(&key.kid), Arc::clone(&open));
        Ok(open)
    }

    /// A token of this `typ`, by the key of now.
    pub(crate) fn sign(&self, typ: &str, claims: &Value) -> Result<String, SigningError> {
        let now = self.clock.now();
        let key = {
            let live = self.directory.read();
            signs(&live.signing_keys(), now).cloned().ok_or(SigningError)?
        };
        self.open(&key)?.sign(typ, claims)
    }

    fn published(&self) -> Option<Published> {
        let keys: Vec<SealedKey> = self.directory.read().signing_keys().into_iter().cloned().collect();
        let of: Vec<i64> = keys.iter().map(|key| key.id).collect();
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(published) = set.as_ref().filter(|published| published.of == of) {
            return Some(published.clone());
        }
        // Absent: a key that cannot be opened signs nothing, and what it has signed is refused.
        let jwks: Vec<Value> = keys.iter().filter_map(|key| Some(self.open(key).ok()?.jwk())).collect();
        let lacks_one = jwks.len() < keys.len();
        let document: Arc<[u8]> = json!({ "keys": jwks }).to_string().into_bytes().into();
        // Absent: without a key of ours nothing can be judged: that is no set without keys.
        let keys = Arc::new(KeySet::parse(&document).ok().filter(|set| !set.is_empty())?);
        let published = Published { of, document, keys, lacks_one };
        *set = Some(published.clone());
        // A key that is gone is not kept open.
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.retain(|kid, _| published.keys.keys().any(|key| key.kid() == Some(kid)));
        Some(published)
    }

    /// Whether there is a key that does not open: a token whose key is not published may be signed with it.
    pub(crate) fn lacks_one(&self) -> bool {
        // Absent: no key opens.
        self.published().is_none_or(|published| published.lacks_one)
    }

    /// The keys that verify what was signed here; `None`: none opens.
    pub(crate) fn keys(&self) -> Option<Arc<KeySet>> {
        self.published().map(|published| published.keys)
    }

    /// The key set (RFC 7517 §5).
    pub(crate) fn document(&self) -> Arc<[u8]> {
        // Absent: no token can be verified with it.
        self.published().map_or_else(|| br#"{"keys":[]}"#.as_slice().into(), |published| published.document)
    }
}

impl IssuerKeys for Signer {
    fn known(&self) -> Option<Arc<KeySet>> {
        self.published().map(|published| published.keys)
    }

    fn refresh<'a>(&'a self, _: KeyQuery<'a>) -> BoxFuture<'a, KeyFetch> {
        // What is known here is as new as it can be.
        Box::pin(std::future::ready(KeyFetch::Current))
    }
}

/// A new key, sealed, that signs from then on. Takes some tenths of a second.
pub(crate) fn make(
    sealer: &Sealer,
    signs_from: keyward_core::clock::Timestamp,
    random: &dyn Random,
) -> Result<SealedKey, SigningError> {
    let private = SigningKey::generate()?;
    seal(sealer, &private, signs_from, random)
}

/// A private key (PKCS #8) under a name of its own, sealed.
pub(crate) fn seal(
    sealer: &Sealer,
    private: &[u8],
    signs_from: keyward_core::clock::Timestamp,
    random: &dyn Random,
) -> Result<SealedKey, SigningError> {
    let kid: Arc<str> = keyward_core::api_key::base62(random, 16).map_err(|_| SigningError)?.into();
    let (nonce, version, sealed) = sealer.seal(&kid, private, random).map_err(|_| SigningError)?;
    Ok(SealedKey { id: 0, kid, sealed: sealed.into(), nonce, version, created_at: signs_from, signs_from })
}
