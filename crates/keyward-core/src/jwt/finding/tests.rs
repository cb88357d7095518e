use super::*;
use crate::jwt::{Email, Link, ScopeNames, Scopes};
use serde_json::{Value, json};

fn rules() -> Rules {
    Rules {
        issuer: "https://id.example/".to_owned(),
        audiences: vec!["https://api.example".to_owned()],
        audience_setting: "audience",
        audience_claim: None,
        algorithms: vec![Algorithm::Rs256],
        kinds: vec![Typ::AccessToken],
        payload_typ: None,
        leeway: 10,
        max_bytes: 8192,
        max_lifetime: 86_400,
        scopes: Scopes::Narrow,
        accounts: std::sync::Arc::default(),
        scope_claims: vec!["scope".to_owned()],
        scope_names: ScopeNames::default(),
        link: Link::Invitation,
        email: Email { claim: "email".to_owned(), verified_claim: "email_verified".to_owned() },
        own: false,
    }
}

fn token(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode("x"))
}

fn found(denial: &Denial, header: Value, more: Value) -> RefusedToken {
    let mut claims = json!({ "iss": "https://id.example/", "aud": "https://other.example", "sub": "ada" });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    RefusedToken::of(&token(&header, &claims), denial, [rules()].iter())
}

#[test]
fn a_refused_token_names_what_was_found_and_the_setting_that_takes_it() {
    let header = || json!({ "alg": "ES256", "typ": "JWT", "kid": "k" });
    let table = [
        (Denial::TokenAlgorithm, json!({}), "algorithms = [\"RS256\", \"ES256\"] takes it."),
        (Denial::TokenType, json!({}), "accept_typ = [\"at+jwt\", \"JWT\"] takes it."),
        (
            Denial::TokenType,
            json!({ "at_hash": "x" }),
            "It has at_hash, as an ID token or a logout token: send the access token.",
        ),
        (
            Denial::TokenAudience,
            json!({}),
            "audience = [\"https://api.example\", \"https://other.example\"] takes it. Set it only if the token is meant for this API.",
        ),
        (
            Denial::TokenAudience,
            json!({ "aud": [] }),
            "It names no audience: have the client ask for \"https://api.example\", or have the issuer add it.",
        ),
        (
            Denial::TokenKeyUnknown,
            json!({}),
            "The issuer's key set has no key \"k\" for ES256; keyward doctor shows the set.",
        ),
        (Denial::TokenLifetime, json!({ "iat": 1, "exp": 90_001 }), "max_lifetime_seconds = 90000 takes it."),
        (Denial::TokenClaims, json!({}), "exp must be there, as a number of seconds."),
        (
            Denial::TokenClaims,
            json!({ "exp": 9 }),
            "iat must be there, as a number of seconds: the life of a token is counted from it.",
        ),
        (
            Denial::TokenClaims,
            json!({ "iat": 1, "exp": 2, "permissions": null }),
            "\"permissions\" must be a text or a list of texts, or not be there.",
        ),
        (
            Denial::TokenScopesUnread,
            json!({ "permissions": ["deals:read", "x"] }),
            "Nothing reads its scopes in permissions: scope_claims = [\"scope\", \"permissions\"] does.",
        ),
        (
            Denial::TokenIssuer,
            json!({ "iss": "https://id.example" }),
            "The entry says issuer = \"https://id.example/\": set it to \"https://id.example\", to the letter.",
        ),
        (
            Denial::TokenIssuer,
            json!({ "iss": "https://x.example" }),
            "No [[issuers]] entry has issuer = \"https://x.example\".",
        ),
        (
            Denial::TokenType,
            json!({ "scp": ["deals:read"] }),
            "accept_typ = [\"at+jwt\", \"JWT\"] takes it. Nothing reads its scopes in scp: scope_claims = [\"scope\", \"scp\"] does.",
        ),
    ];
    for (denial, more, advice) in table {
        let token = found(&denial, header(), more);
        assert_eq!(token.advice.as_deref(), Some(advice), "{denial:?}");
        assert_eq!((token.typ.as_deref(), token.alg.as_deref()), (Some("JWT"), Some("ES256")));
        assert_eq!(token.sub.as_deref(), Some("ada"));
    }
    let token = found(&Denial::TokenAlgorithm, json!({ "alg": "HS512" }), json!({}));
    assert_eq!(
        token.advice.as_deref(),
        Some("No setting takes alg \"HS512\": have the issuer sign with RS256.")
    );
    assert_eq!((token.typ, token.aud), (None, vec!["https://other.example".to_owned()]));
}

#[test]
fn an_unlinked_token_names_which_of_the_three_causes_it_is_and_the_command_that_links_it() {
    let link = "Otherwise: keyward user link EMAIL --issuer \"https://id.example/\" --subject SUBJECT.";
    for (more, why) in [
        (json!({}), "It has no \"email\""),
        (json!({ "email": "a@x.example" }), "Its \"email_verified\" is not true"),
        (
            json!({ "email": "a@x.example", "email_verified": true }),
            "Nobody who has no account and no subject yet is invited by its address",
        ),
    ] {
        let token = found(&Denial::TokenUnlinked, json!({ "alg": "RS256", "typ": "at+jwt" }), more);
        assert_eq!(token.advice, Some(format!("{why}. {link}")));
    }
}

#[test]
fn no_advice_holds_the_subject() {
    let header = || json!({ "alg": "ES256", "typ": "JWT", "kid": "k" });
    let subject = json!({ "sub": "auth0|grace", "email": "a@x.example", "email_verified": true });
    for denial in Denial::samples() {
        let token = found(&denial, header(), subject.clone());
        assert_eq!(token.sub.as_deref(), Some("auth0|grace"));
        assert!(!token.advice.unwrap_or_default().contains("grace"), "{denial:?}");
    }
}

#[test]
fn an_audience_is_added_to_all_of_the_setting_that_is_read() {
    let audiences: Vec<String> = (0..6).map(|number| format!("https://{number}.example")).collect();
    let rules = Rules { audiences: audiences.clone(), audience_setting: "mcp_audience", ..rules() };
    let claims = json!({ "iss": "https://id.example/", "aud": "https://other.example" });
    let token = RefusedToken::of(&token(&json!({}), &claims), &Denial::TokenAudience, [rules].iter());
    let advice = token.advice.unwrap();
    assert!(advice.starts_with("mcp_audience = ["), "{advice}");
    assert!(audiences.iter().all(|name| advice.contains(name.as_str())), "{advice}");
    assert!(advice.contains("\"https://other.example\"] takes it."), "{advice}");
}

#[test]
fn what_cannot_be_read_is_not_found_and_nothing_is_longer_than_its_bound() {
    for text in ["", "a", "a.b.c", "....", "e30.e30.", &"x".repeat(300_000)] {
        let token = RefusedToken::of(text, &Denial::TokenMalformed, [rules()].iter());
        assert_eq!(token, RefusedToken::default(), "{text:.9}");
    }
    let long = "x".repeat(4_000);
    let header = json!({ "alg": long, "typ": long, "kid": long });
    let claims = json!({ "iss": "https://id.example/", "aud": vec![long.clone(); 10], "sub": long });
    for denial in Denial::samples() {
        let token = RefusedToken::of(&token(&header, &claims), &denial, [rules()].iter());
        assert!(token.sub.is_some() && format!("{token:?}").len() < 8_000, "{denial:?}");
    }
}

#[test]
fn a_token_that_looks_like_another_kind_names_what_makes_it_look_so_and_the_setting_that_takes_it() {
    let keycloak = json!({ "typ": "Bearer", "nonce": "n", "azp": "spa" });
    let usual = Rules { kinds: vec![Typ::Jwt], ..rules() };
    let marked = Rules { payload_typ: Some("Bearer"), ..usual.clone() };
    let by_client = Rules { audience_claim: Some("client_id"), ..usual.clone() };
    let plain = json!({ "client_id": "spa" });
    for (rules, claims, advice) in [
        (
            &rules(),
            &keycloak,
            "accept_typ = [\"at+jwt\", \"JWT\"] takes it. With payload_typ = \"Bearer\", for its nonce.",
        ),
        (&usual, &keycloak, "payload_typ = \"Bearer\" takes it."),
        (
            &marked,
            &plain,
            "Its claim typ is not \"Bearer\", as payload_typ asks for: send the access token, or leave payload_typ out.",
        ),
        (
            &usual,
            &json!({ "typ": "ID", "nonce": "n" }),
            "It has nonce, as an ID token or a logout token: send the access token.",
        ),
        (
            &marked,
            &json!({ "typ": "Bearer", "at_hash": "h" }),
            "It has at_hash, as an ID token or a logout token: send the access token.",
        ),
        (&usual, &json!({ "token_use": "id" }), "Its token_use is \"id\": send the access token."),
        (
            &by_client,
            &plain,
            "Its aud is its own client, or it has no client_id, so with audience_claim it may be an ID token: send the access token.",
        ),
        (
            &usual,
            &json!({}),
            "It has none of scope, scp, azp and client_id, so nothing shows that it is an access token.",
        ),
    ] {
        let mut all = json!({ "iss": "https://id.example/", "aud": "https://api.example", "sub": "ada" });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let token = token(&json!({ "alg": "RS256", "typ": "JWT" }), &all);
        let found = RefusedToken::of(&token, &Denial::TokenType, [rules.clone()].iter());
        assert_eq!(found.advice.as_deref(), Some(advice), "{claims}");
    }
}

#[test]
fn a_token_without_aud_names_the_claim_that_can_stand_in() {
    let header = || json!({ "alg": "RS256", "typ": "JWT" });
    let ask =
        "It names no audience: have the client ask for \"https://api.example\", or have the issuer add it.";
    let add = "audience = [\"https://api.example\", \"spa\"] takes it.";
    for (claims, advice) in [
        (
            json!({ "aud": [], "client_id": "spa" }),
            format!("{ask} Where it cannot: audience_claim = \"client_id\" with {add}"),
        ),
        (
            json!({ "aud": [], "azp": "spa" }),
            format!("{ask} Where it cannot: audience_claim = \"azp\" with {add}"),
        ),
        (json!({ "aud": [], "client_id": 7 }), ask.to_owned()),
    ] {
        assert_eq!(found(&Denial::TokenAudience, header(), claims.clone()).advice, Some(advice), "{claims}");
    }
    let rules = Rules { audience_claim: Some("client_id"), ..rules() };
    let claims = json!({ "iss": "https://id.example/", "client_id": "spa" });
    let token = RefusedToken::of(&token(&header(), &claims), &Denial::TokenAudience, [rules].iter());
    assert_eq!(token.advice.as_deref(), Some(add));
}

#[test]
fn an_address_that_stands_elsewhere_is_named_by_the_setting_that_reads_it() {
    let link = "Otherwise: keyward user link EMAIL --issuer \"https://id.example/\" --subject SUBJECT.";
    for (more, why) in [
        (
            json!({ "ext": { "email": "a@x.example" } }),
            "It has no \"email\"; email_claim = \"/ext/email\" names it",
        ),
        (
            json!({ "https://x.example/email": "a@x.example" }),
            "It has no \"email\"; email_claim = \"https://x.example/email\" names it",
        ),
        (json!({ "ext": { "email": 7 } }), "It has no \"email\""),
        (
            json!({ "email": "a@x.example", "xms_edov": "1" }),
            "Its \"email_verified\" is not true; email_verified_claim = \"xms_edov\" names one that is",
        ),
        (
            json!({ "email": "a@x.example", "ext": { "email_verified": true } }),
            "Its \"email_verified\" is not true; email_verified_claim = \"/ext/email_verified\" names one that is",
        ),
        (
            json!({ "email": "a@x.example", "email_verified": "false", "xms_edov": false }),
            "Its \"email_verified\" is not true",
        ),
    ] {
        let token = found(&Denial::TokenUnlinked, json!({ "alg": "RS256", "typ": "at+jwt" }), more);
        assert_eq!(token.advice, Some(format!("{why}. {link}")));
    }
}
