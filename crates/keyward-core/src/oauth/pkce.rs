//! Proof Key for Code Exchange, with S256 and nothing else (RFC 7636, OAuth 2.1 §7.5.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Whether a text is a challenge: base64url of 32 bytes in its one spelling.
#[must_use]
pub fn is_challenge(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// Whether a text is a verifier: 43 to 128 unreserved characters (RFC 7636 §4.1).
#[must_use]
pub fn is_verifier(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}

/// The challenge of a verifier.
#[must_use]
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// Whether the verifier is the one of this challenge.
#[must_use]
pub fn verifies(verifier: &str, challenge: &str) -> bool {
    is_verifier(verifier) && bool::from(self::challenge(verifier).as_bytes().ct_eq(challenge.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_verifies_and_its_neighbours_do_not() {
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(verifies(verifier, challenge) && is_challenge(challenge));
        assert!(!verifies(challenge, challenge), "plain");
        for bad in
            ["", &verifier[..42], &"a".repeat(129), &format!("{verifier}="), &verifier.replace('d', "e")]
        {
            assert!(!verifies(bad, challenge), "{bad}");
        }
        for bad in ["", "short", &format!("{challenge}="), &"a".repeat(44), &challenge.replace('M', "N")] {
            assert!(!is_challenge(bad), "{bad}");
        }
    }
}
