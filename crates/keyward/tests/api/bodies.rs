//! Bodies that are being sent: each client has a share of the room for them, and somebody is charged before one is read.

use crate::browser::Browser;
use crate::support::{Answer, Ask, TestApp};
use http::Method;
use keyward::config::LimitsConfig;
use keyward::reload::Reloadable;
use keyward_core::limits::{Overrides, Rate};
use keyward_core::write::limits::SetLimits;
use serde_json::json;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

type Sending<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

/// The answer, if there is one without waiting.
async fn at_once(sending: &mut Sending<'_>) -> Option<Answer> {
    poll_fn(|cx| match sending.as_mut().poll(cx) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Sends bodies without end until one is answered; those that are open, and the answer.
async fn fill<'a>(ask: impl Fn(usize) -> Ask<'a>, bytes: usize) -> (Vec<Sending<'a>>, Answer) {
    let mut open = Vec::new();
    loop {
        let mut sending: Sending<'a> = Box::pin(ask(open.len()).unending(bytes).0.send());
        match at_once(&mut sending).await {
            Some(answer) => return (open, answer),
            None => open.push(sending),
        }
        assert!(open.len() < 10_000, "there is no bound");
    }
}

const VALIDATE: &str = "/auth/validate-api-key";
const KIB: usize = 1024;

#[tokio::test]
async fn one_address_that_sends_bodies_without_end_keeps_nobody_else_out() {
    let app = TestApp::new().await;
    let validate = |from: &str| app.post(VALIDATE).from(from).header("content-type", "application/json");
    let (open, refused) = fill(|_| validate("192.0.2.1"), 64 * KIB).await;
    assert_eq!(open.len(), 12, "1 MiB of an address, a quarter of it kept for small bodies");
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "RATE_LIMITED"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(refused.message().contains("wait for the requests that are open"), "{}", refused.message());
    for from in ["192.0.2.2", "198.51.100.1", "2001:db8::1"] {
        let answer = validate(from).unending(0).0;
        assert!(at_once(&mut (Box::pin(answer.send()) as Sending<'_>)).await.is_none(), "{from} is read");
        let token = app.request(Method::POST, "/oauth/token").from(from);
        let token = token.header("content-type", "application/x-www-form-urlencoded").raw("grant_type=x");
        assert_eq!(token.send().await.status.as_u16(), 400, "{from}: the token endpoint answers");
    }
    let own = app.post(VALIDATE).from("192.0.2.1").json(json!({ "api_key": "x" })).send().await;
    assert_ne!(own.status.as_u16(), 429, "a small body of its own finds room too: {}", own.text());
    drop(open);
    let mut again: Sending<'_> = Box::pin(validate("192.0.2.1").unending(64 * KIB).0.send());
    assert!(at_once(&mut again).await.is_none(), "what a client that left had is free again");
}

#[tokio::test]
async fn a_slow_body_gives_its_room_back_when_its_time_is_over() {
    let app = TestApp::new().await;
    let validate = || app.post(VALIDATE).header("content-type", "application/json");
    let (mut open, _) = fill(|_| validate(), 64 * KIB).await;
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(16)).await;
    for sending in &mut open {
        assert_eq!(sending.await.status.as_u16(), 400, "it was not waited for any longer");
    }
    let mut again: Sending<'_> = Box::pin(validate().unending(64 * KIB).0.send());
    assert!(at_once(&mut again).await.is_none());
}

#[tokio::test]
async fn one_account_that_sends_bodies_without_end_keeps_no_other_from_writing() {
    let app = TestApp::new().await;
    let from = |number: usize| format!("10.{}.{}.1", number / 200, number % 200);
    let mcp = |number: usize| {
        let ask = app.request(Method::POST, "/mcp").by(&app.viewer).from(&from(number));
        let ask = ask.header("accept", "application/json, text/event-stream");
        ask.header("content-type", "application/json")
    };
    let (_open, refused) = fill(mcp, 250 * KIB).await;
    assert_eq!(refused.status.as_u16(), 429, "from however many addresses: {}", refused.text());
    let large = || json!({ "title": "x" }).to_string() + &" ".repeat(245 * KIB);
    let own = app.post("/deals").by(&app.editor).text(large()).send().await;
    assert_eq!(own.status.as_u16(), 429, "the account has its share: {}", own.text());
    app.post("/deals").by(&app.editor).json(json!({ "title": "small" })).expect(201).await;
    app.post("/deals").by(&app.stranger).text(large()).expect(201).await;
}

#[tokio::test]
async fn nobody_s_form_is_read_before_somebody_was_charged_for_it() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let signed_in = browser.cookie();
    let limits = LimitsConfig {
        sign_in_per_minute: 1,
        links_per_minute: 1,
        register_per_minute: 1,
        forms_per_minute: 1,
        ..LimitsConfig::default()
    };
    app.app.current.replace(Reloadable { limits, ..Reloadable::default() });
    let one = Overrides { reads: None, writes: Some(Rate::PerMinute(1)), keys: None };
    app.operate(SetLimits { account: app.acme, overrides: one }).await;
    for (number, (path, cookie)) in [
        ("/sign-in", None),
        ("/welcome", None),
        ("/sign-out", None),
        ("/oauth/token", None),
        ("/oauth/revoke", None),
        ("/oauth/register", None),
        ("/oauth/authorize", None),
        ("/console/acme/keys", Some(&signed_in)),
    ]
    .into_iter()
    .enumerate()
    {
        let from = format!("192.0.2.{number}");
        let kind =
            if path.ends_with("register") { "application/json" } else { "application/x-www-form-urlencoded" };
        let ask = || {
            let ask = app.request(Method::POST, path).from(&from).header("content-type", kind);
            cookie.iter().fold(ask, |ask, cookie| ask.header("cookie", cookie))
        };
        let first = ask().raw("form=x").send().await;
        assert_ne!(first.status.as_u16(), 429, "{path}: {}", first.text());
        let (second, body) = ask().unending(100);
        let answer = at_once(&mut (Box::pin(second.send()) as Sending<'_>)).await;
        assert_eq!(answer.map(|answer| answer.status.as_u16()), Some(429), "{path}");
        assert!(!body.was_read(), "{path}");
    }
}

#[tokio::test]
async fn a_form_is_8_kib_at_most() {
    let app = TestApp::new().await;
    for (path, kind, most) in [
        ("/sign-in", "application/x-www-form-urlencoded", 8 * KIB),
        ("/welcome", "application/x-www-form-urlencoded", 8 * KIB),
        ("/oauth/token", "application/x-www-form-urlencoded", 8 * KIB),
        ("/oauth/register", "application/json", 16 * KIB),
    ] {
        let ask = |bytes: usize| {
            app.request(Method::POST, path).header("content-type", kind).raw("x".repeat(bytes))
        };
        assert_ne!(ask(most).send().await.status.as_u16(), 413, "{path}");
        let refused = ask(most + 1).send().await;
        // The clients of OAuth read no other status of a bad request (RFC 6749 §5.2).
        let oauth = path.starts_with("/oauth/");
        assert_eq!(refused.status.as_u16(), if oauth { 400 } else { 413 }, "{path}");
        assert!(!oauth || refused.text().contains("too long"), "{}", refused.text());
    }
}
