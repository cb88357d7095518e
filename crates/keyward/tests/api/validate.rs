//! `POST /auth/validate-api-key`, and the letters of the seed page.

use super::support::TestApp;
use keyward_core::grant::Grant;
use keyward_core::scope::{Scope, ScopeSet};
use serde_json::json;

const PATH: &str = "/auth/validate-api-key";

#[tokio::test]
async fn a_good_key_shows_user_account_scopes_and_tier() {
    let app = TestApp::new().await;
    let answer = app.post(PATH).json(json!({"api_key": app.viewer.key.secret})).expect(200).await;
    let scopes = ScopeSet::reads().with(Scope::AccountWrite).names();
    assert_eq!(
        answer.data(),
        json!({"valid": true, "user_id": app.viewer.user, "account_id": app.acme, "scopes": scopes, "tier": "enterprise"})
    );
    let keys: Vec<String> = answer.data().as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["valid", "user_id", "account_id", "scopes", "tier"]);
}

#[tokio::test]
async fn the_starter_example_validates_the_bearer_token_without_a_body() {
    let app = TestApp::new().await;
    let answer = app.post(PATH).by(&app.admin).expect(200).await;
    assert_eq!(answer.data()["valid"], true);
    let body_wins = app.post(PATH).by(&app.admin).json(json!({"api_key": "lev_sk_no"})).expect(200).await;
    assert_eq!(body_wins.data(), json!({"valid": false}));
}

#[tokio::test]
async fn whatever_is_wrong_with_a_key_the_answer_is_the_same() {
    let app = TestApp::new().await;
    let revoked = app.key(&app.admin, Grant::FullAccess).await;
    app.delete(&format!("/api-keys/{}", revoked.id)).by(&app.admin).expect(200).await;
    let bound = json!({"label": "elsewhere", "allowed_ips": ["203.0.113.0/24"]});
    let bound = app.post("/api-keys").by(&app.admin).json(bound).expect(201).await.new_key();
    let unknown = app.unknown_key();
    let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln";
    let long = "x".repeat(100_000);
    let mut bodies = Vec::new();
    for key in [&revoked.secret, &bound.secret, &unknown, jwt, "", "lev_sk_", &long, "ключ"] {
        let answer = app.post(PATH).json(json!({"api_key": key})).expect(200).await;
        bodies.push(answer.without_id());
    }
    for token in ["lev_sk_no", jwt] {
        bodies.push(app.post(PATH).bearer(token).expect(200).await.without_id());
    }
    bodies.push(app.post(PATH).header("authorization", "Basic abc").expect(200).await.without_id());
    bodies.dedup();
    assert_eq!(bodies, [r#"{"request_id":"ID","timestamp":"2026-03-20T15:30:45Z","data":{"valid":false}}"#]);
}

#[tokio::test]
async fn a_question_without_a_key_is_a_mistake_of_the_question() {
    let app = TestApp::new().await;
    app.post(PATH).expect(422).await;
    for body in [
        json!({}),
        json!({"api_key": null}),
        json!({"api_key": 1}),
        json!({"api_key": "x", "more": 1}),
        json!([]),
    ] {
        let answer = app.post(PATH).by(&app.admin).json(body.clone()).send().await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "VALIDATION_ERROR"), "{body}");
    }
}

#[tokio::test]
async fn validating_names_its_application_is_not_remembered_and_never_counts_as_a_use() {
    let app = TestApp::new().await;
    let message = "Missing required header: X-Origin-App. Send your application's name, for example X-Origin-App: \
                   my-integration";
    let bare = app.request(http::Method::POST, "/api/external/v2/auth/validate-api-key");
    bare.refused(400, "BAD_REQUEST", message).await;
    let answer = app.post(PATH).by(&app.editor).expect(200).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let keys = app.get("/api-keys?all=true").by(&app.admin).expect(200).await.data();
    let editor = keys.as_array().unwrap().iter().find(|key| key["id"] == app.editor.key.id).unwrap();
    assert_eq!(editor["last_used_at"], json!(null));
}

#[tokio::test]
async fn a_bad_token_gets_the_body_of_the_seed_page_letter_for_letter() {
    let app = TestApp::new().await;
    let answer = app.get("/me").bearer("lev_sk_wrong").expect(401).await;
    assert_eq!(
        answer.without_id(),
        r#"{"request_id":"ID","error":{"code":"UNAUTHORIZED","message":"Invalid or expired authentication token"}}"#
    );
    assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="lev", error="invalid_token""#));
    assert_eq!(
        answer.header("link"),
        Some(r#"<http://keyward.test/platform/errors#UNAUTHORIZED>; rel="help""#)
    );
    let none = app.get("/me").refused(401, "UNAUTHORIZED", "Authentication required").await;
    assert_eq!(none.header("www-authenticate"), Some(r#"Bearer realm="lev""#));
}
