//! Headers that are lists are read part by part: a byte that nobody can read, wherever it stands, voids its own part alone.
//!
//! | mistake | the test that catches it |
//! | --- | --- |
//! | a cookie of another host of the site keeps a person from signing in | `a_cookie_of_any_bytes_beside_ours_changes_nothing` |
//! | the first of two sessions counts | `a_session_that_stands_twice_is_none` |
//! | a line that cannot be read is taken for one that is not there | `an_accept_or_a_tag_is_found_beside_any_bytes` |

use crate::browser::{Browser, form_to};
use crate::support::{PASSWORD, TestApp};
use http::{HeaderValue, Method};

/// What stands beside a part of ours, in a list whose separator this is.
fn neighbours(separator: u8) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        b"\x80".as_slice(),
        b"\xff",
        b"name=M\xfcller",
        "name=M\u{fc}ller".as_bytes(),
        b"\xff=\xff",
        b"\t",
        b"",
        b"no equals sign",
        b"=",
        b"\"",
    ]
    .map(<[u8]>::to_vec)
    .into();
    all.push([b"a", [separator].as_slice()].concat().repeat(1000));
    all
}

/// The part between two such neighbours, and on a line of its own between two lines of them.
fn beside(part: &str, separator: u8) -> impl Iterator<Item = Vec<HeaderValue>> {
    neighbours(separator).into_iter().flat_map(move |neighbour| {
        let between = [separator, b' '];
        let joined = [&neighbour, between.as_slice(), part.as_bytes(), &between, &neighbour].concat();
        let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).unwrap();
        [vec![value(&joined)], vec![value(&neighbour), value(part.as_bytes()), value(&neighbour)]]
    })
}

#[tokio::test]
async fn a_cookie_of_any_bytes_beside_ours_changes_nothing() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let page = browser.get("/sign-in?next=%2Fconsole").await;
    let form =
        form_to(&page.text(), "/sign-in").with("email", "admin@acme.example").with("password", PASSWORD);
    let known = browser.cookies.clone();
    for lines in beside(&format!("keyward_browser={}", known["keyward_browser"]), b';') {
        let mut ask = app.request(Method::POST, "/sign-in").header("accept", "text/html");
        for line in &lines {
            ask = ask.raw_header("cookie", line.clone());
        }
        ask = ask.header("content-type", "application/x-www-form-urlencoded");
        let answer = ask.raw(crate::browser::encoded(&form.hidden)).send().await;
        assert_eq!(answer.status, 303, "{lines:?}: {}", answer.text());
    }
    browser.send(&form).await;
    let session = browser.cookies["keyward_session"].clone();
    for lines in beside(&format!("keyward_session={session}"), b';') {
        let mut ask = app.request(Method::GET, "/console").header("accept", "text/html");
        for line in &lines {
            ask = ask.raw_header("cookie", line.clone());
        }
        let answer = ask.send().await;
        assert_ne!(answer.header("location").map(|to| to.contains("/sign-in")), Some(true), "{lines:?}");
        assert!(answer.status.is_success() || answer.status.is_redirection(), "{lines:?}");
    }
}

#[tokio::test]
async fn a_session_that_stands_twice_is_none() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let own = format!("keyward_session={}", browser.cookies["keyward_session"]);
    let other = [b"keyward_session=".as_slice(), b"keyward_session=\xff", b"keyward_session=other"];
    for second in other {
        for line in [[own.as_bytes(), b"; ", second].concat(), [second, b";", own.as_bytes()].concat()] {
            let line = HeaderValue::from_bytes(&line).unwrap();
            let ask = app.request(Method::GET, "/console/acme/keys").header("accept", "text/html");
            let answer = ask.raw_header("cookie", line.clone()).expect(303).await;
            assert!(answer.header("location").unwrap().contains("/sign-in"), "{line:?}");
        }
    }
    let unreadable = HeaderValue::from_bytes(b"keyward_session=\xff").unwrap();
    let ask = app.request(Method::GET, "/console/acme/keys").header("accept", "text/html");
    ask.raw_header("cookie", unreadable).expect(303).await;
}

#[tokio::test]
async fn an_accept_or_a_tag_is_found_beside_any_bytes() {
    let app = TestApp::new().await;
    for lines in beside("text/html;q=0.9", b',') {
        let ask = app.request(Method::GET, "/oauth/authorize?client_id=nobody");
        let ask = lines.iter().fold(ask, |ask, line| ask.raw_header("accept", line.clone()));
        let answer = ask.send().await;
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{lines:?}");
    }
    let etag = app.request(Method::GET, "/platform").expect(200).await.header("etag").unwrap().to_owned();
    for tag in [etag.clone(), format!("W/{etag}")] {
        for lines in beside(&tag, b',') {
            let ask = app.request(Method::GET, "/platform");
            let ask = lines.iter().fold(ask, |ask, line| ask.raw_header("if-none-match", line.clone()));
            assert_eq!(ask.send().await.status, 304, "{lines:?}");
        }
    }
}

#[tokio::test]
async fn over_plain_http_no_answer_asks_browsers_for_https() {
    let app = TestApp::new().await;
    for path in [
        "/",
        "/sign-in",
        "/mcp",
        "/.well-known/oauth-authorization-server",
        "/nowhere",
        "/api/external/v2/me",
    ] {
        let answer = app.request(Method::GET, path).send().await;
        assert_eq!(answer.header("strict-transport-security"), None, "{path}");
    }
}
