//! Passwords under attack, as a person and a guesser see it.
//!
//! | mistake | the test that catches it |
//! | --- | --- |
//! | a guesser elsewhere shuts a person out | `whose_address_is_attacked_signs_in_at_once_from_a_known_browser` |
//! | a delay lasts, or grows without end | `a_delay_ends_and_is_never_longer_than_a_quarter_of_an_hour` |
//! | a delay shows who is known | `an_address_that_is_nobodys_is_delayed_like_any_other` |
//! | a mark is a way in, or outlives the password | `a_known_browser_is_known_to_its_user_alone_and_until_the_password_is_changed` |
//! | others at one address use up what a known browser may try | `others_at_its_address_do_not_use_up_what_a_known_browser_may_try` |
//! | a person who can sign in mints marks, and with them more tries | `all_browsers_of_a_user_share_five_times_what_one_may_try` |
//! | nobody sees that passwords are guessed, or guessing fills the disk | `failed_sign_ins_are_one_row_a_minute_in_the_audit_trail` |
//! | a weak password is taken | `a_weak_password_is_refused_beside_the_field_with_what_would_help` |
//! | links use up what may be tried to sign in | `links_are_counted_apart_from_sign_ins` |
//! | the built-in client is believed by its name | `the_warning_of_other_programs_holds_for_the_built_in_client_too` |

use crate::browser::{Browser, authorize, encoded, form_to};
use crate::support::{Answer, PASSWORD, TestApp};
use http::Method;
use keyward::config::LimitsConfig;
use keyward::reload::Reloadable;
use keyward_core::opaque::{TokenKind, mint};
use keyward_core::session::LinkKind;
use keyward_core::store::{AuditQuery, OperatorReads};
use keyward_core::write::link::IssueLink;
use keyward_testkit::SeededRandom;
use serde_json::json;
use std::time::Duration;

const KNOWN: &str = "keyward_known";
const EDITOR: &str = "editor@acme.example";

/// One try from this address, by a browser that has this mark, or none.
async fn tries(app: &TestApp, from: &str, mark: Option<&str>, (email, password): (&str, &str)) -> Answer {
    let mut browser = Browser::new(app);
    let form = form_to(&browser.get("/sign-in").await.text(), "/sign-in");
    browser.cookies.extend(mark.map(|mark| (KNOWN.to_owned(), mark.to_owned())));
    let ask = app.request(Method::POST, "/sign-in").from(from).header("accept", "text/html");
    let ask =
        ask.header("cookie", &browser.cookie()).header("content-type", "application/x-www-form-urlencoded");
    ask.raw(encoded(&form.with("email", email).with("password", password).hidden)).send().await
}

fn waits(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 429, "{}", answer.text());
    answer.header("retry-after").unwrap().parse().unwrap()
}

/// The mark of a browser that this persona signs in with.
async fn mark(app: &TestApp, name: &str) -> String {
    let mut browser = Browser::new(app);
    assert_eq!(browser.sign_in(name, "/console").await.status, 303);
    browser.cookies[KNOWN].clone()
}

/// Wrong passwords from ever new networks until there is a delay.
async fn attack(app: &TestApp, email: &str) -> Answer {
    for network in 0..20 {
        let answer = tries(app, &format!("203.0.{network}.9"), None, (email, "wrong")).await;
        if answer.status != 401 {
            return answer;
        }
    }
    panic!("nobody was refused");
}

async fn link(app: &TestApp) -> String {
    let (token, digest) = mint(TokenKind::Link, &SeededRandom::new(9)).unwrap();
    app.operate(IssueLink { user: app.editor.user, kind: LinkKind::Reset, digest }).await;
    format!("/welcome?token={}", token.expose())
}

#[tokio::test]
async fn whose_address_is_attacked_signs_in_at_once_from_a_known_browser() {
    let app = TestApp::new().await;
    let known = mark(&app, "editor").await;
    waits(&attack(&app, EDITOR).await);
    let elsewhere = tries(&app, "198.51.100.7", None, (EDITOR, PASSWORD)).await;
    assert_eq!(waits(&elsewhere), 1, "from a new browser its person waits");
    let at_home = tries(&app, "198.51.100.7", Some(&known), (EDITOR, PASSWORD)).await;
    assert_eq!(at_home.status, 303);
    let another = tries(&app, "198.51.100.8", None, ("admin@acme.example", PASSWORD)).await;
    assert_eq!(another.status, 303, "nobody else is concerned");
    let still = tries(&app, "198.51.100.9", None, (EDITOR, "wrong")).await;
    assert_eq!(waits(&still), 1, "a known browser does not forgive what strangers tried");
}

#[tokio::test]
async fn a_delay_ends_and_is_never_longer_than_a_quarter_of_an_hour() {
    let app = TestApp::new().await;
    // The last network was refused, so the next turn is its own.
    attack(&app, EDITOR).await;
    let mut waited = Vec::new();
    for _ in 0..13 {
        let seconds = waits(&tries(&app, "203.0.5.9", None, (EDITOR, "wrong")).await);
        waited.push(seconds);
        app.clock.pass(Duration::from_secs(seconds));
        assert_eq!(tries(&app, "203.0.5.9", None, (EDITOR, "wrong")).await.status, 401);
    }
    assert_eq!(waited, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    app.clock.pass(Duration::from_secs(900));
    assert_eq!(tries(&app, "198.51.100.7", None, (EDITOR, PASSWORD)).await.status, 303);
    assert_eq!(tries(&app, "203.0.5.9", None, (EDITOR, "wrong")).await.status, 401, "and all is forgotten");
}

#[tokio::test]
async fn an_address_that_is_nobodys_is_delayed_like_any_other() {
    let app = TestApp::new().await;
    let seen = async |email| {
        let mut seen = Vec::new();
        for _ in 0..8 {
            let answer = tries(&app, "203.0.113.9", None, (email, "wrong")).await;
            seen.push((answer.status.as_u16(), answer.header("retry-after").map(str::to_owned)));
        }
        seen
    };
    assert_eq!(seen(EDITOR).await, seen("nobody@acme.example").await);
}

#[tokio::test]
async fn a_known_browser_is_known_to_its_user_alone_and_until_the_password_is_changed() {
    let app = TestApp::new().await;
    let of_editor = mark(&app, "editor").await;
    let of_admin = mark(&app, "admin").await;
    attack(&app, EDITOR).await;
    for mark in [of_admin.clone(), of_editor.replacen('.', ".1", 1), format!("{of_editor}A"), String::new()] {
        waits(&tries(&app, "198.51.100.7", Some(&mark), (EDITOR, PASSWORD)).await);
    }
    let both = format!("{of_admin}~{of_editor}");
    assert_eq!(tries(&app, "198.51.100.7", Some(&both), (EDITOR, PASSWORD)).await.status, 303);
    // It opens nothing by itself.
    let mut browser = Browser::new(&app);
    browser.cookies.insert(KNOWN.to_owned(), of_editor.clone());
    assert_eq!(browser.get("/console/acme/keys").await.status, 303);
    assert_eq!(tries(&app, "198.51.100.7", Some(&of_editor), (EDITOR, "wrong")).await.status, 401);
    let words = "seven quiet herons at dawn";
    let page = browser.get(&link(&app).await).await.text();
    assert_eq!(browser.send(&form_to(&page, "/welcome").with("password", words)).await.status, 303);
    waits(&tries(&app, "198.51.100.7", Some(&of_editor), (EDITOR, words)).await);
    let new = browser.cookies[KNOWN].clone();
    let by_link = tries(&app, "198.51.100.7", Some(&new), (EDITOR, words)).await;
    assert_eq!(by_link.status, 303, "who has chosen it by a link is known: the way out of an attack");
}

#[tokio::test]
async fn others_at_its_address_do_not_use_up_what_a_known_browser_may_try() {
    let app = TestApp::new().await;
    let known = mark(&app, "editor").await;
    let limits = LimitsConfig { sign_in_per_minute: 3, ..LimitsConfig::default() };
    app.app.current.replace(Reloadable { limits, ..Reloadable::default() });
    for status in [401, 401, 401, 429] {
        let answer = tries(&app, "203.0.113.9", None, ("nobody@acme.example", "wrong")).await;
        assert_eq!(answer.status, status);
    }
    assert_eq!(tries(&app, "203.0.113.9", Some(&known), (EDITOR, PASSWORD)).await.status, 303);
    for status in [401, 401] {
        assert_eq!(tries(&app, "203.0.113.9", Some(&known), (EDITOR, "wrong")).await.status, status);
    }
    waits(&tries(&app, "203.0.113.9", Some(&known), (EDITOR, "wrong")).await);
    let elsewhere = tries(&app, "198.51.100.7", Some(&known), ("admin@acme.example", PASSWORD)).await;
    assert_eq!(elsewhere.status, 303, "to another user it is one among others");
}

#[tokio::test]
async fn all_browsers_of_a_user_share_five_times_what_one_may_try() {
    let app = TestApp::new().await;
    let mut marks = Vec::new();
    for _ in 0..6 {
        app.clock.advance(1);
        marks.push(mark(&app, "editor").await);
    }
    let limits = LimitsConfig { sign_in_per_minute: 1, ..LimitsConfig::default() };
    app.app.current.replace(Reloadable { limits, ..Reloadable::default() });
    let stranger = tries(&app, "203.0.113.9", None, ("nobody@acme.example", "wrong")).await;
    assert_eq!(stranger.status, 401, "its address has used up what it may try");
    for mark in &marks[..5] {
        assert_eq!(tries(&app, "203.0.113.9", Some(mark), (EDITOR, PASSWORD)).await.status, 303);
    }
    waits(&tries(&app, "203.0.113.9", Some(&marks[5]), (EDITOR, PASSWORD)).await);
}

#[tokio::test]
async fn failed_sign_ins_are_one_row_a_minute_in_the_audit_trail() {
    let app = TestApp::new().await;
    for network in 0..9 {
        tries(&app, &format!("203.0.{network}.9"), None, (EDITOR, "wrong")).await;
        tries(&app, "203.0.113.9", None, (&format!("nobody{network}@acme.example"), "wrong")).await;
    }
    let rows = async || {
        app.app.oauth.as_ref().unwrap().write_failed_sign_ins(&*app.app.store).await;
        let rows = app.store.audit(AuditQuery::first(10_000)).await.unwrap().items;
        rows.into_iter().filter(|row| row.action == "sign_in.failed").collect::<Vec<_>>()
    };
    let found = rows().await;
    let found: Vec<_> = found.iter().map(|row| (row.subject_id, row.detail.clone().unwrap())).collect();
    let expected = [
        (app.editor.user.0, json!({ "wrong": 5, "refused": 4, "networks": 9 })),
        (0, json!({ "wrong": 9, "refused": 0, "networks": 1 })),
    ];
    assert_eq!(found, expected);
    assert_eq!(rows().await.len(), 2, "each is written once");
    let text = format!("{:?}", rows().await);
    assert!(text.contains("203.0.8.9") && !text.contains("nobody"), "what was typed is not kept: {text}");
}

#[tokio::test]
async fn a_weak_password_is_refused_beside_the_field_with_what_would_help() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let mut page = browser.get(&link(&app).await).await.text();
    for weak in [
        "123456789012",
        "aaaaaaaaaaaa",
        "            ",
        "editor@acme.example",
        "emersonvale1",
        "acmecapital1",
        "short",
    ] {
        let answer = browser.send(&form_to(&page, "/welcome").with("password", weak)).await;
        page = answer.text();
        assert_eq!(answer.status, 422, "{weak}");
        let said = page.split("role=\"alert\"").nth(1).unwrap().split("</p>").next().unwrap();
        let helps = said.contains("Use four or more words")
            || said.contains("Add other words")
            || said.contains("12 to 128");
        assert!(helps, "{weak}: {said}");
        assert!(page.find("id=\"password\"") < page.find("role=\"alert\""), "it stands beside the field");
        assert!(!page.contains(&format!("value=\"{weak}\"")) || weak == EDITOR, "and is not sent back");
    }
    let good = browser.send(&form_to(&page, "/welcome").with("password", "seven quiet herons at dawn")).await;
    assert_eq!(good.status, 303);
}

#[tokio::test]
async fn links_are_counted_apart_from_sign_ins() {
    let app = TestApp::new().await;
    let limits = LimitsConfig { sign_in_per_minute: 1, links_per_minute: 5, ..LimitsConfig::default() };
    app.app.current.replace(Reloadable { limits, ..Reloadable::default() });
    let mut browser = Browser::new(&app);
    let link = link(&app).await;
    for status in [200, 200, 200, 200, 200, 429] {
        assert_eq!(browser.get(&link).await.status, status);
    }
    assert_eq!(browser.sign_in("admin", "/console").await.status, 303);
}

#[tokio::test]
async fn the_warning_of_other_programs_holds_for_the_built_in_client_too() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let to = authorize(&[("client_id", "keyward-cli"), ("redirect_uri", "http://127.0.0.1:4711/callback")]);
    let to = browser.sign_in("viewer", &to).await;
    let page = browser.get(to.header("location").unwrap()).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Any program on this computer could pretend"), "{}", page.text());
}
