//! What a request to the authorization server means where it says less, or says what is not known: never more than if it had said it.

use crate::browser::{Browser, authorize, call, form_to, refresh, said, text, tokens};
use crate::support::{PASSWORD, TestApp};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyward_core::jwt::SigningKey;
use keyward_core::live::Change;
use keyward_core::opaque::{TokenKind, mint};
use keyward_core::session::LinkKind;
use keyward_core::signing::SealedKey;
use keyward_core::write::link::IssueLink;
use keyward_testkit::SeededRandom;
use keyward_testkit::issuer::base64url;
use serde_json::{Value, json};

/// The claims of a token of ours.
fn claims(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[tokio::test]
async fn without_scope_reading_alone_is_asked_for_and_without_resource_both_resources() {
    let app = TestApp::new().await;
    for absent in [vec![], vec![("scope", "")], vec![("scope", " ")]] {
        let granted = tokens(&app, "admin", &absent).await;
        assert_eq!(text(&granted, "scope"), "account:read deals:read pipelines:read", "{absent:?}");
        let token = text(&granted, "access_token");
        app.get("/deals").bearer(token).expect(200).await;
        app.post("/deals").bearer(token).json(json!({"title": "x"})).expect(403).await;
        let both = ["http://keyward.test/api/external/v2", "http://keyward.test/mcp"];
        assert_eq!(claims(token)["aud"], json!(both), "{absent:?}");
    }
}

#[tokio::test]
async fn a_prompt_that_is_not_known_is_an_invalid_request() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    for prompt in ["LOGIN", "create", "login,consent", "none login"] {
        let answer = browser.get(&authorize(&[("prompt", prompt)])).await;
        assert_eq!(said(&answer)["error"], "invalid_request", "{prompt}");
    }
    for prompt in ["consent", "select_account consent", ""] {
        assert_eq!(browser.get(&authorize(&[("prompt", prompt)])).await.status, 200, "{prompt}");
    }
}

#[tokio::test]
async fn an_address_is_verified_once_a_link_to_it_was_used_and_not_by_being_typed() {
    let app = TestApp::new().await;
    let verified = async || {
        let granted = tokens(&app, "admin", &[("scope", "openid email")]).await;
        claims(text(&granted, "id_token"))["email_verified"].clone()
    };
    assert_eq!(verified().await, json!(false), "the operator typed it");
    let (link, digest) = mint(TokenKind::Link, &SeededRandom::new(9)).unwrap();
    app.operate(IssueLink { user: app.admin.user, kind: LinkKind::Reset, digest }).await;
    assert_eq!(verified().await, json!(false), "a link alone says nothing");
    let mut browser = Browser::new(&app);
    let page = browser.get(&format!("/welcome?token={}", link.expose())).await.text();
    assert_eq!(browser.send(&form_to(&page, "/welcome").with("password", PASSWORD)).await.status, 303);
    assert_eq!(verified().await, json!(true));
}

#[tokio::test]
async fn an_access_token_that_has_ended_still_ends_its_grant() {
    let app = TestApp::new().await;
    for resource in ["http://keyward.test/api/external/v2", "http://keyward.test/mcp"] {
        let granted = tokens(&app, "admin", &[("resource", resource)]).await;
        let ended = text(&granted, "access_token");
        // The end, and the leeway.
        app.clock.advance(910);
        app.get("/me").bearer(ended).expect(401).await;
        // Not by another client, nor with another signature.
        let (signed, _) = ended.rsplit_once('.').unwrap();
        let forged = format!("{signed}.{}", base64url([0; 384]));
        for (client, token) in [("keyward-cli", ended), ("app", &forged)] {
            let answer = call(&app, "/oauth/revoke", &[("client_id", client), ("token", token)]).await;
            assert_eq!(answer.status, 200, "and nothing is learnt");
        }
        let again = refresh(&app, text(&granted, "refresh_token")).await;
        assert_eq!(again.status, 200, "{}", again.text());
        assert_eq!(call(&app, "/oauth/revoke", &[("client_id", "app"), ("token", ended)]).await.status, 200);
        let over = refresh(&app, text(&again.json(), "refresh_token")).await.json();
        assert_eq!(over["error"], "invalid_grant");
    }
}

#[tokio::test]
async fn a_revocation_that_cannot_be_judged_is_503_and_never_said_to_be_done() {
    let app = TestApp::new().await;
    let granted = tokens(&app, "admin", &[]).await;
    let keys: Vec<_> = {
        let live = app.app.directory().read();
        live.signing_keys().into_iter().cloned().collect()
    };
    app.app.directory().publish(keys.iter().map(|key| Change::SigningKeyGone(key.id)));
    let token = text(&granted, "access_token");
    let revoke = async || call(&app, "/oauth/revoke", &[("client_id", "app"), ("token", token)]).await;
    let answer = revoke().await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["error"]),
        (503, &json!("temporarily_unavailable")),
        "no key to verify with"
    );
    assert!(answer.header("retry-after").is_some());
    app.app.directory().publish(keys.into_iter().map(Change::SigningKey));
    app.get("/me").bearer(token).expect(200).await;
    assert_eq!(revoke().await.status, 200);
    app.get("/me").bearer(token).expect(401).await;
}

#[tokio::test]
async fn a_revocation_with_a_token_whose_key_may_be_one_that_does_not_open_is_503() {
    let app = TestApp::new().await;
    let granted = tokens(&app, "admin", &[]).await;
    let own: SealedKey = {
        let live = app.app.directory().read();
        live.signing_keys().into_iter().next().cloned().unwrap()
    };
    // Another key signs by now, as the background makes one.
    let sealer = &app.app.oauth.as_ref().unwrap().keys.sealer;
    let (nonce, version, sealed) =
        sealer.seal("next", &SigningKey::generate().unwrap(), &SeededRandom::new(9)).unwrap();
    let next = SealedKey { id: 99, kid: "next".into(), nonce, version, sealed: sealed.into(), ..own.clone() };
    let publish = |changes: Vec<Change>| app.app.directory().publish(changes);
    publish(vec![Change::SigningKey(next), Change::SigningKeyGone(own.id)]);
    let token = text(&granted, "access_token");
    let revoke = async || call(&app, "/oauth/revoke", &[("client_id", "app"), ("token", token)]).await;
    assert_eq!(revoke().await.status, 200, "its key was taken away: it is no token");
    publish(vec![Change::SigningKey(SealedKey { sealed: [7; 80].into(), ..own.clone() })]);
    let answer = revoke().await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (503, &json!("temporarily_unavailable")));
    assert!(answer.header("retry-after").is_some());
    // What is not ours is none of these.
    let foreign = app.issuer.token("somebody", json!({}));
    let answer = call(&app, "/oauth/revoke", &[("client_id", "app"), ("token", &foreign)]).await;
    assert_eq!(answer.status, 200);
    publish(vec![Change::SigningKeyGone(own.id)]);
    publish(vec![Change::SigningKey(SealedKey { id: 100, ..own })]);
    assert_eq!(revoke().await.status, 200);
    let over = refresh(&app, text(&granted, "refresh_token")).await.json();
    assert_eq!(over["error"], "invalid_grant", "and now it was revoked");
}
