//! The token endpoint and its neighbours: codes once, refresh tokens in one line, grants that end, clients that register.

use crate::browser::{
    Browser, CALLBACK, VERIFIER, authorize, call, code, consent_page, encoded, fields, form_to, redeem,
    refresh, request, said, text, tokens,
};
use crate::jwt::rows_of;
use crate::support::{Answer, TestApp};
use futures_util::future::join_all;
use http::Method;
use keyward::config::LimitsConfig;
use keyward::reload::Reloadable;
use keyward_core::write::disabling::SetUserDisabled;
use keyward_core::write::member::RemoveMember;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

#[tokio::test]
async fn a_token_of_our_own_opens_what_its_scopes_and_its_users_role_open() {
    let app = TestApp::new().await;
    let granted = tokens(&app, "admin", &[("scope", "openid email deals:read")]).await;
    assert_eq!((text(&granted, "token_type"), granted["expires_in"].as_i64()), ("Bearer", Some(900)));
    assert_eq!(text(&granted, "scope"), "openid email deals:read");
    let token = text(&granted, "access_token");
    let me = app.get("/me").bearer(token).expect(200).await.data();
    assert_eq!(me["platform"]["granted_scopes"], json!(["deals:read"]));
    assert_eq!(me["platform"]["credential"]["kind"], "jwt");
    assert_eq!(me["platform"]["credential"]["label"], "The application");
    app.get("/deals").bearer(token).expect(200).await;
    app.post("/deals")
        .bearer(token)
        .json(json!({"title": "x"}))
        .refused(403, "FORBIDDEN", "Missing required scope: deals:write")
        .await;
    let asked = "account:read deals:read deals:write pipelines:read";
    let usual = tokens(&app, "viewer", &[("scope", asked)]).await;
    assert_eq!(text(&usual, "scope"), asked);
    // The role is narrower than the grant.
    app.post("/deals").bearer(text(&usual, "access_token")).json(json!({"title": "x"})).expect(403).await;
    // A token makes no keys unless its user was asked for that.
    app.post("/api-keys").bearer(text(&usual, "access_token")).json(json!({"label": "x"})).expect(403).await;
}

#[tokio::test]
async fn a_token_with_only_openid_opens_nothing_but_me() {
    let app = TestApp::new().await;
    let granted = tokens(&app, "admin", &[("scope", "openid")]).await;
    let token = text(&granted, "access_token");
    app.get("/me").bearer(token).expect(200).await;
    let mut refused = 0;
    for row in keyward::routes::table() {
        let keyward::routes::Access::Caller(_) = row.access else { continue };
        if row.path == "/me" {
            continue;
        }
        let path = row
            .path
            .replace("{user_id}", "1")
            .replace("{key_id}", "1")
            .replace("{deal_id}", "1")
            .replace("{pipeline_id}", "1");
        app.anonymous(row.method.clone(), &path).bearer(token).expect(403).await;
        refused += 1;
    }
    println!("operations that a token with only openid opens besides /me: 0 of {refused}");
    assert!(refused >= 22);
}

#[tokio::test]
async fn a_code_is_good_once_for_its_client_its_redirect_its_verifier_and_a_minute() {
    let app = TestApp::new().await;
    let code = code(&app, "admin", &[]).await;
    let good = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let with = |name: &'static str, value: &'static str| {
        good.map(|pair| if pair.0 == name { (name, value) } else { pair })
    };
    for (wrong, error, status) in [
        (with("client_id", "keyward-cli"), "invalid_grant", 400),
        (with("client_id", "nobody"), "invalid_client", 401),
        (with("redirect_uri", "https://app.example/callback/"), "invalid_grant", 400),
        (with("redirect_uri", "http://127.0.0.1/callback"), "invalid_grant", 400),
        (with("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"), "invalid_grant", 400),
        (with("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX"), "invalid_grant", 400),
        (with("code_verifier", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), "invalid_grant", 400),
        (with("code_verifier", ""), "invalid_request", 400),
        (with("code", "kw_code_x"), "invalid_grant", 400),
        (with("grant_type", "password"), "unsupported_grant_type", 400),
        (with("grant_type", "client_credentials"), "unsupported_grant_type", 400),
    ] {
        let answer = call(&app, "/oauth/token", &wrong).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str().unwrap().to_owned()),
            (status, error.to_owned()),
            "{wrong:?}"
        );
    }
    // None of these used it up.
    let granted = call(&app, "/oauth/token", &good).await;
    assert_eq!(granted.status, 200, "{}", granted.text());
    let token = granted.json();
    app.get("/me").bearer(text(&token, "access_token")).expect(200).await;
    // Its replay ends what it gave.
    assert_eq!(redeem(&app, &code).await.json()["error"], "invalid_grant");
    app.get("/me").bearer(text(&token, "access_token")).expect(401).await;
    assert_eq!(refresh(&app, text(&token, "refresh_token")).await.json()["error"], "invalid_grant");
    // 60 seconds, to the second.
    for (seconds, status) in [(59, 200), (60, 400)] {
        let code = self::code(&app, "admin", &[]).await;
        app.clock.advance(seconds);
        assert_eq!(redeem(&app, &code).await.status.as_u16(), status, "after {seconds} s");
    }
}

/// The answers to so many at once, on several threads.
async fn at_once<F>(times: usize, ask: impl Fn() -> F) -> Vec<Answer>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let all: Vec<_> = (0..times).map(|_| tokio::spawn(ask())).collect();
    join_all(all).await.into_iter().map(Result::unwrap).collect()
}

/// How many of these access tokens are taken.
async fn alive(app: &TestApp, granted: &[Value]) -> usize {
    let mut alive = 0;
    for one in granted {
        alive += usize::from(app.get("/me").bearer(text(one, "access_token")).send().await.status == 200);
    }
    alive
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_that_redeem_one_code_at_once_one_succeeds() {
    let app = Arc::new(TestApp::new().await);
    let (mut successes, mut lived, rounds) = (0, 0, 10);
    for _ in 0..rounds {
        let code = code(&app, "admin", &[]).await;
        let answers = at_once(100, || {
            let (app, code) = (Arc::clone(&app), code.clone());
            async move { redeem(&app, &code).await }
        })
        .await;
        let good: Vec<Value> =
            answers.iter().filter(|answer| answer.status == 200).map(Answer::json).collect();
        successes += good.len();
        lived += alive(&app, &good).await;
    }
    println!(
        "{rounds} codes, 100 parallel redemptions each: {successes} successes; tokens that lived after the replays: {lived} of {successes}"
    );
    assert_eq!((successes, lived), (rounds, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_refreshes_leave_one_family_and_the_old_token_ends_it_after_the_grace() {
    let app = Arc::new(TestApp::new().await);
    let (rounds, parallel) = (100, 64);
    let (mut heads, mut refused, mut lived, mut dead, mut alive_after) = (0, 0, 0, 0, 0);
    let mut browser = Browser::new(&app);
    browser.sign_in("editor", "/console").await;
    for _ in 0..rounds {
        let consent = form_to(&browser.get(&authorize(&[])).await.text(), "/oauth/authorize");
        let code = said(&browser.send(&consent.with("decision", "allow")).await)["code"].clone();
        let first = redeem(&app, &code).await.json();
        let old = text(&first, "refresh_token").to_owned();
        let answers = at_once(parallel, || {
            let (app, old) = (Arc::clone(&app), old.clone());
            async move { refresh(&app, &old).await }
        })
        .await;
        refused += answers.iter().filter(|answer| answer.status != 200).count();
        let granted: Vec<Value> = answers.iter().map(Answer::json).collect();
        lived += alive(&app, &granted).await;
        let successors: BTreeSet<&str> = granted.iter().map(|one| text(one, "refresh_token")).collect();
        assert!(!successors.contains(old.as_str()));
        heads += successors.len();
        app.clock.advance(29);
        assert_eq!(refresh(&app, &old).await.status, 200, "within the grace");
        app.clock.advance(1);
        // After it, whoever comes with the old one ends all of it.
        for token in [old.as_str()].iter().chain(&successors) {
            dead += usize::from(refresh(&app, token).await.json()["error"] == "invalid_grant");
        }
        alive_after += alive(&app, &granted).await;
    }
    println!(
        "{rounds} families, {parallel} parallel refreshes of one token each: {heads} successors, {refused} refused, {lived} of {} access \
         tokens alive; after the reuse {dead} of {} refresh tokens dead, {alive_after} access tokens alive",
        rounds * parallel,
        2 * rounds
    );
    assert_eq!((heads, refused, lived), (rounds, 0, rounds * parallel));
    assert_eq!((dead, alive_after), (2 * rounds, 0));
}

#[tokio::test]
async fn a_refresh_never_widens() {
    let app = TestApp::new().await;
    let granted = tokens(
        &app,
        "admin",
        &[("scope", "deals:read pipelines:read"), ("resource", "http://keyward.test/api/external/v2")],
    )
    .await;
    let token = text(&granted, "refresh_token");
    let with = |scope: &'static str, resource: &'static str| {
        [
            ("grant_type", "refresh_token"),
            ("client_id", "app"),
            ("refresh_token", token),
            ("scope", scope),
            ("resource", resource),
        ]
    };
    for (scope, resource, error) in [
        ("deals:write", "http://keyward.test/api/external/v2", "invalid_scope"),
        ("deals:read deals:write", "http://keyward.test/api/external/v2", "invalid_scope"),
        ("nonsense", "http://keyward.test/api/external/v2", "invalid_scope"),
        ("deals:read", "http://keyward.test/mcp", "invalid_target"),
        ("deals:read", "https://elsewhere.example/", "invalid_target"),
    ] {
        assert_eq!(
            call(&app, "/oauth/token", &with(scope, resource)).await.json()["error"],
            error,
            "{scope} {resource}"
        );
    }
    let narrow =
        call(&app, "/oauth/token", &with("deals:read", "http://keyward.test/api/external/v2")).await.json();
    assert_eq!(text(&narrow, "scope"), "deals:read");
    app.get("/pipelines").bearer(text(&narrow, "access_token")).expect(403).await;
    // The grant itself is as wide as before.
    let again = refresh(&app, text(&narrow, "refresh_token")).await.json();
    app.get("/pipelines").bearer(text(&again, "access_token")).expect(200).await;
}

#[tokio::test]
async fn a_token_is_for_the_resource_that_it_names() {
    let app = TestApp::new().await;
    let mcp = tokens(&app, "admin", &[("resource", "http://keyward.test/mcp")]).await;
    app.get("/me").bearer(text(&mcp, "access_token")).expect(401).await;
    let api = tokens(&app, "admin", &[("resource", "HTTP://KEYWARD.test/api/external/v2/")]).await;
    app.get("/me").bearer(text(&api, "access_token")).expect(200).await;
    // An ID token is no access token.
    let oidc = tokens(&app, "admin", &[("scope", "openid")]).await;
    app.get("/me").bearer(text(&oidc, "id_token")).expect(401).await;
}

#[tokio::test]
async fn whatever_takes_a_right_away_ends_the_grant_at_the_next_request() {
    let app = TestApp::new().await;
    // Its client gives it up, by either token.
    for which in ["refresh_token", "access_token"] {
        let granted = tokens(&app, "admin", &[]).await;
        let revoked = call(
            &app,
            "/oauth/revoke",
            &[("client_id", "app"), ("token", text(&granted, which)), ("token_type_hint", "nonsense")],
        )
        .await;
        assert_eq!(revoked.status, 200);
        app.get("/me").bearer(text(&granted, "access_token")).expect(401).await;
        assert_eq!(refresh(&app, text(&granted, "refresh_token")).await.json()["error"], "invalid_grant");
    }
    // One that is for the MCP endpoint alone is as good.
    let granted = tokens(&app, "admin", &[("resource", "http://keyward.test/mcp")]).await;
    call(&app, "/oauth/revoke", &[("client_id", "app"), ("token", text(&granted, "access_token"))]).await;
    assert_eq!(refresh(&app, text(&granted, "refresh_token")).await.json()["error"], "invalid_grant");
    // Another client cannot, and learns nothing.
    let granted = tokens(&app, "admin", &[]).await;
    for token in [text(&granted, "refresh_token"), text(&granted, "access_token"), "nonsense"] {
        let answer = call(&app, "/oauth/revoke", &[("client_id", "keyward-cli"), ("token", token)]).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "{}".to_owned()));
    }
    app.get("/me").bearer(text(&granted, "access_token")).expect(200).await;
    // A member who is removed.
    let editor = tokens(&app, "editor", &[]).await;
    app.operate(RemoveMember { account: app.acme, user: app.editor.user }).await;
    app.get("/deals").bearer(text(&editor, "access_token")).expect(401).await;
    // A user who is disabled, and enabled again: the grant does not come back.
    let viewer = tokens(&app, "viewer", &[]).await;
    app.operate(SetUserDisabled { user: app.viewer.user, disabled: true }).await;
    app.get("/me").bearer(text(&viewer, "access_token")).expect(401).await;
    app.operate(SetUserDisabled { user: app.viewer.user, disabled: false }).await;
    app.get("/me").bearer(text(&viewer, "access_token")).expect(401).await;
}

#[tokio::test]
async fn a_grant_for_one_account_is_for_no_other() {
    let app = TestApp::new().await;
    let one = tokens(&app, "both", &[("account", "harbor")]).await;
    // A chosen account stands in the address only once the person has chosen; here the form says it.
    let token = text(&one, "access_token");
    assert_eq!(app.get("/me").bearer(token).expect(200).await.data()["account"]["slug"], "harbor");
    app.get("/deals").bearer(token).header("x-active-account", "acme").expect(403).await;
    app.patch("/me/active-account").bearer(token).json(json!({"slug": "acme"})).expect(404).await;
    let all = tokens(&app, "both", &[("account", "harbor"), ("reach", "all")]).await;
    let token = text(&all, "access_token");
    app.get("/deals").bearer(token).header("x-active-account", "acme").expect(200).await;
    app.patch("/me/active-account").bearer(token).json(json!({"slug": "acme"})).expect(200).await;
    assert_eq!(app.get("/me").bearer(token).expect(200).await.data()["account"]["slug"], "acme");
    // For this grant only.
    assert_eq!(
        app.get("/me").bearer(text(&one, "access_token")).expect(200).await.data()["account"]["slug"],
        "harbor"
    );
}

#[tokio::test]
async fn an_application_registers_itself_as_clients_do() {
    let app = TestApp::new().await;
    let register = async |body: Value| app.request(Method::POST, "/oauth/register").json(body).send().await;
    // Cursor registers three at once; one that cannot be used does not spoil the others.
    let cursor = json!({
        "client_name": "Cursor", "scope": "", "application_type": "native", "contacts": [], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "logo_uri": null,
        "redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback", "https://www.cursor.com/agents/mcp/oauth/callback",
                          "http://localhost:8787/callback", "javascript:alert(1)", "http://example.com/x"],
    });
    let first = register(cursor.clone()).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let first = first.json();
    assert_eq!(first["redirect_uris"].as_array().unwrap().len(), 3);
    assert!(first.get("client_secret").is_none() && !first.as_object().unwrap().values().any(Value::is_null));
    assert_eq!(
        register(cursor).await.json()["client_id"],
        first["client_id"],
        "the same again is the same client"
    );
    // A confidential one gets a secret, and needs it.
    let server =
        register(json!({"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "client_secret_post"}))
            .await
            .json();
    let (id, secret) = (text(&server, "client_id"), text(&server, "client_secret"));
    assert_eq!(server["client_secret_expires_at"], 0);
    let code = code(&app, "admin", &[("client_id", id)]).await;
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", id),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(call(&app, "/oauth/token", &pairs).await.json()["error"], "invalid_client");
    let wrong = [pairs.as_slice(), &[("client_secret", "wrong")]].concat();
    assert_eq!(call(&app, "/oauth/token", &wrong).await.status, 401);
    let right = [pairs.as_slice(), &[("client_secret", secret)]].concat();
    let granted = call(&app, "/oauth/token", &right).await;
    assert_eq!(granted.status, 200, "{}", granted.text());
    assert!(granted.json().get("refresh_token").is_none(), "it did not ask for one");
    for bad in [
        json!([]),
        json!({}),
        json!({"redirect_uris": []}),
        json!({"redirect_uris": ["javascript:alert(1)"]}),
        json!({"redirect_uris": "x"}),
        json!({"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "private_key_jwt"}),
        json!({"redirect_uris": [CALLBACK], "grant_types": ["client_credentials"]}),
        json!({"redirect_uris": [CALLBACK], "response_types": ["token"]}),
        json!({"redirect_uris": [CALLBACK], "client_name": "a\u{202e}b"}),
        json!({"redirect_uris": [CALLBACK], "client_name": "\u{3164}"}),
        json!({"redirect_uris": [CALLBACK], "client_name": "a\u{ad}b"}),
        json!({"redirect_uris": [CALLBACK], "client_name": "a\u{e0041}b"}),
        json!({"redirect_uris": (0..9).map(|n| format!("{CALLBACK}/{n}{}", "x".repeat(900))).collect::<Vec<_>>()}),
    ] {
        let answer = register(bad.clone()).await;
        assert_eq!(answer.status, 400, "{bad}");
        assert!(
            ["invalid_redirect_uri", "invalid_client_metadata"].contains(&text(&answer.json(), "error")),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn the_metadata_are_the_same_wherever_clients_look() {
    let app = TestApp::new().await;
    let get = async |path: &str| {
        app.request(Method::GET, path).header("origin", "https://anywhere.example").send().await
    };
    let oauth = get("/.well-known/oauth-authorization-server").await;
    // Whoever asks may read it, and sends no cookie with it.
    assert_eq!(oauth.header("access-control-allow-origin"), Some("https://anywhere.example"));
    assert_eq!(oauth.header("access-control-allow-credentials"), None);
    let document = oauth.json();
    assert_eq!(text(&document, "issuer"), "http://keyward.test");
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(document["client_id_metadata_document_supported"], true);
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    assert!(document["token_endpoint_auth_methods_supported"].as_array().unwrap().contains(&json!("none")));
    assert_eq!(get("/.well-known/openid-configuration").await.json(), document);
    let keys = get("/oauth/jwks").await.json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    assert!(keys["keys"][0].get("d").is_none());
    assert_eq!(get("/.well-known/anything").await.status, 404);
}

#[tokio::test]
async fn a_request_that_does_not_say_where_its_answer_may_go_is_answered_here() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    // What is wrong with it, when it is known whose it is, goes to the application, with who says so (RFC 9207).
    for (wrong, error) in [
        (vec![("response_type", "token")], "unsupported_response_type"),
        (vec![("response_type", "code token")], "unsupported_response_type"),
        (vec![("code_challenge", "")], "invalid_request"),
        (vec![("code_challenge_method", "")], "invalid_request"),
        (vec![("code_challenge_method", "plain")], "invalid_request"),
        (vec![("code_challenge", VERIFIER)], "nothing"),
        (vec![("code_challenge", "short")], "invalid_request"),
        (vec![("scope", "nonsense")], "invalid_scope"),
        (vec![("resource", "https://elsewhere.example/")], "invalid_target"),
        (vec![("resource", "http://keyward.test/mcp#x")], "invalid_target"),
        (vec![("response_mode", "fragment")], "invalid_request"),
        (vec![("prompt", "none")], "consent_required"),
        (vec![("request", "x.y.z")], "request_not_supported"),
    ] {
        let answer = browser.get(&authorize(&wrong)).await;
        if error == "nothing" {
            assert_eq!(answer.status, 200, "a challenge of 43 characters may be any hash");
            continue;
        }
        let said = crate::browser::said(&answer);
        assert_eq!(
            (said["error"].as_str(), said["state"].as_str(), said["iss"].as_str()),
            (error, "the state", "http://keyward.test"),
            "{wrong:?}"
        );
        assert!(answer.header("location").unwrap().starts_with("https://app.example/callback?"));
    }
    // A parameter that stands twice.
    for name in ["state", "scope", "code_challenge", "response_type"] {
        let doubled = format!("{}&{name}=x&{name}=y", authorize(&[]));
        let said = browser.get(&doubled).await;
        if said.status == 303 {
            assert!(said.header("location").unwrap().contains("error=invalid_request"), "{name}");
        } else {
            panic!("{name}: {}", said.text());
        }
    }
    for (name, good) in [("client_id", "app"), ("redirect_uri", CALLBACK)] {
        for value in ["x", good] {
            let doubled = format!("{}&{}", authorize(&[]), encoded(&fields(&[(name, value)])));
            assert_eq!(browser.get(&doubled).await.status.as_u16() / 100, 4, "{name}={value}");
        }
    }
    let form = consent_page(&mut Browser::new(&app), "admin", &[]).await;
    assert_eq!(form.get("state"), "the state");
    assert!(request(&[]).len() >= 6);
}

#[tokio::test]
async fn a_refresh_gives_no_more_than_it_asks_for() {
    let app = TestApp::new().await;
    let granted = tokens(&app, "admin", &[("scope", "openid email deals:read deals:write")]).await;
    let mut token = text(&granted, "refresh_token").to_owned();
    let pairs = |token: &str, more: &[(&str, &str)]| {
        let own = [("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", token)];
        [own.as_slice(), more]
            .concat()
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect::<Vec<_>>()
    };
    let ask = async |pairs: Vec<(String, String)>| {
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        call(&app, "/oauth/token", &pairs).await
    };
    for scope in ["deals:read", "openid", "email deals:write", "openid email deals:read deals:write"] {
        let answer = ask(pairs(&token, &[("scope", scope)])).await.json();
        assert_eq!(text(&answer, "scope"), scope);
        token = text(&answer, "refresh_token").to_owned();
        app.clock.advance(31);
    }
    let doubled = ask(pairs(&token, &[("scope", "deals:read"), ("scope", "deals:read")])).await;
    assert_eq!((doubled.status.as_u16(), text(&doubled.json(), "error")), (400, "invalid_request"));
    let narrow = tokens(&app, "admin", &[("scope", "deals:read")]).await;
    for wider in ["openid", "email", "deals:read openid", "deals:write"] {
        let answer = ask(pairs(text(&narrow, "refresh_token"), &[("scope", wider)])).await;
        assert_eq!(answer.json()["error"], "invalid_scope", "{wider}");
    }
    assert_eq!(refresh(&app, text(&narrow, "refresh_token")).await.status, 200, "nothing was used up");
}

#[tokio::test]
async fn limits_are_told_in_the_form_of_oauth_and_a_good_code_is_never_refused() {
    let app = TestApp::new().await;
    let limits =
        LimitsConfig { failed_auth_per_minute: 2, register_per_minute: 1, ..LimitsConfig::default() };
    app.app.current.replace(Reloadable { limits, ..Reloadable::default() });
    let code = code(&app, "admin", &[]).await;
    let body = json!({"redirect_uris": [CALLBACK]});
    let register = async || app.request(Method::POST, "/oauth/register").json(body.clone()).send().await;
    assert_eq!(register().await.status, 201);
    for _ in 0..2 {
        assert_eq!(redeem(&app, "kw_code_x").await.json()["error"], "invalid_grant");
    }
    for answer in [redeem(&app, "kw_code_x").await, register().await] {
        assert_eq!(answer.status, 429);
        assert!(answer.header("retry-after").is_some());
        let said = answer.json();
        assert_eq!(text(&said, "error"), "temporarily_unavailable");
        assert!(said["error_description"].is_string());
    }
    assert_eq!(redeem(&app, &code).await.status, 200);
}

#[tokio::test]
async fn the_audit_trail_tells_what_applications_did_from_what_was_done_in_the_console() {
    let app = TestApp::new().await;
    let code = code(&app, "admin", &[]).await;
    redeem(&app, &code).await;
    redeem(&app, &code).await;
    let by = rows_of(
        &app.database(),
        "SELECT action || ' ' || origin_app FROM audit WHERE action LIKE 'oauth_grant.%' OR action = 'user.sign_in'",
    );
    assert!(by.contains(&"oauth_grant.redeem oauth".to_owned()), "{by:?}");
    assert!(by.iter().any(|row| row == "user.sign_in console"), "{by:?}");
}
