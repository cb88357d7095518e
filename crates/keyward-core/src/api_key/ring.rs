//! Making secrets and admitting their bearers.

use super::{Digest, KeyFormat, Move, Pepper};
use crate::address::ClientAddress;
use crate::clock::Timestamp;
use crate::denial::Denial;
use crate::live::Live;
use crate::principal::{Caller, Recognised};
use crate::random::{Random, RandomError};
use crate::root_secret::RootSecret;
use crate::secret::Secret;
use crate::swap::Swap;

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

/// A bearer who was admitted.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// Who it is.
    pub caller: Caller,
    /// What is to become of the secret's digest, if it is of the older version.
    pub to_move: Option<Move>,
}

/// The form of the keys and the peppers of their digests. Clones share the peppers.
#[derive(Clone, Debug)]
pub struct KeyRing {
    format: KeyFormat,
    peppers: Swap<Peppers>,
}

#[derive(Debug)]
struct Peppers {
    older: Option<Pepper>,
    current: Pepper,
}

impl Peppers {
    fn of(root: &RootSecret) -> Option<Self> {
        let mut peppers = Pepper::all(root);
        let current = peppers.pop()?;
        Some(Self { older: peppers.pop(), current })
    }
}

impl KeyRing {
    /// With the peppers of this root secret; `None` if it has no version.
    #[must_use]
    pub fn new(format: KeyFormat, root: &RootSecret) -> Option<Self> {
        Some(Self { format, peppers: Swap::new(Peppers::of(root)?) })
    }

    /// Takes up the peppers of another root secret, for this ring and all its clones.
    pub fn take_up(&self, root: &RootSecret) {
        if let Some(peppers) = Peppers::of(root) {
            self.peppers.replace(peppers);
        }
    }

    /// The version of the root secret that new digests are made with.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.peppers.get().current.version()
    }

    /// The form of its keys.
    #[must_use]
    pub fn format(&self) -> &KeyFormat {
        &self.format
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
        let (secret, peppers) = (self.format.generate(random)?, self.peppers.get());
        Ok(NewSecret {
            prefix: self.format.shown(&secret),
            digest: peppers.current.digest(secret.expose()),
            pepper_version: peppers.current.version(),
            secret,
        })
    }

    /// Admits the bearer of a key, or says why not. Shape and checksum first: garbage costs no digest.
    ///
    /// # Errors
    /// [`Denial::KeyMalformed`], or what [`Live::admit`] says.
    pub fn admit(
        &self,
        token: &str,
        from: ClientAddress,
        live: &Live,
        now: Timestamp,
    ) -> Result<Admitted, Denial> {
        self.admitted(token, |digest| live.admit(digest, from, now))
    }

    /// As [`KeyRing::admit`], for a key that is to end itself.
    ///
    /// # Errors
    /// [`Denial::KeyMalformed`], or what [`Live::admit_to_end`] says.
    pub fn admit_to_end(
        &self,
        token: &str,
        from: ClientAddress,
        live: &Live,
        now: Timestamp,
    ) -> Result<Admitted, Denial> {
        self.admitted(token, |digest| live.admit_to_end(digest, from, now))
    }

    fn admitted(
        &self,
        token: &str,
        admit: impl Fn(&Digest) -> Result<Caller, Denial>,
    ) -> Result<Admitted, Denial> {
        if !self.format.is_well_formed(token) {
            return Err(Denial::KeyMalformed);
        }
        let peppers = self.peppers.get();
        let to = peppers.current.digest(token);
        match (admit(&to), &peppers.older) {
            (Err(Denial::KeyUnknown), Some(older)) => {
                let by_older = older.digest(token);
                let caller = admit(&by_older)?;
                let to_move = Move { from: by_older, to, version: peppers.current.version() };
                Ok(Admitted { caller, to_move: Some(to_move) })
            }
            (found, _) => found.map(|caller| Admitted { caller, to_move: None }),
        }
    }

    /// Whose key this is, if it is one that is known, whether or not it is admitted.
    #[must_use]
    pub fn recognise(&self, token: &str, live: &Live) -> Option<Recognised> {
        let peppers = self.peppers.get();
        [Some(&peppers.current), peppers.older.as_ref()]
            .into_iter()
            .flatten()
            .find_map(|pepper| live.recognise(&pepper.digest(token)))
    }

    /// The digests that a secret may be kept under: to find the key of one whose text leaked.
    ///
    /// # Errors
    /// [`Denial::KeyMalformed`].
    pub fn digests(&self, token: &str) -> Result<Vec<Digest>, Denial> {
        if !self.format.is_well_formed(token) {
            return Err(Denial::KeyMalformed);
        }
        let peppers = self.peppers.get();
        let all = [Some(&peppers.current), peppers.older.as_ref()];
        Ok(all.into_iter().flatten().map(|pepper| pepper.digest(token)).collect())
    }

    /// As [`KeyRing::admit`], at the same cost whatever is wrong: for the public endpoint that would otherwise
    /// tell by its speed how far a guess came.
    ///
    /// # Errors
    /// As [`KeyRing::admit`].
    pub fn admit_evenly(
        &self,
        token: &str,
        from: ClientAddress,
        live: &Live,
        now: Timestamp,
    ) -> Result<Caller, Denial> {
        let well_formed = self.format.is_well_formed(token);
        // A long text would cost a long digest: what no key can be is cut to a key's length.
        // Absent: a cut within a character is the digest of nothing, which no key has.
        let bounded = token.get(..token.len().min(96)).unwrap_or_default();
        let peppers = self.peppers.get();
        let by_current = live.admit(&peppers.current.digest(bounded), from, now);
        let by_older = peppers.older.as_ref().map(|older| live.admit(&older.digest(bounded), from, now));
        match (well_formed, by_current, by_older) {
            (false, ..) => Err(Denial::KeyMalformed),
            (true, Err(Denial::KeyUnknown), Some(by_older)) => by_older,
            (true, by_current, _) => by_current,
        }
    }
}
