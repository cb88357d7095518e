//! Our own ID tokens, as clients send them back (`id_token_hint`; OpenID Connect RP-Initiated Logout 1.0 §2).

use super::algorithm::Algorithm;
use super::compact::{Token, Typ};
use super::key_set::{Found, KeySet};
use super::object::Object;

/// Whom an ID token of ours was made for. It opens nothing, so it may have ended: it only shows that its bearer once signed this
/// user in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdToken {
    /// The `client_id`, its `aud`.
    pub client: String,
    /// The user, its `sub`.
    pub subject: String,
}

impl IdToken {
    /// Reads one of this issuer, of at most so many bytes, signed by one of these keys. `None`: it is none, such as an access token,
    /// or its key is no longer known.
    #[must_use]
    pub fn read(text: &str, most: usize, issuer: &str, keys: &KeySet) -> Option<Self> {
        // Absent: what cannot be read is no ID token.
        let token = Token::read(text, most).ok()?;
        if token.typ != Typ::Jwt || token.issuer() != issuer {
            return None;
        }
        let Found::One(key) = keys.find(token.kid(), token.algorithm.filter(|own| *own == Algorithm::Rs256)?)
        else {
            return None;
        };
        if !key.verifies(token.signed, &token.signature) {
            return None;
        }
        // Absent: a member of another type is none of ours.
        let claims = Object::parse(&token.payload).ok()?;
        Some(Self {
            // Absent: it names no client, or several.
            client: claims.text("aud").ok()??.into_owned(),
            // Absent: it names no user.
            subject: claims.text("sub").ok()??.into_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwt::SigningKey;
    use serde_json::{Value, json};

    #[test]
    fn an_id_token_of_ours_is_read_however_old_and_nothing_else_is() {
        let key = |name: &str| SigningKey::read(name.into(), &SigningKey::generate().unwrap()).unwrap();
        let (own, other) = (key("own"), key("own"));
        let keys = KeySet::parse(json!({ "keys": [own.jwk()] }).to_string().as_bytes()).unwrap();
        let read = |text: &str| IdToken::read(text, 8192, "https://id.example", &keys);
        let claims = json!({ "iss": "https://id.example", "aud": "app", "sub": "alice", "exp": 1, "iat": 0 });
        let with = |name: &str, value: Value| {
            let mut claims = claims.clone();
            claims[name] = value;
            claims
        };
        let good = own.sign("JWT", &claims).unwrap();
        let found = IdToken { client: "app".to_owned(), subject: "alice".to_owned() };
        assert_eq!(read(&good), Some(found));
        for (what, text) in [
            ("an access token", own.sign("at+jwt", &claims).unwrap()),
            ("another issuer's", own.sign("JWT", &with("iss", json!("https://evil.example"))).unwrap()),
            ("signed by another key", other.sign("JWT", &claims).unwrap()),
            ("for several", own.sign("JWT", &with("aud", json!(["app", "b"]))).unwrap()),
            ("of nobody", own.sign("JWT", &with("sub", Value::Null)).unwrap()),
            ("cut", good[..good.len() - 4].to_owned()),
            ("no token", "x.y.z".to_owned()),
        ] {
            assert_eq!(read(&text), None, "{what}");
        }
    }
}
