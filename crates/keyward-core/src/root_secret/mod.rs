//! The root secret: one or two versions of 32 bytes, from which every other key is derived by HKDF with a
//! fixed label (RFC 5869). It lives in a file of its own, never in the database.

mod one_line;
mod retiring;

pub use retiring::may_retire;

use crate::random::{Random, RandomError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hkdf::Hkdf;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// What a derived key is for. The label is part of the derivation: a shipped one never changes.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Digests of API keys.
    ApiKeyPepper,
    /// Signatures of list cursors.
    Cursor,
    /// The value by which a store recognises its secret.
    Check,
    /// Names of the records of idempotent writes.
    IdempotencyName,
    /// Keys of answers that show a secret.
    SealedAnswer,
    /// Refresh tokens.
    RefreshToken,
    /// What is sealed at rest: signing keys, and what a browser keeps for us.
    AtRest,
    /// The tokens of forms.
    Form,
    /// Subjects of tokens in the log.
    LogSubject,
    /// The marks of browsers that a user signed in with.
    KnownBrowser,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::ApiKeyPepper => b"keyward/api-key-pepper",
            Self::Cursor => b"keyward/cursor",
            Self::Check => b"keyward/check",
            Self::IdempotencyName => b"keyward/idempotency-name",
            Self::SealedAnswer => b"keyward/sealed-answer",
            Self::RefreshToken => b"keyward/refresh-token",
            Self::AtRest => b"keyward/at-rest",
            Self::Form => b"keyward/form",
            Self::LogSubject => b"keyward/log-subject",
            Self::KnownBrowser => b"keyward/known-browser",
        }
    }
}

/// A derived key of 32 bytes.
pub type Derived = Zeroizing<[u8; 32]>;

/// The root secret in memory.
pub struct RootSecret {
    versions: BTreeMap<u32, Zeroizing<[u8; 32]>>,
    current: u32,
}

/// Why a root secret could not be read. The text never shows any of it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RootSecretError {
    /// A line is not `VERSION BASE64`.
    #[error("line {0} of the root secret is not a version number and 32 bytes in base64")]
    Line(usize),
    /// No version at all, more than two, or one twice.
    #[error("the root secret must hold one or two versions, each once (found {0})")]
    Count(usize),
}

impl RootSecret {
    /// A new secret of one version, number 1.
    ///
    /// # Errors
    /// When randomness is not to be had.
    pub fn generate(random: &dyn Random) -> Result<Self, RandomError> {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut_slice())?;
        Ok(Self { versions: BTreeMap::from([(1, bytes)]), current: 1 })
    }

    /// The secret that follows this one: its current version, now the older, and a new one. An older version that was there
    /// is left out, so whatever was made with it must have been moved or ended before.
    ///
    /// # Errors
    /// When randomness is not to be had.
    pub fn next(&self, random: &dyn Random) -> Result<Self, RandomError> {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut_slice())?;
        let current = self.current.saturating_add(1);
        let kept = self.versions.get(&self.current).map(|kept| (self.current, kept.clone()));
        let versions = kept.into_iter().chain([(current, bytes)]).collect();
        Ok(Self { versions, current })
    }

    /// The version before the current one, if it is still there.
    #[must_use]
    pub fn older(&self) -> Option<u32> {
        self.versions().find(|version| *version != self.current)
    }

    /// Reads the file's text: a line `VERSION BASE64` for each version; empty lines and `#` comments are skipped.
    ///
    /// # Errors
    /// See [`RootSecretError`].
    pub fn parse(text: &str) -> Result<Self, RootSecretError> {
        // Some editors begin a file with a byte order mark.
        let text = text.trim_start_matches('\u{feff}');
        let mut versions = BTreeMap::new();
        let mut seen = 0;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // Absent: one word alone, so the file is refused with the number of this line.
            let (version, encoded) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let parsed = Self::parse_line(version, encoded.trim());
            let (version, bytes) = parsed.ok_or(RootSecretError::Line(index + 1))?;
            versions.insert(version, bytes);
            seen += 1;
        }
        match versions.keys().next_back().copied() {
            Some(current) if seen <= 2 && versions.len() == seen => Ok(Self { versions, current }),
            // Absent: none, more than two, or one version twice.
            _ => Err(RootSecretError::Count(seen)),
        }
    }

    fn parse_line(version: &str, encoded: &str) -> Option<(u32, Zeroizing<[u8; 32]>)> {
        // Absent: no Base64, so the file is refused with the number of this line.
        let decoded = Zeroizing::new(STANDARD_NO_PAD.decode(encoded.trim_end_matches('=')).ok()?);
        // Absent: not 32 bytes, likewise.
        let bytes: [u8; 32] = decoded.as_slice().try_into().ok()?;
        // Absent: no number, or 0, likewise.
        Some((version.parse().ok().filter(|v| *v > 0)?, Zeroizing::new(bytes)))
    }

    /// The text of the secret's file.
    #[must_use]
    pub fn to_file_text(&self) -> Zeroizing<String> {
        let mut text = String::from(
            "# Keyward's root secret. Whoever has it and the database can forge credentials.\n\
             # Keep it out of backups of the database, and readable by the server's user alone.\n",
        );
        for (version, bytes) in &self.versions {
            text.push_str(&format!("{version} {}\n", STANDARD_NO_PAD.encode(bytes.as_slice())));
        }
        Zeroizing::new(text)
    }

    /// The version that new digests and signatures are made with: the highest.
    #[must_use]
    pub fn current(&self) -> u32 {
        self.current
    }

    /// Every version, oldest first.
    pub fn versions(&self) -> impl Iterator<Item = u32> + '_ {
        self.versions.keys().copied()
    }

    /// The key for a purpose under a version; `None` when there is no such version.
    #[must_use]
    pub fn derive(&self, version: u32, purpose: Purpose) -> Option<Derived> {
        let root = self.versions.get(&version)?;
        let mut key = Zeroizing::new([0; 32]);
        // Absent: never, 32 bytes are far below HKDF's limit of 255 hash lengths.
        Hkdf::<Sha256>::new(None, root.as_slice()).expand(purpose.label(), key.as_mut_slice()).ok()?;
        Some(key)
    }

    /// The check values that a store keeps to recognise its secret: (version, hexadecimal).
    #[must_use]
    pub fn check_values(&self) -> Vec<(u32, String)> {
        self.versions()
            .filter_map(|version| {
                let key = self.derive(version, Purpose::Check)?;
                Some((version, key.iter().map(|byte| format!("{byte:02x}")).collect()))
            })
            .collect()
    }
}

impl fmt::Debug for RootSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootSecret {{ versions: {:?}, [redacted] }}", self.versions.keys())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    #[test]
    fn the_file_round_trips() {
        let secret = RootSecret::parse(LINE).unwrap();
        let again = RootSecret::parse(&secret.to_file_text()).unwrap();
        assert_eq!(secret.check_values(), again.check_values());
    }

    #[test]
    fn derived_keys_are_pinned_and_differ_by_purpose_and_version() {
        let secret = RootSecret::parse(&format!("{LINE}\n2 {}", &LINE[2..])).unwrap();
        let pepper = secret.derive(1, Purpose::ApiKeyPepper).unwrap();
        assert_ne!(pepper, secret.derive(1, Purpose::Cursor).unwrap());
        assert_ne!(pepper, secret.derive(1, Purpose::Check).unwrap());
        // Equal bytes under two numbers derive equally: the version names the bytes, it is not mixed in.
        assert_eq!(pepper, secret.derive(2, Purpose::ApiKeyPepper).unwrap());
        assert!(secret.derive(3, Purpose::ApiKeyPepper).is_none());
        assert_eq!(secret.current(), 2);
    }

    #[test]
    fn the_next_secret_keeps_the_current_version_and_drops_the_older() {
        #[derive(Debug)]
        struct Ones;
        impl Random for Ones {
            fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
                buffer.fill(1);
                Ok(())
            }
        }
        let first = RootSecret::parse(LINE).unwrap();
        let second = first.next(&Ones).unwrap();
        assert_eq!((second.current(), second.older()), (2, Some(1)));
        assert_eq!(second.check_values()[0], first.check_values()[0]);
        let third = second.next(&Ones).unwrap();
        assert_eq!((third.current(), third.older()), (3, Some(2)));
        assert_eq!(third.check_values()[0], second.check_values()[1]);
        assert_eq!(first.older(), None);
    }

    #[test]
    fn a_bad_file_is_refused_without_showing_it() {
        for (text, error) in [
            ("", RootSecretError::Count(0)),
            ("1 short", RootSecretError::Line(1)),
            ("# x\n0 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", RootSecretError::Line(2)),
            (&format!("{LINE}\n{LINE}"), RootSecretError::Count(2)),
            (&format!("{LINE}\n2 {}\n3 {}", &LINE[2..], &LINE[2..]), RootSecretError::Count(3)),
        ] {
            assert_eq!(RootSecret::parse(text).unwrap_err(), error, "{text}");
        }
        assert!(!format!("{:?}", RootSecret::parse(LINE).unwrap()).contains("AAEC"));
    }
}
