//! What applications of other people need of our sign-in that a setting or one list decides: schemes, names, grace, origins, and
//! what the metadata offer.

use crate::browser::{CALLBACK, refresh, text, tokens};
use crate::mcp::send;
use crate::support::{Answer, TestApp};
use http::Method;
use keyward::config::OAuthConfig;
use keyward::reload::Reloadable;
use keyward_core::oauth::redirect::Schemes;
use serde_json::{Value, json};

async fn register(app: &TestApp, body: Value) -> Answer {
    app.request(Method::POST, "/oauth/register").json(body).send().await
}

#[tokio::test]
async fn schemes_of_native_applications_are_those_that_the_operator_names() {
    let redirect_schemes = Schemes::new(vec!["myapp".to_owned()]).unwrap();
    let set = TestApp::with_oauth(OAuthConfig { redirect_schemes, ..OAuthConfig::default() }).await;
    let usual = TestApp::new().await;
    for (uri, with, without) in [
        ("myapp://callback", 201, 400),
        ("otherapp://callback", 400, 400),
        ("kiro://kiro.kiroAgent/authenticate-success", 201, 201),
        ("com.example.app:/callback", 201, 201),
        ("javascript:alert(1)", 400, 400),
    ] {
        let body = json!({ "client_name": "A", "redirect_uris": [uri] });
        let answers = [register(&set, body.clone()).await, register(&usual, body).await];
        assert_eq!(answers.map(|answer| answer.status.as_u16()), [with, without], "{uri}");
    }
}

#[tokio::test]
async fn a_client_has_a_name_in_any_script() {
    let app = TestApp::new().await;
    for name in ["日本語のアプリ", "می\u{200C}خواهم", "ශ\u{0DCA}\u{200D}රී", "Команда", "Apps 👩\u{200D}👧"]
    {
        let body = json!({ "client_name": name, "redirect_uris": [CALLBACK] });
        let answer = register(&app, body).await;
        assert_eq!((answer.status.as_u16(), answer.json()["client_name"].as_str()), (201, Some(name)));
    }
    for name in ["Cur\u{200D}sor", "a\u{202E}b", "\u{200C}"] {
        let body = json!({ "client_name": name, "redirect_uris": [CALLBACK] });
        let answer = register(&app, body).await;
        assert_eq!(
            (answer.status.as_u16(), text(&answer.json(), "error")),
            (400, "invalid_client_metadata"),
            "{name:?}"
        );
    }
}

/// Several processes of one application share a token, and each refreshes it when it needs to.
#[tokio::test]
async fn within_the_grace_that_is_set_a_replaced_refresh_token_has_the_same_successor() {
    for (seconds, answered) in [(0, vec![]), (30, vec![29]), (3_600, vec![29, 600, 3_599])] {
        let oauth = OAuthConfig { refresh_grace_seconds: seconds, ..OAuthConfig::default() };
        let app = TestApp::with_oauth(oauth).await;
        let first = text(&tokens(&app, "admin", &[]).await, "refresh_token").to_owned();
        let next = refresh(&app, &first).await.json();
        let mut passed = 0;
        for at in answered {
            app.clock.advance(at - passed);
            passed = at;
            let again = refresh(&app, &first).await.json();
            assert_eq!(again["refresh_token"], next["refresh_token"], "after {at} of {seconds} s");
            app.get("/me").bearer(text(&again, "access_token")).expect(200).await;
        }
        app.clock.advance(seconds - passed);
        assert_eq!(refresh(&app, &first).await.json()["error"], "invalid_grant", "after {seconds} s");
        let successor = refresh(&app, text(&next, "refresh_token")).await;
        assert_eq!(successor.json()["error"], "invalid_grant", "its use after {seconds} s ends the family");
    }
}

/// Three processes begin with one token; one of them works, and the others wake up within the hour.
#[tokio::test]
async fn processes_that_share_a_token_stay_connected_for_as_long_as_the_grace() {
    let oauth = OAuthConfig { refresh_grace_seconds: 3_600, ..OAuthConfig::default() };
    let app = TestApp::with_oauth(oauth).await;
    let first = text(&tokens(&app, "admin", &[]).await, "refresh_token").to_owned();
    let mut busy = first.clone();
    for _ in 0..4 {
        busy = text(&refresh(&app, &busy).await.json(), "refresh_token").to_owned();
        app.clock.advance(890);
    }
    let woken = refresh(&app, &first).await.json();
    assert_eq!(text(&woken, "refresh_token"), busy, "it goes on with the newest");
    app.get("/me").bearer(text(&woken, "access_token")).expect(200).await;
    app.clock.advance(40);
    assert_eq!(refresh(&app, &first).await.json()["error"], "invalid_grant", "the hour is over");
    assert_eq!(refresh(&app, &busy).await.json()["error"], "invalid_grant", "and the family with it");
}

#[tokio::test]
async fn one_list_says_which_pages_may_call_the_api_and_the_mcp_endpoint() {
    let app = TestApp::new().await;
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let (page, other) = ("https://app.example", "https://evil.example");
    for (named, allowed) in
        [(vec![], vec![]), (vec![page], vec![page]), (vec!["*"], vec![page, other, "null"])]
    {
        let origins = named.iter().map(|name: &&str| (*name).to_owned()).collect();
        app.app.current.replace(Reloadable { origins, ..Reloadable::default() });
        for origin in [page, other, "null"] {
            let expected = allowed.contains(&origin);
            let mcp = app
                .request(Method::POST, "/mcp")
                .bearer(&app.admin.key.secret)
                .header("accept", "application/json, text/event-stream")
                .header("origin", origin)
                .json(message.clone())
                .send()
                .await;
            assert_eq!(mcp.status.as_u16(), if expected { 200 } else { 403 }, "{origin} of {named:?}");
            let api = app.get("/me").by(&app.admin).header("origin", origin).expect(200).await;
            for answer in [&mcp, &api] {
                let told = answer.header("access-control-allow-origin");
                assert_eq!(told, expected.then_some(origin), "{origin} of {named:?}");
            }
        }
    }
    // No page, no question.
    assert_eq!(send(&app, "/mcp", &app.admin.key.secret, &message).await.status, 200);
}

/// Clients are known to ask for all that is offered.
#[tokio::test]
async fn no_metadata_offer_to_manage_keys_or_the_team_and_who_asks_by_name_gets_it() {
    let app = TestApp::alone().await;
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource",
    ] {
        let document = app.request(Method::GET, path).expect(200).await.json();
        let offered = document["scopes_supported"].as_array().unwrap();
        assert!(
            offered.contains(&json!("deals:write")) && !offered.contains(&json!("account:write")),
            "{path}"
        );
    }
    let challenge = app.request(Method::POST, "/mcp").send().await;
    assert!(!challenge.header("www-authenticate").unwrap().contains("account:write"));
    let granted = tokens(&app, "admin", &[("scope", "account:write")]).await;
    assert_eq!(text(&granted, "scope"), "account:write");
}

#[tokio::test]
async fn the_metadata_name_what_applications_look_for() {
    let app = TestApp::new().await;
    let document = app.request(Method::GET, "/.well-known/openid-configuration").expect(200).await.json();
    assert_eq!(text(&document, "userinfo_endpoint"), "http://keyward.test/oauth/userinfo");
    assert_eq!(text(&document, "end_session_endpoint"), "http://keyward.test/oauth/end-session");
    for scope in ["openid", "profile", "email", "offline_access"] {
        assert!(document["scopes_supported"].as_array().unwrap().contains(&json!(scope)), "{scope}");
    }
    for claim in ["name", "given_name", "family_name", "picture", "email"] {
        assert!(document["claims_supported"].as_array().unwrap().contains(&json!(claim)), "{claim}");
    }
}
