//! The console: keys and applications, by the rules of the API.

use crate::browser::{Browser, encoded, form_to, forms, refresh, text, tokens};
use crate::support::{Key, PASSWORD, TestApp};
use http::Method;
use keyward::config::LimitsConfig;
use keyward::reload::Reloadable;
use keyward_core::limits::{Overrides, Rate};
use keyward_core::opaque::{TokenKind, mint};
use keyward_core::role::Role;
use keyward_core::session::LinkKind;
use keyward_core::write::invitation::InviteByOperator;
use keyward_core::write::limits::SetLimits;
use keyward_core::write::link::IssueLink;
use keyward_core::write::member::RemoveMember;
use keyward_testkit::SeededRandom;
use serde_json::json;
use std::time::Duration;

/// The secret that a page shows.
pub(crate) fn shown(page: &str) -> Option<String> {
    let start = page.find("value=\"lev_sk_")? + 7;
    page.get(start..)?.split('"').next().map(str::to_owned)
}

#[tokio::test]
async fn a_key_of_the_console_is_shown_once_works_rotates_and_ends() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let keys = browser.get("/console/acme/keys").await;
    let new = form_to(&keys.text(), "/console/acme/keys")
        .with("label", "From the console")
        .with("permission", "full_access");
    let made = browser.send(&new).await;
    assert_eq!(
        (made.status.as_u16(), made.header("location")),
        (303, Some("http://keyward.test/console/acme/keys"))
    );
    let page = browser.get("/console/acme/keys").await.text();
    let secret = shown(&page).unwrap();
    assert!(shown(&browser.get("/console/acme/keys").await.text()).is_none(), "once");
    // The form sent twice is one key, and shows it again.
    browser.send(&new).await;
    assert_eq!(shown(&browser.get("/console/acme/keys").await.text()), Some(secret.clone()));
    let me = app.get("/me").bearer(&secret).expect(200).await.data();
    assert_eq!(me["platform"]["credential"]["label"], "From the console");
    let count = app.get("/api-keys").by(&app.admin).expect(200).await.json()["pagination"]["total"].clone();
    assert_eq!(count, 2);
    let id = me["platform"]["credential"]["id"].as_i64().unwrap();
    let page = browser.get("/console/acme/keys").await.text();
    assert!(page.contains(" by the console</dd>"), "the list says by what it was made");
    let rotate = form_to(&page, &format!("/console/acme/keys/{id}/rotate")).with("grace_seconds", "3600");
    assert_eq!(browser.send(&rotate).await.status, 303);
    let fresh = shown(&browser.get("/console/acme/keys").await.text()).unwrap();
    assert_ne!(fresh, secret);
    app.get("/me").bearer(&secret).expect(200).await;
    app.get("/me").bearer(&fresh).expect(200).await;
    let revoke =
        form_to(&browser.get("/console/acme/keys").await.text(), &format!("/console/acme/keys/{id}/revoke"));
    assert_eq!(browser.send(&revoke).await.status, 303);
    app.get("/me").bearer(&fresh).expect(401).await;
    app.get("/me").bearer(&secret).expect(401).await;
}

#[tokio::test]
async fn the_console_reaches_no_further_than_its_person() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("viewer", "/console").await;
    assert_eq!(browser.get("/console/harbor/keys").await.status, 403);
    assert_eq!(browser.get("/console/nowhere/keys").await.status, 403);
    let page = browser.get("/console/acme/keys?all=true").await.text();
    assert!(!page.contains("Emerson"), "a viewer sees its own keys");
    let form = form_to(&page, "/console/acme/keys");
    // The key of another, by a form of one's own.
    let other = app.editor.key.id;
    let own = forms(&page).into_iter().find(|form| form.action.ends_with("/revoke")).unwrap();
    let stolen = browser.post(&format!("/console/acme/keys/{other}/revoke"), &own.hidden).await;
    assert_eq!(stolen.status, 403, "the form is for another address");
    app.get("/me").by(&app.editor).expect(200).await;
    // A viewer's key is a viewer's.
    let made = browser
        .send(&form.with("label", "x").with("permission", "scopes").with("scope", "deals:write"))
        .await;
    assert_eq!(made.status, 403);
    assert!(made.text().contains("does not have deals:write"));
    let unfit = [
        ("label", "", "Name must"),
        ("addresses", "not an address", "Addresses must be address ranges"),
        ("expires", "yesterday", "Last day must"),
        ("expires", "2026-01-01", "Last day must"),
    ];
    for (name, value, said) in unfit {
        let page = browser.get("/console/acme/keys").await.text();
        let form = form_to(&page, "/console/acme/keys").with("label", "x").with("permission", "read_only");
        let answer = browser.send(&form.with(name, value)).await;
        assert!(answer.status == 422 && answer.text().contains(said), "{name} {value}: {}", answer.text());
    }
    // Nobody is signed in: to the sign-in page.
    let stranger = Browser::new(&app).get("/console/acme/keys").await;
    assert!(stranger.header("location").unwrap().starts_with("http://keyward.test/sign-in"));
    // A session is no credential of the API.
    let cookie = browser.cookies.get("keyward_session").unwrap().clone();
    app.get("/me").bearer(&cookie).expect(401).await;
    app.get("/me").header("cookie", &format!("keyward_session={cookie}")).expect(401).await;
}

#[tokio::test]
async fn a_disconnected_application_is_refused_at_its_next_request() {
    let app = TestApp::new().await;
    let (one, two) = (tokens(&app, "admin", &[]).await, tokens(&app, "admin", &[]).await);
    let other = tokens(&app, "editor", &[]).await;
    app.get("/me").bearer(text(&one, "access_token")).expect(200).await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let page = browser.get("/console/acme/applications").await.text();
    assert!(page.contains("<h2>The application"));
    let form = form_to(&page, "/console/acme/applications/disconnect");
    assert_eq!(browser.send(&form).await.status, 303);
    for granted in [&one, &two] {
        app.get("/me").bearer(text(granted, "access_token")).expect(401).await;
        assert_eq!(refresh(&app, text(granted, "refresh_token")).await.json()["error"], "invalid_grant");
    }
    app.get("/me").bearer(text(&other, "access_token")).expect(200).await;
    assert!(!browser.get("/console/acme/applications").await.text().contains("<h2>The application"));
}

#[tokio::test]
async fn signing_out_ends_the_session_for_whoever_has_its_cookie() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let stolen = browser.cookies.clone();
    let out = form_to(&browser.get("/console/acme/keys").await.text(), "/sign-out");
    assert_eq!(browser.send(&out).await.status, 303);
    let mut thief = Browser { app: &app, cookies: stolen };
    assert_eq!(thief.get("/console/acme/keys").await.status, 303);
    // Whoever signs in again in the same browser leaves no session behind.
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let before = browser.cookies.clone();
    let again = browser.get("/sign-in?next=/oauth/authorize%3Flogin%3D1").await.text();
    let form = form_to(&again, "/sign-in").with("email", "admin@acme.example").with("password", PASSWORD);
    assert_eq!(browser.send(&form).await.status, 303);
    assert_eq!(Browser { app: &app, cookies: before }.get("/console/acme/keys").await.status, 303);
    assert_eq!(browser.get("/console/acme/keys").await.status, 200);
    // Twelve hours, to the second.
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    app.clock.advance(12 * 3600 - 1);
    assert_eq!(browser.get("/console/acme/keys").await.status, 200);
    app.clock.advance(1);
    assert_eq!(browser.get("/console/acme/keys").await.status, 303);
}

#[tokio::test]
async fn the_session_that_a_browser_had_before_is_ended_also_where_that_fails_at_first() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let before = browser.cookies.clone();
    let refuse =
        "CREATE TEMP TRIGGER no_end BEFORE DELETE ON main.sessions BEGIN SELECT RAISE(ABORT, 'no'); END";
    app.store.on_writer(refuse).await.unwrap();
    let again = browser.get("/sign-in?next=/oauth/authorize%3Flogin%3D1").await.text();
    let form = form_to(&again, "/sign-in").with("email", "admin@acme.example").with("password", PASSWORD);
    assert_eq!(browser.send(&form).await.status, 303);
    let opens = async || {
        let mut earlier = Browser { app: &app, cookies: before.clone() };
        earlier.get("/console/acme/keys").await.status == 200
    };
    assert!(opens().await, "it could not be ended");
    assert_eq!(browser.get("/console/acme/keys").await.status, 200, "and the new one holds");
    app.store.on_writer("DROP TRIGGER no_end").await.unwrap();
    for _ in 0..100 {
        if !opens().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!opens().await, "it was tried again");
    assert_eq!(browser.get("/console/acme/keys").await.status, 200);
}

#[tokio::test]
async fn a_link_lets_its_person_choose_a_password_once_and_join() {
    let app = TestApp::new().await;
    let random = SeededRandom::new(11);
    let invite = InviteByOperator {
        uuid: "11111111-1111-4111-8111-111111111111".to_owned(),
        email: "new@acme.example".to_owned(),
        account: app.acme,
        role: Role::Editor,
    };
    let (user, ..) = app.operate(invite).await;
    let (token, digest) = mint(TokenKind::Link, &random).unwrap();
    app.operate(IssueLink { user, kind: LinkKind::Invitation, digest }).await;
    let mut browser = Browser::new(&app);
    let page = browser.get(&format!("/welcome?token={}", token.expose())).await;
    assert!(
        page.status == 200
            && page.text().contains("Acme Capital")
            && page.text().contains("new@acme.example")
    );
    let form = form_to(&page.text(), "/welcome");
    let short = browser.send(&form.with("password", "short")).await;
    assert_eq!(short.status, 422);
    let form = form_to(&short.text(), "/welcome").with("password", PASSWORD);
    assert_eq!(browser.send(&form).await.status, 303);
    assert_eq!(browser.send(&form).await.status, 404, "once");
    assert_eq!(browser.get(&format!("/welcome?token={}", token.expose())).await.status, 404);
    browser.sign_in("new", "/console").await;
    let page = browser.get("/console/acme/keys").await;
    assert_eq!(page.status, 200);
    assert!(
        page.text().contains("<strong>new@acme.example</strong>"),
        "who has said no name is called by its address"
    );
    // A reset signs out everywhere, and ends what was connected.
    let granted = tokens(&app, "admin", &[]).await;
    let mut before = Browser::new(&app);
    before.sign_in("admin", "/console").await;
    let (token, digest) = mint(TokenKind::Link, &random).unwrap();
    app.operate(IssueLink { user: app.admin.user, kind: LinkKind::Reset, digest }).await;
    let mut browser = Browser::new(&app);
    let form = form_to(&browser.get(&format!("/welcome?token={}", token.expose())).await.text(), "/welcome");
    assert_eq!(browser.send(&form.with("password", "another password of mine")).await.status, 303);
    assert_eq!(before.get("/console/acme/keys").await.status, 303);
    app.get("/me").bearer(text(&granted, "access_token")).expect(401).await;
    // Keys are for machines: they stay.
    app.get("/me").by(&app.admin).expect(200).await;
    // A day, to the second.
    let (token, digest) = mint(TokenKind::Link, &random).unwrap();
    app.operate(IssueLink { user: app.admin.user, kind: LinkKind::Reset, digest }).await;
    app.clock.advance(86_400);
    assert_eq!(browser.get(&format!("/welcome?token={}", token.expose())).await.status, 404);
}

#[tokio::test]
async fn whoever_is_somebody_accepts_an_invitation_in_the_console() {
    let app = TestApp::new().await;
    app.post("/account/team")
        .by(&app.stranger)
        .json(json!({"email": "editor@acme.example", "role": "viewer"}))
        .expect(201)
        .await;
    let mut browser = Browser::new(&app);
    browser.sign_in("editor", "/console").await;
    assert_eq!(browser.get("/console/harbor/keys").await.status, 403);
    let page = browser.get("/console/acme/keys").await.text();
    let form = form_to(&page, "/console/invitations/harbor/accept");
    assert!(page.contains("Harbor") && page.contains("viewer"), "what is offered is named: {page}");
    assert_eq!(browser.send(&form).await.status, 303);
    assert_eq!(
        browser.send(&form).await.header("location"),
        Some("http://keyward.test/console/harbor/keys"),
        "pressed twice"
    );
    assert_eq!(browser.get("/console/harbor/keys").await.status, 200);
    assert!(!browser.get("/console/harbor/keys").await.text().contains("You are invited"));
    assert_eq!(
        app.anonymous(Method::GET, "/me").key(&Key { id: 0, secret: "x".to_owned() }).send().await.status,
        401
    );
}

#[tokio::test]
async fn whoever_is_in_no_account_can_still_disconnect() {
    let app = TestApp::new().await;
    let everywhere =
        tokens(&app, "both", &[("account", "acme"), ("reach", "all"), ("scope", "openid deals:read")]).await;
    for account in [app.acme, app.harbor] {
        app.operate(RemoveMember { account, user: app.both.user }).await;
    }
    let token = text(&everywhere, "access_token");
    app.get("/me").bearer(token).expect(200).await;
    let mut browser = Browser::new(&app);
    browser.sign_in("both", "/console").await;
    let console = browser.get("/console").await;
    assert!(
        console.status == 200 && console.text().contains("href=\"/console/applications\""),
        "{}",
        console.text()
    );
    let page = browser.get("/console/applications").await;
    assert!(page.text().contains("The application"), "{}", page.text());
    let gone = browser.send(&form_to(&page.text(), "/console/applications/disconnect")).await;
    assert_eq!(gone.header("location"), Some("http://keyward.test/console/applications"));
    app.get("/me").bearer(token).expect(401).await;
    // An account may be called so, and has its own pages.
    let page = Browser::new(&app).get("/console/applications").await;
    assert_eq!(page.header("location"), Some("http://keyward.test/sign-in?next=%2Fconsole%2Fapplications"));
}

#[tokio::test]
async fn an_old_page_signs_out_all_the_same() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let out = form_to(&browser.get("/console/acme/keys").await.text(), "/sign-out");
    app.clock.advance(2 * 3_600);
    for site in ["cross-site", "same-site", "none"] {
        let answer = browser.post_with(&out.action, &out.hidden, &[("sec-fetch-site", site)]).await;
        assert_eq!(answer.status, 403, "{site}");
    }
    let answer = browser.post_with(&out.action, &out.hidden, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(browser.get("/console/acme/keys").await.status, 303);
}

#[tokio::test]
async fn what_was_filled_in_is_not_lost() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let form = form_to(&browser.get("/console/acme/keys").await.text(), "/console/acme/keys")
        .with("permission", "read_only")
        .with("label", "Nightly report");
    // The page was open for long.
    app.clock.advance(3_600);
    let late = browser.send(&form).await;
    assert!(late.status == 403 && late.text().contains("value=\"Nightly report\""), "{}", late.text());
    let fresh =
        form_to(&late.text(), "/console/acme/keys").with("permission", "read_only").with("label", "One");
    assert_eq!(browser.send(&fresh).await.status, 303);
    // Back, changed, and sent again.
    let changed = browser.send(&fresh.with("label", "Two")).await;
    assert!(changed.status == 409 && changed.text().contains("value=\"Two\""), "{}", changed.text());
    assert!(!changed.text().contains("Idempotency-Key"));
    // Whoever has to sign in comes back to where it was.
    app.clock.advance(12 * 3_600);
    let to = browser.get("/console/acme/applications").await;
    assert_eq!(
        to.header("location"),
        Some("http://keyward.test/sign-in?next=%2Fconsole%2Facme%2Fapplications")
    );
}

#[tokio::test]
async fn a_link_ends_the_session_that_its_browser_had() {
    let app = TestApp::new().await;
    let (token, digest) = mint(TokenKind::Link, &SeededRandom::new(3)).unwrap();
    app.operate(IssueLink { user: app.editor.user, kind: LinkKind::Reset, digest }).await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let before = browser.cookies.clone();
    let form = form_to(&browser.get(&format!("/welcome?token={}", token.expose())).await.text(), "/welcome");
    assert_eq!(browser.send(&form.with("password", PASSWORD)).await.status, 303);
    assert_eq!(Browser { app: &app, cookies: before }.get("/console/acme/keys").await.status, 303);
}

#[tokio::test]
async fn nobody_is_kept_from_revoking_by_what_a_key_writes_nor_shut_out_by_one_address() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let page = browser.get("/console/acme/keys").await.text();
    let rate = Rate::PerMinute(1);
    let overrides = Overrides { reads: None, writes: Some(rate), keys: None };
    app.operate(SetLimits { account: app.acme, overrides }).await;
    app.post("/deals").by(&app.admin).json(json!({"title": "x"})).expect(201).await;
    app.post("/deals").by(&app.admin).json(json!({"title": "y"})).expect(429).await;
    let revoke = forms(&page).into_iter().find(|form| form.action.ends_with("/revoke")).unwrap();
    assert_eq!(browser.send(&revoke).await.status, 303);
    app.get("/me").by(&app.admin).expect(401).await;
    // Somebody guesses; its person signs in from elsewhere.
    let limits = LimitsConfig { sign_in_per_minute: 3, ..LimitsConfig::default() };
    app.app.current.replace(Reloadable { limits, ..Reloadable::default() });
    let tries = async |from: &str, password: &str| {
        let mut browser = Browser::new(&app);
        let form = form_to(&browser.get("/sign-in").await.text(), "/sign-in");
        let form = form.with("email", "editor@acme.example").with("password", password);
        let cookies =
            browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        let ask = app.request(Method::POST, "/sign-in").from(from).header("cookie", &cookies.join("; "));
        let body = encoded(&form.hidden);
        ask.header("content-type", "application/x-www-form-urlencoded").raw(body).send().await.status.as_u16()
    };
    for status in [401, 401, 401, 429, 429] {
        assert_eq!(tries("203.0.113.9", "wrong").await, status);
    }
    assert_eq!(tries("198.51.100.7", PASSWORD).await, 303);
    // From many addresses it ends as well: five free tries since the one that was good.
    let mut refused = 0;
    for address in 0..20 {
        refused += usize::from(tries(&format!("192.0.2.{address}"), "wrong").await == 429);
    }
    assert_eq!(refused, 15);
}

#[tokio::test]
async fn no_form_is_taken_that_is_not_of_this_page_and_this_browser() {
    let app = TestApp::new().await;
    app.post("/account/team")
        .by(&app.stranger)
        .json(json!({"email": "editor@acme.example", "role": "viewer"}))
        .expect(201)
        .await;
    let granted = tokens(&app, "editor", &[]).await;
    let (token, digest) = mint(TokenKind::Link, &SeededRandom::new(5)).unwrap();
    app.operate(IssueLink { user: app.viewer.user, kind: LinkKind::Reset, digest }).await;
    let mut browser = Browser::new(&app);
    browser.sign_in("editor", "/console").await;
    let mut all = forms(&browser.get("/console/acme/keys").await.text());
    all.extend(forms(&browser.get("/console/acme/applications").await.text()));
    let welcome = browser.get(&format!("/welcome?token={}", token.expose())).await.text();
    all.push(form_to(&welcome, "/welcome").with("password", "another password of mine"));
    let mut other = Browser::new(&app);
    other.sign_in("editor", "/console").await;
    let (mut sent, mut actions) = (0, std::collections::BTreeSet::new());
    for form in &all {
        let action = form.action.trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
        let foreign = all.iter().find(|other| other.action != form.action).unwrap();
        let long_ago = "00000000000000000000000000000000.1.AAAA";
        for token in ["", "x", long_ago, foreign.get("form")] {
            assert_eq!(browser.send(&form.with("form", token)).await.status, 403, "{} {token}", form.action);
            sent += 1;
        }
        assert_eq!(other.send(form).await.status, 403, "{} of another browser", form.action);
        let site = browser.post_with(&form.action, &form.hidden, &[("sec-fetch-site", "cross-site")]).await;
        assert_eq!(site.status, 403, "{} of another site", form.action);
        sent += 2;
        actions.insert(action);
    }
    println!("forms that were forged or of elsewhere: {sent} for {} actions; taken 0", actions.len());
    assert_eq!(
        actions.into_iter().collect::<Vec<_>>(),
        ["accept", "disconnect", "keys", "revoke", "rotate", "sign-out", "welcome"]
    );
    // Nothing of it was done.
    app.get("/me").bearer(text(&granted, "access_token")).expect(200).await;
    app.get("/me").by(&app.editor).expect(200).await;
    assert_eq!(browser.get("/console/acme/keys").await.status, 200);
    assert_eq!(browser.get("/console/harbor/keys").await.status, 403);
    assert_eq!(browser.get(&format!("/welcome?token={}", token.expose())).await.status, 200);
}
