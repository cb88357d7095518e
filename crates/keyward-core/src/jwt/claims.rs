//! The claims of a token whose signature is good (RFC 7519 §4.1, RFC 9068 §2.2).

use super::compact::{Token, Typ};
use super::key::{Key, KeyPrint};
use super::object::{Object, Wrong};
use super::required;
use super::rules::Rules;
use super::token_scopes::{SCOPE_CLAIMS, ScopeReport, TokenScopes};
use crate::clock::Timestamp;
use crate::denial::Denial;
use crate::grant::Grant;
use crate::identity;
use crate::oauth::GrantId;
use crate::scope::ScopeSet;
use std::sync::Arc;

/// The last moment that a token can name: the end of the year 9999.
const LAST: u64 = 253_402_300_799;

/// The longest address, in bytes (RFC 5321 §4.5.3.1.3).
const LONGEST_ADDRESS: usize = 254;

/// What ID tokens and logout tokens have, and access tokens have not.
pub(super) const OTHER_MARKS: [&str; 4] = ["nonce", "at_hash", "c_hash", "events"];

/// A token that is what its issuer's rules ask for. Only [`Rules::claims`] makes one.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Its `iss`.
    pub issuer: Arc<str>,
    /// Its `sub`.
    pub subject: Arc<str>,
    /// The client that it was issued to: `client_id`, else `azp`.
    pub client: Option<Arc<str>>,
    /// Its `exp`.
    pub expires_at: Timestamp,
    /// From when on it is good, leeway included.
    from: Timestamp,
    /// From when on it is no longer good, leeway included.
    until: Timestamp,
    /// What its scopes leave of its user's rights.
    pub grant: Grant,
    /// Our scopes that stand in it literally.
    pub literal: ScopeSet,
    /// Why it may do less than its user; `None`: it may do what its user may.
    pub scope_report: Option<Box<ScopeReport>>,
    /// The slugs of the accounts that its issuer speaks for; none: all.
    pub accounts: Arc<[String]>,
    /// The address that its issuer has verified, in lower case.
    pub email: Option<Arc<str>>,
    /// The grant that it was issued for: of our own issuer alone.
    pub grant_id: Option<GrantId>,
    /// The key that signed it.
    pub key: KeyPrint,
}

impl Verified {
    /// Whether it is good at this moment.
    ///
    /// # Errors
    /// [`Denial::TokenExpired`], [`Denial::TokenNotYetValid`].
    pub fn good_at(&self, now: Timestamp) -> Result<(), Denial> {
        if now >= self.until {
            return Err(Denial::TokenExpired);
        }
        if now < self.from {
            return Err(Denial::TokenNotYetValid);
        }
        Ok(())
    }

    /// Whether its issuer speaks for the account of this slug.
    #[must_use]
    pub fn reaches(&self, slug: &str) -> bool {
        self.accounts.is_empty() || self.accounts.iter().any(|own| own == slug)
    }
}

impl Rules {
    /// Checks the signature, and then judges the claims.
    ///
    /// # Errors
    /// [`Denial::TokenSignature`], [`Denial::TokenClaims`], [`Denial::TokenIssuer`], [`Denial::TokenAudience`],
    /// [`Denial::TokenExpired`], [`Denial::TokenNotYetValid`], [`Denial::TokenLifetime`], [`Denial::TokenType`],
    /// [`Denial::TokenBound`], [`Denial::TokenScopesUnread`].
    pub fn claims(&self, token: &Token<'_>, key: &Key, now: Timestamp) -> Result<Verified, Denial> {
        if token.algorithm != Some(key.algorithm()) || !key.verifies(token.signed, &token.signature) {
            return Err(Denial::TokenSignature);
        }
        let object = Object::parse(&token.payload).map_err(|_| Denial::TokenMalformed)?;
        let claims = Claims(&object);
        if claims.name("iss", identity::MOST)?.as_deref() != Some(&self.issuer) {
            return Err(Denial::TokenIssuer);
        }
        self.audience(token.typ, &object)?;
        self.payload_typ(&object)?;
        let times = claims.times(self, token.typ)?;
        let subject = claims.name("sub", identity::MOST)?.ok_or(Denial::TokenClaims)?;
        let authorized = claims.name("azp", identity::MOST)?;
        let client = required::client(token.typ, claims.name("client_id", identity::MOST)?, authorized)?;
        claims.name("jti", usize::MAX)?;
        if object.has("cnf") {
            return Err(Denial::TokenBound);
        }
        let scopes = TokenScopes::read(&object, self)?;
        if token.typ != Typ::AccessToken {
            self.looks_like_access_token(&object)?;
        }
        let verified = Verified {
            issuer: self.issuer.as_str().into(),
            subject: subject.into(),
            client: client.map(Into::into),
            expires_at: times.expires_at,
            from: times.from,
            until: times.until,
            grant: scopes.grant,
            literal: scopes.literal,
            scope_report: scopes.report.map(Box::new),
            accounts: Arc::clone(&self.accounts),
            email: claims.email(self)?,
            grant_id: claims.grant(self)?,
            key: key.print(),
        };
        verified.good_at(now)?;
        Ok(verified)
    }

    fn payload_typ(&self, object: &Object<'_>) -> Result<(), Denial> {
        let Some(wanted) = self.payload_typ else { return Ok(()) };
        match object.text("typ").map_err(|Wrong| Denial::TokenClaims)? {
            Some(typ) if typ == wanted => Ok(()),
            Some(_) | None => Err(Denial::TokenType),
        }
    }

    /// A token that does not say by its `typ` that it is an access token must show it, and must not look like an ID token or a
    /// logout token (RFC 8725 §3.11 and §3.12).
    fn looks_like_access_token(&self, object: &Object<'_>) -> Result<(), Denial> {
        let marks = ["scope", "scp", "azp", "client_id"].into_iter();
        // Those that the entry chose itself: an ID token may have any claim, also one of the usual names.
        let chosen = self.scope_claims.iter().filter(|_| self.scope_claims != SCOPE_CLAIMS);
        let marked = marks.chain(chosen.map(String::as_str)).any(|name| object.has(name));
        let other = OTHER_MARKS.iter().any(|name| object.has(name) && !self.excuses(name));
        // Cognito's word for it.
        let token_use = object.text("token_use").map_err(|Wrong| Denial::TokenClaims)?;
        // Absent: the issuer does not have this word.
        let is_used = token_use.is_none_or(|token_use| token_use == "access");
        if marked && !other && is_used { Ok(()) } else { Err(Denial::TokenType) }
    }

    /// Whether this mark of an ID token says nothing, since the issuer's own mark has said that it is none.
    pub(super) fn excuses(&self, mark: &str) -> bool {
        mark == "nonce" && self.payload_typ.is_some()
    }
}

struct Times {
    expires_at: Timestamp,
    from: Timestamp,
    until: Timestamp,
}

/// Reads claims: absent is absent, and a wrong type is [`Denial::TokenClaims`].
struct Claims<'o, 't>(&'o Object<'t>);

impl Claims<'_, '_> {
    /// A text that names something: not empty, not longer than that, no control characters.
    fn name(&self, claim: &str, most: usize) -> Result<Option<String>, Denial> {
        let text = self.0.text(claim).map_err(|Wrong| Denial::TokenClaims)?;
        let plain =
            |text: &str| !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control);
        match text {
            Some(text) if !plain(&text) => Err(Denial::TokenClaims),
            text => Ok(text.map(|text| text.into_owned())),
        }
    }

    fn moment(&self, claim: &str) -> Result<Option<i64>, Denial> {
        let seconds = self.0.seconds(claim).map_err(|Wrong| Denial::TokenClaims)?;
        let moment = seconds.map(|seconds| {
            let held = Some(seconds).filter(|seconds| *seconds <= LAST);
            // Absent: beyond the last second, and refused.
            held.and_then(|seconds| i64::try_from(seconds).ok()).ok_or(Denial::TokenClaims)
        });
        moment.transpose()
    }

    fn times(&self, rules: &Rules, typ: Typ) -> Result<Times, Denial> {
        let end = self.moment("exp")?.ok_or(Denial::TokenClaims)?;
        let (not_before, issued) = (self.moment("nbf")?, self.moment("iat")?);
        let begin = not_before.max(issued);
        if begin.is_some_and(|begin| begin >= end) {
            return Err(Denial::TokenClaims);
        }
        if end - required::begun(typ, issued, not_before)? > rules.max_lifetime {
            return Err(Denial::TokenLifetime);
        }
        Ok(Times {
            expires_at: Timestamp::from_unix(end),
            // Absent: a token that may do without both holds from the beginning, and its lifetime was judged above.
            from: Timestamp::from_unix(begin.unwrap_or(0) - rules.leeway),
            until: Timestamp::from_unix(end + rules.leeway),
        })
    }

    /// The grant, which every token of our own names.
    fn grant(&self, rules: &Rules) -> Result<Option<GrantId>, Denial> {
        if !rules.own {
            return Ok(None);
        }
        let id = self.0.whole("grant_id").map_err(|Wrong| Denial::TokenClaims)?;
        // Absent: no grant's id, and a token of our own without one is refused.
        let id = id.and_then(|id| i64::try_from(id).ok()).filter(|id| *id > 0);
        id.map(|id| Some(GrantId(id))).ok_or(Denial::TokenClaims)
    }

    /// The address, if the issuer says that it has verified it.
    fn email(&self, rules: &Rules) -> Result<Option<Arc<str>>, Denial> {
        let wrong = |Wrong| Denial::TokenClaims;
        let address = self.0.text(&rules.email.claim).map_err(wrong)?;
        let verified = self.0.flag(&rules.email.verified_claim).map_err(wrong)?;
        Ok(match (address, verified) {
            // Case is folded as in the addresses that are kept. To fold more would make one address of two.
            (Some(address), Some(true)) if address.is_ascii() && address.len() <= LONGEST_ADDRESS => {
                Some(address.to_ascii_lowercase().into())
            }
            // Absent: no address that the issuer vouches for, so nobody is linked by it.
            _ => None,
        })
    }
}
