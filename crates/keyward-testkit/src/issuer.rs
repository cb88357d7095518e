//! An issuer of access tokens whose every byte a test can choose. Its keys are made anew in each process.

#![expect(clippy::panic, reason = "it is for tests, which may fail loudly")]

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
pub use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

/// Base64url without padding.
#[must_use]
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[derive(Debug)]
enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// A key that signs tokens.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// Its name in the set.
    pub kid: String,
    /// The `alg` of what it signs.
    pub alg: &'static str,
    pair: Arc<Pair>,
}

/// RSA keys take long to make, so there are a few for all tests of a process.
static RSA: LazyLock<Vec<Arc<Pair>>> = LazyLock::new(|| {
    (0..3)
        .map(|_| match RsaKeyPair::generate(KeySize::Rsa2048) {
            Ok(pair) => Arc::new(Pair::Rsa(pair)),
            Err(error) => panic!("no RSA key: {error}"),
        })
        .collect()
});

impl SigningKey {
    /// One of three RSA keys of 2048 bits, for RS256.
    #[must_use]
    pub fn rsa(which: usize, kid: &str) -> Self {
        let pair = RSA.get(which).map(Arc::clone);
        match pair {
            Some(pair) => Self { kid: kid.to_owned(), alg: "RS256", pair },
            None => panic!("there are three RSA keys"),
        }
    }

    /// An RSA key of that length, for RS256, RS384, RS512, PS256, PS384 or PS512.
    #[must_use]
    pub fn rsa_of(size: KeySize, alg: &'static str, kid: &str) -> Self {
        match RsaKeyPair::generate(size) {
            Ok(pair) => Self { kid: kid.to_owned(), alg, pair: Arc::new(Pair::Rsa(pair)) },
            Err(error) => panic!("no RSA key: {error}"),
        }
    }

    /// A key of P-256, for ES256.
    #[must_use]
    pub fn ec(kid: &str) -> Self {
        Self::ec_of("ES256", kid)
    }

    /// A key for ES256, ES384 or ES512, on the curve of each.
    #[must_use]
    pub fn ec_of(alg: &'static str, kid: &str) -> Self {
        let curve = match alg {
            "ES384" => &ECDSA_P384_SHA384_FIXED_SIGNING,
            "ES512" => &ECDSA_P521_SHA512_FIXED_SIGNING,
            _ => &ECDSA_P256_SHA256_FIXED_SIGNING,
        };
        match EcdsaKeyPair::generate(curve) {
            Ok(pair) => Self { kid: kid.to_owned(), alg, pair: Arc::new(Pair::Ec(pair)) },
            Err(error) => panic!("no key for {alg}: {error}"),
        }
    }

    /// A key of Ed25519, for EdDSA.
    #[must_use]
    pub fn ed(kid: &str) -> Self {
        match Ed25519KeyPair::generate() {
            Ok(pair) => Self { kid: kid.to_owned(), alg: "EdDSA", pair: Arc::new(Pair::Ed(pair)) },
            Err(error) => panic!("no key of Ed25519: {error}"),
        }
    }

    /// Its public half, as a JWK.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let mut jwk = match &*self.pair {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                json!({
                    "kty": "RSA",
                    "n": base64url(public.modulus().big_endian_without_leading_zero()),
                    "e": base64url(public.exponent().big_endian_without_leading_zero()),
                })
            }
            Pair::Ec(pair) => {
                // The uncompressed point: a byte that says so, and two coordinates of one length.
                let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at(point.len() / 2);
                let crv = match self.alg {
                    "ES384" => "P-384",
                    "ES512" => "P-521",
                    _ => "P-256",
                };
                json!({ "kty": "EC", "crv": crv, "x": base64url(x), "y": base64url(y) })
            }
            Pair::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(pair.public_key().as_ref()) })
            }
        };
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".to_owned(), json!(self.kid));
            members.insert("alg".to_owned(), json!(self.alg));
            members.insert("use".to_owned(), json!("sig"));
        }
        jwk
    }

    /// The signature of these bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &*self.pair {
            Pair::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match self.alg {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                match pair.sign(encoding, &SystemRandom::new(), message, &mut signature) {
                    Ok(()) => signature,
                    Err(error) => panic!("no signature: {error}"),
                }
            }
            Pair::Ec(pair) => match pair.sign(&SystemRandom::new(), message) {
                Ok(signature) => signature.as_ref().to_vec(),
                Err(error) => panic!("no signature: {error}"),
            },
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A token of these very texts.
    #[must_use]
    pub fn token_of(&self, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", base64url(header), base64url(payload));
        let signature = self.sign(signed.as_bytes());
        format!("{signed}.{}", base64url(signature))
    }

    /// A token with the usual header (`at+jwt`) and these claims.
    #[must_use]
    pub fn token(&self, claims: &Value) -> String {
        self.token_of(&self.header("at+jwt").to_string(), &claims.to_string())
    }

    /// The usual header, with this `typ`.
    #[must_use]
    pub fn header(&self, typ: &str) -> Value {
        json!({ "alg": self.alg, "typ": typ, "kid": self.kid })
    }
}

/// The key set of these keys.
#[must_use]
pub fn key_set(keys: &[&SigningKey]) -> Vec<u8> {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() }).to_string().into_bytes()
}

/// A token of these texts under a shared secret, for attacks that take a public key for one.
#[must_use]
pub fn hmac_token(alg: &str, secret: &[u8], header: &Value, payload: &str) -> String {
    let algorithm = match alg {
        "HS512" => hmac::HMAC_SHA512,
        "HS384" => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA256,
    };
    let signed = format!("{}.{}", base64url(header.to_string()), base64url(payload));
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret), signed.as_bytes());
    format!("{signed}.{}", base64url(tag.as_ref()))
}

impl SigningKey {
    /// Everything that its public half can be written as: what an attacker may try as a shared secret.
    #[must_use]
    pub fn spellings(&self) -> Vec<Vec<u8>> {
        let Pair::Rsa(pair) = &*self.pair else { return Vec::new() };
        let public = pair.public_key();
        let spki = public.as_der().map(|der: PublicKeyX509Der<'_>| der.as_ref().to_vec()).unwrap_or_default();
        let pkcs1 = public.as_ref().to_vec();
        let pem = |label: &str, der: &[u8]| {
            let text = base64::engine::general_purpose::STANDARD.encode(der);
            let lines: Vec<String> =
                text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", lines.join("\n"))
        };
        let texts = [pem("PUBLIC KEY", &spki), pem("RSA PUBLIC KEY", &pkcs1), self.jwk().to_string()];
        let n = public.modulus().big_endian_without_leading_zero().to_vec();
        let mut all =
            vec![base64url(&n).into_bytes(), n, base64url(&spki).into_bytes(), spki, pkcs1, Vec::new()];
        all.extend(texts.into_iter().map(String::into_bytes));
        let ended = |end: &[u8], start: &[u8], all: &[Vec<u8>]| {
            all.iter().map(|one| [start, one, end].concat()).collect::<Vec<_>>()
        };
        let with = [ended(b"\n", b"", &all), ended(b"", b" ", &all), ended(b"\r\n", b"", &all)].concat();
        [all, with].concat()
    }
}
