//! Which representation is sent: none to a client that has the current one, and a compressed one to a client that takes gzip, but
//! never of what holds a secret or belongs to a session.

use crate::browser::Browser;
use crate::support::{Answer, TestApp};
use flate2::read::GzDecoder;
use http::Method;
use keyward::routes::{Access, Row, table};
use serde_json::{Value, json};
use std::io::Read;

/// A path of the admin's for an operation that reads.
fn path(row: &Row) -> String {
    row.path.replace("{deal_id}", "1").replace("{pipeline_id}", "1").replace("{key_id}", "1")
}

fn reads() -> impl Iterator<Item = Row> {
    table().into_iter().filter(|row| row.method == Method::GET)
}

fn unpacked(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut plain = Vec::new();
    GzDecoder::new(answer.bytes.as_slice()).read_to_end(&mut plain).unwrap();
    plain
}

#[tokio::test]
async fn whatever_has_an_etag_is_answered_304_to_a_client_that_has_it() {
    let app = TestApp::new().await;
    let (mut strong, mut weak) = (0, 0);
    for row in reads() {
        let path = path(&row);
        let asked = |method: Method| match row.access {
            Access::Public { .. } => app.anonymous(method, &path),
            Access::Caller(_) => app.anonymous(method, &path).by(&app.admin),
        };
        let whole = asked(Method::GET).expect(200).await;
        let is_list = whole.json().get("pagination").is_some();
        let Some(tag) = whole.header("etag").map(str::to_owned) else {
            assert!(!is_list, "{row:?}: every list has a tag");
            continue;
        };
        assert_eq!(tag.starts_with("W/"), is_list, "{row:?}: that of a list is weak");
        if is_list {
            weak += 1
        } else {
            strong += 1
        }
        let opaque = tag.trim_start_matches("W/").to_owned();
        let suffixed = format!("{}-gzip\"", opaque.strip_suffix('"').unwrap());
        let beside = format!("\"x\", {tag}");
        for same in [&tag, &opaque, &format!("W/{opaque}"), &suffixed, &format!("W/{suffixed}"), &beside, "*"]
        {
            for method in [Method::GET, Method::HEAD] {
                let answer = asked(method).header("if-none-match", same).expect(304).await;
                assert_eq!(
                    (answer.text().as_str(), answer.header("etag")),
                    ("", Some(tag.as_str())),
                    "{row:?} {same}"
                );
                assert_eq!(answer.header("cache-control"), Some("no-store"), "{row:?}");
                assert!(answer.header("x-request-id").is_some() && answer.header("content-type").is_none());
            }
        }
        for other in ["\"x\"", "W/\"x\"", opaque.trim_matches('"'), "", "x, y"] {
            let answer = asked(Method::GET).header("if-none-match", other).expect(200).await;
            assert_eq!(answer.header("etag"), Some(tag.as_str()), "{row:?} {other}: nothing has changed");
        }
    }
    println!("operations with an ETag: {strong} strong, {weak} weak");
    assert!(strong >= 1 && weak >= 6);
}

#[tokio::test]
async fn a_tag_names_what_is_shown_and_no_longer_once_that_has_changed() {
    let app = TestApp::new().await;
    let tag =
        async |path: &str| app.get(path).by(&app.admin).expect(200).await.header("etag").unwrap().to_owned();
    let (deal, list, other) = (tag("/deals/1").await, tag("/deals").await, tag("/deals?fields=title").await);
    assert_ne!(list, other, "another representation");
    app.anonymous(Method::PATCH, "/deals/1")
        .by(&app.admin)
        .json(json!({ "title": "Changed" }))
        .expect(200)
        .await;
    for (path, before) in [("/deals/1", deal), ("/deals", list), ("/deals?fields=title", other)] {
        app.get(path).by(&app.admin).header("if-none-match", &before).expect(200).await;
        assert_ne!(tag(path).await, before, "{path}");
    }
    // A condition opens nothing: the refusals come first.
    app.get("/deals").header("if-none-match", "*").expect(401).await;
    app.get("/deals/999").by(&app.admin).header("if-none-match", "*").expect(404).await;
}

#[tokio::test]
async fn the_tag_of_a_deal_with_related_records_is_no_longer_known_once_those_have_changed() {
    let app = TestApp::new().await;
    let tag =
        async |path: &str| app.get(path).by(&app.admin).expect(200).await.header("etag").unwrap().to_owned();
    let with_team = "/deals/1?include=team";
    let (alone, both) = (tag("/deals/1").await, tag(with_team).await);
    app.anonymous(Method::DELETE, &format!("/account/team/{}", app.viewer.user.0))
        .by(&app.admin)
        .expect(200)
        .await;
    // Whether the member of the account is shown still or not: what is sent is what the tag names.
    assert_eq!(tag("/deals/1").await, alone, "a removal from the account is no change of the deal");
    let shown = app.get(with_team).by(&app.admin).header("if-none-match", &both).send().await;
    assert_eq!(shown.status == 304, tag(with_team).await == both);
    app.get(with_team).by(&app.admin).header("if-none-match", &alone).expect(200).await;
    // It names the version too.
    let change =
        |tag: String| app.anonymous(Method::PATCH, "/deals/1").by(&app.admin).header("if-match", &tag);
    change(tag(with_team).await).json(json!({ "title": "Changed" })).expect(200).await;
    change(both).json(json!({ "title": "Changed again" })).expect(412).await;
    assert_ne!(tag("/deals/1").await, alone);
}

#[tokio::test]
async fn lists_over_a_kibibyte_are_compressed_where_asked_for_and_nothing_else_of_the_api_is() {
    let app = TestApp::new().await;
    let (mut packed, mut plain) = (0, 0);
    for row in reads() {
        let path = path(&row);
        let ask = || app.anonymous(Method::GET, &path).by(&app.admin);
        let answer = ask().header("accept-encoding", "gzip, deflate, br").expect(200).await;
        let same = ask().header("accept-encoding", "identity").expect(200).await;
        let is_list = same.json().get("pagination").is_some();
        assert_eq!(answer.header("vary").is_some(), is_list, "{row:?}");
        assert_eq!(answer.header("etag"), same.header("etag"), "{row:?}: a weak tag names both");
        if is_list && same.bytes.len() > 1024 {
            packed += 1;
            assert!(answer.bytes.len() < same.bytes.len());
            let shown: Value = serde_json::from_slice(&unpacked(&answer)).unwrap();
            assert_eq!((&shown["data"], &shown["pagination"]), (&same.data(), &same.json()["pagination"]));
        } else {
            plain += 1;
            assert_eq!(answer.header("content-encoding"), None, "{row:?}");
        }
    }
    println!("compressed: {packed}; sent as they are: {plain}");
    assert!(packed >= 2 && plain >= 2);
    // A secret that was just made, and a refusal.
    let made = app.post("/api-keys").by(&app.admin).header("accept-encoding", "gzip");
    let made = made.json(json!({ "label": "k".repeat(255), "permission": "read_only" })).expect(201).await;
    assert_eq!(made.header("content-encoding"), None);
    assert!(made.data()["api_key"].is_string());
    for row in table().into_iter().filter(|row| row.method != Method::GET) {
        let path = path(&row).replace("{user_id}", "3");
        let ask = app.anonymous(row.method.clone(), &path).by(&app.admin).header("accept-encoding", "gzip");
        assert_eq!(ask.send().await.header("content-encoding"), None, "{row:?}");
    }
}

#[tokio::test]
async fn public_files_are_compressed_where_asked_for_and_each_coding_has_its_own_tag() {
    let app = TestApp::new().await;
    for path in
        ["/", "/platform/deals", "/platform/deals.md", "/platform/openapi.json", "/platform/llms-full.txt"]
    {
        let plain = app.request(Method::GET, path).expect(200).await;
        assert_eq!((plain.header("content-encoding"), plain.header("vary")), (None, Some("accept-encoding")));
        let packed = app.request(Method::GET, path).header("accept-encoding", "br, gzip").expect(200).await;
        assert_eq!(unpacked(&packed), plain.bytes, "{path}");
        assert_ne!(
            packed.header("etag"),
            plain.header("etag"),
            "{path}: another representation, byte for byte"
        );
        assert_eq!(packed.header("content-type"), plain.header("content-type"), "{path}");
        for tag in [packed.header("etag").unwrap(), plain.header("etag").unwrap()] {
            let ask =
                app.request(Method::GET, path).header("accept-encoding", "gzip").header("if-none-match", tag);
            let known = ask.expect(304).await;
            assert_eq!((known.text().as_str(), known.header("content-encoding")), ("", None), "{path}");
        }
    }
}

#[tokio::test]
async fn no_page_of_a_session_and_no_answer_about_tokens_is_compressed() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let cookies: Vec<String> =
        browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let cookies = cookies.join("; ");
    for path in [
        "/sign-in",
        "/console",
        "/console/acme/keys",
        "/console/acme/keys/new",
        "/.well-known/oauth-authorization-server",
        "/oauth/jwks.json",
        "/oauth/authorize",
    ] {
        let ask = app.request(Method::GET, path).header("accept", "text/html").header("cookie", &cookies);
        let answer = ask.header("accept-encoding", "gzip, *").send().await;
        assert_eq!(answer.header("content-encoding"), None, "{path}");
    }
}
