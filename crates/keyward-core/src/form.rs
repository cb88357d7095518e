//! Tokens of forms, so that nobody else's page sends one in a person's name: bound to the browser, the session and the form, good
//! for an hour, each with a number that is used once.

use crate::clock::Timestamp;
use crate::random::{Random, RandomError, uuid4};
use crate::root_secret::{Purpose, RootSecret};
use crate::swap::Swap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;
use uuid::Uuid;

/// A form can be sent for so long, in seconds.
pub const FORM_SECONDS: i64 = 3600;

/// Whose a form is, and which.
#[derive(Clone, Copy)]
pub struct FormOf<'f> {
    /// What the browser keeps.
    pub browser: &'f str,
    /// The session, if somebody is signed in; 0: nobody.
    pub session: i64,
    /// Where it is sent.
    pub action: &'f str,
}

impl fmt::Debug for FormOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FormOf {{ action: {}, [redacted] }}", self.action)
    }
}

/// Makes and knows tokens of forms. Clones share the keys.
#[derive(Clone)]
pub struct Forms(Swap<Vec<Hmac<Sha256>>>);

impl fmt::Debug for Forms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forms([redacted])")
    }
}

impl Forms {
    /// With the keys of every version of the root secret.
    #[must_use]
    pub fn new(root: &RootSecret) -> Self {
        Self(Swap::new(keys(root)))
    }

    /// Takes up the keys of another root secret, for all clones.
    pub fn take_up(&self, root: &RootSecret) {
        self.0.replace(keys(root));
    }

    /// A token for a form that is shown now.
    ///
    /// # Errors
    /// When randomness is not to be had.
    pub fn token(&self, of: FormOf<'_>, now: Timestamp, random: &dyn Random) -> Result<String, RandomError> {
        let number = uuid4(random)?;
        let keys = self.0.get();
        let tag = mac(keys.last().ok_or(RandomError)?, of, number, now.unix()).finalize().into_bytes();
        Ok(format!("{}.{}.{}", number.simple(), now.unix(), URL_SAFE_NO_PAD.encode(tag)))
    }

    /// The number of a token that was made for this form, and not too long ago.
    #[must_use]
    pub fn number(&self, token: &str, of: FormOf<'_>, now: Timestamp) -> Option<Uuid> {
        let mut parts = token.split('.');
        // Absent: it is no token of ours, and the form is refused.
        let number = Uuid::try_parse(parts.next()?).ok()?;
        // Absent: the same.
        let shown: i64 = parts.next()?.parse().ok()?;
        // Absent: the same.
        let tag = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        let in_time = shown <= now.unix() && now.unix() < shown.saturating_add(FORM_SECONDS);
        if parts.next().is_some() || !in_time {
            return None;
        }
        let keys = self.0.get();
        let known = keys.iter().any(|key| mac(key, of, number, shown).verify_slice(&tag).is_ok());
        known.then_some(number)
    }
}

fn mac(key: &Hmac<Sha256>, of: FormOf<'_>, number: Uuid, shown: i64) -> Hmac<Sha256> {
    let length = |text: &str| (text.len() as u64).to_be_bytes();
    key.clone()
        .chain_update(length(of.browser))
        .chain_update(of.browser)
        .chain_update(of.session.to_be_bytes())
        .chain_update(length(of.action))
        .chain_update(of.action)
        .chain_update(number.as_bytes())
        .chain_update(shown.to_be_bytes())
}

fn keys(root: &RootSecret) -> Vec<Hmac<Sha256>> {
    // Absent: no key, so what it would have signed is refused.
    let key = |version| Hmac::new_from_slice(root.derive(version, Purpose::Form)?.as_slice()).ok();
    root.versions().filter_map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;

    #[test]
    fn a_token_is_good_for_its_form_its_browser_its_session_and_an_hour() {
        let forms = Forms::new(&RootSecret::generate(&OsRandom).unwrap());
        let now = Timestamp::from_unix(1_000_000);
        let of = FormOf { browser: "b", session: 7, action: "/sign-out" };
        let token = forms.token(of, now, &OsRandom).unwrap();
        assert!(forms.number(&token, of, now).is_some());
        assert!(forms.number(&token, of, now.plus_seconds(FORM_SECONDS - 1)).is_some());
        assert!(forms.number(&token, of, now.plus_seconds(FORM_SECONDS)).is_none());
        assert!(forms.number(&token, of, now.plus_seconds(-1)).is_none());
        for other in
            [FormOf { browser: "c", ..of }, FormOf { session: 8, ..of }, FormOf { action: "/sign-in", ..of }]
        {
            assert!(forms.number(&token, other, now).is_none());
        }
        for index in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[index] ^= 1;
            let edited = String::from_utf8(bytes).unwrap();
            assert!(forms.number(&edited, of, now).is_none(), "{edited}");
        }
        assert!(forms.number("", of, now).is_none());
    }
}
