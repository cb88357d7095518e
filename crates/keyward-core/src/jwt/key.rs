//! One public key that verifies signatures: which keys are good enough, and for which one algorithm.

use super::algorithm::Algorithm;
use super::object::{Object, Wrong};
use super::roca;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    EcdsaVerificationAlgorithm, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RsaParameters, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;

/// What a key is recognised by: a hash of its algorithm and its public bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyPrint([u8; 32]);

/// A public key, for one algorithm.
#[derive(Debug)]
pub struct Key {
    algorithm: Algorithm,
    kid: Option<String>,
    print: KeyPrint,
    public: ParsedPublicKey,
}

impl Key {
    /// Its algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its name in the set.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What it is recognised by.
    #[must_use]
    pub fn print(&self) -> KeyPrint {
        self.print
    }

    /// Whether this is its signature of these bytes.
    #[must_use]
    pub fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(signed, signature).is_ok()
    }
}

/// Why a key of a set is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// A member that must be there is missing or of the wrong type.
    Malformed,
    /// Of a type, or a curve, that is not used: a shared secret among them.
    Kind,
    /// `use` or `key_ops` says that it is for something else.
    Purpose,
    /// `alg` says an algorithm that is not used, or that does not fit its type.
    Algorithm,
    /// RSA with less than 2048 bits, more than 8192, an unusual length, another exponent than 65537, or primes that can be
    /// factored (ROCA).
    Weak,
    /// It holds a private key: whoever can read the set can sign.
    Private,
    /// Another key of the set has its name and algorithm.
    Doubled,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "a member is missing or of the wrong type",
            Self::Kind => "its type or curve is not used for signatures here",
            Self::Purpose => "it says that it is not for signatures (use, key_ops)",
            Self::Algorithm => "its algorithm is none of RS, PS and ES with 256, 384 or 512 and EdDSA, or does not fit its type",
            Self::Weak => {
                "it is weak: RSA must have 2048 to 8192 bits in a usual length, and the exponent 65537"
            }
            Self::Private => "it holds a private key: take it out of use at once",
            Self::Doubled => "another key of the set has the same kid and algorithm, so neither is used",
        })
    }
}

impl From<Wrong> for Unfit {
    fn from(_: Wrong) -> Self {
        Self::Malformed
    }
}

/// Reads a JWK (RFC 7517 §4) as a key for each algorithm that it can serve: the one that it names, or all of its type.
pub(super) fn read(jwk: &str) -> Result<Vec<Key>, Unfit> {
    let object = Object::parse(jwk.as_bytes())?;
    let kind = object.text("kty")?.ok_or(Unfit::Malformed)?;
    if kind == "oct" {
        return Err(Unfit::Kind);
    }
    if object.has("d") {
        return Err(Unfit::Private);
    }
    if object.text("use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(Unfit::Purpose);
    }
    if object.texts("key_ops")?.is_some_and(|ops| !ops.iter().any(|op| op == "verify")) {
        return Err(Unfit::Purpose);
    }
    let fitting: &[Algorithm] = match (kind.as_ref(), object.text("crv")?.as_deref()) {
        ("RSA", _) => &Algorithm::RSA,
        ("EC", Some("P-256")) => &[Algorithm::Es256],
        ("EC", Some("P-384")) => &[Algorithm::Es384],
        ("EC", Some("P-521")) => &[Algorithm::Es512],
        ("OKP", Some("Ed25519")) => &[Algorithm::EdDsa],
        // Absent: the key is not used.
        _ => return Err(Unfit::Kind),
    };
    let named = object.text("alg")?;
    let is_named = |one: &&Algorithm| match &named {
        Some(named) => Algorithm::parse(named) == Some(**one),
        // Each that fits the key; the entry's `algorithms` say which are taken.
        None => true,
    };
    let algorithms = fitting.iter().filter(is_named);
    let kid = object.text("kid")?.map(|kid| kid.into_owned());
    let keys: Vec<Key> = algorithms
        .map(|algorithm| {
            let (public, bytes) = public(*algorithm, &object)?;
            let print = print(*algorithm, &bytes);
            Ok(Key { algorithm: *algorithm, kid: kid.clone(), print, public })
        })
        .collect::<Result<_, Unfit>>()?;
    if keys.is_empty() { Err(Unfit::Algorithm) } else { Ok(keys) }
}

fn print(algorithm: Algorithm, bytes: &[u8]) -> KeyPrint {
    let hash = Sha256::new().chain_update(algorithm.name()).chain_update([0]).chain_update(bytes);
    KeyPrint(hash.finalize().into())
}

type Public = (ParsedPublicKey, Vec<u8>);

fn public(algorithm: Algorithm, object: &Object<'_>) -> Result<Public, Unfit> {
    match algorithm {
        Algorithm::Rs256 => rsa(object, &RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => rsa(object, &RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => rsa(object, &RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => rsa(object, &RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => rsa(object, &RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => rsa(object, &RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 => ec(object, &ECDSA_P256_SHA256_FIXED, 32),
        Algorithm::Es384 => ec(object, &ECDSA_P384_SHA384_FIXED, 48),
        Algorithm::Es512 => ec(object, &ECDSA_P521_SHA512_FIXED, 66),
        Algorithm::EdDsa => ed(object),
    }
}

/// `bytes` is the length of a coordinate, which is written in full (RFC 7518 §6.2.1.2).
fn ec(
    object: &Object<'_>,
    curve: &'static EcdsaVerificationAlgorithm,
    bytes: usize,
) -> Result<Public, Unfit> {
    let (x, y) = (member(object, "x")?, member(object, "y")?);
    if (x.len(), y.len()) != (bytes, bytes) {
        return Err(Unfit::Malformed);
    }
    // The uncompressed point (SEC 1 §2.3.3). That it lies on the curve is checked as it is parsed.
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    let parsed = ParsedPublicKey::new(curve, &point);
    Ok((parsed.map_err(|_| Unfit::Malformed)?, point))
}

fn ed(object: &Object<'_>) -> Result<Public, Unfit> {
    let x = member(object, "x")?;
    if x.len() != 32 {
        return Err(Unfit::Malformed);
    }
    let parsed = ParsedPublicKey::new(&ED25519, &x);
    Ok((parsed.map_err(|_| Unfit::Malformed)?, x))
}

fn rsa(object: &Object<'_>, parameters: &'static RsaParameters) -> Result<Public, Unfit> {
    let (n, e) = (member(object, "n")?, member(object, "e")?);
    // Base64urlUInt has no leading zero (RFC 7518 §2).
    let first = *n.first().ok_or(Unfit::Malformed)?;
    if first == 0 {
        return Err(Unfit::Malformed);
    }
    let bits = n.len() * 8 - usize::try_from(first.leading_zeros()).map_err(|_| Unfit::Weak)?;
    let odd = n.last().is_some_and(|last| last % 2 == 1);
    if !(2048..=8192).contains(&bits) || bits % 64 != 0 || !odd || e != [1, 0, 1] || roca::is_suspect(&n) {
        return Err(Unfit::Weak);
    }
    let parsed = RsaPublicKeyComponents { n: &n, e: &e }.to_parsed_public_key(parameters);
    Ok((parsed.map_err(|_| Unfit::Malformed)?, n))
}

fn member(object: &Object<'_>, name: &str) -> Result<Vec<u8>, Unfit> {
    let text = object.text(name)?.ok_or(Unfit::Malformed)?;
    URL_SAFE_NO_PAD.decode(text.as_bytes()).map_err(|_| Unfit::Malformed)
}
