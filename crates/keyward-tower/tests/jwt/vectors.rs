//! Signatures and keys that other libraries got wrong: Project Wycheproof's vectors, through our keys; and keys that are
//! not good enough.

use keyward_core::jwt::{KeySet, KeySetError, Unfit};
use keyward_testkit::issuer::{KeySize, SigningKey, base64url};
use serde_json::{Value, json};
use wycheproof::TestResult;

/// Counts how a vector was judged.
#[derive(Debug, Default)]
struct Tally {
    taken: u32,
    refused: u32,
    /// Vectors that a library may take or refuse.
    left_open: u32,
    /// Vectors of keys that are not taken.
    of_weak_keys: usize,
    wrong: Vec<usize>,
}

impl Tally {
    fn count(&mut self, id: usize, expected: TestResult, taken: bool) {
        match (expected, taken) {
            (TestResult::Valid, true) => self.taken += 1,
            (TestResult::Invalid, false) => self.refused += 1,
            (TestResult::Acceptable, _) => self.left_open += 1,
            _ => self.wrong.push(id),
        }
    }
}

fn only_key(jwk: &Value) -> KeySet {
    KeySet::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap()
}

fn verifies(set: &KeySet, alg: &str, message: &[u8], signature: &[u8]) -> bool {
    set.keys().find(|key| key.algorithm().name() == alg).unwrap().verifies(message, signature)
}

#[test]
fn rs_judges_every_vector_of_wycheproof_as_it_must() {
    use wycheproof::rsa_pkcs1_verify::TestName;
    rs("RS256", [TestName::Rsa2048Sha256, TestName::Rsa3072Sha256, TestName::Rsa4096Sha256]);
    rs("RS384", [TestName::Rsa2048Sha384, TestName::Rsa3072Sha384, TestName::Rsa4096Sha384]);
    rs("RS512", [TestName::Rsa2048Sha512, TestName::Rsa3072Sha512, TestName::Rsa4096Sha512]);
}

fn rs(alg: &str, names: [wycheproof::rsa_pkcs1_verify::TestName; 3]) {
    use wycheproof::rsa_pkcs1_verify::TestSet;
    let mut tally = Tally::default();
    for name in names {
        for group in TestSet::load(name).unwrap().test_groups {
            let (n, e) = (&group.key.n, &group.key.e);
            let trimmed = |bytes: &[u8]| {
                base64url(bytes.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>())
            };
            let jwk = json!({ "kty": "RSA", "n": trimmed(n), "e": trimmed(e) });
            if trimmed(e) != "AQAB" {
                // Small exponents are refused with their keys, whatever they sign.
                let document = json!({ "keys": [jwk] }).to_string();
                assert!(KeySet::parse(document.as_bytes()).unwrap().is_empty());
                tally.of_weak_keys += group.tests.len();
                continue;
            }
            let set = only_key(&jwk);
            for test in &group.tests {
                tally.count(test.tc_id, test.result, verifies(&set, alg, &test.msg, &test.sig));
            }
        }
    }
    println!("{alg}: {tally:?}");
    assert!(tally.wrong.is_empty());
    assert!(tally.taken > 20 && tally.refused > 500, "{tally:?}");
}

#[test]
fn es_judges_every_vector_of_wycheproof_as_it_must() {
    use wycheproof::ecdsa::{TestName, TestSet};
    for (alg, crv, name) in [
        ("ES256", "P-256", TestName::EcdsaSecp256r1Sha256P1363),
        ("ES384", "P-384", TestName::EcdsaSecp384r1Sha384P1363),
        ("ES512", "P-521", TestName::EcdsaSecp521r1Sha512P1363),
    ] {
        let mut tally = Tally::default();
        for group in TestSet::load(name).unwrap().test_groups {
            let point: &[u8] = &group.key.key[1..];
            let (x, y) = point.split_at(point.len() / 2);
            let jwk = json!({ "kty": "EC", "crv": crv, "x": base64url(x), "y": base64url(y) });
            let set = only_key(&jwk);
            for test in &group.tests {
                tally.count(test.tc_id, test.result, verifies(&set, alg, &test.msg, &test.sig));
            }
        }
        println!("{alg}: {tally:?}");
        assert!(tally.wrong.is_empty(), "{alg}");
        assert!(tally.taken > 20 && tally.refused > 50, "{alg}: {tally:?}");
    }
}

#[test]
fn eddsa_judges_every_vector_of_wycheproof_as_it_must() {
    use wycheproof::eddsa::{TestName, TestSet};
    let mut tally = Tally::default();
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        let set = only_key(&json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(&group.key.pk) }));
        for test in &group.tests {
            tally.count(test.tc_id, test.result, verifies(&set, "EdDSA", &test.msg, &test.sig));
        }
    }
    println!("EdDSA: {tally:?}");
    assert!(tally.wrong.is_empty());
    assert!(tally.taken > 20 && tally.refused > 50, "{tally:?}");
}

#[test]
fn ps_judges_every_vector_of_wycheproof_with_its_own_salt_as_it_must() {
    use wycheproof::rsa_pss_verify::{TestName, TestSet};
    for (alg, name) in [
        ("PS256", TestName::RsaPss2048Sha256Mgf1SaltLen32),
        ("PS384", TestName::RsaPss2048Sha384Mgf1SaltLen48),
        ("PS512", TestName::RsaPss4096Sha512Mgf1SaltLen64),
    ] {
        let mut tally = Tally::default();
        for group in TestSet::load(name).unwrap().test_groups {
            let trimmed = |bytes: &[u8]| {
                base64url(bytes.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>())
            };
            let jwk = json!({ "kty": "RSA", "n": trimmed(&group.key.n), "e": trimmed(&group.key.e) });
            let set = only_key(&jwk);
            for test in &group.tests {
                tally.count(test.tc_id, test.result, verifies(&set, alg, &test.msg, &test.sig));
            }
        }
        println!("{alg}: {tally:?}");
        assert!(tally.wrong.is_empty(), "{alg}");
        assert!(tally.taken > 20 && tally.refused > 40, "{alg}: {tally:?}");
    }
}

#[test]
fn a_key_that_is_not_good_enough_is_left_out_and_the_others_are_used() {
    let (good, ec, ed) = (SigningKey::rsa(0, "good"), SigningKey::ec("ec").jwk(), SigningKey::ed("ed").jwk());
    let rsa = SigningKey::rsa(1, "k").jwk();
    let n = rsa["n"].as_str().unwrap();
    let with = |jwk: &Value, name: &str, value: Value| {
        let mut jwk = jwk.clone();
        if value.is_null() {
            jwk.as_object_mut().unwrap().remove(name);
        } else {
            jwk[name] = value;
        }
        jwk
    };
    // 65537^n mod 2^2048 has the fingerprint of the broken generator only by chance; a power below 2^2048 has it surely.
    let power = |times: u32| {
        let mut number = vec![0_u32; 64];
        number[63] = 1;
        for _ in 0..times {
            let shifted: Vec<u32> = number.clone();
            // number * 65537 = number * 2^16 + number
            let mut carry = 0_u64;
            for at in (0..64).rev() {
                let low = u64::from(shifted[at]) << 16 & 0xffff_ffff;
                let high = if at < 63 { u64::from(shifted[at + 1]) >> 16 } else { 0 };
                let sum = u64::from(number[at]) + low + high + carry;
                number[at] = u32::try_from(sum & 0xffff_ffff).unwrap();
                carry = sum >> 32;
            }
        }
        number.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>()
    };
    // The largest power that fits has 2033 bits: of no length that is taken either. What tells it is tested beside `roca.rs`.
    let weak_power = base64url(power(127).into_iter().skip_while(|byte| *byte == 0).collect::<Vec<_>>());
    let cases = [
        (with(&rsa, "n", json!(base64url([0xff_u8; 128]))), Unfit::Weak),
        (with(&rsa, "n", json!(base64url([0xff_u8; 255]))), Unfit::Weak),
        (with(&rsa, "n", json!(base64url([0xff_u8; 257]))), Unfit::Weak),
        (with(&rsa, "n", json!(base64url([0xff_u8; 1032]))), Unfit::Weak),
        (with(&rsa, "n", json!(weak_power)), Unfit::Weak),
        (with(&rsa, "n", json!(base64url([[0xff_u8; 255].as_slice(), &[0xfe]].concat()))), Unfit::Weak),
        (with(&rsa, "n", json!(base64url([[0_u8; 1].as_slice(), &[0xff; 256]].concat()))), Unfit::Malformed),
        (with(&rsa, "n", json!(format!("{n}="))), Unfit::Malformed),
        (with(&rsa, "n", json!("")), Unfit::Malformed),
        (with(&rsa, "n", Value::Null), Unfit::Malformed),
        (with(&rsa, "n", json!(5)), Unfit::Malformed),
        (with(&rsa, "e", json!("Aw")), Unfit::Weak),
        (with(&rsa, "e", json!("AQ")), Unfit::Weak),
        (with(&rsa, "e", json!("AAEAAQ")), Unfit::Weak),
        (with(&rsa, "e", Value::Null), Unfit::Malformed),
        (with(&rsa, "use", json!("enc")), Unfit::Purpose),
        (with(&rsa, "use", json!("")), Unfit::Purpose),
        (with(&rsa, "use", json!(1)), Unfit::Malformed),
        (with(&rsa, "key_ops", json!(["sign"])), Unfit::Purpose),
        (with(&rsa, "key_ops", json!([])), Unfit::Purpose),
        (with(&rsa, "key_ops", json!("verify")), Unfit::Malformed),
        (with(&rsa, "alg", json!("HS256")), Unfit::Algorithm),
        (with(&rsa, "alg", json!("EdDSA")), Unfit::Algorithm),
        (with(&rsa, "alg", json!("ES256")), Unfit::Algorithm),
        (with(&rsa, "alg", json!("rs256")), Unfit::Algorithm),
        (with(&rsa, "alg", json!("none")), Unfit::Algorithm),
        (with(&rsa, "alg", json!(256)), Unfit::Malformed),
        (with(&rsa, "d", json!("AQAB")), Unfit::Private),
        (with(&rsa, "kty", Value::Null), Unfit::Malformed),
        (with(&rsa, "kty", json!("rsa")), Unfit::Kind),
        (with(&rsa, "kty", json!("EC")), Unfit::Kind),
        (json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256" }), Unfit::Kind),
        // A point of one curve under the name of another, and an algorithm of another curve.
        (with(&ec, "crv", json!("P-384")), Unfit::Algorithm),
        (with(&with(&ec, "alg", Value::Null), "crv", json!("P-384")), Unfit::Malformed),
        (with(&with(&ec, "alg", Value::Null), "crv", json!("P-521")), Unfit::Malformed),
        (with(&ec, "alg", json!("ES384")), Unfit::Algorithm),
        (with(&ec, "crv", json!("secp256k1")), Unfit::Kind),
        (with(&ec, "x", json!(base64url([1_u8; 32]))), Unfit::Malformed),
        (with(&ec, "x", json!(base64url([1_u8; 33]))), Unfit::Malformed),
        (with(&ec, "y", Value::Null), Unfit::Malformed),
        (with(&ec, "d", json!("AQAB")), Unfit::Private),
        (with(&ed, "x", json!(base64url([1_u8; 31]))), Unfit::Malformed),
        (with(&ed, "crv", json!("X25519")), Unfit::Kind),
        (json!("key"), Unfit::Malformed),
        (json!({}), Unfit::Malformed),
    ];
    for (jwk, why) in &cases {
        let set = json!({ "keys": [jwk, good.jwk()] });
        let set = KeySet::parse(set.to_string().as_bytes()).unwrap();
        assert_eq!(set.unusable.first().map(|unusable| unusable.why), Some(*why), "{jwk}");
        assert_eq!(set.keys().map(|key| key.kid()).collect::<Vec<_>>(), [Some("good")], "{jwk}");
        let alone = json!({ "keys": [jwk] });
        assert!(KeySet::parse(alone.to_string().as_bytes()).unwrap().is_empty(), "{jwk}");
    }
    println!("keys left out: {}", cases.len());
    for (size, alg) in [(KeySize::Rsa3072, "RS256"), (KeySize::Rsa4096, "PS256")] {
        let key = SigningKey::rsa_of(size, alg, "k");
        assert_eq!(only_key(&key.jwk()).keys().count(), 1);
    }
    // Without `alg` it may serve all of its type; the entry of the issuer says which are taken.
    assert_eq!(only_key(&with(&rsa, "alg", Value::Null)).keys().count(), 6);
}

#[test]
fn a_set_that_is_none_is_refused_as_a_whole() {
    let good = SigningKey::rsa(0, "good").jwk();
    let many: Vec<Value> = (0..101).map(|_| good.clone()).collect();
    let long = json!({ "keys": [good], "x": "x".repeat(300_000) }).to_string();
    for (document, error) in [
        (String::new(), KeySetError::Malformed),
        ("<html>".to_owned(), KeySetError::Malformed),
        ("[]".to_owned(), KeySetError::Malformed),
        ("{}".to_owned(), KeySetError::Malformed),
        (r#"{"keys":{}}"#.to_owned(), KeySetError::Malformed),
        (r#"{"keys":null}"#.to_owned(), KeySetError::Malformed),
        (format!(r#"{{"keys":[{good}],"keys":[]}}"#), KeySetError::Malformed),
        (format!(r#"{{"keys":[{good}]}} "#).replace("} ", "}}"), KeySetError::Malformed),
        (json!({ "keys": many }).to_string(), KeySetError::TooMany),
        (long, KeySetError::TooLong),
    ] {
        assert_eq!(KeySet::parse(document.as_bytes()).err(), Some(error), "{:.80}", document);
    }
    // Two of one name: neither is used.
    let other = SigningKey::rsa(1, "good").jwk();
    let twice = json!({ "keys": [good, other, SigningKey::ec("good").jwk()] });
    let set = KeySet::parse(twice.to_string().as_bytes()).unwrap();
    assert_eq!(set.keys().map(|key| key.algorithm().name()).collect::<Vec<_>>(), ["ES256"]);
    assert_eq!(set.unusable.len(), 2);
}
