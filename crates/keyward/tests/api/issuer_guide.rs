//! The twelve issuers of `docs/guides/issuers.md`: each entry takes the access tokens that its issuer writes and refuses its ID tokens;
//! without any one of the entry's lines the token is refused, or opens less, and the advice names the setting.

use crate::auth0::{add, block, entry_of, judged, token_of};
use keyward::config::IssuerConfig;
use keyward_core::denial::Denial;
use keyward_core::grant::Grant;
use keyward_core::jwt::{RefusedToken, Verified};
use keyward_core::scope::ScopeSet;
use keyward_testkit::START;
use serde_json::{Value, json};

/// What an issuer writes, without `iss`, `iat` and `exp`.
struct Shape {
    /// The guide's file.
    file: &'static str,
    /// The `typ` of the header of access tokens.
    typ: Option<&'static str>,
    alg: &'static str,
    access: Value,
    /// What the access token opens; `None`: what the user's role gives.
    scopes: Option<&'static str>,
    /// The `typ` and the claims of an ID token. Those that can be are for the API too.
    id: (Option<&'static str>, Value),
}

fn shape(
    file: &'static str,
    typ: Option<&'static str>,
    access: Value,
    scopes: Option<&'static str>,
    id: Value,
) -> Shape {
    // Where access tokens have none, ID tokens have none either; elsewhere it is JWT.
    Shape { file, typ, alg: "RS256", access, scopes, id: (typ.map(|_| "JWT"), id) }
}

const API: &str = "https://api.example.com";

fn shapes() -> Vec<Shape> {
    let (jwt, at_jwt) = (Some("JWT"), Some("at+jwt"));
    let mut shapes = vec![
        shape(
            "auth0.toml",
            jwt,
            json!({
                "sub": "auth0|5f7c8ec7c33c6c004bbafe82", "aud": [API, "https://acme.eu.auth0.com/userinfo"], "azp": "spa",
                "scope": "openid profile email", "https://keyward.example/email": "ada@acme.example",
                "https://keyward.example/email_verified": true,
            }),
            None,
            json!({ "sub": "auth0|1", "aud": "spa", "email": "ada@acme.example", "email_verified": true, "sid": "s", "nonce": "n" }),
        ),
        shape(
            "okta.toml",
            None,
            json!({
                "ver": 1, "jti": "AT.x", "aud": "api://default", "cid": "0oa1", "uid": "00u1", "scp": ["openid", "deals:read"],
                "auth_time": START, "sub": "ada@acme.example", "email": "ada@acme.example", "email_verified": true,
            }),
            Some("deals:read"),
            json!({ "sub": "00u1", "ver": 1, "aud": "0oa1", "amr": ["pwd"], "idp": "00o1", "nonce": "n", "at_hash": "h" }),
        ),
        shape(
            "entra.toml",
            jwt,
            json!({
                "aud": "66666666-7777-8888-9999-000000000000", "nbf": START, "azp": "aaaa-bbbb", "azpacr": "0", "oid": "o", "rh": "r",
                "scp": "Deals.Read", "sub": "pairwise", "tid": "t", "uti": "u", "ver": "2.0", "email": "ada@acme.example",
                "xms_edov": "1",
            }),
            Some("deals:read pipelines:read"),
            // One application can be both the API and what signs people in.
            json!({ "aud": "66666666-7777-8888-9999-000000000000", "sub": "pairwise", "tid": "t", "ver": "2.0", "nonce": "n" }),
        ),
        shape(
            "cognito.toml",
            None,
            json!({
                "sub": "aaaa", "token_use": "access", "client_id": "1h57kf5cpq17m0eml12EXAMPLE", "username": "ada", "version": 2,
                "origin_jti": "o", "jti": "j", "event_id": "e", "auth_time": START, "scope": "openid api/deals:read",
                "email": "ada@acme.example", "email_verified": "true",
            }),
            Some("deals:read"),
            json!({
                "sub": "aaaa", "aud": "1h57kf5cpq17m0eml12EXAMPLE", "token_use": "id", "cognito:username": "ada",
                "email": "ada@acme.example", "email_verified": true,
            }),
        ),
        shape(
            "keycloak.toml",
            jwt,
            // As 24 and before, or with the compatibility mapper.
            json!({
                "sub": "f:1", "aud": [API, "account"], "typ": "Bearer", "azp": "spa", "nonce": "n", "session_state": "s", "acr": "1",
                "realm_access": { "roles": ["offline_access"] }, "scope": "openid email profile", "sid": "s",
                "email": "ada@acme.example", "email_verified": true,
            }),
            None,
            json!({ "sub": "f:1", "aud": [API, "spa"], "typ": "ID", "azp": "spa", "nonce": "n", "at_hash": "h" }),
        ),
        shape(
            "hydra.toml",
            jwt,
            json!({
                "sub": "ada", "aud": [API], "client_id": "spa", "ext": { "email": "ada@acme.example", "email_verified": true },
                "jti": "j", "nbf": START, "scp": ["openid", "deals:read", "deals:write"],
            }),
            Some("deals:read deals:write"),
            json!({ "sub": "ada", "aud": ["spa"], "at_hash": "h", "rat": START, "sid": "s", "nonce": "n" }),
        ),
        shape(
            "zitadel.toml",
            jwt,
            json!({
                "sub": "163840776835432705", "aud": ["spa@acme", "284215378907234561"], "jti": "j", "nbf": START, "client_id": "spa@acme",
                "https://keyward.example/email": "ada@acme.example", "https://keyward.example/email_verified": true,
            }),
            None,
            json!({
                "sub": "163840776835432705", "aud": ["spa@acme", "284215378907234561"], "azp": "spa@acme", "client_id": "spa@acme",
                "at_hash": "h", "amr": ["pwd"], "sid": "s",
            }),
        ),
        shape(
            "spring.toml",
            None,
            json!({
                "sub": "ada", "aud": API, "nbf": START, "scope": ["openid", "deals:read"], "jti": "j", "client_id": "spa",
                "email": "ada@acme.example", "email_verified": true,
            }),
            Some("deals:read"),
            json!({ "sub": "ada", "aud": "spa", "azp": "spa", "auth_time": START, "sid": "s", "nonce": "n" }),
        ),
        shape(
            "duende.toml",
            at_jwt,
            json!({
                "sub": "1", "aud": API, "nbf": START, "scope": ["openid", "deals:read", "offline_access"], "amr": ["pwd"], "client_id": "spa",
                "auth_time": START, "idp": "local", "email": "ada@acme.example", "email_verified": "true", "sid": "S", "jti": "J",
            }),
            Some("deals:read"),
            json!({ "sub": "1", "aud": "spa", "nonce": "n", "at_hash": "h", "sid": "S", "idp": "local" }),
        ),
        shape(
            "better-auth.toml",
            at_jwt,
            json!({
                "sub": "u1", "aud": API, "azp": "spa", "scope": "openid email deals:read", "sid": "s", "email": "ada@acme.example",
                "email_verified": true,
            }),
            Some("deals:read"),
            json!({ "sub": "u1", "aud": "spa", "nonce": "n", "sid": "s", "email": "ada@acme.example", "email_verified": true }),
        ),
        shape(
            "oidc-provider.toml",
            at_jwt,
            json!({
                "sub": "ada", "aud": API, "client_id": "spa", "scope": "deals:read", "jti": "j", "email": "ada@acme.example",
                "email_verified": true,
            }),
            Some("deals:read"),
            json!({ "sub": "ada", "aud": "spa", "nonce": "n", "at_hash": "h" }),
        ),
        shape(
            "jumpcloud.toml",
            jwt,
            json!({
                "sub": "615c83ca", "aud": [], "client_id": "ecf257a3-0bf2-4633-a2aa-0e382cb4c33f", "jti": "j", "nbf": START,
                "ext": { "email": "ada@acme.example", "email_verified": "true", "jc_org": "o" }, "scp": ["openid", "profile", "email"],
            }),
            None,
            json!({
                "sub": "615c83ca", "aud": ["ecf257a3-0bf2-4633-a2aa-0e382cb4c33f"], "at_hash": "h", "email": "ada@acme.example",
                "email_verified": "true", "jc_org": "o", "nonce": "n", "rat": START, "sid": "s",
            }),
        ),
    ];
    for shape in shapes.iter_mut().filter(|shape| shape.file == "better-auth.toml") {
        shape.alg = "EdDSA";
    }
    shapes
}

/// A signed token with these claims, of the issuer that an entry names.
fn signed(shape: &Shape, issuer: &str, typ: Option<&str>, claims: &Value) -> String {
    let mut all = json!({ "iss": issuer, "iat": START, "exp": START + 300 });
    add(&mut all, claims.clone());
    token_of(shape.alg, typ, &all)
}

/// What became of a token: what it opens and whose address it brings, or what the operator reads of it.
fn outcome(entry: &IssuerConfig, alg: &str, token: &str) -> Result<Verified, (Denial, String)> {
    judged(entry, alg, token).map_err(|denial| {
        let advice = RefusedToken::of(token, &denial, std::iter::once(&entry.rules())).advice;
        (denial, advice.unwrap_or_default())
    })
}

/// The text of an entry without this setting; without `audience` it would not be read, so it names somebody else.
fn without(text: &str, key: &str) -> String {
    let keep = |line: &&str| !line.starts_with(&format!("{key} ="));
    let rest: Vec<&str> = text.lines().filter(keep).collect();
    let other = if key == "audience" { "audience = [\"https://somebody.else.example\"]\n" } else { "" };
    format!("{}\n{other}", rest.join("\n"))
}

/// The settings of an entry beside `issuer`.
fn settings(text: &str) -> Vec<&str> {
    let keys = text.lines().filter_map(|line| Some(line.split_once(" =")?.0));
    keys.filter(|key| *key != "issuer").collect()
}

#[test]
fn the_tokens_of_twelve_issuers_are_taken_with_the_guides_entry_and_their_id_tokens_are_not() {
    let shapes = shapes();
    assert_eq!(shapes.len(), 12);
    for shape in &shapes {
        let (file, entry) = (shape.file, entry_of(&block(shape.file)));
        let token = signed(shape, &entry.issuer, shape.typ, &shape.access);
        let verified =
            outcome(&entry, shape.alg, &token).unwrap_or_else(|refused| panic!("{file}: {refused:?}"));
        let grant =
            shape.scopes.map_or(Grant::FullAccess, |text| Grant::Fixed(ScopeSet::from_text(text).unwrap()));
        assert_eq!((verified.grant, verified.email.as_deref()), (grant, Some("ada@acme.example")), "{file}");
        let (typ, claims) = &shape.id;
        let token = signed(shape, &entry.issuer, *typ, claims);
        let (denial, advice) = outcome(&entry, shape.alg, &token).expect_err(file);
        println!("{file}, its ID token: {}: {advice}", denial.word());
        assert!(matches!(denial, Denial::TokenType | Denial::TokenAudience), "{file}: {denial:?}");
    }
}

#[test]
fn without_a_line_of_its_entry_a_token_is_refused_or_opens_less_and_the_advice_names_the_setting() {
    let mut tried = 0;
    for shape in shapes() {
        let (file, text) = (shape.file, block(shape.file));
        let whole = entry_of(&text);
        let token = signed(&shape, &whole.issuer, shape.typ, &shape.access);
        let full = judged(&whole, shape.alg, &token).unwrap();
        // Without the entry.
        let none = RefusedToken::of(&token, &Denial::TokenIssuer, std::iter::empty());
        assert_eq!(none.advice, Some(format!("No [[issuers]] entry has issuer = {:?}.", whole.issuer)));
        for key in settings(&text) {
            tried += 1;
            let entry = entry_of(&without(&text, key));
            let advice = match outcome(&entry, shape.alg, &token) {
                Err((_, advice)) => advice,
                // Nobody is found by it.
                Ok(less) if less.email != full.email => {
                    let rules = entry.rules();
                    let told = RefusedToken::of(&token, &Denial::TokenUnlinked, std::iter::once(&rules));
                    told.advice.unwrap_or_default()
                }
                Ok(less) => {
                    assert_ne!(less.grant, full.grant, "{file} needs no {key}");
                    less.scope_report.map(|report| report.text()).unwrap_or_default()
                }
            };
            println!("{file} without {key}: {advice}");
            // What leaves a token nothing but `/me` says which claim it is: to ignore that is a decision, and no advice.
            let names = if key == "scopes" { "scp narrows it" } else { key };
            assert!(advice.contains(names), "{file} without {key}: {advice}");
        }
    }
    assert!(tried > 30, "{tried}");
}

#[test]
fn other_scopes_of_the_same_issuers_open_what_the_guide_says() {
    for (file, more, left) in [
        ("hydra.toml", json!({ "scp": ["openid", "offline"] }), Some("")),
        ("hydra.toml", json!({ "scp": [] }), Some("")),
        ("okta.toml", json!({ "scp": ["openid", "profile"] }), Some("")),
        (
            "entra.toml",
            json!({ "scp": "User.Read Deals.ReadWrite" }),
            Some("deals:read deals:write pipelines:read"),
        ),
        ("entra.toml", json!({ "scp": "access_as_user" }), Some("")),
        ("cognito.toml", json!({ "scope": "aws.cognito.signin.user.admin" }), Some("")),
        ("cognito.toml", json!({ "scope": "openid email" }), None),
        ("keycloak.toml", json!({ "scope": "profile email" }), None),
        ("keycloak.toml", json!({ "scope": "profile email deals:read" }), Some("deals:read")),
        ("spring.toml", json!({ "scope": ["openid"] }), None),
        ("duende.toml", json!({ "scope": ["openid", "crm:write"] }), Some("")),
    ] {
        let mut shape = shapes().into_iter().find(|shape| shape.file == file).unwrap();
        add(&mut shape.access, more.clone());
        let entry = entry_of(&block(file));
        let token = signed(&shape, &entry.issuer, shape.typ, &shape.access);
        let grant = left.map_or(Grant::FullAccess, |left| Grant::Fixed(ScopeSet::from_text(left).unwrap()));
        assert_eq!(judged(&entry, shape.alg, &token).unwrap().grant, grant, "{file} {more}");
    }
}
