//! The order of refusal: of everything that is wrong with a request, the first in the contract's order is told.

use super::support::TestApp;
use http::Method;
use serde_json::json;

const ORIGIN_APP: &str = "Missing required header: X-Origin-App. Send your application's name, for example \
                          X-Origin-App: my-integration";

#[tokio::test]
async fn each_step_comes_before_the_next() {
    let app = TestApp::new().await;
    let deals = "/api/external/v2/deals";
    // Everything is wrong at first; each line puts right what the line before was told.
    let all_wrong = |path: &str| app.request(Method::POST, path).header("content-type", "text/plain");
    let body = "{";
    all_wrong("/api/external/v2//deals").raw(body).expect(400).await;
    app.request(Method::PUT, "/nowhere").raw(body).refused(404, "NOT_FOUND", "There is no such route").await;
    let put = app.request(Method::PUT, deals).raw(body);
    put.refused(405, "METHOD_NOT_ALLOWED", "Method not allowed; this route has GET, HEAD, OPTIONS, POST")
        .await;
    all_wrong(deals).raw(body).refused(401, "UNAUTHORIZED", "Authentication required").await;
    all_wrong(deals).by(&app.viewer).raw(body).refused(400, "BAD_REQUEST", ORIGIN_APP).await;
    let named = |path: &str| all_wrong(path).header("x-origin-app", "tests");
    let foreign = named(deals).by(&app.viewer).header("x-active-account", "harbor").raw(body);
    foreign.refused(403, "FORBIDDEN", "This credential may not act in that account").await;
    named(deals)
        .by(&app.viewer)
        .raw(body)
        .refused(403, "FORBIDDEN", "Missing required scope: deals:write")
        .await;
    named(deals)
        .by(&app.admin)
        .raw(body)
        .refused(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json (got text/plain)")
        .await;
    let json = |path: &str| app.request(Method::PATCH, path).header("x-origin-app", "tests").by(&app.admin);
    let absent = "/api/external/v2/deals/999";
    json(absent).text(body).refused(400, "BAD_REQUEST", "Malformed JSON at line 1, column 1").await;
    json(absent)
        .header("if-match", "\"no\"")
        .json(json!({"title": 1}))
        .refused(422, "VALIDATION_ERROR", "title must be a string")
        .await;
    json(absent).header("if-match", "\"no\"").json(json!({"title": "x"})).expect(404).await;
    json("/api/external/v2/deals/1")
        .header("if-match", "\"no\"")
        .json(json!({"title": "x"}))
        .expect(412)
        .await;
}

#[tokio::test]
async fn a_declared_length_is_refused_before_anyone_is_asked_who_they_are() {
    let app = TestApp::new().await;
    app.post("/deals").header("content-length", "262145").expect(413).await;
    app.post("/nowhere").header("content-length", "262145").expect(413).await;
}

#[tokio::test]
async fn options_is_answered_before_all_else_and_says_what_a_path_has() {
    let app = TestApp::new().await;
    for (path, allowed) in [
        ("/api/external/v2/deals/1", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/api/external/v2/me", "GET, HEAD, OPTIONS"),
        ("/nowhere", "OPTIONS"),
    ] {
        let answer = app.request(Method::OPTIONS, path).expect(204).await;
        assert_eq!((answer.header("allow"), answer.bytes.len()), (Some(allowed), 0), "{path}");
    }
}

#[tokio::test]
async fn a_wrong_verb_is_told_the_right_ones() {
    let app = TestApp::new().await;
    for method in
        [Method::PUT, Method::POST, Method::TRACE, Method::CONNECT, Method::from_bytes(b"BREW").unwrap()]
    {
        let answer = app.anonymous(method.clone(), "/deals/1").expect(405).await;
        assert_eq!(answer.header("allow"), Some("DELETE, GET, HEAD, OPTIONS, PATCH"), "{method}");
    }
    let overridden = app.get("/deals/1").by(&app.admin).header("x-http-method-override", "DELETE");
    overridden.expect(200).await;
}
