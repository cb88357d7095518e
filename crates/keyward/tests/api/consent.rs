//! Signing in and consent: nobody is sent where the client does not live, no form is taken that is not this browser's, and what
//! people and applications write is text.

use crate::browser::{
    Browser, CALLBACK, Form, authorize, call, code, consent_page, encoded, fields, form_to, forms, redeem,
    request, said, tokens,
};
use crate::support::{PASSWORD, TestApp};
use http::Method;
use keyward_core::oauth::{Client, ClientOrigin};
use keyward_core::role::Role;
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::client::CreateClient;
use keyward_core::write::invitation::InviteByOperator;
use keyward_core::write::member::AddMember;
use serde_json::json;
use std::collections::BTreeSet;

/// Redirect URIs that are not the client's, each made from one of its own by one change.
fn mutations() -> BTreeSet<String> {
    let own = [CALLBACK, "http://127.0.0.1/callback", "cursor://anysphere.cursor-mcp/oauth/callback"];
    let mut all = BTreeSet::new();
    for uri in own {
        let (scheme, rest) = uri.split_once("://").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        let mut add = |text: String| {
            all.insert(text);
        };
        for other in [
            "http",
            "https",
            "HTTPS",
            "Http",
            "javascript",
            "data",
            "ftp",
            "ws",
            "file",
            "cursor ",
            "curs0r",
            "vscode",
        ] {
            add(format!("{other}://{rest}"));
            add(format!("{other}:{rest}"));
            add(format!("{other}:/{rest}"));
        }
        for other in [
            format!("{host}."),
            format!("{host}.evil.example"),
            format!("evil.{host}"),
            format!("evil{host}"),
            format!("{host}@evil.example"),
            format!("evil.example@{host}"),
            format!("user:pass@{host}"),
            format!("{host}:443"),
            format!("{host}:80@evil.example"),
            format!("{host}:0"),
            format!("{host}:65536"),
            format!("{host}:99999999999"),
            format!("{host}:-1"),
            format!("{host}:8a"),
            format!("{host}:"),
            host.to_uppercase(),
            format!("{host}%2eevil.example"),
            format!("{host}%00"),
            format!("{host}\\.evil.example"),
            format!("evil.example\\@{host}"),
            format!("[{host}]"),
            "evil.example".to_owned(),
            "127.1".to_owned(),
            "2130706433".to_owned(),
            "0x7f000001".to_owned(),
            "0177.0.0.1".to_owned(),
            "127.0.0.2".to_owned(),
            "localhost".to_owned(),
            "[::1]".to_owned(),
            "[::ffff:127.0.0.1]".to_owned(),
            "localhost.evil.example".to_owned(),
            "127.0.0.1.evil.example".to_owned(),
            "аpp.example".to_owned(),
            "xn--pp-8cd.example".to_owned(),
            "app。example".to_owned(),
            "app.example%E3%80%82".to_owned(),
            " app.example".to_owned(),
            "app.example\t".to_owned(),
            "ⓐpp.example".to_owned(),
            "0.0.0.0".to_owned(),
            String::new(),
        ] {
            add(format!("{scheme}://{other}/{path}"));
        }
        for other in [
            format!("{path}/"),
            format!("/{path}"),
            format!("{path}/.."),
            format!("{path}/../{path}"),
            format!("./{path}"),
            format!("../{path}"),
            format!("%2e/{path}"),
            format!("{path}%2f"),
            format!("{path}%00"),
            format!("{path};x"),
            format!("{path}?"),
            format!("{path}?x=1"),
            format!("{path}?code=x"),
            format!("{path}#"),
            format!("{path}#x"),
            format!("{path}%23"),
            format!("{path}%3f"),
            path.to_uppercase(),
            format!("{path} "),
            format!("{path}%20"),
            format!("{path}\\"),
            format!("{path}\\..\\"),
            format!("{path}\u{0}"),
            format!("{path}\r\nx: y"),
            format!("{path}&x"),
            String::new(),
            "x".to_owned(),
            format!("{path}x"),
            path.replace('a', "%61"),
            path.replace('c', "%63"),
            format!("x/../{path}"),
        ] {
            add(format!("{scheme}://{host}/{other}"));
        }
        for other in [
            format!(" {uri}"),
            format!("{uri},{uri}"),
            format!("{uri} https://evil.example"),
            format!("//{rest}"),
            format!("/{path}"),
            path.to_owned(),
            format!("{uri}\u{feff}"),
            format!("\u{200b}{uri}"),
            format!("https://evil.example/?{uri}"),
            format!("https://evil.example/#{uri}"),
            format!("https://evil.example\\@{rest}"),
            format!("https:{rest}"),
            format!("https:///{rest}"),
            format!("https:\\\\{rest}"),
            format!("view-source:{uri}"),
            format!("javascript:alert(1)//{rest}"),
            format!("data:text/html,{uri}"),
            format!("blob:{uri}"),
            "*".to_owned(),
            "null".to_owned(),
        ] {
            add(other);
        }
    }
    for uri in own {
        all.remove(uri);
    }
    // The one exception that is documented: another port on loopback.
    all.remove("http://127.0.0.1:443/callback");
    all
}

#[tokio::test]
async fn nobody_is_sent_where_the_client_does_not_live() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let form = consent_page(&mut browser, "admin", &[]).await;
    let (all, mut accepted, mut redirected) = (mutations(), Vec::new(), Vec::new());
    for uri in &all {
        let asked = browser.get(&authorize(&[("redirect_uri", uri)])).await;
        if uri.is_empty() {
            continue;
        }
        if asked.status == 303 {
            redirected.push(uri);
        }
        if asked.status == 200 {
            accepted.push(uri);
        }
        // In the form that the person sends, too.
        let sent = browser.send(&form.with("redirect_uri", uri).with("decision", "allow")).await;
        if sent.status.as_u16() < 400 {
            accepted.push(uri);
        }
    }
    // And where the code is redeemed.
    let code = code(&app, "admin", &[]).await;
    for uri in &all {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("code", &code),
            ("redirect_uri", uri),
            ("code_verifier", crate::browser::VERIFIER),
        ];
        if !uri.is_empty() && call(&app, "/oauth/token", &pairs).await.status == 200 {
            accepted.push(uri);
        }
    }
    println!(
        "redirect_uri mutations: {} at three places; accepted {}, redirected to {}",
        all.len(),
        accepted.len(),
        redirected.len()
    );
    assert!(all.len() >= 300, "{}", all.len());
    assert!(accepted.is_empty() && redirected.is_empty(), "{accepted:?} {redirected:?}");
    assert_eq!(redeem(&app, &code).await.status, 200, "and none of them used the code up");
    assert!(
        said(&browser.send(&form.with("decision", "allow")).await).contains_key("code"),
        "the form was good"
    );
    // Another port of loopback is the client's, and then no other than that.
    let native = [("redirect_uri", "http://127.0.0.1:49152/callback")];
    let code = crate::browser::code(&app, "admin", &native).await;
    let redeems = |uri| {
        let who = [("grant_type", "authorization_code"), ("client_id", "app"), ("redirect_uri", uri)];
        [who.as_slice(), &[("code", code.as_str()), ("code_verifier", crate::browser::VERIFIER)]].concat()
    };
    for (uri, status) in
        [("http://127.0.0.1:49153/callback", 400), ("http://127.0.0.1/callback", 400), (native[0].1, 200)]
    {
        assert_eq!(call(&app, "/oauth/token", &redeems(uri)).await.status, status, "{uri}");
    }
}

/// Sends a form that must not be taken: no code, and nobody is sent to the application.
async fn refused(browser: &mut Browser<'_>, form: &Form) {
    let answer = browser.send(form).await;
    let to = answer.header("location");
    match to {
        Some(to) => assert!(answer.status == 303 && to.starts_with("http://keyward.test/sign-in"), "{to}"),
        None => assert!(answer.status.is_client_error(), "{}", answer.text()),
    }
}

#[tokio::test]
async fn consent_is_of_this_browser_this_session_and_once() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let form = consent_page(&mut browser, "admin", &[]).await.with("decision", "allow");
    // Nobody's browser, another person's, and the same person's in another session.
    refused(&mut Browser::new(&app), &form).await;
    let mut other = Browser::new(&app);
    other.sign_in("editor", "/console").await;
    refused(&mut other, &form).await;
    let mut own = Browser::new(&app);
    own.sign_in("admin", "/console").await;
    refused(&mut own, &form).await;
    // Without its token, with one of another form, or of another browser.
    for token in ["", "x", "00000000000000000000000000000000.1.AAAA"] {
        refused(&mut browser, &form.with("form", token)).await;
    }
    let elsewhere = form_to(&browser.get("/console/acme/keys").await.text(), "/sign-out");
    refused(&mut browser, &form.with("form", elsewhere.get("form"))).await;
    // From another site, as a browser says it.
    let cross = browser.post_with(&form.action, &form.hidden, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(cross.status, 403);
    // An hour old, to the second.
    let last =
        form_to(&browser.get(&authorize(&[])).await.text(), "/oauth/authorize").with("decision", "allow");
    app.clock.advance(3599);
    assert!(said(&browser.send(&last).await).contains_key("code"));
    app.clock.advance(1);
    refused(&mut browser, &form).await;
    let fresh = browser.get(&authorize(&[])).await;
    let form = form_to(&fresh.text(), "/oauth/authorize").with("decision", "allow");
    assert!(said(&browser.send(&form).await).contains_key("code"));
    // Sent twice: one code.
    refused(&mut browser, &form).await;
    // A parameter twice in the form.
    let fresh =
        form_to(&browser.get(&authorize(&[])).await.text(), "/oauth/authorize").with("decision", "allow");
    let mut doubled = fresh.clone();
    doubled.hidden.push(("decision".to_owned(), "deny".to_owned()));
    refused(&mut browser, &doubled).await;
}

#[tokio::test]
async fn a_person_can_refuse_and_can_let_an_application_only_see() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let form =
        consent_page(&mut browser, "admin", &[("scope", "deals:read deals:write account:write openid")])
            .await;
    let no = said(&browser.send(&form.with("decision", "deny")).await);
    assert_eq!(
        (no["error"].as_str(), no["state"].as_str(), no["iss"].as_str()),
        ("access_denied", "the state", "http://keyward.test")
    );
    let form = form_to(
        &browser.get(&authorize(&[("scope", "deals:read deals:write account:write openid")])).await.text(),
        "/oauth/authorize",
    );
    let yes = said(&browser.send(&form.with("decision", "allow").with("read_only", "on")).await);
    let granted = redeem(&app, &yes["code"]).await.json();
    assert_eq!(granted["scope"], "openid deals:read");
}

#[tokio::test]
async fn a_wrong_password_is_told_from_nothing_else_and_guessing_ends() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let form = form_to(&browser.get("/sign-in").await.text(), "/sign-in");
    let mut answers = BTreeSet::new();
    for (email, password) in [
        ("admin@acme.example", "wrong"),
        ("nobody@acme.example", PASSWORD),
        ("admin@acme.example", ""),
        ("", ""),
    ] {
        let answer = browser.send(&form.with("email", email).with("password", password)).await;
        assert_eq!(answer.status, 401);
        assert!(!browser.cookies.contains_key("keyward_session"));
        let page = answer.text();
        answers.insert(page.split("role=\"alert\"").nth(1).unwrap().split("</p>").next().unwrap().to_owned());
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    // Somebody else's form does not sign anyone in.
    let foreign =
        Browser::new(&app).send(&form.with("email", "admin@acme.example").with("password", PASSWORD)).await;
    assert_eq!(foreign.status, 403);
    let good = browser.send(&form.with("email", " Admin@Acme.example ").with("password", PASSWORD)).await;
    assert_eq!((good.status.as_u16(), good.header("location")), (303, Some("http://keyward.test/console")));
}

#[tokio::test]
async fn what_others_write_is_text_and_nobody_frames_or_keeps_a_page() {
    let app = TestApp::new().await;
    let script = "<script>alert(1)</script>\"'>";
    app.operate(CreateClient(Client {
        id: "hostile".into(),
        name: script.to_owned(),
        redirect_uris: [CALLBACK.to_owned()].into(),
        origin: ClientOrigin::Operator,
        secret: None,
        refreshes: true,
        created_at: keyward_core::clock::Timestamp::from_unix(0),
    }))
    .await;
    let mut browser = Browser::new(&app);
    let mut pages = vec![browser.get(&format!("/sign-in?{}", encoded(&fields(&[("next", script)])))).await];
    let form = form_to(&pages[0].text(), "/sign-in");
    pages.push(browser.send(&form.with("email", script).with("password", script)).await);
    pages.push(
        browser.get(&format!("/oauth/authorize?client_id={}", encoded(&fields(&[(script, script)])))).await,
    );
    browser.sign_in("both", "/console").await;
    pages.push(
        browser.get(&authorize(&[("client_id", "hostile"), ("state", script), ("nonce", script)])).await,
    );
    pages.push(
        browser.get(&authorize(&[("client_id", "hostile"), ("state", script), ("account", "acme")])).await,
    );
    let consent = form_to(&pages[4].text(), "/oauth/authorize");
    assert_eq!(consent.get("state"), script, "and what it was is handed on");
    assert!(said(&browser.send(&consent.with("decision", "allow")).await)["state"] == script);
    pages.push(browser.get("/console/acme/applications").await);
    let keys = browser.get("/console/acme/keys").await;
    let new = form_to(&keys.text(), "/console/acme/keys");
    let made = browser.send(&new.with("label", script).with("permission", "read_only")).await;
    assert_eq!(made.status, 303);
    pages.push(browser.get(made.header("location").unwrap()).await);
    let again = form_to(&pages[6].text(), "/console/acme/keys");
    pages.push(
        browser
            .send(
                &again
                    .with("label", script)
                    .with("permission", script)
                    .with("addresses", script)
                    .with("expires", script),
            )
            .await,
    );
    pages.push(browser.get(&format!("/welcome?{}", encoded(&fields(&[("token", script)])))).await);
    // What others write: the account, who invites into it, the key that is rotated, and the client that registered itself.
    let named = CreateAccount {
        slug: "hostile".to_owned(),
        name: script.to_owned(),
        account_type: None,
        tier: Tier::Standard,
    };
    let hostile = app.operate(named).await;
    app.operate(AddMember { account: hostile, user: app.both.user, role: Role::Admin }).await;
    let body = json!({ "client_name": script, "redirect_uris": [CALLBACK] });
    let registered = app.request(Method::POST, "/oauth/register").json(body).send().await.json();
    let id = registered["client_id"].as_str().unwrap();
    pages.push(browser.get(&authorize(&[("client_id", id)])).await);
    pages.push(browser.get(&authorize(&[("client_id", id), ("account", "hostile")])).await);
    pages.push(browser.get("/console/hostile/applications").await);
    let page = browser.get("/console/acme/keys").await.text();
    let rotate = forms(&page).into_iter().filter(|form| form.action.ends_with("/rotate"));
    for form in rotate.collect::<Vec<_>>() {
        browser.send(&form.with("grace_seconds", "0")).await;
    }
    pages.push(browser.get("/console/acme/keys").await);
    let invited = InviteByOperator {
        uuid: "5e5a3e17-0bad-4cab-9a7e-00c0ffee0001".to_owned(),
        email: "editor@acme.example".to_owned(),
        account: hostile,
        role: Role::Viewer,
    };
    app.operate(invited).await;
    let mut editor = Browser::new(&app);
    editor.sign_in("editor", "/console").await;
    pages.push(editor.get("/console/acme/keys").await);
    let statuses: Vec<u16> = pages.iter().map(|page| page.status.as_u16()).collect();
    assert_eq!(statuses, [200, 401, 400, 200, 200, 200, 200, 422, 404, 200, 200, 200, 200, 200]);
    // Where it stands it stands as text: all but a target that is not ours, a client that is not known, and a link that is none.
    let shown: Vec<usize> =
        (0..pages.len()).filter(|index| pages[*index].text().contains("&#60;script&#62;alert(1)")).collect();
    assert_eq!(shown, [1, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13]);
    for (index, page) in pages.iter().enumerate() {
        let html = page.text();
        assert!(html.starts_with("<!DOCTYPE html>"), "{index}: {html}");
        assert!(!html.contains("<script>alert") && !html.contains("\"'>"), "{index}: {html}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'")
                && policy.contains("frame-ancestors 'none'")
                && !policy.contains("unsafe"),
            "{index}"
        );
        assert_eq!(
            (page.header("x-frame-options"), page.header("cache-control")),
            (Some("DENY"), Some("no-store")),
            "{index}"
        );
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    }
    println!("pages that were given a script in every field: {}; as anything but text in 0", pages.len());
}

#[tokio::test]
async fn whoever_must_sign_in_again_is_asked_again_and_nobody_is_let_in_unasked() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    // Nobody but the server says that somebody has signed in again.
    for claimed in ["0", "1", "99999999999", "x.0.y"] {
        let asked = browser.get(&authorize(&[("prompt", "login"), ("login", claimed)])).await;
        assert!(asked.header("location").unwrap().contains("/sign-in?"), "{claimed}");
    }
    let asked = browser.get(&authorize(&[("prompt", "login")])).await;
    let to = asked.header("location").unwrap().to_owned();
    assert!(to.starts_with("http://keyward.test/sign-in?"));
    let page = browser.get(&to).await;
    assert_eq!(page.status, 200, "although somebody is signed in");
    app.clock.advance(5);
    let form =
        form_to(&page.text(), "/sign-in").with("email", "admin@acme.example").with("password", PASSWORD);
    let to = browser.send(&form).await;
    let page = browser.get(to.header("location").unwrap()).await;
    assert!(forms(&page.text()).iter().any(|form| form.action == "/oauth/authorize"), "{}", page.text());
    // A client that was let in before is asked for again all the same: anyone can send its name.
    tokens(&app, "admin", &[]).await;
    let again = browser.get(&authorize(&[])).await;
    assert_eq!(again.status, 200);
    // An application in a script of a page gets no code either: the form is the only way.
    let posted = app.request(Method::POST, "/oauth/authorize").json(json!({})).send().await;
    assert_eq!(posted.status, 400);
    assert!(request(&[]).len() > 1);
}
