//! Every registered claim with every kind of value: the good shapes pass, and a wrong type is never an absent one.

use crate::door::{API, Door, ISSUER, good, rules, set};
use keyward_core::grant::Grant;
use keyward_core::jwt::{Rules, SCOPE_CLAIMS, Scopes, Typ};
use keyward_core::scope::{Scope, ScopeSet};
use keyward_testkit::START;
use keyward_testkit::issuer::SigningKey;
use serde_json::{Value, json};

/// A payload with one claim as this very text, in the place of whatever it was.
fn payload(claim: &str, text: Option<&str>) -> String {
    let claims = good();
    let mut members: Vec<String> = claims
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != claim)
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    members.extend(text.map(|text| format!("\"{claim}\":{text}")));
    format!("{{{}}}", members.join(","))
}

#[test]
fn the_matrix_of_claims() {
    let key = SigningKey::rsa(0, "k");
    let door = Door::usual(&key);
    let (now, end) = (START.to_string(), (START + 300).to_string());
    let (api, issuer) = (format!("\"{API}\""), format!("\"{ISSUER}\""));
    let in_list = format!("[\"x\",\"{API}\"]");
    let values: Vec<Option<String>> = [
        "null",
        "true",
        "false",
        "\"\"",
        "\"x\"",
        "\"\\u0000\"",
        "\"a\\nb\"",
        "0",
        "1",
        "-1",
        "1.5",
        "1e3",
        "-0",
        "18446744073709551615",
        "18446744073709551616",
        "9223372036854775808",
        "253402300799",
        "253402300800",
        "9007199254740993",
        "1e400",
        "[]",
        "[\"\"]",
        "[null]",
        "[1]",
        "[[\"x\"]]",
        "{}",
        "{\"a\":1}",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([
        now.clone(),
        end.clone(),
        format!("{now}.0"),
        format!("{end}.5"),
        format!("\"{end}\""),
        format!("[{end}]"),
        api.clone(),
        issuer.clone(),
        in_list.clone(),
        format!("[{issuer}]"),
        format!("{}.{}e1", START / 10, START % 10),
        format!("{}e-1", (START + 300) * 10),
        "\"true\"".to_owned(),
        "\"False\"".to_owned(),
        "\"1\"".to_owned(),
        format!("\"{}\"", "s".repeat(255)),
        format!("\"{}\"", "s".repeat(256)),
    ])
    .map(Some)
    .chain([None])
    .collect();
    let long = format!("\"{}\"", "s".repeat(255));
    // Which of them are good. `start` and `end` are moments that are.
    let is_good = |claim: &str, value: Option<&str>| {
        let Some(value) = value else {
            return matches!(claim, "nbf" | "jti" | "azp" | "scope" | "email" | "email_verified");
        };
        let flags = ["\"true\"", "\"False\"", "\"1\""];
        let names = ["\"x\"", &api, &issuer, &long, &format!("\"{end}\"")].map(str::to_owned);
        // One moment in three spellings, and a fraction, which is rounded down (RFC 7519 §2).
        let is_start = value == now
            || value == format!("{now}.0")
            || value == format!("{}.{}e1", START / 10, START % 10);
        let is_end =
            value == end || value == format!("{end}.5") || value == format!("{}e-1", (START + 300) * 10);
        let is_name = names.contains(&value.to_owned()) || flags.contains(&value);
        match claim {
            "iss" => value == issuer,
            "aud" => value == api || value == in_list,
            "exp" => is_end,
            // 1970 is long ago, but a token that began then lives too long; `nbf` alone says nothing of a life.
            "nbf" => is_start || ["0", "1", "1.5", "1e3"].contains(&value),
            "iat" => is_start,
            "sub" => false,
            "client_id" | "azp" => is_name,
            "jti" => is_name || value == format!("\"{}\"", "s".repeat(256)),
            "email" => value.starts_with('"'),
            // A text or a list of texts.
            "scope" => value.starts_with('"') || value == "[]" || value.starts_with("[\""),
            "email_verified" => value == "true" || value == "false" || flags.contains(&value),
            other => panic!("{other}"),
        }
    };
    let (mut tried, mut wrong) = (0, Vec::new());
    let claims = [
        "iss",
        "aud",
        "exp",
        "nbf",
        "iat",
        "sub",
        "client_id",
        "azp",
        "jti",
        "scope",
        "email",
        "email_verified",
    ];
    for claim in claims {
        for value in &values {
            tried += 1;
            let token = key.token_of(&key.header("at+jwt").to_string(), &payload(claim, value.as_deref()));
            // Another subject is good, and nobody's.
            let taken = match door.ask(&token) {
                Ok(_) => true,
                Err(Some(keyward_core::denial::Denial::TokenUnlinked)) if claim == "sub" => false,
                Err(_) => false,
            };
            if taken != is_good(claim, value.as_deref()) {
                wrong.push((claim, value.clone(), taken));
            }
        }
    }
    println!("claims: {tried} shapes, wrongly judged: {}", wrong.len());
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn without_its_age_or_under_at_jwt_its_client_a_token_is_refused() {
    let key = SigningKey::rsa(0, "k");
    let rules = Rules { kinds: vec![Typ::AccessToken, Typ::Jwt, Typ::Absent], ..rules(ISSUER) };
    let door = Door::of(vec![(rules, set(&[&key]))]);
    for typ in ["at+jwt", "JWT", ""] {
        let mut header = key.header(typ);
        if typ.is_empty() {
            header.as_object_mut().unwrap().remove("typ");
        }
        let word = |absent: &[&str], nbf: bool| {
            let mut claims = good();
            claims.as_object_mut().unwrap().retain(|name, _| !absent.contains(&name.as_str()));
            if nbf {
                claims["nbf"] = json!(START - 5);
            }
            let asked = door.ask(&key.token_of(&header.to_string(), &claims.to_string()));
            asked.err().flatten().map(|denial| denial.word())
        };
        let profile = typ == "at+jwt";
        assert_eq!(word(&["jti"], false), None, "{typ}: nothing depends on it");
        assert_eq!(word(&["iat"], false), Some("token_claims"), "{typ}");
        assert_eq!(word(&["iat"], true), profile.then_some("token_claims"), "{typ}: nbf stands in");
        assert_eq!(word(&["client_id"], false), profile.then_some("token_claims"), "{typ}");
    }
}

#[test]
fn a_subject_is_a_plain_name() {
    let key = SigningKey::rsa(0, "k");
    let door = Door::usual(&key);
    let word = |value: Value| {
        let token = key.token(&crate::door::with("sub", value));
        door.refuses(&token).word()
    };
    for wrong in [
        json!(""),
        json!("s".repeat(256)),
        json!("a\u{0}"),
        json!("a\nb"),
        json!(1),
        json!(["alice"]),
        json!({}),
    ] {
        assert_eq!(word(wrong.clone()), "token_claims", "{wrong}");
    }
    for other in [json!("bob"), json!("Alice"), json!("alice "), json!("auth0|alice"), json!("s".repeat(255))]
    {
        assert_eq!(word(other.clone()), "token_unlinked", "{other}");
    }
}

#[test]
fn without_the_typ_of_an_access_token_it_must_show_that_it_is_one() {
    let key = SigningKey::rsa(0, "k");
    let rules = Rules {
        kinds: vec![Typ::Jwt, Typ::Absent],
        scope_claims: vec!["scope".to_owned(), "permissions".to_owned()],
        ..rules(ISSUER)
    };
    let door = Door::of(vec![(rules, set(&[&key]))]);
    let bare = || json!({ "iss": ISSUER, "aud": API, "sub": "alice", "iat": START, "exp": START + 300 });
    let headers = [key.header("JWT").to_string(), json!({ "alg": "RS256", "kid": "k" }).to_string()];
    for header in &headers {
        let token = |more: Value| {
            let mut claims = bare();
            claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            key.token_of(header, &claims.to_string())
        };
        for marked in [
            json!({ "scope": "openid" }),
            json!({ "scp": [] }),
            json!({ "azp": "app" }),
            json!({ "client_id": "app" }),
            json!({ "permissions": [] }),
        ] {
            door.takes(&token(marked));
        }
        for id_token in [
            json!({}),
            json!({ "azp": "app", "nonce": "n" }),
            json!({ "azp": "app", "at_hash": "h" }),
            json!({ "azp": "app", "c_hash": "h" }),
            json!({ "client_id": "app", "events": { "http://schemas.openid.net/event/backchannel-logout": {} } }),
        ] {
            assert_eq!(door.refuses(&token(id_token.clone())).word(), "token_type", "{id_token}");
        }
    }
    // That the usual claims are read does not make a mark of each: an ID token may have any.
    let usual = Rules {
        kinds: vec![Typ::Jwt],
        scope_claims: SCOPE_CLAIMS.map(str::to_owned).to_vec(),
        ..crate::door::rules(ISSUER)
    };
    let by_default = Door::of(vec![(usual, set(&[&key]))]);
    for claim in ["permissions", "scopes"] {
        let mut claims = bare();
        claims[claim] = json!([]);
        let token = key.token_of(&headers[0], &claims.to_string());
        assert_eq!(by_default.refuses(&token).word(), "token_type", "{claim}");
    }
    // What is not listed is not taken, an access token of the usual form either.
    assert_eq!(door.refuses(&key.token(&good())).word(), "token_type");
}

#[test]
fn scopes_mean_what_the_entry_says() {
    let key = SigningKey::rsa(0, "k");
    let deals = ScopeSet::NONE.with(Scope::DealsRead);
    let both = deals.with(Scope::AccountWrite);
    let claims = [
        (json!("openid profile"), json!(["x"]), ScopeSet::NONE),
        (json!("openid deals:read"), json!([]), deals),
        (json!("deals:read"), json!(["account:write"]), both),
        (json!("DEALS:READ deals:reads"), json!(["deals:read "]), deals),
    ];
    for scopes in [Scopes::Ignore, Scopes::Narrow, Scopes::Require] {
        let rules = Rules {
            scopes,
            scope_claims: vec!["scope".to_owned(), "permissions".to_owned()],
            ..rules(ISSUER)
        };
        let door = Door::of(vec![(rules, set(&[&key]))]);
        for (scope, permissions, literal) in &claims {
            let mut claims = crate::door::with("scope", scope.clone());
            claims["permissions"] = permissions.clone();
            let verified = door.takes(&key.token(&claims));
            // `permissions` is there, so the issuer decides.
            let grant = match scopes {
                Scopes::Ignore => Grant::FullAccess,
                Scopes::Narrow | Scopes::Require => Grant::Fixed(*literal),
            };
            assert_eq!(
                (verified.grant, verified.literal),
                (grant, *literal),
                "{scopes:?} {scope} {permissions}"
            );
        }
    }
}
