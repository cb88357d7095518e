//! Pages of other origins: nothing is said to them unless the operator named them.

use super::support::{Answer, TestApp};
use http::Method;
use keyward::reload::Reloadable;
use serde_json::json;

const PAGE: &str = "https://app.example";

async fn allowing(origins: &[&str]) -> TestApp {
    let app = TestApp::new().await;
    let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    app.app.current.replace(Reloadable { origins, ..Reloadable::default() });
    app
}

/// The headers of the protocol in an answer.
fn told(answer: &Answer) -> Vec<String> {
    let names = answer.headers.keys().map(|name| name.as_str().to_owned());
    names.filter(|name| name.starts_with("access-control-")).collect()
}

async fn preflight(app: &TestApp, origin: &str) -> Answer {
    let ask = app.request(Method::OPTIONS, "/api/external/v2/deals").header("origin", origin);
    ask.header("access-control-request-method", "POST").send().await
}

#[tokio::test]
async fn without_origins_no_page_is_told_anything() {
    let app = TestApp::new().await;
    let answer = app.get("/health").header("origin", PAGE).expect(200).await;
    assert!(told(&answer).is_empty() && answer.header("vary").is_none());
    let answer = preflight(&app, PAGE).await;
    assert_eq!((answer.status.as_u16(), told(&answer).len()), (204, 0));
}

#[tokio::test]
async fn a_page_that_is_named_may_call_and_read_every_answer() {
    let app = allowing(&[PAGE, "https://other.example:8443"]).await;
    let asked = preflight(&app, PAGE).await;
    assert_eq!(asked.status.as_u16(), 200);
    assert_eq!(asked.header("access-control-allow-origin"), Some(PAGE));
    let listed = |name: &str| asked.header(name).unwrap().to_lowercase();
    for sent in [
        "authorization",
        "content-type",
        "x-origin-app",
        "x-active-account",
        "idempotency-key",
        "if-match",
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
    ] {
        assert!(listed("access-control-allow-headers").contains(sent), "{sent}");
    }
    assert_eq!(listed("access-control-allow-methods"), "get,head,post,patch,delete");
    assert_eq!(asked.header("access-control-max-age"), Some("600"));
    // A success, a refusal by hygiene, one by the guard and an unknown route.
    for (ask, status) in [
        (app.get("/health"), 200),
        (app.get("/health").header("x_underscore", "1"), 400),
        (app.get("/me"), 401),
        (app.get("/nowhere"), 404),
    ] {
        let answer = ask.header("origin", PAGE).expect(status).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE), "{status}");
        let exposed = answer.header("access-control-expose-headers").unwrap().to_lowercase();
        for read in [
            "x-request-id",
            "etag",
            "location",
            "link",
            "retry-after",
            "ratelimit",
            "ratelimit-policy",
            "www-authenticate",
        ] {
            assert!(exposed.contains(read), "{read}");
        }
        assert!(
            answer.header("access-control-allow-credentials").is_none(),
            "the browser adds nothing of its own"
        );
        assert!(answer.header("vary").unwrap().to_lowercase().contains("origin"));
    }
    let made =
        app.post("/deals").by(&app.admin).header("origin", PAGE).json(json!({ "title": "from a page" }));
    assert_eq!(made.expect(201).await.header("access-control-allow-origin"), Some(PAGE));
}

#[tokio::test]
async fn a_page_that_is_not_named_is_not_allowed_and_is_not_echoed() {
    let app = allowing(&[PAGE]).await;
    for origin in [
        "https://evil.example",
        "http://app.example",
        "https://app.example.evil",
        "https://sub.app.example",
        "null",
        "https://app.example:8443",
    ] {
        let answers =
            [preflight(&app, origin).await, app.get("/health").header("origin", origin).send().await];
        for answer in answers {
            assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
        }
    }
    let everyone = allowing(&["*"]).await;
    let answer = everyone.get("/health").header("origin", "https://evil.example").expect(200).await;
    assert!(answer.header("access-control-allow-origin").is_some());
}

#[tokio::test]
async fn options_that_is_no_preflight_says_what_the_route_has() {
    for app in [TestApp::new().await, allowing(&[PAGE]).await] {
        let answer = app.request(Method::OPTIONS, "/api/external/v2/deals").send().await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (204, Some("GET, HEAD, OPTIONS, POST")));
    }
    // What could be read in two ways is refused before it is asked what it is.
    let app = allowing(&[PAGE]).await;
    let twice = app.request(Method::OPTIONS, "/api/external/v2/deals").header("origin", PAGE);
    let twice = twice.header("access-control-request-method", "POST").header("host", "other.test");
    twice.expect(400).await;
}
