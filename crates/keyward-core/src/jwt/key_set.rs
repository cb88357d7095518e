//! A JWK Set (RFC 7517 §5): the keys of one issuer, of which only the sound ones are used.

use super::algorithm::Algorithm;
use super::key::{Key, KeyPrint, Unfit, read};
use super::object::Object;
use std::sync::Arc;

/// The longest set that is read, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// The most keys of a set.
const MAX_KEYS: usize = 100;

/// A document that is no key set. It never takes the place of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Longer than is read.
    #[error("the key set is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Not `{"keys": […]}` in strict JSON.
    #[error("the document is not a JWK Set")]
    Malformed,
    /// More keys than are read.
    #[error("the key set has more than {MAX_KEYS} keys")]
    TooMany,
}

/// A key of the set that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// Its name, where it has one.
    pub kid: Option<String>,
    /// Why.
    pub why: Unfit,
}

/// The keys of an issuer that can be used; there may be none.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Arc<Key>>,
    /// Those that are not used.
    pub unusable: Vec<Unusable>,
}

/// What a set has for a token.
#[derive(Clone, Debug)]
pub enum Found {
    /// This key, and no other.
    One(Arc<Key>),
    /// None: the issuer may have a newer one.
    None,
    /// Several, and the token does not say which.
    Several,
}

impl KeySet {
    /// Reads a set.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn parse(document: &[u8]) -> Result<Self, KeySetError> {
        if document.len() > MAX_BYTES {
            return Err(KeySetError::TooLong);
        }
        let object = Object::parse(document).map_err(|_| KeySetError::Malformed)?;
        // Absent: no key set, which is an error.
        let jwks = object.objects("keys").ok().flatten().ok_or(KeySetError::Malformed)?;
        if jwks.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let (mut keys, mut unusable) = (Vec::<Arc<Key>>::new(), Vec::new());
        for jwk in jwks {
            match read(jwk.get()) {
                // The very same key again is no other.
                Ok(read) => {
                    for key in read {
                        let same = |own: &Arc<Key>| own.print() == key.print() && own.kid() == key.kid();
                        if !keys.iter().any(same) {
                            keys.push(Arc::new(key));
                        }
                    }
                }
                Err(why) => unusable.push(Unusable { kid: kid(jwk.get()), why }),
            }
        }
        let is_doubled = |key: &Arc<Key>| {
            let same = keys.iter().filter(|other| {
                (other.kid(), other.algorithm()) == (key.kid(), key.algorithm()) && key.kid().is_some()
            });
            same.count() > 1
        };
        let (doubled, keys): (Vec<_>, Vec<_>) = keys.iter().cloned().partition(is_doubled);
        unusable.extend(
            doubled.iter().map(|key| Unusable { kid: key.kid().map(str::to_owned), why: Unfit::Doubled }),
        );
        Ok(Self { keys, unusable })
    }

    /// Whether it has no key that can be used: its issuer stands by none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The one key of that name for the algorithm; a token that names none is understood where there is only one.
    #[must_use]
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Found {
        let fits = |key: &&Arc<Key>| key.algorithm() == algorithm && (kid.is_none() || key.kid() == kid);
        let mut fitting = self.keys.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Found::One(Arc::clone(key)),
            (None, _) => Found::None,
            (Some(_), Some(_)) => Found::Several,
        }
    }

    /// Whether a key is still in it.
    #[must_use]
    pub fn holds(&self, print: KeyPrint) -> bool {
        self.keys.iter().any(|key| key.print() == print)
    }

    /// The keys that can be used.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().map(Arc::as_ref)
    }
}

fn kid(jwk: &str) -> Option<String> {
    // Absent: a key that is not used is listed without its name.
    Object::parse(jwk.as_bytes()).ok()?.text("kid").ok()?.map(|kid| kid.into_owned())
}
