//! What is found in a JWT that was refused, and the setting of its issuer's entry that would take it.
//!
//! It is read again from the token's text, since a refusal comes before or after the claims are judged. Nothing of it is
//! believed: it goes to the operator alone, and each value is cut at a length.

mod kind;
mod link;

use super::algorithm::Algorithm;
use super::compact::Typ;
use super::object::Object;
use super::refused::RefusedToken;
use super::rules::Rules;
use super::token_scopes::{SCOPE_CLAIMS, ScopeClaim};
use crate::denial::Denial;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::borrow::Cow;

/// The longest token that any setting takes, in bytes.
const LONGEST: usize = 128 * 1024;

impl RefusedToken {
    /// Of this token, which `denial` refused; `entries` are the rules of the trusted issuers.
    #[must_use]
    pub fn of<'r>(text: &str, denial: &Denial, entries: impl Iterator<Item = &'r Rules> + Clone) -> Self {
        let read = text.len() <= LONGEST;
        let mut parts = text.split('.').map(|part| if read { decode(part) } else { Vec::new() });
        // Absent: empty, which is no object.
        let (header, payload) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let found = Finding { length: text.len(), header: object(&header), payload: object(&payload) };
        let rules = entries.clone().find(|rules| found.claim("iss").is_some_and(|iss| *iss == rules.issuer));
        let advice = match (denial, rules) {
            (Denial::TokenIssuer, _) => found.of_issuer(entries),
            // Nothing is set for our own issuer.
            (_, Some(rules)) if !rules.own => found.advice(denial, rules),
            (_, Some(_) | None) => None,
        };
        let kept = |text: Option<Cow<'_, str>>| text.map(|text| Self::value(&text));
        Self {
            iss: kept(found.claim("iss")),
            aud: Self::audiences(found.audiences().iter().map(AsRef::as_ref)),
            sub: kept(found.claim("sub")),
            typ: kept(found.head("typ")),
            alg: kept(found.head("alg")),
            advice,
        }
    }
}

fn decode(part: &str) -> Vec<u8> {
    // Absent: empty, which is no object.
    URL_SAFE_NO_PAD.decode(part).unwrap_or_default()
}

fn object(text: &[u8]) -> Option<Object<'_>> {
    // Absent: nothing of it is shown.
    Object::parse(text).ok()
}

/// A token as far as it can be read.
struct Finding<'t> {
    length: usize,
    header: Option<Object<'t>>,
    payload: Option<Object<'t>>,
}

impl<'t> Finding<'t> {
    fn head(&self, name: &str) -> Option<Cow<'t, str>> {
        // Absent: of another type it is not shown.
        self.header.as_ref()?.text(name).ok().flatten()
    }

    fn claim(&self, name: &str) -> Option<Cow<'t, str>> {
        // Absent: of another type it is not shown, and finds no entry.
        self.payload.as_ref()?.text(name).ok().flatten()
    }

    fn seconds(&self, name: &str) -> Option<u64> {
        // Absent: of another type it is not shown.
        self.payload.as_ref()?.seconds(name).ok().flatten()
    }

    fn has(&self, name: &str) -> bool {
        self.payload.as_ref().is_some_and(|payload| payload.has(name))
    }

    fn audiences(&self) -> Vec<Cow<'t, str>> {
        // Absent: of another type it names none.
        self.payload
            .as_ref()
            .and_then(|payload| payload.text_or_texts("aud").ok().flatten())
            .unwrap_or_default()
    }

    fn of_issuer<'r>(&self, mut entries: impl Iterator<Item = &'r Rules>) -> Option<String> {
        let iss = RefusedToken::value(&self.claim("iss")?);
        let bare = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
        Some(match entries.find(|rules| !rules.own && bare(&rules.issuer) == bare(&iss)) {
            Some(rules) => {
                format!("The entry says issuer = {:?}: set it to {iss:?}, to the letter.", rules.issuer)
            }
            None => format!("No [[issuers]] entry has issuer = {iss:?}."),
        })
    }

    fn advice(&self, denial: &Denial, rules: &Rules) -> Option<String> {
        let advice = match denial {
            Denial::TokenAlgorithm => Some(self.of_algorithm(rules)),
            Denial::TokenType => Some(self.of_type(rules)),
            Denial::TokenAudience => Some(self.of_audience(rules)),
            Denial::TokenKeyUnknown => Some(self.of_key()),
            Denial::TokenClaims => self.of_claims(rules),
            Denial::TokenExpired | Denial::TokenNotYetValid => {
                Some("Compare the clocks; leeway_seconds allows for a difference.".to_owned())
            }
            Denial::TokenLifetime => self.of_lifetime(),
            Denial::TokenTooLong if self.length <= LONGEST => Some(takes("max_token_bytes", &self.length)),
            Denial::TokenBound => {
                Some("No setting takes a token with cnf: have the issuer issue bearer tokens.".to_owned())
            }
            Denial::TokenUnlinked => Some(self.of_link(rules)),
            // Absent: no setting of the entry has to do with it.
            _ => None,
        };
        match (advice, self.of_scopes(rules)) {
            (Some(advice), Some(scopes)) => Some(format!("{advice} {scopes}")),
            (advice, scopes) => advice.or(scopes),
        }
    }

    fn of_algorithm(&self, rules: &Rules) -> String {
        // Absent: empty, which no setting takes.
        let alg = RefusedToken::value(&self.head("alg").unwrap_or_default());
        let names = rules.algorithms.iter().map(|own| own.name().to_owned());
        match Algorithm::parse(&alg) {
            Some(_) => takes("algorithms", &names.chain([alg]).collect::<Vec<_>>()),
            None => format!("No setting takes alg {alg:?}: have the issuer sign with RS256."),
        }
    }

    fn of_key(&self) -> String {
        // Absent: shown as empty; the token stays refused.
        let alg = RefusedToken::value(&self.head("alg").unwrap_or_default());
        match self.head("kid") {
            Some(kid) => format!(
                "The issuer's key set has no key {:?} for {alg}; keyward doctor shows the set.",
                RefusedToken::value(&kid)
            ),
            None => format!("It names no key, and the issuer's key set has not just one for {alg}."),
        }
    }

    fn of_claims(&self, rules: &Rules) -> Option<String> {
        let verified = rules.email.verified_claim.as_str();
        let flag = |payload: &Object<'_>| payload.flag(verified).is_err();
        if self.seconds("exp").is_none() {
            return Some("exp must be there, as a number of seconds.".to_owned());
        }
        if self.claim("sub").is_none() {
            return Some("sub must be there, as a text.".to_owned());
        }
        let profile = Typ::of(self.head("typ").as_deref()) == Typ::AccessToken;
        if self.seconds("iat").is_none() && (profile || self.seconds("nbf").is_none()) {
            return Some(
                "iat must be there, as a number of seconds: the life of a token is counted from it."
                    .to_owned(),
            );
        }
        if profile && !self.has("client_id") && !self.has("azp") {
            return Some("client_id (or azp) must be there, as at+jwt promises (RFC 9068).".to_owned());
        }
        let payload = self.payload.as_ref()?;
        let is_wrong = |name: &&str| payload.text_or_texts(name).is_err();
        let listed = rules.scope_claims.iter().map(String::as_str);
        if let Some(wrong) = SCOPE_CLAIMS.into_iter().chain(listed).find(is_wrong) {
            return Some(format!("{wrong:?} must be a text or a list of texts, or not be there."));
        }
        flag(payload).then(|| format!("{verified:?} must be true or false, or one of these as a text."))
    }

    fn of_lifetime(&self) -> Option<String> {
        let lives = self.seconds("exp")?.checked_sub(self.seconds("iat")?)?;
        Some(takes("max_lifetime_seconds", &lives))
    }

    /// Scopes of ours in a claim that is not read.
    fn of_scopes(&self, rules: &Rules) -> Option<String> {
        let payload = self.payload.as_ref()?;
        // Absent: a claim of a wrong type has advice of its own, and nothing is decided here.
        let claims = ScopeClaim::all(payload, rules).ok()?;
        let unread = claims.iter().filter(|claim| claim.is_unread(rules));
        let unread: Vec<&str> = unread.map(ScopeClaim::name).collect();
        let all = rules.scope_claims.iter().map(String::as_str).chain(unread.iter().copied());
        (!unread.is_empty()).then(|| {
            format!(
                "Nothing reads its scopes in {}: scope_claims = {:?} does.",
                unread.join(", "),
                all.collect::<Vec<_>>()
            )
        })
    }
}

/// The setting that takes a token.
fn takes(setting: &str, value: &impl std::fmt::Debug) -> String {
    format!("{setting} = {value:?} takes it.")
}

#[cfg(test)]
mod tests;
