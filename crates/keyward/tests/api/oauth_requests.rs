//! Authorization requests: who is sent where, who is asked for the password again, and what is said of requests that make no sense.

use crate::browser::{
    Browser, CALLBACK, VERIFIER, authorize, call, consent_page, encoded, fields, form_to, forms, redeem,
    said, text, tokens,
};
use crate::support::{Answer, PASSWORD, TestApp};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use keyward::config::LimitsConfig;
use keyward::reload::Reloadable;
use keyward_core::oauth::pkce;
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn registered(app: &TestApp) -> String {
    let body = json!({ "client_name": "Stranger", "redirect_uris": [CALLBACK], "grant_types": ["authorization_code"] });
    let answer = app.request(Method::POST, "/oauth/register").json(body).send().await;
    answer.json()["client_id"].as_str().unwrap().to_owned()
}

/// Signs in on the page that an answer leads to; where that leads.
async fn again(browser: &mut Browser<'_>, answer: &Answer, name: &str) -> Answer {
    let to = answer.header("location").unwrap().to_owned();
    assert!(to.starts_with("http://keyward.test/sign-in?"), "{to}");
    let page = browser.get(&to).await;
    assert_eq!(page.status, 200, "although somebody is signed in");
    let form = form_to(&page.text(), "/sign-in");
    let form = form.with("email", &format!("{name}@acme.example")).with("password", PASSWORD);
    let back = browser.send(&form).await;
    browser.get(back.header("location").unwrap()).await
}

/// F16: a link to here would lead anybody to wherever a stranger likes, also by a request that makes no sense.
#[tokio::test]
async fn a_wrong_request_leads_to_what_registered_itself_only_who_has_let_it_in() {
    let app = TestApp::new().await;
    let id = registered(&app).await;
    let wrong = [
        &[("scope", "phone")][..],
        &[("code_challenge", "")],
        &[("code_challenge_method", "plain")],
        &[("response_type", "token")],
        &[("response_mode", "fragment")],
        &[("resource", "https://x.example")],
        &[("request", "x")],
        &[("max_age", "soon")],
        &[("prompt", "none login")],
        &[("prompt", "none"), ("response_type", "token")],
        &[("prompt", "none"), ("scope", "phone")],
    ];
    let at = |id: &str, wrong: &[(&str, &str)]| authorize(&[&[("client_id", id)][..], wrong].concat());
    let is_a_page = |answer: &Answer, wrong: &[(&str, &str)]| {
        assert_eq!((answer.status.as_u16(), answer.header("location")), (400, None), "{wrong:?}");
    };
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    for wrong in wrong {
        is_a_page(&Browser::new(&app).get(&at(&id, wrong)).await, wrong);
        is_a_page(&browser.get(&at(&id, wrong)).await, wrong);
        // The operator answers for those that it has made known.
        assert!(said(&Browser::new(&app).get(&at("app", wrong)).await).contains_key("error"));
    }
    // Another person's consent says nothing.
    crate::browser::code(&app, "editor", &[("client_id", &id)]).await;
    is_a_page(&browser.get(&at(&id, wrong[0])).await, wrong[0]);
    crate::browser::code(&app, "admin", &[("client_id", &id)]).await;
    for wrong in wrong {
        assert!(said(&browser.get(&at(&id, wrong)).await).contains_key("error"), "{wrong:?}");
        is_a_page(&Browser::new(&app).get(&at(&id, wrong)).await, wrong);
    }
}

/// F16: a link to here would lead anybody to wherever a stranger likes.
#[tokio::test]
async fn prompt_none_leads_to_what_registered_itself_only_who_has_let_it_in() {
    let app = TestApp::new().await;
    let id = registered(&app).await;
    let silent = |id: &str| authorize(&[("client_id", id), ("prompt", "none")]);
    let is_a_page = |answer: &Answer| {
        assert_eq!((answer.status.as_u16(), answer.header("location")), (400, None), "{}", answer.text());
    };
    // Nobody is signed in, or somebody who has never seen it.
    is_a_page(&Browser::new(&app).get(&silent(&id)).await);
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    is_a_page(&browser.get(&silent(&id)).await);
    // Another person's consent says nothing, nor does one to another client.
    crate::browser::code(&app, "editor", &[("client_id", &id)]).await;
    crate::browser::code(&app, "admin", &[]).await;
    is_a_page(&browser.get(&silent(&id)).await);
    // Who has let it in is sent there, and is still asked.
    crate::browser::code(&app, "admin", &[("client_id", &id)]).await;
    assert_eq!(said(&browser.get(&silent(&id)).await)["error"], "consent_required");
    is_a_page(&Browser::new(&app).get(&silent(&id)).await);
    // Until it is disconnected.
    let page = browser.get("/console/acme/applications").await.text();
    let form =
        forms(&page).into_iter().find(|form| form.hidden.iter().any(|(_, value)| *value == id)).unwrap();
    assert_eq!(browser.send(&form).await.status, 303);
    is_a_page(&browser.get(&silent(&id)).await);
    // For a client of the operator's the operator answers: what a page in the background asks is answered there.
    assert_eq!(said(&browser.get(&silent("app")).await)["error"], "consent_required");
    assert_eq!(said(&Browser::new(&app).get(&silent("app")).await)["error"], "login_required");
}

#[tokio::test]
async fn whoever_must_sign_in_again_gets_to_the_end_in_several_accounts_too() {
    let app = TestApp::new().await;
    for prompt in ["login", "consent login", "login consent"] {
        let mut browser = Browser::new(&app);
        browser.sign_in("both", "/console").await;
        app.clock.advance(5);
        let asked = browser.get(&authorize(&[("prompt", prompt)])).await;
        let chooser = again(&mut browser, &asked, "both").await;
        assert_eq!(chooser.status, 200, "{}", chooser.text());
        let form = forms(&chooser.text()).into_iter().find(|form| form.action == "/oauth/authorize").unwrap();
        let chosen = format!(
            "/oauth/authorize?{}",
            encoded(&form.with("account", "acme").with("reach", "one").hidden)
        );
        let consent = browser.get(&chosen).await;
        assert_eq!(consent.status, 200, "{prompt}: {:?}", consent.header("location"));
        let form = form_to(&consent.text(), "/oauth/authorize").with("decision", "allow");
        assert!(said(&browser.send(&form).await).contains_key("code"), "{prompt}");
    }
}

#[tokio::test]
async fn a_consent_that_was_asked_for_less_does_not_do_for_a_new_sign_in() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let form = consent_page(&mut browser, "admin", &[]).await.with("decision", "allow");
    for more in [("prompt", "login"), ("max_age", "0")] {
        let answer = browser.send(&form.clone().with(more.0, more.1)).await;
        assert!(answer.header("location").unwrap().starts_with("http://keyward.test/sign-in?"), "{more:?}");
    }
    assert!(said(&browser.send(&form).await).contains_key("code"), "nothing was used up");
}

#[tokio::test]
async fn a_sign_in_that_is_older_than_max_age_is_asked_for_again() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    app.clock.advance(100);
    assert_eq!(browser.get(&authorize(&[("max_age", "101")])).await.status, 200);
    for age in ["100", "0"] {
        let asked = browser.get(&authorize(&[("max_age", age)])).await;
        let consent = again(&mut browser, &asked, "admin").await;
        assert_eq!(consent.status, 200, "{age}");
        let form = form_to(&consent.text(), "/oauth/authorize").with("decision", "allow");
        assert!(said(&browser.send(&form).await).contains_key("code"), "{age}");
        app.clock.advance(100);
    }
    for wrong in ["-1", "soon", "9223372036854775808"] {
        assert_eq!(
            said(&browser.get(&authorize(&[("max_age", wrong)])).await)["error"],
            "invalid_request",
            "{wrong}"
        );
    }
    // Who was not signed in does it once.
    for more in [("max_age", "0"), ("prompt", "login")] {
        let mut fresh = Browser::new(&app);
        let asked = fresh.get(&authorize(&[more])).await;
        assert_eq!(again(&mut fresh, &asked, "admin").await.status, 200, "{more:?}");
    }
    // The longest there is.
    assert_eq!(browser.get(&authorize(&[("max_age", "9223372036854775807")])).await.status, 200);
}

#[tokio::test]
async fn what_is_not_taken_is_called_as_the_field_calls_it() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let silent = browser.get(&authorize(&[("prompt", "none")])).await;
    assert_eq!(said(&silent)["error"], "login_required");
    browser.sign_in("admin", "/console").await;
    for (asked, error) in [
        (("request", "x"), "request_not_supported"),
        (("request_uri", "https://x.example"), "request_uri_not_supported"),
        (("registration", "x"), "registration_not_supported"),
        (("response_type", ""), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("prompt", "none"), "consent_required"),
        (("prompt", "none login"), "invalid_request"),
    ] {
        assert_eq!(said(&browser.get(&authorize(&[asked])).await)["error"], error, "{asked:?}");
    }
}

#[tokio::test]
async fn whose_session_ends_at_the_consent_signs_in_and_goes_on() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let form = consent_page(&mut browser, "admin", &[]).await.with("decision", "allow");
    app.clock.advance(13 * 3_600);
    let answer = browser.send(&form).await;
    let consent = again(&mut browser, &answer, "admin").await;
    assert_eq!(consent.status, 200);
    let form = form_to(&consent.text(), "/oauth/authorize").with("decision", "allow");
    assert_eq!(said(&browser.send(&form).await)["state"], "the state");
}

#[tokio::test]
async fn a_code_is_its_challenges_whatever_is_done_to_the_consent() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let form = consent_page(&mut browser, "admin", &[]).await.with("decision", "allow");
    for (name, value) in [
        ("code_challenge", ""),
        ("code_challenge_method", "plain"),
        ("code_challenge_method", ""),
        ("code_challenge", "short"),
    ] {
        let answer = said(&browser.send(&form.with(name, value)).await);
        assert!(answer.contains_key("error") && !answer.contains_key("code"), "{name}={value}: {answer:?}");
    }
    let other = pkce::challenge(&"o".repeat(43));
    let code = said(&browser.send(&form.with("code_challenge", &other)).await)["code"].clone();
    assert_eq!(
        redeem(&app, &code).await.json()["error"],
        "invalid_grant",
        "by the verifier of another challenge"
    );
    // As short and as long as a verifier may be (RFC 7636 §4.1).
    for (length, status) in [(42, 400), (43, 200), (128, 200), (129, 400)] {
        let verifier = "v".repeat(length);
        let code =
            crate::browser::code(&app, "admin", &[("code_challenge", &pkce::challenge(&verifier))]).await;
        let pairs = [
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("code", &code),
            ("code_verifier", &verifier),
        ];
        assert_eq!(call(&app, "/oauth/token", &pairs).await.status, status, "{length}");
    }
}

#[tokio::test]
async fn a_call_that_can_be_read_in_two_ways_is_read_in_none() {
    let app = TestApp::new().await;
    let granted = tokens(&app, "admin", &[]).await;
    let code = crate::browser::code(&app, "admin", &[]).await;
    let redeems = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let refreshes = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("refresh_token", text(&granted, "refresh_token")),
        ("scope", "deals:read"),
    ];
    let revokes = [
        ("client_id", "app"),
        ("token", text(&granted, "refresh_token")),
        ("token_type_hint", "refresh_token"),
    ];
    let mut doubled = 0;
    for (path, pairs) in
        [("/oauth/token", &redeems[..]), ("/oauth/token", &refreshes[..]), ("/oauth/revoke", &revokes[..])]
    {
        for pair in pairs {
            // With the same value, so that neither the first nor the last is wrong.
            let answer = call(&app, path, &[pairs, &[*pair]].concat()).await;
            assert_eq!(
                (answer.status.as_u16(), text(&answer.json(), "error")),
                (400, "invalid_request"),
                "{path} {pair:?}"
            );
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            doubled += 1;
        }
    }
    let plain = encoded(&fields(&redeems));
    let post = || app.request(Method::POST, "/oauth/token");
    let form = "application/x-www-form-urlencoded";
    let both = post()
        .header("content-type", form)
        .header("authorization", "Basic b3RoZXI6eA==")
        .raw(plain.clone())
        .send()
        .await;
    assert_eq!(
        (both.status.as_u16(), text(&both.json(), "error")),
        (400, "invalid_request"),
        "two who say who they are"
    );
    let json = post().json(json!({ "grant_type": "authorization_code", "code": code })).send().await;
    assert_eq!((json.status.as_u16(), text(&json.json(), "error")), (400, "invalid_request"));
    let got = app.request(Method::GET, &format!("/oauth/token?{plain}")).send().await;
    assert_eq!((got.status.as_u16(), got.header("allow")), (405, Some("OPTIONS, POST")));
    let twice = r#"{"redirect_uris":["https://a.example/"],"redirect_uris":["https://b.example/"]}"#;
    let twice = app
        .request(Method::POST, "/oauth/register")
        .header("content-type", "application/json")
        .raw(twice)
        .send()
        .await;
    assert_eq!((twice.status.as_u16(), text(&twice.json(), "error")), (400, "invalid_client_metadata"));
    println!("calls with a doubled parameter: {doubled}; taken 0");
    // None of it used anything up.
    assert_eq!(call(&app, "/oauth/token", &redeems).await.status, 200);
    assert_eq!(call(&app, "/oauth/token", &refreshes).await.status, 200);
}

/// What a token says.
fn claims(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[tokio::test]
async fn no_walk_over_scopes_leads_to_more_than_was_allowed() {
    let app = TestApp::new().await;
    let names = [
        "openid",
        "email",
        "offline_access",
        "account:read",
        "account:write",
        "deals:read",
        "deals:write",
        "pipelines:read",
        "x:y",
    ];
    // A walk that is the same each time.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut some = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bits = state >> 40;
        names
            .iter()
            .enumerate()
            .filter(|(at, _)| bits >> at & 1 == 1)
            .map(|(_, name)| *name)
            .collect::<BTreeSet<_>>()
    };
    let set = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    let (walks, steps, mut walked, mut wider, mut refused, mut given) = (60, 25, 0, 0, 0, 0);
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    for walk in 0..walks {
        let asked = some();
        let scope = asked.iter().copied().collect::<Vec<_>>().join(" ");
        let answer = browser.get(&authorize(&[("scope", &scope)])).await;
        if answer.status != 200 {
            continue;
        }
        walked += 1;
        let form = form_to(&answer.text(), "/oauth/authorize").with("decision", "allow");
        let reads = walk % 3 == 0;
        let form = if reads { form.with("read_only", "on") } else { form };
        let code = said(&browser.send(&form).await)["code"].clone();
        let first = redeem(&app, &code).await.json();
        let allowed = set(text(&first, "scope"));
        let usual = set("account:read deals:read deals:write pipelines:read");
        let may = |name: &String| {
            if asked.is_empty() { usual.contains(name) } else { asked.contains(name.as_str()) }
        };
        wider += usize::from(!allowed.iter().all(|name| may(name) && !(reads && name.ends_with(":write"))));
        let mut token = text(&first, "refresh_token").to_owned();
        for step in 0..steps {
            let mut wanted = some();
            // Every second one asks for no more than it may.
            wanted.retain(|name| step % 2 == 0 || allowed.contains(*name));
            let scope = wanted.iter().copied().collect::<Vec<_>>().join(" ");
            let pairs = [
                ("grant_type", "refresh_token"),
                ("client_id", "app"),
                ("refresh_token", &token),
                ("scope", &scope),
            ];
            let answer = call(&app, "/oauth/token", &pairs).await;
            let body = answer.json();
            if answer.status != 200 {
                assert_eq!(text(&body, "error"), "invalid_scope");
                refused += 1;
                continue;
            }
            given += 1;
            // To stay connected is of the grant, and opens nothing.
            let got = set(text(&body, "scope"));
            assert_eq!(
                set(text(&claims(text(&body, "access_token")), "scope")),
                got,
                "what is said is what is signed"
            );
            let fits = |name: &String| {
                allowed.contains(name)
                    && (wanted.is_empty() || wanted.contains(name.as_str()) || name == "offline_access")
            };
            wider += usize::from(!got.iter().all(fits));
            token = text(&body, "refresh_token").to_owned();
            app.clock.advance(31);
        }
    }
    let walks = walked;
    println!("{walks} walks over scopes: {given} refreshes, {refused} refused, wider than allowed {wider}");
    assert!(given > 200 && refused > 200, "{given} {refused}");
    assert_eq!(wider, 0);
}

#[tokio::test]
async fn a_flood_of_registrations_is_its_addresss_own() {
    let app = TestApp::new().await;
    let limits = LimitsConfig { register_per_minute: 10, ..LimitsConfig::default() };
    app.app.current.replace(Reloadable { limits, ..Reloadable::default() });
    let register = async |number: usize, address: &'static str| {
        let body = json!({ "client_name": format!("Flood {number}"), "redirect_uris": [CALLBACK] });
        app.request(Method::POST, "/oauth/register").from(address).json(body).send().await.status.as_u16()
    };
    let mut taken = 0;
    for number in 0..1_000 {
        taken += usize::from(register(number, "203.0.113.9").await == 201);
    }
    println!("1,000 registrations from one address in a minute: {taken} taken");
    assert_eq!(taken, 10);
    assert_eq!(register(1_000, "198.51.100.7").await, 201, "nobody else is refused for it");
    app.clock.pass(std::time::Duration::from_secs(60));
    assert_eq!(register(1_001, "203.0.113.9").await, 201, "nor it, a minute later");
}

#[tokio::test]
async fn who_has_a_secret_needs_it_for_everything() {
    let app = TestApp::new().await;
    let body = json!({ "client_name": "Server", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token"] });
    let known = app.request(Method::POST, "/oauth/register").json(body).send().await.json();
    let (id, secret) =
        (("client_id", text(&known, "client_id")), ("client_secret", text(&known, "client_secret")));
    let code = crate::browser::code(&app, "admin", &[id]).await;
    let redeems = [
        ("grant_type", "authorization_code"),
        id,
        secret,
        ("code", code.as_str()),
        ("code_verifier", VERIFIER),
    ];
    let granted = call(&app, "/oauth/token", &redeems).await.json();
    let token = text(&granted, "refresh_token");
    let refreshes = [("grant_type", "refresh_token"), id, ("refresh_token", token)];
    let revokes = [id, ("token", token)];
    let other = ("client_id", "app");
    for (path, pairs) in [("/oauth/token", &refreshes[..]), ("/oauth/revoke", &revokes[..])] {
        for more in [&[][..], &[("client_secret", "wrong")], &[("client_secret", "")]] {
            let answer = call(&app, path, &[pairs, more].concat()).await;
            assert_eq!(
                (answer.status.as_u16(), text(&answer.json(), "error")),
                (401, "invalid_client"),
                "{path} {more:?}"
            );
        }
    }
    // Another client's token is nobody's: refreshing is refused, and revoking changes nothing.
    let stolen = [("grant_type", "refresh_token"), other, ("refresh_token", token)];
    assert_eq!(call(&app, "/oauth/token", &stolen).await.json()["error"], "invalid_grant");
    assert_eq!(call(&app, "/oauth/revoke", &[other, ("token", token)]).await.status, 200);
    assert_eq!(call(&app, "/oauth/token", &[&refreshes[..], &[secret]].concat()).await.status, 200);
    assert_eq!(call(&app, "/oauth/revoke", &[&revokes[..], &[secret]].concat()).await.status, 200);
    app.get("/me").bearer(text(&granted, "access_token")).expect(401).await;
}

#[tokio::test]
async fn a_double_click_is_no_dead_end() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let form = consent_page(&mut browser, "admin", &[]).await.with("decision", "allow");
    // The browser goes on with the second answer, and throws the first away.
    said(&browser.send(&form).await);
    let page = browser.send(&form).await;
    assert!(page.status == 403 && page.text().contains("role=\"alert\""), "{}", page.text());
    let fresh = form_to(&page.text(), "/oauth/authorize").with("decision", "allow");
    let answer = said(&browser.send(&fresh).await);
    assert_eq!(redeem(&app, &answer["code"]).await.status, 200);
}
