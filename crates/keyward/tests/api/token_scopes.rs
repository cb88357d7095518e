//! What the scopes of a token open: each form of each claim, under each setting, of an issuer outside and of our own.
//!
//! What is expected stands in the table below, not in the code that is under test: by a letter for each cell, and by the statuses
//! that the letter means.

use crate::browser::{text, tokens};
use crate::issuer::ISSUER;
use crate::log::listen;
use crate::support::TestApp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use keyward_core::jwt::{ScopeNames, Scopes};
use keyward_core::role::Role;
use keyward_core::scope::{Scope, ScopeSet};
use serde_json::{Value, json};

/// What `/me`, a read, a write, a new key and an invitation answer an admin.
type Answers = [u16; 5];

fn expected(letter: char) -> Answers {
    match letter {
        // Refused: a claim of a wrong type, or scopes in a claim that is not read.
        'x' | 'u' => [401, 401, 401, 401, 401],
        // The role alone decides, but what outlives the token must stand in it.
        '.' => [200, 200, 201, 403, 403],
        // The issuer decides, and gives nothing.
        '-' => [200, 403, 403, 403, 403],
        // It gives to read deals.
        'r' => [200, 200, 403, 403, 403],
        // It gives what a viewer may, and to write deals.
        'w' => [200, 200, 201, 201, 201],
        other => panic!("{other:?} is no expectation"),
    }
}

/// The claims that are read, and one that no entry names.
const CLAIMS: [&str; 5] = ["scope", "scp", "scopes", "permissions", "roles"];
const MODES: [Scopes; 3] = [Scopes::Ignore, Scopes::Narrow, Scopes::Require];

/// Each form with its cells: in `scope`, and in `scp`, `scopes` or `permissions`; each at an outside issuer under `ignore`,
/// `narrow` and `require`, and at our own.
fn table() -> Vec<(&'static str, Option<Value>, &'static str, &'static str)> {
    let openid = "openid profile email address phone offline_access";
    let ours = Role::Viewer.scopes().with(Scope::DealsWrite).names().join(" ");
    vec![
        ("absent", None, "..--", "..--"),
        ("null", Some(json!(null)), "xxxx", "xxxx"),
        ("a number", Some(json!(1)), "xxxx", "xxxx"),
        ("an object", Some(json!({ "deals:read": true })), "xxxx", "xxxx"),
        ("a list with a number", Some(json!(["deals:read", 1])), "xxxx", "xxxx"),
        ("empty text", Some(json!("")), ".---", ".---"),
        ("spaces", Some(json!("   ")), ".---", ".---"),
        ("empty list", Some(json!([])), ".---", ".---"),
        ("list of an empty text", Some(json!([""])), ".---", ".---"),
        ("text", Some(json!("deals:read")), ".rrr", ".rru"),
        ("list", Some(json!(["deals:read"])), ".rrr", ".rru"),
        ("commas", Some(json!("deals:read,deals:write")), ".---", ".---"),
        ("tabs", Some(json!("deals:read\tdeals:write")), ".---", ".---"),
        ("upper case", Some(json!("DEALS:READ")), ".---", ".---"),
        ("prefixed", Some(json!("https://api.example.com/deals:read")), ".---", ".---"),
        ("misspelt", Some(json!("deal:read deals.read")), ".---", ".---"),
        ("OpenID Connect's as text", Some(json!(openid)), "..--", ".---"),
        ("OpenID Connect's as list", Some(json!(["openid", "email"])), "..--", ".---"),
        ("foreign", Some(json!("openid crm:write")), ".---", ".---"),
        ("ours as text", Some(json!(ours.clone())), "wwww", "wwwu"),
        ("ours as list", Some(json!(ours.split(' ').collect::<Vec<_>>())), "wwww", "wwwu"),
        ("mixed", Some(json!("openid crm:write deals:read DEALS:WRITE")), ".rrr", ".rru"),
    ]
}

/// The cells of a form in a claim; nobody reads `roles`, so there it is as if the claim were absent.
fn cells(claim: &str, scope: &'static str, others: &'static str) -> &'static str {
    match claim {
        "scope" => scope,
        "roles" => "..--",
        _ => others,
    }
}

impl TestApp {
    /// What a token of an admin opens. `number` keeps invitations apart.
    async fn opens(&self, token: &str, number: usize) -> Answers {
        let ask = |method, path| self.anonymous(method, path).bearer(token);
        let key = json!({ "label": "k", "scopes": ["deals:read"] });
        let invitation = json!({ "email": format!("new{number}@acme.example"), "role": "viewer" });
        [
            ask(Method::GET, "/me").send().await.status.as_u16(),
            ask(Method::GET, "/deals").send().await.status.as_u16(),
            ask(Method::POST, "/deals").json(json!({ "title": "By token" })).send().await.status.as_u16(),
            ask(Method::POST, "/api-keys").json(key).send().await.status.as_u16(),
            ask(Method::POST, "/account/team").json(invitation).send().await.status.as_u16(),
        ]
    }
}

/// These claims with one of them otherwise, or without it.
fn with(claims: &Value, claim: &str, value: Option<&Value>) -> Value {
    let mut claims = claims.clone();
    let members = claims.as_object_mut().unwrap();
    members.remove("scope");
    if let Some(value) = value {
        members.insert(claim.to_owned(), value.clone());
    }
    claims
}

#[tokio::test]
async fn every_form_of_every_claim_opens_what_the_table_says_under_every_setting_and_issuer() {
    let (mut filled, mut wrong) = (0, Vec::new());
    for (column, mode) in MODES.into_iter().enumerate() {
        let app = TestApp::of_issuer(|entry| entry.scopes = mode).await;
        app.link(app.admin.user, "auth0|admin").await;
        let plain = app.issuer.claims("auth0|admin");
        for claim in CLAIMS {
            for (form, value, scope, others) in table() {
                let token = app.issuer.key().token(&with(&plain, claim, value.as_ref()));
                let cell = cells(claim, scope, others).chars().nth(column).unwrap();
                let answers = app.opens(&token, filled).await;
                filled += 1;
                if answers != expected(cell) {
                    wrong.push(format!("{mode:?} {claim} {form}: {answers:?}, expected {cell:?}"));
                }
            }
        }
    }
    let app = TestApp::new().await;
    let real = tokens(&app, "admin", &[]).await;
    let payload = text(&real, "access_token").split('.').nth(1).unwrap().to_owned();
    let real: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    for claim in CLAIMS {
        for (form, value, scope, others) in table() {
            let token = app.signed_by_us(&with(&real, claim, value.as_ref()));
            let cell = cells(claim, scope, others).chars().nth(3).unwrap();
            let answers = app.opens(&token, filled).await;
            filled += 1;
            if answers != expected(cell) {
                wrong.push(format!("ours {claim} {form}: {answers:?}, expected {cell:?}"));
            }
        }
    }
    println!("cells: {filled}, wrong: {}", wrong.len());
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(filled, CLAIMS.len() * table().len() * 4, "no empty cell");
}

#[tokio::test]
async fn an_entry_with_a_prefix_and_a_map_reads_its_issuers_names_and_no_others() {
    let map = [
        ("All".to_owned(), ScopeSet::all()),
        ("Deals.Read".to_owned(), ScopeSet::NONE.with(Scope::DealsRead)),
    ];
    let names = ScopeNames { prefix: "api/".to_owned(), map: map.into() };
    let app = TestApp::of_issuer(|entry| entry.scope_names = names).await;
    app.link(app.admin.user, "auth0|admin").await;
    let table = [
        ("openid", '.'),
        ("openid api/deals:read", 'r'),
        ("api/Deals.Read", 'r'),
        ("api/All", 'w'),
        ("openid deals:read", '-'),
        ("crm/deals:read", '-'),
        ("Deals.Read", '-'),
    ];
    for (number, (scope, letter)) in table.into_iter().enumerate() {
        let token = app.issuer.token("auth0|admin", json!({ "scope": scope }));
        assert_eq!(app.opens(&token, number).await, expected(letter), "{scope}");
    }
}

/// Scopes in a claim that is not read are no reason to give what they were to keep back.
#[tokio::test]
async fn a_token_with_scopes_in_a_claim_that_the_entry_leaves_out_is_refused() {
    for mode in MODES {
        let app = TestApp::of_issuer(|entry| {
            entry.scopes = mode;
            entry.scope_claims = vec!["scope".to_owned()];
        })
        .await;
        app.link(app.admin.user, "auth0|admin").await;
        let hydra = app.issuer.token("auth0|admin", json!({ "scp": ["deals:read"] }));
        assert_eq!(app.opens(&hydra, 0).await, expected('u'), "{mode:?}");
        let plain = app.issuer.token("auth0|admin", json!({ "scope": "deals:read" }));
        app.get("/deals").bearer(&plain).expect(200).await;
    }
}

/// What narrows a token stands in the line of a request that lacks a scope, and a name that is not known is logged once.
#[tokio::test]
async fn the_log_says_what_narrowed_a_token_and_each_unknown_name_once() {
    let app = TestApp::new().await;
    app.link(app.admin.user, "auth0|admin").await;
    let token = app.issuer.token("auth0|admin", json!({ "scp": ["crm:write", "openid"] }));
    let (lines, _guard) = listen();
    app.get("/me").bearer(&token).expect(200).await;
    for _ in 0..3 {
        app.get("/deals").bearer(&token).expect(403).await;
    }
    let events = lines.take();
    let unknown: Vec<&Value> = events.iter().filter(|event| event["scope"].is_string()).collect();
    assert_eq!(unknown.len(), 1, "{events:?}");
    assert_eq!((&unknown[0]["issuer"], &unknown[0]["scope"]), (&json!(ISSUER), &json!("crm:write")));
    let told: Vec<&Value> =
        events.iter().map(|event| &event["token_scopes"]).filter(|told| told.is_string()).collect();
    let text = "scp narrows it to nothing but /me. Not scopes of this API: \"crm:write\"; scope_prefix and scope_map translate names.";
    assert_eq!(told, [text; 3], "the refusals alone say it");
    // A token that nothing narrows lacks what outlives it.
    let plain = app.issuer.token("auth0|admin", json!({ "scope": "openid" }));
    app.post("/api-keys").bearer(&plain).json(json!({ "label": "k" })).expect(403).await;
    let told = lines.take().pop().unwrap()["token_scopes"].take();
    assert!(told.as_str().unwrap().contains("account:write must stand in the token"), "{told}");
}
