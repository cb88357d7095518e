//! The record of a write that carried an `Idempotency-Key`: for how long it answers, what it answers, and to which request.
//!
//! A record answers for [`KEPT_SECONDS`] from its completion; then its key may be used for another write. An answer that shows a
//! secret is opened for [`SECRET_SECONDS`], and only until the secret is used.

use super::{Claim, KEPT_SECONDS, SECRET_SECONDS, Sealed};
use crate::clock::Timestamp;
use crate::denial::Denial;
use crate::effect::{Answer, Subject};
use crate::id::KeyId;

/// What is kept of a write and its answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Its name, which the answer is sealed for.
    pub name: Vec<u8>,
    /// The version of the root secret that the name and the seal follow from.
    pub version: u32,
    /// What the request said.
    pub fingerprint: Vec<u8>,
    /// What kind of thing the write was about; `None`: that cannot be read.
    pub subject_kind: Option<String>,
    /// Its id within that kind.
    pub subject: i64,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The answer's body, sealed if there is a salt; `None`: it showed a secret, and is closed.
    pub body: Option<Vec<u8>>,
    /// The salt of an answer that shows a secret.
    pub salt: Option<Vec<u8>>,
    /// The `ETag`.
    pub etag: Option<String>,
    /// The path of what was made.
    pub location: Option<String>,
    /// When the write was done.
    pub completed_at: Timestamp,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record {{ status: {}, completed_at: {}, [redacted] }}", self.status, self.completed_at)
    }
}

impl Record {
    /// Whether it answers requests; else it makes room for another write.
    #[must_use]
    pub fn answers(&self, now: Timestamp) -> bool {
        now < self.completed_at.plus_seconds(KEPT_SECONDS)
    }

    /// That the request of this claim is the one that it is the record of.
    ///
    /// # Errors
    /// [`Denial::IdempotencyKeyReused`]: it is another request with the same key.
    pub fn is_of(&self, claim: &Claim) -> Result<(), Denial> {
        if self.fingerprint == claim.fingerprint().as_bytes() {
            Ok(())
        } else {
            Err(Denial::IdempotencyKeyReused)
        }
    }

    /// Whether the answer shows a secret.
    #[must_use]
    pub fn shows_secret(&self) -> bool {
        self.salt.is_some()
    }

    /// The API key that the write was about, if it was about one. Where the kind cannot be read it may have been: then the answer shows
    /// no secret that this key has used.
    #[must_use]
    pub fn key(&self) -> Option<KeyId> {
        let other = self.subject_kind.as_deref().is_some_and(|kind| kind != Subject::API_KEY);
        (!other).then_some(KeyId(self.subject))
    }

    /// The answer as it was. `used`: the secret that it shows was used since.
    ///
    /// # Errors
    /// [`Denial::SecretAlreadyShown`]: it showed a secret, and cannot be opened any more.
    pub fn answer(self, claim: &Claim, used: bool, now: Timestamp) -> Result<Answer, Denial> {
        let shown = || Denial::SecretAlreadyShown(self.subject);
        let body = match (&self.body, &self.salt) {
            (Some(body), None) => body.clone(),
            (Some(body), Some(salt)) if !used && self.opens(now) => {
                let salt = salt.as_slice().try_into().map_err(|_| shown())?;
                let sealed = Sealed { salt, body: body.clone() };
                let opened =
                    claim.opening(self.version).and_then(|sealing| sealing.open(&self.name, &sealed));
                opened.ok_or_else(shown)?
            }
            // Absent: erased, used, or older than an hour: it is not shown again.
            _ => return Err(shown()),
        };
        Ok(Answer { status: self.status, body, etag: self.etag, location: self.location })
    }

    /// Whether its secret may still be shown.
    fn opens(&self, now: Timestamp) -> bool {
        now < self.completed_at.plus_seconds(SECRET_SECONDS)
    }
}

#[cfg(test)]
mod tests;
