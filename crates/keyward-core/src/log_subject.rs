//! The subject of a token in the log: a short keyed hash, so that lines of one subject can be found and the subject, which is
//! often an e-mail address, is not in the log.

use crate::root_secret::{Purpose, RootSecret};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;

/// Bytes of a hash: enough to tell the subjects of one installation apart.
const BYTES: usize = 8;

/// Hashes subjects with a key of the root secret. A rotation of the secret takes effect with the next start.
#[derive(Clone)]
pub struct SubjectHasher(Hmac<Sha256>);

impl SubjectHasher {
    /// With the key of the newest version; `None` when the secret has no version.
    #[must_use]
    pub fn new(root: &RootSecret) -> Option<Self> {
        let key = root.derive(root.versions().last()?, Purpose::LogSubject)?;
        // Absent: never, any key fits; subjects are left out of the log then.
        Some(Self(Hmac::new_from_slice(key.as_slice()).ok()?))
    }

    /// The hash of a subject of an issuer, in hexadecimal.
    #[must_use]
    pub fn hash(&self, issuer: &str, subject: &str) -> String {
        let mut mac = self.0.clone();
        // The length in front: no two pairs share a text.
        mac.update(&(issuer.len() as u64).to_be_bytes());
        mac.update(issuer.as_bytes());
        mac.update(subject.as_bytes());
        mac.finalize().into_bytes().iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for SubjectHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectHasher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(byte: &str) -> SubjectHasher {
        SubjectHasher::new(&RootSecret::parse(&format!("1 {}=", byte.repeat(43))).unwrap()).unwrap()
    }

    #[test]
    fn a_subject_is_hashed_with_the_key_of_the_installation() {
        let (ours, theirs) = (hasher("A"), hasher("E"));
        let hash = ours.hash("https://login.example/", "auth0|ada");
        assert!(hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
        assert_eq!(hash, ours.hash("https://login.example/", "auth0|ada"));
        assert_ne!(hash, ours.hash("https://login.example/", "auth0|bob"));
        assert_ne!(hash, ours.hash("https://login.example/a", "uth0|ada"));
        assert_ne!(hash, theirs.hash("https://login.example/", "auth0|ada"));
    }
}
