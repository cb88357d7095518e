//! Forms of the pages that come at once, from elsewhere, too often, or while something fails; and what a page is told by them.

use crate::browser::{Browser, Form, authorize, consent_page, form_to, forms, redeem, said};
use crate::console::shown;
use crate::support::{PASSWORD, TestApp};
use http::Method;
use keyward::config::LimitsConfig;
use keyward::reload::Reloadable;
use keyward_core::limits::{Overrides, Rate};
use keyward_core::opaque::{TokenKind, mint};
use keyward_core::session::LinkKind;
use keyward_core::write::disabling::SetUserDisabled;
use keyward_core::write::limits::SetLimits;
use keyward_core::write::link::IssueLink;
use keyward_testkit::SeededRandom;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const KEYS: &str = "/console/acme/keys";

/// The forms of a console page that is there now.
async fn on(browser: &mut Browser<'_>, path: &str, action: &str) -> Form {
    form_to(&browser.get(path).await.text(), action)
}

#[tokio::test]
async fn a_form_of_another_site_sets_and_takes_no_cookie() {
    let app = TestApp::new().await;
    let navigated = [("sec-fetch-dest", "document"), ("sec-fetch-mode", "navigate")];
    for path in ["/sign-in", "/sign-out", "/oauth/authorize", KEYS, "/welcome"] {
        for site in [None, Some(("sec-fetch-site", "cross-site")), Some(("sec-fetch-site", "same-site"))] {
            // A browser sends no cookie along with it (SameSite=Lax).
            let headers: Vec<_> = navigated.iter().copied().chain(site).collect();
            let answer = Browser::new(&app).post_with(path, &[], &headers).await;
            assert!(answer.headers.get("set-cookie").is_none(), "{path} {site:?}: {:?}", answer.headers);
        }
    }
    // Our own page, in a browser that has lost its cookies, is shown again and then works.
    let mut browser = Browser::new(&app);
    let form = on(&mut browser, "/sign-in", "/sign-in").await;
    browser.cookies.clear();
    let here = [("sec-fetch-site", "same-origin")];
    let again = browser.post_with("/sign-in", &form.hidden, &here).await;
    let form =
        form_to(&again.text(), "/sign-in").with("email", "admin@acme.example").with("password", PASSWORD);
    assert_eq!((again.status.as_u16(), browser.send(&form).await.status.as_u16()), (403, 303));
    // Signing out where the session is over already does take its cookie.
    let out = on(&mut browser, KEYS, "/sign-out").await;
    app.clock.advance(13 * 3_600);
    assert!(browser.cookies.contains_key("keyward_session"));
    browser.send(&out).await;
    assert!(!browser.cookies.contains_key("keyward_session"));
}

#[tokio::test]
async fn a_form_that_comes_twice_at_once_is_done_once_and_both_have_its_secret() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let both = async |form: &Form, cookies: &BTreeMap<String, String>| {
        let send = || async {
            let mut tab = Browser { app: &app, cookies: cookies.clone() };
            assert_eq!(tab.send(form).await.status, 303, "{}", form.action);
            shown(&tab.get(KEYS).await.text()).unwrap()
        };
        let all = futures_util::future::join_all((0..8).map(|_| send())).await;
        let secrets: BTreeSet<String> = all.into_iter().collect();
        assert_eq!(secrets.len(), 1, "one secret, and everyone who waits has it");
        secrets.into_iter().next().unwrap()
    };
    for round in 0..10 {
        let form = on(&mut browser, KEYS, KEYS).await.with("permission", "full_access");
        let secret = both(&form.with("label", &format!("Round {round}")), &browser.cookies).await;
        let me = app.get("/me").bearer(&secret).expect(200).await.data();
        let id = &me["platform"]["credential"]["id"];
        let rotate = on(&mut browser, KEYS, &format!("{KEYS}/{id}/rotate")).await.with("grace_seconds", "0");
        let fresh = both(&rotate, &browser.cookies).await;
        app.get("/me").bearer(&fresh).expect(200).await;
        app.get("/me").bearer(&secret).expect(401).await;
    }
    let total = app.get("/api-keys").by(&app.admin).expect(200).await.json()["pagination"]["total"].clone();
    assert_eq!(total, 11, "one for each form, and the admin's own");
}

/// Randomness ends at each of the places that need it, one after the other.
#[tokio::test]
async fn a_secret_that_could_not_be_shown_is_had_by_sending_the_form_again() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let (mut failed, mut made) = (0, 0);
    for times in 0.. {
        let form = on(&mut browser, KEYS, KEYS).await;
        let form = form.with("label", &format!("Key {times}")).with("permission", "read_only");
        app.random.lasts(Some(times));
        let answer = browser.send(&form).await;
        app.random.lasts(None);
        made += 1;
        if answer.status == 303 {
            break;
        }
        assert!(answer.status.is_server_error(), "{times}: {} {}", answer.status, answer.text());
        failed += 1;
        assert_eq!(browser.send(&form).await.status, 303, "{times}");
        let secret = shown(&browser.get(KEYS).await.text()).unwrap();
        app.get("/me").bearer(&secret).expect(200).await;
    }
    assert!(failed >= 2, "the secret's own and the seal's at least: {failed}");
    let total = app.get("/api-keys").by(&app.admin).expect(200).await.json()["pagination"]["total"].clone();
    assert_eq!(total, 1 + made, "one for each form, and the admin's own");
}

#[tokio::test]
async fn keys_are_listed_over_pages_the_newest_first() {
    let app = TestApp::new().await;
    let overrides = Overrides { reads: None, writes: None, keys: Some(300) };
    app.operate(SetLimits { account: app.acme, overrides }).await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    for number in 1..=204 {
        let label = json!({ "label": format!("Key {number:03}") });
        app.post("/api-keys").by(&app.admin).json(label).expect(201).await;
    }
    let link = |page: &str, rel: &str| {
        let tag = page.split("<a ").find(|tag| tag.contains(&format!("rel=\"{rel}\"")))?;
        Some(tag.split("href=\"").nth(1)?.split('"').next()?.replace("&#38;", "&"))
    };
    let labels = |page: &str| -> Vec<String> {
        page.split("<h2>Key ").skip(1).filter_map(|rest| rest.get(..3).map(str::to_owned)).collect()
    };
    for all in ["", "?all=true"] {
        let (mut at, mut seen, mut pages) = (Some(format!("{KEYS}{all}")), Vec::new(), 0);
        while let Some(path) = at {
            let page = browser.get(&path).await.text();
            let on_page = labels(&page);
            assert!(on_page.len() <= 100 && (pages > 0) == link(&page, "prev").is_some());
            seen.extend(on_page);
            at = link(&page, "next");
            pages += 1;
        }
        let newest_first: Vec<String> = (1..=204).rev().map(|number| format!("{number:03}")).collect();
        assert_eq!((pages, seen), (3, newest_first), "{all}");
    }
    // Beyond the end there is the way back, and what is no number is the beginning.
    assert!(link(&browser.get(&format!("{KEYS}?beyond=4294967295")).await.text(), "prev").is_some());
    assert_eq!(labels(&browser.get(&format!("{KEYS}?beyond=x")).await.text())[0], "204");
}

#[tokio::test]
async fn a_page_is_told_by_its_form_and_by_no_link() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let said_so = |page: &str| {
        page.split("role=\"status\">").nth(1).map(|rest| rest.split('<').next().unwrap().to_owned())
    };
    let applications = "/console/acme/applications";
    let form = on(&mut browser, &authorize(&[]), "/oauth/authorize").await.with("decision", "allow");
    redeem(&app, &said(&browser.send(&form).await)["code"]).await;
    for link in [&format!("{KEYS}?revoked=1"), &format!("{applications}?disconnected=1")] {
        assert_eq!(said_so(&browser.get(link).await.text()), None, "{link}");
    }
    assert_eq!(said_so(&Browser::new(&app).get("/sign-in?welcome=1").await.text()), None);
    let disconnect = on(&mut browser, applications, &format!("{applications}/disconnect")).await;
    browser.send(&disconnect).await;
    let revoke = format!("{KEYS}/{}/revoke", app.admin.key.id);
    let told = said_so(&browser.get(applications).await.text());
    assert_eq!(told.as_deref(), Some("The application is disconnected."));
    assert_eq!(said_so(&browser.get(applications).await.text()), None, "once");
    let revoke = on(&mut browser, KEYS, &revoke).await;
    browser.send(&revoke).await;
    assert_eq!(said_so(&browser.get(KEYS).await.text()).as_deref(), Some("The key is revoked."));
    assert_eq!(said_so(&browser.get(KEYS).await.text()), None, "once");
}

#[tokio::test]
async fn a_link_of_a_disabled_user_opens_nothing() {
    let app = TestApp::new().await;
    let (token, digest) = mint(TokenKind::Link, &SeededRandom::new(9)).unwrap();
    app.operate(IssueLink { user: app.editor.user, kind: LinkKind::Reset, digest }).await;
    let mut browser = Browser::new(&app);
    let link = format!("/welcome?token={}", token.expose());
    let form = on(&mut browser, &link, "/welcome").await.with("password", "another password of mine");
    app.operate(SetUserDisabled { user: app.editor.user, disabled: true }).await;
    let page = browser.get(&link).await;
    assert!(page.status.is_client_error() && forms(&page.text()).is_empty(), "{}", page.text());
    assert!(browser.send(&form).await.status.is_client_error());
    app.operate(SetUserDisabled { user: app.editor.user, disabled: false }).await;
    assert_eq!(browser.sign_in("editor", "/console").await.status, 303, "the password is the one before");
}

#[tokio::test]
async fn a_consent_that_is_shown_again_keeps_its_choice() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let checked = |page: &str| page.contains("name=\"read_only\" value=\"on\" checked");
    let form = consent_page(&mut browser, "admin", &[("scope", "deals:read deals:write")]).await;
    assert!(!checked(&browser.get(&authorize(&[("scope", "deals:read deals:write")])).await.text()));
    for read_only in [true, false] {
        let form = form.with("decision", "allow");
        let form = if read_only { form.with("read_only", "on") } else { form };
        app.clock.advance(3_600);
        let again = browser.send(&form).await;
        assert_eq!((again.status.as_u16(), checked(&again.text())), (403, read_only));
    }
}

#[tokio::test]
async fn consents_and_invitations_are_counted_as_writes_of_their_person() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("editor", "/console").await;
    let invitation = json!({"email": "editor@acme.example", "role": "viewer"});
    app.post("/account/team").by(&app.stranger).json(invitation).expect(201).await;
    let mut limits = LimitsConfig::default();
    limits.tiers.free.writes = Rate::PerMinute(2);
    app.app.current.replace(Reloadable { limits, ..Reloadable::default() });
    let accept = on(&mut browser, KEYS, "/console/invitations/harbor/accept").await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        let form = on(&mut browser, &authorize(&[]), "/oauth/authorize").await.with("decision", "allow");
        answers.push(browser.send(&form).await);
    }
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!((statuses, answers[2].header("retry-after")), (vec![303, 303, 429], Some("60")));
    assert_eq!(browser.send(&accept).await.status, 429);
    assert_eq!(browser.get("/console/harbor/keys").await.status, 403, "nothing was done");
    app.clock.pass(std::time::Duration::from_secs(60));
    assert_eq!(browser.send(&accept).await.status, 303);
    assert_eq!(browser.get("/console/harbor/keys").await.status, 200);
}

#[tokio::test]
async fn passwords_are_not_guessed_while_figures_are_tried_out() {
    let app = TestApp::new().await;
    let limits = LimitsConfig { sign_in_per_minute: 2, shadow: true, ..LimitsConfig::default() };
    app.app.current.replace(Reloadable { limits, ..Reloadable::default() });
    let mut browser = Browser::new(&app);
    let form = on(&mut browser, "/sign-in", "/sign-in").await.with("email", "admin@acme.example");
    for status in [401, 401, 429] {
        assert_eq!(browser.send(&form.with("password", "wrong")).await.status, status);
    }
    // What applications register is only counted, as everything else.
    let body = json!({"redirect_uris": ["http://127.0.0.1/callback"]}).to_string();
    for _ in 0..30 {
        let ask = app.request(Method::POST, "/oauth/register").header("content-type", "application/json");
        assert_eq!(ask.raw(body.clone()).send().await.status, 201);
    }
}
