//! The scheme of JWTs: the form claims the token, its `iss` chooses the issuer, and the directory says whose its subject is.
//!
//! 1. A token whose exact bytes were verified before is not verified again. Whether it is good now, whether its key is still
//!    its issuer's and what its user may do are asked each time.
//! 2. A key that the issuer's set does not have may be newer than the set: it is fetched, once for all who wait, and not more
//!    often than [`IssuerKeys`] allows. Nobody waits whose key is known.
//! 3. Without any keys to believe, nothing is: 503.

use super::{Scheme, Verdict};
use keyward_core::BoxFuture;
use keyward_core::clock::Clock;
use keyward_core::denial::Denial;
use keyward_core::jwt::{self, Fingerprint, Found, KeySet, Link, Memory, Rules, Token, Verified};
use keyward_core::live::Directory;
use keyward_core::principal::Caller;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// The most tokens that are remembered, a few hundred bytes each.
const REMEMBERED: usize = 50_000;

/// Where an issuer's keys come from.
pub trait IssuerKeys: Send + Sync + fmt::Debug {
    /// The keys that are believed now.
    fn known(&self) -> Option<Arc<KeySet>>;

    /// A token named a key that is not known: fetches the set anew, if it may be fetched now. Ready when [`Self::known`] is as
    /// new as it can be.
    fn refresh(&self) -> BoxFuture<'_, ()>;
}

/// How a subject that is nobody's becomes a user's.
pub trait Links: Send + Sync + fmt::Debug {
    /// Links the token's subject to the user with its verified address. When this is done, the directory knows it.
    fn link<'a>(&'a self, token: &'a Verified, link: Link, from: IpAddr)
    -> BoxFuture<'a, Result<(), Denial>>;
}

/// An issuer that is trusted.
#[derive(Clone, Debug)]
pub struct Trusted {
    /// What its tokens must be.
    pub rules: Rules,
    /// Where its keys come from.
    pub keys: Arc<dyn IssuerKeys>,
}

/// Judges the access tokens of the issuers that are trusted. Clones share what they remember.
#[derive(Clone, Debug)]
pub struct Jwts {
    trusted: Arc<[Trusted]>,
    memory: Arc<Memory>,
    directory: Directory,
    links: Arc<dyn Links>,
    clock: Arc<dyn Clock>,
}

impl Jwts {
    /// Of these issuers, each named once.
    #[must_use]
    pub fn new(
        trusted: Arc<[Trusted]>,
        directory: Directory,
        links: Arc<dyn Links>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { trusted, memory: Arc::new(Memory::new(REMEMBERED)), directory, links, clock }
    }

    /// How many tokens are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.memory.len()
    }

    fn trusted(&self, issuer: &str) -> Option<&Trusted> {
        self.trusted.iter().find(|trusted| trusted.rules.issuer == issuer)
    }

    /// The token as it was verified, now or before.
    ///
    /// # Errors
    /// Why it is no good.
    pub async fn verify(&self, token: &str) -> Result<Arc<Verified>, Denial> {
        let most = self.trusted.iter().map(|trusted| trusted.rules.max_bytes).max().unwrap_or(0);
        if token.len() > most && most > 0 {
            return Err(Denial::TokenTooLong);
        }
        let fingerprint = Fingerprint::of(token);
        if let Some(verified) = self.memory.recall(&fingerprint) {
            let keys = self.trusted(&verified.issuer).and_then(|trusted| trusted.keys.known());
            if keys.is_some_and(|keys| keys.holds(verified.key)) {
                return Ok(verified);
            }
            self.memory.forget(&fingerprint);
        }
        let verified = Arc::new(self.verify_anew(token, most).await?);
        self.memory.keep(fingerprint, Arc::clone(&verified));
        Ok(verified)
    }

    async fn verify_anew(&self, text: &str, most: usize) -> Result<Verified, Denial> {
        if most == 0 {
            // No issuer at all.
            return Err(Denial::TokenIssuer);
        }
        let token = Token::read(text, most)?;
        let Trusted { rules, keys } = self.trusted(token.issuer()).ok_or(Denial::TokenIssuer)?;
        let algorithm = rules.header(&token)?;
        let find = || keys.known().map(|keys| keys.find(token.kid(), algorithm));
        let mut found = find();
        if matches!(found, None | Some(Found::None)) {
            keys.refresh().await;
            found = find();
        }
        match found {
            Some(Found::One(key)) => rules.claims(&token, &key, self.clock.now()),
            Some(Found::None | Found::Several) => Err(Denial::TokenKeyUnknown),
            None => Err(Denial::IssuerUnavailable),
        }
    }

    async fn verdict(&self, token: &str, from: IpAddr) -> Verdict {
        let verified = match self.verify(token).await {
            Ok(verified) => verified,
            Err(denial) => return Verdict::No(denial, None),
        };
        let now = self.clock.now();
        let admit = || self.directory.read().admit_bearer(&verified, now);
        let mut admitted = admit();
        let may_join = matches!(admitted, Err(Denial::TokenUnlinked)) || self.is_nowhere(&admitted);
        // Asked in memory first: a stranger, and whoever is not invited, costs no write.
        let could = |link: &Link| may_join && self.directory.read().could_join(&verified, *link, now);
        if let Some(link) = self.link_of(&verified).filter(could) {
            match self.links.link(&verified, link, from).await {
                Ok(()) => admitted = admit(),
                // Who is somebody without it is that still.
                Err(_) if admitted.is_ok() => {}
                Err(denial) => return Verdict::No(denial, None),
            }
        }
        match admitted {
            Ok(caller) => Verdict::Yes(caller),
            Err(denial) => Verdict::No(denial, self.directory.read().recognise_bearer(&verified)),
        }
    }

    /// Whether someone was admitted who is in no account: an invitation may be waiting.
    fn is_nowhere(&self, admitted: &Result<Caller, Denial>) -> bool {
        admitted.as_ref().is_ok_and(|caller| self.directory.read().accounts_of(caller.user).next().is_none())
    }

    fn link_of(&self, verified: &Verified) -> Option<Link> {
        verified.email.as_ref()?;
        self.trusted(&verified.issuer).map(|trusted| trusted.rules.link)
    }
}

impl Scheme for Jwts {
    fn judge<'a>(&'a self, token: &'a str, from: IpAddr) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            if jwt::claims(token) { self.verdict(token, from).await } else { Verdict::NotMine }
        })
    }
}
