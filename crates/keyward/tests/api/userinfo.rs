//! The userinfo endpoint, and what an ID token says: to a client exactly what its user lets it know.
//!
//! | mistake | test |
//! | --- | --- |
//! | a client learns what it was not granted | `a_client_receives_what_its_scopes_name_and_nothing_else` |
//! | any good credential opens it | `no_other_credential_opens_it` |
//! | a grant that ended still answers | `a_grant_that_ended_says_nothing_more` |

use crate::browser::{refresh, text, tokens};
use crate::support::{Answer, TestApp};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use keyward::config::LimitsConfig;
use keyward::reload::Reloadable;
use keyward_core::write::disabling::SetUserDisabled;
use serde_json::{Value, json};

async fn userinfo(app: &TestApp, token: &str) -> Answer {
    app.request(Method::GET, "/oauth/userinfo").bearer(token).send().await
}

/// The claims of a token, but for those of every token.
fn claims(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let mut claims: Value = serde_json::from_slice(&payload).unwrap();
    for usual in ["iss", "aud", "exp", "iat", "auth_time"] {
        claims.as_object_mut().unwrap().remove(usual);
    }
    claims
}

#[tokio::test]
async fn a_client_receives_what_its_scopes_name_and_nothing_else() {
    let app = TestApp::new().await;
    let user = app.app.directory().read().user(app.admin.user).unwrap().uuid.clone();
    let (email, name) = (
        json!({ "email": "admin@acme.example", "email_verified": false }),
        json!({ "name": "Avery Stone", "given_name": "Avery", "family_name": "Stone" }),
    );
    for (scope, parts) in [
        ("openid", vec![]),
        ("openid email", vec![&email]),
        ("openid profile", vec![&name]),
        ("openid profile email deals:read", vec![&email, &name]),
    ] {
        let granted = tokens(&app, "admin", &[("scope", scope)]).await;
        let mut said: Vec<&str> = text(&granted, "scope").split(' ').collect();
        said.sort_unstable();
        let mut asked: Vec<&str> = scope.split(' ').collect();
        asked.sort_unstable();
        assert_eq!(said, asked, "all that was asked for is granted");
        let mut expected = json!({ "sub": user });
        for part in parts {
            expected.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        }
        for method in [Method::GET, Method::POST] {
            let answer = app.request(method, "/oauth/userinfo").bearer(text(&granted, "access_token"));
            let answer = answer.expect(200).await;
            assert_eq!(answer.json(), expected, "{scope}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.header("content-type"), Some("application/json"));
        }
        assert_eq!(claims(text(&granted, "id_token")), expected, "the ID token says the same: {scope}");
    }
    // Whichever resource it is for; and what a refresh narrows is narrower here too.
    let mcp = [("scope", "openid profile"), ("resource", "http://keyward.test/mcp")];
    let granted = tokens(&app, "admin", &mcp).await;
    let answer = userinfo(&app, text(&granted, "access_token")).await.json();
    assert_eq!(answer["name"], "Avery Stone");
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("refresh_token", text(&granted, "refresh_token")),
        ("scope", "openid"),
    ];
    let narrow = crate::browser::call(&app, "/oauth/token", &pairs).await.json();
    let answer = userinfo(&app, text(&narrow, "access_token")).await.json();
    assert_eq!(answer, json!({ "sub": user }));
    let wide = refresh(&app, text(&narrow, "refresh_token")).await.json();
    assert_eq!(userinfo(&app, text(&wide, "access_token")).await.json()["name"], "Avery Stone");
}

#[tokio::test]
async fn no_other_credential_opens_it() {
    let app = TestApp::new().await;
    let granted = tokens(&app, "admin", &[("scope", "openid")]).await;
    let forged = app.signed_by_us(&json!({
        "iss": "http://keyward.test", "sub": "x", "aud": "http://elsewhere.test", "client_id": "app", "scope": "openid",
        "iat": 0, "exp": 9_999_999_999_u64, "grant_id": 1,
    }));
    for (what, token) in [
        ("an API key", app.admin.key.secret.as_str()),
        ("an ID token", text(&granted, "id_token")),
        ("a refresh token", text(&granted, "refresh_token")),
        ("an access token of another API", &forged),
        ("nothing that is a token", "x.y.z"),
    ] {
        let answer = userinfo(&app, token).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str()),
            (401, Some("invalid_token")),
            "{what}"
        );
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{what}: {challenge}");
    }
    let none = app.request(Method::GET, "/oauth/userinfo").send().await;
    assert_eq!((none.status.as_u16(), none.header("www-authenticate")), (401, Some("Bearer realm=\"lev\"")));
    // A good token without openid learns what to ask for, and is no guess.
    let limits = LimitsConfig { failed_auth_per_minute: 1, ..LimitsConfig::default() };
    app.app.current.replace(Reloadable { limits, ..Reloadable::default() });
    let usual = tokens(&app, "admin", &[("scope", "email deals:read")]).await;
    for _ in 0..3 {
        let answer = userinfo(&app, text(&usual, "access_token")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str()),
            (403, Some("insufficient_scope"))
        );
        assert!(answer.header("www-authenticate").unwrap().contains("scope=\"openid\""));
    }
    assert_eq!(userinfo(&app, "x.y.z").await.status, 401);
    assert_eq!(userinfo(&app, "x.y.z").await.status, 429, "guessing is slowed down");
}

#[tokio::test]
async fn a_grant_that_ended_says_nothing_more() {
    let app = TestApp::new().await;
    let granted = tokens(&app, "viewer", &[("scope", "openid email")]).await;
    let token = text(&granted, "access_token");
    assert_eq!(userinfo(&app, token).await.status, 200);
    app.operate(SetUserDisabled { user: app.viewer.user, disabled: true }).await;
    assert_eq!(userinfo(&app, token).await.status, 401);
    let granted = tokens(&app, "editor", &[("scope", "openid email")]).await;
    app.clock.advance(911);
    assert_eq!(userinfo(&app, text(&granted, "access_token")).await.status, 401, "it has expired");
}

#[tokio::test]
async fn a_page_of_any_origin_may_ask_with_the_token_of_its_user() {
    let app = TestApp::new().await;
    let page = "https://spa.example";
    let asked = app.request(Method::OPTIONS, "/oauth/userinfo").header("origin", page);
    let asked = asked
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    let asked = asked.expect(200).await;
    assert_eq!(asked.header("access-control-allow-origin"), Some(page));
    assert!(asked.header("access-control-allow-headers").unwrap().contains("authorization"));
    let granted = tokens(&app, "admin", &[("scope", "openid")]).await;
    let ask = app.request(Method::GET, "/oauth/userinfo").bearer(text(&granted, "access_token"));
    let answer =
        ask.header("origin", page).header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "cors");
    assert_eq!(answer.expect(200).await.header("access-control-allow-origin"), Some(page));
}
