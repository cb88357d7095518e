//! Tokens of attackers: other algorithms, other keys, other containers, other spellings. None is taken; and tokens as issuers
//! really make them all are.

use crate::door::{API, Door, ISSUER, good, rules, set, with};
use keyward_core::jwt::{Algorithm, KeySet};
use keyward_core::random::Random;
use keyward_testkit::issuer::{KeySize, SigningKey, base64url, hmac_token};
use keyward_testkit::{START, SeededRandom};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every attack, by its kind.
fn attacks(own: &SigningKey, other: &SigningKey) -> BTreeMap<&'static str, Vec<String>> {
    let mut all = BTreeMap::new();
    all.insert("shared secret", shared_secrets(own));
    all.insert("algorithm", algorithms(own));
    all.insert("key of one's own", keys_of_ones_own(own, other));
    all.insert("key name", key_names(other));
    all.insert("container", containers(own));
    all.insert("extension", extensions(own));
    all.insert("kind", kinds(own));
    all.insert("doubled", doubled(own));
    all.insert("signature", signatures(own, other));
    all.insert("audience and issuer", names(own));
    all.insert("spelling", spellings(&own.token(&good())));
    all.insert("one bit", one_bit(&own.token(&good())));
    all
}

/// The public key, however it can be written, taken for a shared secret.
fn shared_secrets(own: &SigningKey) -> Vec<String> {
    let mut tokens = Vec::new();
    for alg in ["HS256", "HS384", "HS512", "hs256", "RS256"] {
        for secret in own.spellings() {
            let header = json!({ "alg": alg, "typ": "at+jwt", "kid": own.kid });
            tokens.push(hmac_token(alg, &secret, &header, &good().to_string()));
        }
    }
    tokens
}

/// The `alg` says something else, with no signature, the one of another text, or the right one.
fn algorithms(own: &SigningKey) -> Vec<String> {
    let names = [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("nOnE"),
        json!(""),
        json!("rs256"),
        json!("Rs256"),
        json!("RS256 "),
        json!(" RS256"),
        json!("RS256\n"),
        json!("RS256\u{0}"),
        json!("RS384"),
        json!("RS512"),
        json!("PS256"),
        json!("PS384"),
        json!("ES256"),
        json!("ES384"),
        json!("ES256K"),
        json!("EdDSA"),
        json!("Ed25519"),
        json!("HS256"),
        json!("RSA-OAEP"),
        json!("dir"),
        json!("A128KW"),
        json!("RSA1_5"),
        json!("ＲＳ256"),
        json!(null),
        json!(["RS256"]),
        json!({ "RS256": true }),
        json!(256),
        json!(true),
        json!("RS256,none"),
        json!("../RS256"),
    ];
    let mut tokens = Vec::new();
    for name in names {
        let header = json!({ "alg": name, "typ": "at+jwt", "kid": own.kid }).to_string();
        let signed = own.token_of(&header, &good().to_string());
        let (text, _) = signed.rsplit_once('.').unwrap();
        tokens.push(format!("{text}."));
        tokens.push(format!("{text}.AAAA"));
        tokens.push(signed);
    }
    let absent = json!({ "typ": "at+jwt", "kid": own.kid }).to_string();
    tokens.push(own.token_of(&absent, &good().to_string()));
    tokens
}

/// Signed by a key that the token brings along.
fn keys_of_ones_own(own: &SigningKey, other: &SigningKey) -> Vec<String> {
    let mut tokens = Vec::new();
    let places = [
        ("jwk", other.jwk()),
        ("jku", json!("http://127.0.0.1:9/keys")),
        ("jku", json!("https://attacker.example/keys")),
        ("x5u", json!("http://127.0.0.1:9/cert")),
        ("x5c", json!([base64url("certificate")])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
    ];
    for kid in [json!(own.kid), json!(other.kid), Value::Null] {
        for (place, value) in &places {
            let mut header = json!({ "alg": "RS256", "typ": "at+jwt" });
            if !kid.is_null() {
                header["kid"] = kid.clone();
            }
            header[*place] = value.clone();
            tokens.push(other.token_of(&header.to_string(), &good().to_string()));
        }
    }
    tokens
}

/// Signed by another key whose name goes elsewhere.
fn key_names(other: &SigningKey) -> Vec<String> {
    let long = "k".repeat(600);
    let names = [
        json!("../../../../dev/null"),
        json!("/dev/null"),
        json!("https://attacker.example/key"),
        json!("' OR '1'='1"),
        json!("'; DROP TABLE users; --"),
        json!("key\u{0}"),
        json!(""),
        json!(long),
        json!(null),
        json!(1),
        json!(["a"]),
        json!({ "kid": "a" }),
        json!(" a"),
        json!("a "),
        json!("A"),
        json!("%61"),
    ];
    let header = |kid: &Value| json!({ "alg": "RS256", "typ": "at+jwt", "kid": kid }).to_string();
    names.iter().map(|kid| other.token_of(&header(kid), &good().to_string())).collect()
}

/// What is no JWS in its compact form, or another one within.
fn containers(own: &SigningKey) -> Vec<String> {
    let token = own.token(&good());
    let parts: Vec<&str> = token.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let nested = own.token_of(&own.header("JWT").to_string(), &json!(token).to_string());
    let as_text = own.token_of(&own.header("at+jwt").to_string(), &token);
    let jwe = base64url(r#"{"alg":"RSA-OAEP","enc":"A256GCM","cty":"JWT"}"#);
    let general =
        json!({ "payload": payload, "signatures": [{ "protected": header, "signature": signature }] });
    let flattened = json!({ "payload": payload, "protected": header, "signature": signature });
    let mut tokens = vec![
        nested,
        as_text,
        format!("{jwe}.AAAA.AAAA.{payload}.AAAA"),
        format!("{jwe}....{payload}"),
        format!("{jwe}.{payload}.{signature}"),
        general.to_string(),
        flattened.to_string(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("..{signature}"),
        "..".to_owned(),
        ".".to_owned(),
        String::new(),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{token}.{header}.{payload}"),
        format!("{header}.{payload}.{payload}.{signature}"),
    ];
    for payload in ["[]", "\"alice\"", "null", "1", "", "{", "{}", "{}{}", "\u{feff}{}", "[{}]"] {
        tokens.push(own.token_of(&own.header("at+jwt").to_string(), payload));
    }
    for header in
        ["[]", "null", "", "{", "{}", "RS256", "{\"alg\":\"RS256\"}{}", "\u{feff}{\"alg\":\"RS256\"}"]
    {
        tokens.push(own.token_of(header, &good().to_string()));
    }
    tokens
}

/// A header that asks for more than a plain signature, signed well.
fn extensions(own: &SigningKey) -> Vec<String> {
    let more = [
        ("crit", json!(["b64"])),
        ("crit", json!(["exp"])),
        ("crit", json!(["x"])),
        ("crit", json!([])),
        ("crit", json!("alg")),
        ("crit", json!(null)),
        ("crit", json!(["alg", "alg"])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("zip", json!(null)),
        ("enc", json!("A128GCM")),
        ("cty", json!("JWT")),
        ("cty", json!("jwt")),
        ("cty", json!("application/jwt")),
        ("cty", json!(1)),
    ];
    let token = |(name, value): &(&str, Value)| {
        let mut header = own.header("at+jwt");
        header[*name] = value.clone();
        own.token_of(&header.to_string(), &good().to_string())
    };
    more.iter().map(token).collect()
}

/// Tokens of the same issuer, well signed, that are not access tokens.
fn kinds(own: &SigningKey) -> Vec<String> {
    let typs = [
        "JWT",
        "jwt",
        "id_token+jwt",
        "logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "rt+jwt",
        "client-authentication+jwt",
        "oauth-authz-req+jwt",
        "token-introspection+jwt",
        "at+JWS",
        "at",
        "at+jwt ",
        "application/",
        "application/application/at+jwt",
        "text/at+jwt",
        "",
    ];
    let mut tokens: Vec<String> =
        typs.iter().map(|typ| own.token_of(&own.header(typ).to_string(), &good().to_string())).collect();
    for typ in [json!(null), json!(1), json!(["at+jwt"])] {
        let header = json!({ "alg": "RS256", "typ": typ, "kid": own.kid });
        tokens.push(own.token_of(&header.to_string(), &good().to_string()));
    }
    let absent = json!({ "alg": "RS256", "kid": own.kid }).to_string();
    tokens.push(own.token_of(&absent, &good().to_string()));
    // Bound to a key of the client, which nothing here asks for.
    tokens.push(own.token(&with("cnf", json!({ "jkt": "AAAA" }))));
    tokens.push(own.token(&with("cnf", json!({ "x5t#S256": "AAAA" }))));
    tokens
}

/// A member twice, the good value first or last.
fn doubled(own: &SigningKey) -> Vec<String> {
    let mut tokens = Vec::new();
    let claims = good();
    for (name, value) in claims.as_object().unwrap() {
        for evil in ["\"evil\"", "9999999999", "null"] {
            for (first, last) in [(evil, value.to_string()), (value.to_string().as_str(), evil.to_owned())] {
                let rest: Vec<String> = claims
                    .as_object()
                    .unwrap()
                    .iter()
                    .filter(|(other, _)| *other != name)
                    .map(|(other, value)| format!("\"{other}\":{value}"))
                    .collect();
                let payload = format!("{{\"{name}\":{first},{},\"{name}\":{last}}}", rest.join(","));
                tokens.push(own.token_of(&own.header("at+jwt").to_string(), &payload));
            }
        }
    }
    for header in [
        r#"{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"KID"}"#,
        r#"{"alg":"RS256","typ":"JWT","typ":"at+jwt","kid":"KID"}"#,
        r#"{"alg":"RS256","typ":"at+jwt","kid":"x","kid":"KID"}"#,
        r#"{"alg":"RS256","\u0061lg":"none","typ":"at+jwt","kid":"KID"}"#,
        r#"{"alg":"RS256","typ":"at+jwt","kid":"KID","x":{"a":1,"a":2}}"#,
    ] {
        tokens.push(own.token_of(&header.replace("KID", &own.kid), &good().to_string()));
    }
    tokens
}

/// Signatures of other texts, by other keys, cut, padded, empty.
fn signatures(own: &SigningKey, other: &SigningKey) -> Vec<String> {
    let token = own.token(&good());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let foreign = other.token_of(&own.header("at+jwt").to_string(), &good().to_string());
    let admin = own.token_of(&own.header("at+jwt").to_string(), &with("sub", json!("bob")).to_string());
    let raw = own.sign(signed.as_bytes());
    let with_raw = |raw: &[u8]| format!("{signed}.{}", base64url(raw));
    let mut tokens = vec![
        foreign,
        // bob's payload under alice's signature.
        format!("{}.{signature}", admin.rsplit_once('.').unwrap().0),
        with_raw(&[]),
        with_raw(&[0]),
        with_raw(&[0; 256]),
        with_raw(&[255; 256]),
        with_raw(&raw[..255]),
        with_raw(&[raw.as_slice(), &[0]].concat()),
        with_raw(&[&[0], raw.as_slice()].concat()),
        with_raw(&[raw.as_slice(), raw.as_slice()].concat()),
        with_raw(&raw.iter().rev().copied().collect::<Vec<u8>>()),
    ];
    for end in 1..20 {
        tokens.push(with_raw(&raw[..raw.len() - end]));
    }
    tokens
}

/// Well signed, for someone else or by someone who only looks the same.
fn names(own: &SigningKey) -> Vec<String> {
    let issuers = [
        "https://id.example",
        "https://ID.example/",
        "https://id.example//",
        "https://id.example/ ",
        "http://id.example/",
        "https://id.example/x",
        "https://id.example.attacker.example/",
        "https://id.example/?",
        "https://id.example/#",
        "https://id.example./",
        "https://id.example:443/",
        "https://attacker.example/",
        "https://id.exampl\u{435}/",
        "",
    ];
    let audiences = [
        json!("https://api.example/"),
        json!("https://API.example"),
        json!("https://api.example.attacker.example"),
        json!("https://api"),
        json!("https://api.example "),
        json!("*"),
        json!(""),
        json!([]),
        json!([[API]]),
        json!([API, 1]),
        json!([null, API]),
        json!({ "aud": API }),
        json!([{ "aud": API }]),
        json!(["https://api.example/", "other"]),
        json!(format!("{API},other")),
        json!(format!("{API} other")),
        json!(1),
        json!(true),
    ];
    let mut tokens: Vec<String> =
        issuers.iter().map(|issuer| own.token(&with("iss", json!(issuer)))).collect();
    tokens.extend(
        [json!([ISSUER]), json!([ISSUER, "x"]), json!({ "iss": ISSUER }), json!(1)]
            .map(|iss| own.token(&with("iss", iss))),
    );
    tokens.push(own.token(&with("iss", Value::Null)));
    tokens.extend(audiences.into_iter().map(|aud| own.token(&with("aud", aud))));
    tokens.push(own.token(&with("aud", Value::Null)));
    tokens
}

/// Other spellings of a good token, which would mean the same to a reader that is less exact (padding, white space, spare
/// bits, the other alphabet): what is refused by its bytes could come back as one of these.
pub(crate) fn spellings(good: &str) -> Vec<String> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let parts: Vec<&str> = good.split('.').collect();
    let mut tokens = Vec::new();
    for index in 0..3 {
        let with = |part: String| {
            let mut parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            parts[index] = part;
            parts.join(".")
        };
        let part = parts[index];
        for end in ["=", "==", "===", " ", "\n", "\r\n", "\t", "%3D", "A", "AA", "AAA", "AAAA", "\u{0}"] {
            tokens.push(with(format!("{part}{end}")));
            tokens.push(with(format!("{end}{part}")));
        }
        // Spare bits of the last character: those that decode to the same bytes, and were not set.
        if !part.len().is_multiple_of(4) {
            let last = ALPHABET.iter().position(|one| *one == part.as_bytes()[part.len() - 1]).unwrap();
            let spare = if part.len() % 4 == 2 { 16 } else { 4 };
            for bits in 1..spare {
                let other = ALPHABET[last | bits] as char;
                tokens.push(with(format!("{}{other}", &part[..part.len() - 1])));
            }
        }
        let other = part.replace('-', "+").replace('_', "/");
        if other != part {
            tokens.push(with(other));
        }
        for at in [1, part.len() / 2] {
            for inserted in [" ", "\n", "=", "."] {
                tokens.push(with(format!("{}{inserted}{}", &part[..at], &part[at..])));
            }
        }
    }
    tokens
}

/// A good token with one character changed, at a thousand places.
fn one_bit(good: &str) -> Vec<String> {
    let random = SeededRandom::new(11);
    let mut tokens = Vec::new();
    while tokens.len() < 1_000 {
        let mut bytes = [0; 4];
        random.fill(&mut bytes).unwrap();
        let at = usize::from(u16::from_be_bytes([bytes[0], bytes[1]])) % good.len();
        let mut changed = good.as_bytes().to_vec();
        changed[at] ^= 1 << (bytes[2] % 7);
        let changed = String::from_utf8(changed).unwrap();
        if changed != good {
            tokens.push(changed);
        }
    }
    tokens
}

#[test]
fn no_attack_is_taken() {
    let (own, other) = (SigningKey::rsa(0, "own"), SigningKey::rsa(1, "other"));
    let door = Door::usual(&own);
    // Tokens without a kid are understood where the issuer has one key: these attacks have that too.
    let (mut tried, mut taken) = (0, Vec::new());
    for (kind, tokens) in attacks(&own, &other) {
        println!("{kind}: {}", tokens.len());
        for token in tokens {
            tried += 1;
            if door.ask(&token).is_ok() {
                taken.push((kind, token));
            }
        }
    }
    println!("attacks: {tried}, taken: {}", taken.len());
    assert!(taken.is_empty(), "{:?}", taken.first());
    assert!(tried >= 500, "{tried}");
    // The very token that they were made of is good.
    door.takes(&own.token(&good()));
}

/// Tokens as issuers make them.
fn good_ones(key: &SigningKey) -> Vec<String> {
    let mut tokens = vec![key.token(&good())];
    for typ in ["at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "APPLICATION/AT+JWT"] {
        tokens.push(key.token_of(&key.header(typ).to_string(), &good().to_string()));
    }
    for aud in [
        json!([API]),
        json!(["https://id.example/userinfo", API]),
        json!([API, "a", "b", "c"]),
        json!([API, API]),
    ] {
        tokens.push(key.token(&with("aud", aud)));
    }
    for absent in ["jti", "scope"] {
        tokens.push(key.token(&with(absent, Value::Null)));
    }
    let mut by_azp = with("azp", json!("app"));
    by_azp.as_object_mut().unwrap().remove("client_id");
    tokens.push(key.token(&by_azp));
    for (claim, value) in [
        ("nbf", json!(START)),
        ("nbf", json!(0)),
        ("iat", json!(0)),
        ("azp", json!("app")),
        ("scope", json!("openid profile deals:read")),
        ("scope", json!("")),
        ("scope", json!("  deals:read  ")),
        ("permissions", json!(["deals:read", "x"])),
        ("https://acme.example/email", json!("a@acme.example")),
        ("nested", json!({ "a": { "b": [1, 2.5, -1, null, true, { "c": "d" }] } })),
        ("name", json!("Ålice \u{1f600} \"quoted\" \\ \u{2028}")),
        ("auth_time", json!(START)),
        ("acr", json!("2")),
        ("nonce", json!("n")),
        ("sid", json!("s")),
        ("email", json!("ALICE@acme.example")),
        ("email_verified", json!(false)),
        ("org_id", json!("org_1")),
        ("padding", json!("x".repeat(3_000))),
    ] {
        let lifetime = with(claim, value);
        // An `iat` of 1970 would make it live too long.
        let lifetime = if claim == "iat" { with("iat", json!(START - 86_400)) } else { lifetime };
        tokens.push(key.token(&lifetime));
    }
    // Keys that the header names are not looked at, and do no harm.
    for (name, value) in
        [("jku", json!("http://127.0.0.1:9/")), ("x5t", json!("A")), ("x5c", json!(["A"])), ("x", json!({}))]
    {
        let mut header = key.header("at+jwt");
        header[name] = value;
        tokens.push(key.token_of(&header.to_string(), &good().to_string()));
    }
    // However the JSON is written.
    let spaced = good()
        .to_string()
        .replace(',', " ,\n\t")
        .replace(':', " : ")
        .replace(" : //", "://")
        .replace("deals : read", "deals:read");
    tokens.push(key.token_of(&key.header("at+jwt").to_string(), &spaced));
    let escaped = good().to_string().replace("\"sub\"", "\"\\u0073ub\"");
    tokens.push(key.token_of(&key.header("at+jwt").to_string(), &escaped));
    for life in 1..100 {
        tokens.push(key.token(&with("exp", json!(START + life * 3_600))));
    }
    tokens
}

#[test]
fn every_good_token_is_taken() {
    let rsa = ["RS384", "RS512", "PS256", "PS384", "PS512"];
    let mut keys: Vec<SigningKey> =
        rsa.into_iter().map(|alg| SigningKey::rsa_of(KeySize::Rsa2048, alg, alg)).collect();
    keys.extend(["ES256", "ES384", "ES512"].map(|alg| SigningKey::ec_of(alg, alg)));
    keys.extend([SigningKey::rsa(0, "r"), SigningKey::ed("d")]);
    assert_eq!(keys.len(), Algorithm::ALL.len(), "a key for each");
    let rules = keyward_core::jwt::Rules { algorithms: Algorithm::ALL.to_vec(), ..rules(ISSUER) };
    let door = Door::of(vec![(rules, set(&keys.iter().collect::<Vec<_>>()))]);
    let (mut tried, mut refused) = (0, Vec::new());
    for token in keys.iter().flat_map(good_ones) {
        // Once new, once remembered.
        for _ in 0..2 {
            tried += 1;
            if let Err(denial) = door.ask(&token) {
                refused.push((denial, token.clone()));
            }
        }
    }
    println!("good tokens: {tried}, refused: {}", refused.len());
    assert!(refused.is_empty(), "{:?}", refused.first());
}

/// RFC 9864 gives EdDSA on Ed25519 a name of its own, in the header of a token and in a key.
#[test]
fn ed25519_is_eddsa_by_its_other_name_in_a_token_and_in_a_key() {
    let key = SigningKey::ed("d");
    let rules = keyward_core::jwt::Rules { algorithms: vec![Algorithm::EdDsa], ..rules(ISSUER) };
    for in_key in ["EdDSA", "Ed25519", ""] {
        let mut jwk = key.jwk();
        match in_key {
            "" => drop(jwk.as_object_mut().unwrap().remove("alg")),
            named => jwk["alg"] = json!(named),
        }
        let set = KeySet::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
        let door = Door::of(vec![(rules.clone(), Some(Arc::new(set)))]);
        for in_token in ["EdDSA", "Ed25519"] {
            let header = json!({ "alg": in_token, "typ": "at+jwt", "kid": "d" }).to_string();
            door.takes(&key.token_of(&header, &good().to_string()));
        }
        for other in ["ES256", "RS256", "Ed448", "ED25519"] {
            let header = json!({ "alg": other, "typ": "at+jwt", "kid": "d" }).to_string();
            assert_eq!(door.refuses(&key.token_of(&header, &good().to_string())).word(), "token_algorithm");
        }
    }
}
