//! The scheme of JWTs: the form claims the token, its `iss` chooses the issuer, and the directory says whose its subject is.
//!
//! 1. A token whose exact bytes were verified before is not verified again. Whether it is good now, whether its key is still
//!    its issuer's and what its user may do are asked each time.
//! 2. A key that the issuer's set does not have may be newer than the set: the set is fetched, once for all tokens that wait,
//!    and not more often than [`IssuerKeys`] allows. A token whose key is known does not wait.
//! 3. Not knowing a key is not knowing that it is wrong: until a fetch that began after the token arrived has ended, and where
//!    it failed, the answer is 503 with a `Retry-After`, and no failed credential. A key that is absent then is 401.
//! 4. Without any keys to believe, no token is taken: 503.

use super::issuer_keys::{IssuerKeys, KeyFetch, KeyQuery};
use super::{Scheme, Verdict};
use keyward_core::BoxFuture;
use keyward_core::address::ClientAddress;
use keyward_core::clock::Clock;
use keyward_core::denial::Denial;
use keyward_core::identity::IssuerAccounts;
use keyward_core::jwt::{self, Fingerprint, Found, Key, Link, Memory, RefusedToken, Rules, Token, Verified};
use keyward_core::live::Directory;
use keyward_core::principal::{Caller, Recognised};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The most tokens that are remembered, a few hundred bytes each.
const REMEMBERED: usize = 50_000;

/// How a subject that is nobody's becomes a user's.
pub trait Links: Send + Sync + fmt::Debug {
    /// Links the token's subject to the user with its verified address. When this is done, the directory knows it.
    fn link<'a>(
        &'a self,
        token: &'a Verified,
        link: Link,
        from: ClientAddress,
    ) -> BoxFuture<'a, Result<(), Denial>>;
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
    /// What each of them speaks for.
    issuers: IssuerAccounts,
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
        let issuers = IssuerAccounts::of(trusted.iter().map(|trusted| &trusted.rules));
        Self { trusted, issuers, memory: Arc::new(Memory::new(REMEMBERED)), directory, links, clock }
    }

    /// How many tokens are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.memory.len()
    }

    fn trusted(&self, issuer: &str) -> Option<&Trusted> {
        self.trusted.iter().find(|trusted| trusted.rules.issuer == issuer)
    }

    /// The token as it was verified, now or before. `from` is the client's address.
    ///
    /// # Errors
    /// Why it is no good.
    pub async fn verify(&self, token: &str, from: ClientAddress) -> Result<Arc<Verified>, Denial> {
        let most = self.longest();
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
        let verified = Arc::new(self.verify_anew(token, most, from).await?);
        self.memory.keep(fingerprint, Arc::clone(&verified));
        Ok(verified)
    }

    /// The token as it was verified, whenever it is good: an ended one too shows what it was issued for, and that can be
    /// ended by it. It opens nothing.
    ///
    /// # Errors
    /// Why it is no good at any time, or [`Denial::IssuerUnavailable`]: that cannot be judged now.
    pub async fn verify_whenever(&self, token: &str, from: ClientAddress) -> Result<Verified, Denial> {
        let token = Token::read(token, self.longest())?;
        let (rules, key) = self.rules_and_key(&token, from).await?;
        // Absent: no `exp` that can be read, so it is refused at any moment.
        rules.claims(&token, &key, token.last_moment().unwrap_or(self.clock.now()))
    }

    /// The longest token of any issuer, in bytes.
    fn longest(&self) -> usize {
        // Absent: without an issuer no token is short enough.
        self.trusted.iter().map(|trusted| trusted.rules.max_bytes).max().unwrap_or(0)
    }

    async fn verify_anew(&self, text: &str, most: usize, from: ClientAddress) -> Result<Verified, Denial> {
        if most == 0 {
            // No issuer at all.
            return Err(Denial::TokenIssuer);
        }
        let token = Token::read(text, most)?;
        let (rules, key) = self.rules_and_key(&token, from).await?;
        let (now, clock) = (self.clock.now(), self.directory.clock());
        // What ends after that cannot be judged while the clock is behind; whoever admits its bearer says so.
        rules.claims(&token, &key, clock.passed(now)).map_err(|denial| clock.or_behind(denial))
    }

    /// What judges a token: the rules of its issuer, and the key that it names.
    async fn rules_and_key(
        &self,
        token: &Token<'_>,
        from: ClientAddress,
    ) -> Result<(&Rules, Arc<Key>), Denial> {
        let Trusted { rules, keys } = self.trusted(token.issuer()).ok_or(Denial::TokenIssuer)?;
        let algorithm = rules.header(token)?;
        let key = key(&**keys, KeyQuery { kid: token.kid(), algorithm, from }).await?;
        Ok((rules, key))
    }

    async fn verdict(&self, token: &str, from: ClientAddress) -> Verdict {
        let verified = match self.verify(token, from).await {
            Ok(verified) => verified,
            Err(denial) => return self.refusal(token, denial, None),
        };
        let now = self.clock.now();
        let admit = || self.directory.read().admit_bearer(&verified, now);
        let mut admitted = admit();
        let may_join = matches!(admitted, Err(Denial::TokenUnlinked)) || self.is_nowhere(&admitted);
        // Asked in memory first: a stranger, and whoever is not invited, costs no write.
        let could =
            |link: &Link| may_join && self.directory.read().could_join(&verified, *link, &self.issuers, now);
        if let Some(link) = self.link_of(&verified).filter(could) {
            match self.links.link(&verified, link, from).await {
                Ok(()) => admitted = admit(),
                // Who is somebody without it is that still.
                Err(_) if admitted.is_ok() => {}
                Err(denial) => return self.refusal(token, denial, None),
            }
        }
        match admitted {
            Ok(caller) => Verdict::Yes(caller),
            Err(denial) => {
                let recognised = self.directory.read().recognise_bearer(&verified);
                self.refusal(token, denial, recognised)
            }
        }
    }

    /// The refusal of a token, with what the operator needs to know of it.
    fn refusal(&self, token: &str, denial: Denial, recognised: Option<Recognised>) -> Verdict {
        let found = RefusedToken::of(token, &denial, self.trusted.iter().map(|trusted| &trusted.rules));
        Verdict::No(denial, recognised, Some(Box::new(found)))
    }

    /// Whether someone was admitted who is in no account that its issuer speaks for: an invitation may be waiting.
    fn is_nowhere(&self, admitted: &Result<Caller, Denial>) -> bool {
        admitted.as_ref().is_ok_and(|caller| {
            self.directory.read().within_reach(&caller.credential, caller.user).next().is_none()
        })
    }

    fn link_of(&self, verified: &Verified) -> Option<Link> {
        verified.email.as_ref()?;
        self.trusted(&verified.issuer).map(|trusted| trusted.rules.link)
    }
}

impl Scheme for Jwts {
    fn judge<'a>(&'a self, token: &'a str, from: ClientAddress) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            if jwt::claims(token) { self.verdict(token, from).await } else { Verdict::NotMine }
        })
    }
}

/// The key that a token needs, waiting for it where it may be newer than what is known.
async fn key(keys: &dyn IssuerKeys, wanted: KeyQuery<'_>) -> Result<Arc<Key>, Denial> {
    let find = || keys.known().map(|keys| keys.find(wanted.kid, wanted.algorithm));
    let mut found = find();
    let mut fetch = KeyFetch::Current;
    if matches!(found, None | Some(Found::None)) {
        fetch = keys.refresh(wanted).await;
        found = find();
    }
    match (found, fetch) {
        (Some(Found::One(key)), _) => Ok(key),
        (Some(Found::Several), _) | (Some(Found::None), KeyFetch::Current) => Err(Denial::TokenKeyUnknown),
        (None, KeyFetch::Current) => Err(unavailable(Duration::ZERO)),
        (None | Some(Found::None), KeyFetch::Later(wait) | KeyFetch::Failed(wait)) => Err(unavailable(wait)),
    }
}

/// The refusal of what is not known yet, with its `Retry-After` in whole seconds, rounded up.
fn unavailable(wait: Duration) -> Denial {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    Denial::IssuerUnavailable(seconds.max(1))
}
