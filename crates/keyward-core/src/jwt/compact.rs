//! The compact form of a JWS (RFC 7515 §7.1), taken apart before its signature is checked.

use super::algorithm::Algorithm;
use super::object::{Object, Wrong};
use crate::clock::Timestamp;
use crate::denial::Denial;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;

/// The longest header that is read, in bytes: some issuers put a certificate into it.
const HEADER: usize = 3 * 1024;
/// The longest `kid`, in bytes.
const KID: usize = 512;

/// Whether a bearer token claims to be a JWT: three parts of base64url, two dots.
#[must_use]
pub fn claims(token: &str) -> bool {
    let mut dots = 0;
    token.bytes().all(|byte| match byte {
        b'.' => {
            dots += 1;
            dots <= 2
        }
        byte => byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_',
    }) && dots == 2
}

/// What a token says it is (RFC 7515 §4.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typ {
    /// `at+jwt`: an access token (RFC 9068 §2.1).
    AccessToken,
    /// `JWT`: any kind.
    Jwt,
    /// Nothing was said.
    Absent,
    /// Something else.
    Other,
}

impl Typ {
    /// The names of the kinds that may be taken.
    pub const NAMES: &'static [&'static str] = &["at+jwt", "JWT", "absent"];

    /// The name, as a configuration says it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "at+jwt",
            Self::Jwt => "JWT",
            Self::Absent => "absent",
            Self::Other => "other",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::AccessToken, Self::Jwt, Self::Absent].into_iter().find(|typ| typ.name() == name)
    }

    pub(super) fn of(typ: Option<&str>) -> Self {
        let is = |name: &str| {
            typ.is_some_and(|typ| {
                let prefix = "application/";
                let plain = match typ.split_at_checked(prefix.len()) {
                    Some((start, rest)) if start.eq_ignore_ascii_case(prefix) => rest,
                    // Absent: without the prefix, as RFC 7515 §4.1.9 has it.
                    _ => typ,
                };
                plain.eq_ignore_ascii_case(name)
            })
        };
        match typ {
            None => Self::Absent,
            Some(_) if is("at+jwt") => Self::AccessToken,
            Some(_) if is("jwt") => Self::Jwt,
            Some(_) => Self::Other,
        }
    }
}

/// A token in its parts. Nothing of it is believed yet.
pub struct Token<'t> {
    /// What is signed: header and payload as they were sent.
    pub(super) signed: &'t [u8],
    pub(super) signature: Vec<u8>,
    pub(super) payload: Vec<u8>,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) typ: Typ,
    kid: Option<String>,
    issuer: String,
    length: usize,
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token {{ algorithm: {:?}, typ: {:?} }}", self.algorithm, self.typ)
    }
}

impl<'t> Token<'t> {
    /// Takes a token of at most so many bytes apart.
    ///
    /// 1. Three parts of base64url without padding, each in its one canonical spelling (RFC 7515 §2).
    /// 2. Header and payload are JSON objects, no member twice.
    /// 3. A header that asks for anything beyond a plain signature is refused: `crit` (no extension is understood,
    ///    RFC 7515 §4.1.11), `b64` (RFC 7797), `zip` and `enc` (an encrypted token), `cty` that says `JWT` (a token in a token).
    /// 4. `jku`, `jwk`, `x5u`, `x5c` are never looked at: keys come from the issuer alone (RFC 8725 §3.10).
    ///
    /// # Errors
    /// [`Denial::TokenTooLong`], [`Denial::TokenMalformed`], [`Denial::TokenExtension`].
    pub fn read(token: &'t str, most: usize) -> Result<Self, Denial> {
        if token.len() > most {
            return Err(Denial::TokenTooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Denial::TokenMalformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Denial::TokenMalformed)?;
        if header.len() > HEADER.div_ceil(3) * 4 || payload.contains('.') {
            return Err(Denial::TokenMalformed);
        }
        let header = decode(header)?;
        let header = Header::read(&header)?;
        let payload = decode(payload)?;
        let issuer = Object::parse(&payload).and_then(|claims| claims.text("iss")?.ok_or(Wrong));
        let issuer = issuer.map_err(|Wrong| Denial::TokenMalformed)?.into_owned();
        Ok(Self {
            signed: signed.as_bytes(),
            signature: decode(signature)?,
            payload,
            algorithm: header.algorithm,
            typ: header.typ,
            kid: header.kid,
            issuer,
            length: token.len(),
        })
    }

    /// The `iss` that it names. It only chooses the rules by which the token is judged.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The key that it says it was signed with.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The last second before its `exp`, by its own word: the moment at which it is judged where only its end would refuse it.
    #[must_use]
    pub fn last_moment(&self) -> Option<Timestamp> {
        // Absent: no end that can be read, so its claims are refused at every moment.
        let end = i64::try_from(Object::parse(&self.payload).ok()?.seconds("exp").ok()??).ok()?;
        Some(Timestamp::from_unix(end.saturating_sub(1)))
    }

    /// Its `scope`, by its own word (RFC 9068 §2.2.3).
    #[must_use]
    pub fn scope(&self) -> Option<String> {
        // Absent: what is no text grants nothing.
        Object::parse(&self.payload).ok()?.text("scope").ok()?.map(std::borrow::Cow::into_owned)
    }

    /// How long it is, in bytes.
    #[must_use]
    pub(super) fn length(&self) -> usize {
        self.length
    }
}

/// Decodes base64url in its one spelling: no padding, no spare bits, no other character.
fn decode(part: &str) -> Result<Vec<u8>, Denial> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Denial::TokenMalformed)
}

struct Header {
    algorithm: Option<Algorithm>,
    typ: Typ,
    kid: Option<String>,
}

impl Header {
    fn read(text: &[u8]) -> Result<Self, Denial> {
        let wrong = |Wrong| Denial::TokenMalformed;
        let object = Object::header(text).map_err(wrong)?;
        if ["crit", "b64", "zip", "enc"].iter().any(|name| object.has(name)) {
            return Err(Denial::TokenExtension);
        }
        if object.text("cty").map_err(wrong)?.is_some_and(|cty| Typ::of(Some(&cty)) == Typ::Jwt) {
            return Err(Denial::TokenExtension);
        }
        let algorithm = object.text("alg").map_err(wrong)?.ok_or(Denial::TokenMalformed)?;
        let typ = object.text("typ").map_err(wrong)?;
        let kid = object.text("kid").map_err(wrong)?;
        if kid.as_ref().is_some_and(|kid| kid.is_empty() || kid.len() > KID) {
            return Err(Denial::TokenMalformed);
        }
        Ok(Self {
            algorithm: Algorithm::parse(&algorithm),
            typ: Typ::of(typ.as_deref()),
            kid: kid.map(|kid| kid.into_owned()),
        })
    }
}
