//! Signing our own tokens (RFC 9068): RS256 with keys of 3072 bits.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A token could not be signed, or a key not be made or read: a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("the signing key cannot be used")]
pub struct SigningError;

/// A private key, and its name in the set.
pub struct SigningKey {
    kid: Arc<str>,
    pair: KeyPair,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey {{ kid: {}, [redacted] }}", self.kid)
    }
}

impl SigningKey {
    /// A new private key of 3072 bits, as PKCS #8. Its randomness is the library's own: an RSA key cannot be made from ours.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn generate() -> Result<Zeroizing<Vec<u8>>, SigningError> {
        let pair = KeyPair::generate(KeySize::Rsa3072).map_err(|_| SigningError)?;
        let der = pair.as_der().map_err(|_| SigningError)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    /// Reads a private key.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(kid: Arc<str>, pkcs8: &[u8]) -> Result<Self, SigningError> {
        Ok(Self { kid, pair: KeyPair::from_pkcs8(pkcs8).map_err(|_| SigningError)? })
    }

    /// Its public half, as a JWK (RFC 7517 §4).
    #[must_use]
    pub fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        json!({
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": &*self.kid,
            "n": URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            "e": URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
        })
    }

    /// A token of this `typ` with these claims.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign(&self, typ: &str, claims: &Value) -> Result<String, SigningError> {
        let header = json!({ "alg": "RS256", "typ": typ, "kid": &*self.kid });
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        // This padding takes no randomness; the library asks for a source all the same.
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| SigningError)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
