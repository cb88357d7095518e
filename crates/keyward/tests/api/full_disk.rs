//! A disk that is full: reads go on, writes are 503, and what takes a right away holds at once, whoever asks for it.

use crate::browser::{Browser, form_to, refresh, text, tokens};
use crate::support::{Answer, TestApp};
use http::Method;
use keyward_core::clock::At;
use keyward_core::effect::{Commit, Context};
use keyward_core::grant::Grant;
use keyward_core::permit::operator;
use keyward_core::store::{StoreError, Upkeep};
use keyward_core::write::disabling::SetUserDisabled;
use serde_json::json;
use uuid::Uuid;

const HELD: &str = "The revocation is active on this server but not yet saved";

fn is_held(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("5")), "{}", answer.text());
    assert!(answer.text().contains(HELD), "{}", answer.text());
}

#[tokio::test]
async fn what_takes_a_right_away_holds_and_what_gives_one_is_not_done() {
    let app = TestApp::new().await;
    let doomed = app.key(&app.admin, Grant::FullAccess).await;
    let path = format!("/api-keys/{}", doomed.id);
    app.store.fill_disk(true).await.unwrap();

    for _ in 0..2 {
        let held = app.delete(&path).by(&app.admin).send().await;
        is_held(&held);
        assert_eq!(held.code(), "SERVICE_UNAVAILABLE");
        app.get("/me").key(&doomed).expect(401).await;
    }
    let made = app.post("/deals").by(&app.admin).json(json!({"title": "x"})).expect(503).await;
    assert!(!made.text().contains(HELD), "that is not done at all");
    assert_eq!(made.header("retry-after"), Some("5"));
    for path in ["/me", "/deals", "/api-keys", "/account/team"] {
        app.get(path).by(&app.admin).expect(200).await;
    }
    is_held(&app.delete(&format!("/account/team/{}", app.viewer.user)).by(&app.admin).send().await);
    app.get("/me").by(&app.viewer).expect(401).await;

    app.store.fill_disk(false).await.unwrap();
    assert_eq!(app.delete(&path).by(&app.admin).expect(200).await.data(), json!({"deleted": true}));
    app.get("/me").by(&app.viewer).expect(401).await;
    app.post("/deals").by(&app.admin).json(json!({"title": "x"})).expect(201).await;
    assert_eq!(app.store.figures().endings_unwritten, 0);
}

#[tokio::test]
async fn a_retry_with_its_idempotency_key_is_acknowledged_once_it_is_written() {
    let app = TestApp::new().await;
    let doomed = app.key(&app.admin, Grant::FullAccess).await;
    let ask = || {
        let ask = app.delete(&format!("/api-keys/{}", doomed.id)).by(&app.admin);
        ask.header("idempotency-key", "550e8400-e29b-41d4-a716-446655440000")
    };
    app.store.fill_disk(true).await.unwrap();
    is_held(&ask().send().await);
    is_held(&ask().send().await);
    app.store.fill_disk(false).await.unwrap();
    app.store.try_writing().await.unwrap();
    let answer = ask().expect(200).await;
    assert_eq!(answer.header("idempotency-replayed"), Some("true"), "it was written as it was asked for");
}

#[tokio::test]
async fn in_the_console_too_and_for_applications_and_sessions() {
    let app = TestApp::new().await;
    let (connected, replaced) = (tokens(&app, "admin", &[]).await, tokens(&app, "editor", &[]).await);
    let newer = refresh(&app, text(&replaced, "refresh_token")).await.json();
    app.clock.advance(3_600);
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let cookies = browser.cookies.clone();
    let keys = browser.get("/console/acme/keys").await.text();
    let revoke = form_to(&keys, &format!("/console/acme/keys/{}/revoke", app.admin.key.id));
    let applications = browser.get("/console/acme/applications").await.text();
    app.store.fill_disk(true).await.unwrap();

    is_held(&browser.send(&revoke).await);
    app.get("/me").by(&app.admin).expect(401).await;
    is_held(&browser.send(&form_to(&applications, "/console/acme/applications/disconnect")).await);
    app.get("/me").bearer(text(&connected, "access_token")).expect(401).await;
    // A refresh token that was replaced an hour ago: somebody has it who should not.
    assert_eq!(refresh(&app, text(&replaced, "refresh_token")).await.status.as_u16(), 503);
    app.get("/me").bearer(text(&newer, "access_token")).expect(401).await;
    is_held(&browser.send(&form_to(&keys, "/sign-out")).await);
    let mut thief = Browser { app: &app, cookies };
    assert_eq!(thief.get("/console/acme/keys").await.status.as_u16(), 303, "the session has ended");
    let disable = SetUserDisabled { user: app.editor.user, disabled: true };
    let context = Context { request_id: Uuid::nil(), address: None, origin_app: "test".to_owned() };
    #[expect(clippy::disallowed_methods, reason = "the operator's command does so")]
    let disabled = app.store.commit(disable, operator(), context, None, At::Store).await;
    assert!(matches!(disabled, Err(StoreError::Held(_))));
    app.get("/me").by(&app.editor).expect(401).await;

    app.store.fill_disk(false).await.unwrap();
    app.store.try_writing().await.unwrap();
    assert_eq!(app.store.figures().endings_unwritten, 0);
    app.get("/me").by(&app.admin).expect(401).await;
    assert_eq!(app.anonymous(Method::GET, "/health").send().await.status.as_u16(), 200);
}
