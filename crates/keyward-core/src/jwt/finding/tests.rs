use super::*;
use crate::jwt::{Email, ScopeNames, Scopes};
use serde_json::{Value, json};

fn rules() -> Rules {
    Rules {
        issuer: "https://id.example/".to_owned(),
        audiences: vec!["https://api.example".to_owned()],
        audience_setting: "audience",
        algorithms: vec![Algorithm::Rs256],
        kinds: vec![Typ::AccessToken],
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
        (Denial::TokenClaims, json!({}), "exp must be there, in whole seconds."),
        (
            Denial::TokenClaims,
            json!({ "exp": 9 }),
            "iat must be there, in whole seconds: the life of a token is counted from it.",
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
