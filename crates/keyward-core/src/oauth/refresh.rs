//! Refresh tokens. None is ever stored: each follows from the root secret, its grant and its number, so a client that lost an
//! answer, or asks twice at once, is told the same successor again.

use super::grant::GrantId;
use crate::root_secret::{Purpose, RootSecret};
use crate::secret::Secret;
use crate::swap::Swap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;

const PREFIX: &str = "kw_refresh_";

/// A refresh token as it was presented. Nothing of it is believed before [`RefreshTokens::is_own`].
#[derive(Clone, PartialEq, Eq)]
pub struct Presented {
    /// The grant that it names.
    pub grant: GrantId,
    /// Its number.
    pub number: u32,
    /// The version of the root secret that it names.
    pub version: u32,
    tag: Vec<u8>,
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presented {{ grant: {:?}, number: {}, [redacted] }}", self.grant, self.number)
    }
}

impl Presented {
    /// Reads one.
    #[must_use]
    pub fn read(token: &str) -> Option<Self> {
        let mut parts = token.strip_prefix(PREFIX)?.split('.');
        let number =
            // Absent: no number, so no refresh token.
            |text: &str| text.parse::<u32>().ok().filter(|number| number.to_string() == text && *number > 0);
        let read = Self {
            grant: GrantId(crate::id::parse(parts.next()?)?),
            number: number(parts.next()?)?,
            version: number(parts.next()?)?,
            // Absent: no refresh token.
            tag: URL_SAFE_NO_PAD.decode(parts.next()?).ok()?,
        };
        parts.next().is_none().then_some(read)
    }
}

/// Makes and knows refresh tokens. Clones share the keys.
#[derive(Clone)]
pub struct RefreshTokens(Swap<Vec<(u32, Hmac<Sha256>)>>);

impl fmt::Debug for RefreshTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshTokens([redacted])")
    }
}

impl RefreshTokens {
    /// With the keys of every version of the root secret.
    #[must_use]
    pub fn new(root: &RootSecret) -> Self {
        Self(Swap::new(keys(root)))
    }

    /// Takes up the keys of another root secret, for all clones.
    pub fn take_up(&self, root: &RootSecret) {
        self.0.replace(keys(root));
    }

    /// The version that new tokens are derived from.
    #[must_use]
    pub fn current(&self) -> Option<u32> {
        self.0.glance(|keys| keys.last().map(|(version, _)| *version))
    }

    fn mac(&self, (grant, nonce): (GrantId, &[u8; 16]), number: u32, version: u32) -> Option<Hmac<Sha256>> {
        let keys = self.0.get();
        let (_, key) = keys.iter().find(|(own, _)| *own == version)?;
        let of_number = key.clone().chain_update(nonce).chain_update(grant.0.to_be_bytes());
        Some(of_number.chain_update(number.to_be_bytes()))
    }

    /// The token of that number. `None`: that version of the root secret is no more.
    #[must_use]
    pub fn token(&self, of: (GrantId, &[u8; 16]), number: u32, version: u32) -> Option<Secret> {
        let tag = self.mac(of, number, version)?.finalize().into_bytes();
        let tag = URL_SAFE_NO_PAD.encode(tag);
        Some(Secret::new(format!("{PREFIX}{}.{number}.{version}.{tag}", of.0.0)))
    }

    /// Whether it was made here, for the grant that has this nonce. Compared in constant time.
    #[must_use]
    pub fn is_own(&self, presented: &Presented, nonce: &[u8; 16]) -> bool {
        let mac = self.mac((presented.grant, nonce), presented.number, presented.version);
        mac.is_some_and(|mac| mac.verify_slice(&presented.tag).is_ok())
    }
}

fn keys(root: &RootSecret) -> Vec<(u32, Hmac<Sha256>)> {
    let key = |version| {
        let derived = root.derive(version, Purpose::RefreshToken)?;
        // Absent: without its key a refresh token is unknown.
        Some((version, Hmac::new_from_slice(derived.as_slice()).ok()?))
    };
    root.versions().filter_map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;

    #[test]
    fn a_token_is_the_same_each_time_and_belongs_to_one_grant_and_number() {
        let tokens = RefreshTokens::new(&RootSecret::generate(&OsRandom).unwrap());
        let other = RefreshTokens::new(&RootSecret::generate(&OsRandom).unwrap());
        let (grant, nonce) = (GrantId(7), [1; 16]);
        let token = tokens.token((grant, &nonce), 3, 1).unwrap();
        assert_eq!(tokens.token((grant, &nonce), 3, 1), Some(token.clone()));
        let presented = Presented::read(token.expose()).unwrap();
        assert!(tokens.is_own(&presented, &nonce));
        assert!(!tokens.is_own(&presented, &[2; 16]) && !other.is_own(&presented, &nonce));
        for (from, to) in [("_7.", "_8."), (".3.", ".4."), (".1.", ".2."), (".3.", ".03."), ("kw_", "KW_")] {
            let edited = token.expose().replacen(from, to, 1);
            let known = Presented::read(&edited).is_some_and(|read| tokens.is_own(&read, &nonce));
            assert!(!known, "{from} {to}");
        }
        assert!(tokens.token((grant, &nonce), 3, 2).is_none());
        assert!(!format!("{presented:?}{tokens:?}").contains(token.expose()));
    }
}
