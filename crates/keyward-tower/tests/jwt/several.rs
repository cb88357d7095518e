//! Several issuers at once: a key is its issuer's, and an issuer's rules are its own.

use crate::door::{API, Door, rules, set};
use keyward_core::jwt::{Algorithm, Rules, Typ};
use keyward_testkit::START;
use keyward_testkit::issuer::SigningKey;
use serde_json::{Value, json};

const ONE: &str = "https://one.example/";
const TWO: &str = "https://two.example";

fn claims(issuer: &str, audience: &str) -> Value {
    json!({ "iss": issuer, "aud": audience, "sub": "alice", "client_id": "app", "iat": START, "exp": START + 300 })
}

#[test]
fn keys_and_rules_do_not_cross() {
    // The same name at both.
    let (one, two) = (SigningKey::rsa(0, "k"), SigningKey::ec("k"));
    let door = Door::of(vec![
        (rules(ONE), set(&[&one])),
        (
            Rules {
                algorithms: vec![Algorithm::Es256],
                audiences: vec!["two-api".to_owned()],
                kinds: vec![Typ::AccessToken, Typ::Jwt],
                ..rules(TWO)
            },
            set(&[&two]),
        ),
    ]);
    door.takes(&one.token(&claims(ONE, API)));
    door.takes(&two.token(&claims(TWO, "two-api")));
    door.takes(&two.token_of(&two.header("JWT").to_string(), &claims(TWO, "two-api").to_string()));
    let cross = |key: &SigningKey, alg: &str, issuer: &str, audience: &str| {
        let header = json!({ "alg": alg, "typ": "at+jwt", "kid": "k" }).to_string();
        door.refuses(&key.token_of(&header, &claims(issuer, audience).to_string())).word()
    };
    assert_eq!(cross(&one, "RS256", TWO, "two-api"), "token_algorithm");
    assert_eq!(cross(&two, "ES256", ONE, API), "token_algorithm");
    // By the other's algorithm too.
    assert_eq!(cross(&one, "ES256", TWO, "two-api"), "token_signature");
    assert_eq!(cross(&two, "RS256", ONE, API), "token_signature");
    // An audience is of its issuer.
    assert_eq!(cross(&one, "RS256", ONE, "two-api"), "token_audience");
    assert_eq!(cross(&two, "ES256", TWO, API), "token_audience");
    // So is what may be said of the kind.
    let typ = one.token_of(&one.header("JWT").to_string(), &claims(ONE, API).to_string());
    assert_eq!(door.refuses(&typ).word(), "token_type");
    // And a subject of one is nobody's at the other.
    let (one_like, two_like) = (
        one.token(&claims("https://one.example", API)),
        two.token(&claims("https://two.example/", "two-api")),
    );
    assert_eq!(door.refuses(&one_like).word(), "token_issuer");
    assert_eq!(door.refuses(&two_like).word(), "token_issuer");
}

#[test]
fn a_key_verifies_for_its_own_issuer_alone() {
    // The same algorithm, the same audience, the same name of the key.
    let (one, two) = (SigningKey::rsa(0, "k"), SigningKey::rsa(1, "k"));
    let door = Door::of(vec![(rules(ONE), set(&[&one])), (rules(TWO), set(&[&two]))]);
    for remembered in [false, true] {
        if remembered {
            door.takes(&one.token(&claims(ONE, API)));
            door.takes(&two.token(&claims(TWO, API)));
        }
        assert_eq!(door.refuses(&one.token(&claims(TWO, API))).word(), "token_signature");
        assert_eq!(door.refuses(&two.token(&claims(ONE, API))).word(), "token_signature");
    }
    // Nor by a name that only the other has.
    let (one, two) = (SigningKey::rsa(0, "a"), SigningKey::rsa(1, "b"));
    let door = Door::of(vec![(rules(ONE), set(&[&one])), (rules(TWO), set(&[&two]))]);
    assert_eq!(door.refuses(&one.token(&claims(TWO, API))).word(), "token_key_unknown");
    assert_eq!(door.refuses(&two.token(&claims(ONE, API))).word(), "token_key_unknown");
}

#[test]
fn a_key_is_chosen_only_where_there_is_no_choice() {
    let (one, two, ec) = (SigningKey::rsa(0, "a"), SigningKey::rsa(1, "b"), SigningKey::ec("c"));
    let without = |key: &SigningKey| {
        let header = json!({ "alg": key.alg, "typ": "at+jwt" }).to_string();
        key.token_of(&header, &claims(ONE, API).to_string())
    };
    let rules = || Rules { algorithms: Algorithm::ALL.to_vec(), ..rules(ONE) };
    let door = Door::of(vec![(rules(), set(&[&one, &ec]))]);
    door.takes(&without(&one));
    door.takes(&without(&ec));
    let door = Door::of(vec![(rules(), set(&[&one, &two, &ec]))]);
    assert_eq!(door.refuses(&without(&one)).word(), "token_key_unknown");
    door.takes(&without(&ec));
    door.takes(&one.token(&claims(ONE, API)));
}

#[test]
fn each_issuer_has_its_own_length_and_without_any_issuer_nothing_is_taken() {
    let key = SigningKey::rsa(0, "k");
    let long = |bytes: usize| {
        let mut claims = claims(ONE, API);
        // Three bytes are four characters.
        claims["padding"] = json!("");
        let short = key.token(&claims).len();
        claims["padding"] = json!("x".repeat((bytes - short) * 3 / 4));
        let mut token = key.token(&claims);
        while token.len() < bytes {
            claims["padding"] = json!(format!("{}x", claims["padding"].as_str().unwrap()));
            token = key.token(&claims);
        }
        token
    };
    for limit in [1024, 8192, 65_536] {
        let door = Door::of(vec![
            (Rules { max_bytes: limit, ..rules(ONE) }, set(&[&key])),
            (Rules { max_bytes: 131_072, ..rules(TWO) }, set(&[&key])),
        ]);
        let token = long(limit);
        let (at, above) = (token.len() == limit, door.ask(&token));
        assert_eq!(above.is_ok(), at, "{limit}: {}", token.len());
        let mut claims = claims(ONE, API);
        claims["padding"] = json!("x".repeat(limit));
        assert_eq!(door.refuses(&key.token(&claims)).word(), "token_too_long");
    }
    let none = Door::of(Vec::new());
    assert_eq!(none.refuses(&key.token(&claims(ONE, API))).word(), "token_issuer");
    assert!(none.ask("lev_sk_x").is_err_and(|denial| denial.is_none()), "it is not claimed");
}
