//! `/me`, `/me/accounts`, `/me/active-account`, `/account/team`, `/health`.

use super::support::TestApp;
use keyward_core::grant::Grant;
use keyward_core::scope::Scope;
use serde_json::json;

#[tokio::test]
async fn me_says_who_i_am_here_and_what_i_may_do_now() {
    let app = TestApp::new().await;
    let me = app.get("/me").by(&app.viewer).expect(200).await.data();
    assert_eq!(
        me.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["user", "account", "profile", "subscription", "platform"]
    );
    assert_eq!(me["user"]["email"], "viewer@acme.example");
    assert_eq!(me["user"]["full_name"], "Vivian Marsh");
    assert_eq!(me["user"]["role"], "viewer");
    assert_eq!(
        me["account"],
        json!({"id": app.acme, "name": "Acme Capital", "slug": "acme", "account_type": "brokerage"})
    );
    let platform = &me["platform"];
    assert_eq!(platform["api_tier"], "enterprise");
    assert!(platform["granted_scopes"].as_array().unwrap().contains(&json!("account:write")));
    assert!(!platform["granted_scopes"].as_array().unwrap().contains(&json!("deals:write")));
    // The tests have no limits unless they say so: see limits.rs.
    let unlimited = json!({"limit": null, "remaining": null, "window_seconds": 60});
    assert_eq!(platform["rate_limits"], json!({"reads": unlimited, "writes": unlimited}));
    assert_eq!(platform["api_keys"], json!({"current_count": 4, "max_allowed": 50}));
    let credential = json!({"kind": "api_key", "id": app.viewer.key.id, "label": "Server of the tests", "expires_at": null});
    assert_eq!(platform["credential"], credential);
}

#[tokio::test]
async fn me_needs_no_scope_at_all() {
    let app = TestApp::new().await;
    let narrow = app.scoped(&app.admin, &[Scope::DealsRead]).await;
    let me = app.get("/me").key(&narrow).expect(200).await.data();
    assert_eq!(me["platform"]["granted_scopes"], json!(["deals:read"]));
    app.get("/me/accounts")
        .key(&narrow)
        .refused(403, "FORBIDDEN", "Missing required scope: account:read")
        .await;
}

#[tokio::test]
async fn my_accounts_are_all_that_my_user_is_in() {
    let app = TestApp::new().await;
    let accounts = app.get("/me/accounts").by(&app.both).expect(200).await.data();
    assert_eq!(
        accounts["accounts"],
        json!([
            {"id": app.acme, "name": "Acme Capital", "slug": "acme", "account_type": "brokerage", "role": "editor", "is_active": true},
            {"id": app.harbor, "name": "Harbor Lending", "slug": "harbor", "account_type": "brokerage", "role": "viewer", "is_active": false},
        ])
    );
}

#[tokio::test]
async fn a_key_stays_in_its_account() {
    let app = TestApp::new().await;
    let switch = |slug: &str| app.patch("/me/active-account").by(&app.both).json(json!({"slug": slug}));
    assert_eq!(switch("acme").expect(200).await.data()["account"]["slug"], "acme");
    switch("harbor").refused(403, "FORBIDDEN", "This credential may not act in that account").await;
    switch("nowhere").refused(404, "NOT_FOUND", "Account with slug nowhere not found").await;
    app.patch("/me/active-account")
        .by(&app.both)
        .json(json!({}))
        .refused(422, "VALIDATION_ERROR", "slug is required")
        .await;
    let named = |slug: &str| app.get("/me").by(&app.both).header("x-active-account", slug);
    named("acme").expect(200).await;
    for other in ["harbor", "nowhere", "ACME"] {
        named(other).refused(403, "FORBIDDEN", "This credential may not act in that account").await;
    }
    let empty = "X-Active-Account is empty. Send an account's slug, or leave the header out.";
    for blank in ["", "  "] {
        named(blank).refused(400, "BAD_REQUEST", empty).await;
    }
}

#[tokio::test]
async fn the_team_is_a_list_with_cursors() {
    let app = TestApp::new().await;
    let first = app.get("/account/team?limit=3").by(&app.viewer).expect(200).await.json();
    assert_eq!(first["data"].as_array().unwrap().len(), 3);
    assert_eq!(
        first["data"][0],
        json!({"user_id": app.admin.user, "first_name": "Avery", "last_name": "Stone", "email": "admin@acme.example", "role": "admin", "photo_url": null, "status": "active", "made_by": {"kind": "operator", "id": null}})
    );
    assert_eq!((&first["pagination"]["total"], &first["pagination"]["has_more"]), (&json!(4), &json!(true)));
    let cursor = first["pagination"]["next_cursor"].as_str().unwrap();
    let second =
        app.get(&format!("/account/team?limit=3&cursor={cursor}")).by(&app.viewer).expect(200).await.json();
    assert_eq!(second["data"][0]["email"], "both@acme.example");
    assert_eq!(
        second["pagination"],
        json!({"total": 4, "limit": 3, "cursor": cursor, "has_more": false, "next_cursor": null})
    );
}

#[tokio::test]
async fn health_asks_for_nothing() {
    let app = TestApp::new().await;
    let answer = app.request(http::Method::GET, "/api/external/v2/health").expect(200).await;
    assert_eq!(answer.data()["status"], "ok");
    assert_eq!(answer.data()["timestamp"], "2026-03-20T15:30:45Z");
    let with_rubbish =
        app.request(http::Method::GET, "/api/external/v2/health").header("authorization", "rubbish");
    with_rubbish.expect(200).await;
}

#[tokio::test]
async fn live_keys_are_counted_without_the_revoked_and_the_expired() {
    let app = TestApp::new().await;
    let count = async || {
        app.get("/me").by(&app.admin).expect(200).await.data()["platform"]["api_keys"]["current_count"]
            .clone()
    };
    assert_eq!(count().await, 4);
    let key = app.key(&app.admin, Grant::ReadOnly).await;
    let short = json!({"label": "short", "expires_at": "2026-03-20T15:30:50Z"});
    app.post("/api-keys").by(&app.admin).json(short).expect(201).await;
    assert_eq!(count().await, 6);
    app.delete(&format!("/api-keys/{}", key.id)).by(&app.admin).expect(200).await;
    assert_eq!(count().await, 5);
    app.clock.advance(5);
    assert_eq!(count().await, 4);
}
