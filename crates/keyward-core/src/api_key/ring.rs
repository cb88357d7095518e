//! Making secrets and admitting their bearers.

use super::{Digest, KeyFormat, Pepper};
use crate::clock::Timestamp;
use crate::denial::Denial;
use crate::live::Live;
use crate::principal::Caller;
use crate::random::{Random, RandomError};
use crate::root_secret::RootSecret;
use crate::secret::Secret;
use std::net::IpAddr;

/// A freshly made secret: the text to show once, and what is kept of it.
#[derive(Clone, Debug)]
pub struct NewSecret {
    /// The key itself, to be shown once.
    pub secret: Secret,
    /// What `key_prefix` will show.
    pub prefix: String,
    /// What is kept.
    pub digest: Digest,
    /// The version of the root secret behind the digest.
    pub pepper_version: u32,
}

/// The form of the keys and the peppers of their digests.
#[derive(Clone, Debug)]
pub struct KeyRing {
    format: KeyFormat,
    older: Option<Pepper>,
    current: Pepper,
}

impl KeyRing {
    /// With the peppers of this root secret; `None` if it has no version.
    #[must_use]
    pub fn new(format: KeyFormat, root: &RootSecret) -> Option<Self> {
        let mut peppers = Pepper::all(root);
        let current = peppers.pop()?;
        Some(Self { format, older: peppers.pop(), current })
    }

    /// Whether the token claims to be a key.
    #[must_use]
    pub fn claims(&self, token: &str) -> bool {
        self.format.claims(token)
    }

    /// A new secret.
    ///
    /// # Errors
    /// When randomness is not to be had.
    pub fn mint(&self, random: &dyn Random) -> Result<NewSecret, RandomError> {
        let secret = self.format.generate(random)?;
        Ok(NewSecret {
            prefix: self.format.shown(&secret),
            digest: self.current.digest(secret.expose()),
            pepper_version: self.current.version(),
            secret,
        })
    }

    /// Admits the bearer of a key, or says why not. Shape and checksum first: garbage costs no digest.
    ///
    /// # Errors
    /// [`Denial::KeyMalformed`], or what [`Live::admit`] says.
    pub fn admit(&self, token: &str, from: IpAddr, live: &Live, now: Timestamp) -> Result<Caller, Denial> {
        if !self.format.is_well_formed(token) {
            return Err(Denial::KeyMalformed);
        }
        self.look_up(token, from, live, now)
    }

    /// As [`KeyRing::admit`], at the same cost whatever is wrong: for the public endpoint that would otherwise
    /// tell by its speed how far a guess came.
    ///
    /// # Errors
    /// As [`KeyRing::admit`].
    pub fn admit_evenly(
        &self,
        token: &str,
        from: IpAddr,
        live: &Live,
        now: Timestamp,
    ) -> Result<Caller, Denial> {
        let well_formed = self.format.is_well_formed(token);
        // A long text would cost a long digest: what no key can be is cut to a key's length.
        let bounded = token.get(..token.len().min(96)).unwrap_or_default();
        let by_current = live.admit(&self.current.digest(bounded), from, now);
        let by_older = self.older.as_ref().map(|older| live.admit(&older.digest(bounded), from, now));
        match (well_formed, by_current, by_older) {
            (false, ..) => Err(Denial::KeyMalformed),
            (true, Err(Denial::KeyUnknown), Some(by_older)) => by_older,
            (true, by_current, _) => by_current,
        }
    }

    fn look_up(&self, token: &str, from: IpAddr, live: &Live, now: Timestamp) -> Result<Caller, Denial> {
        let found = live.admit(&self.current.digest(token), from, now);
        match (&found, &self.older) {
            (Err(Denial::KeyUnknown), Some(older)) => live.admit(&older.digest(token), from, now),
            _ => found,
        }
    }
}
