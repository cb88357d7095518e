//! A request that takes too long is no longer waited for.

use super::log::listen;
use super::support::TestApp;
use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt;
use keyward::reload::Reloadable;
use keyward::stack::around;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::time::Duration;
use tower::{ServiceExt, service_fn};

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_503_and_logged() {
    let app = TestApp::new().await;
    app.app
        .current
        .replace(Reloadable { request_timeout: Duration::from_millis(50), ..Reloadable::default() });
    let slow = service_fn(async |request: Request<Body>| {
        if request.uri().path() == "/slow" {
            std::future::pending::<()>().await;
        }
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let door = around(&app.app, slow);
    let (lines, _guard) = listen();
    let ask = |path: &str| Request::get(path).header("host", "keyward.test").body(Body::empty()).unwrap();
    assert_eq!(door.clone().oneshot(ask("/fast")).await.unwrap().status(), 200);
    let answer = door.oneshot(ask("/slow")).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["retry-after"].as_bytes()),
        (503, b"5".as_slice())
    );
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["error"]["code"], "SERVICE_UNAVAILABLE");
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.contains("look before you send it again"), "{message}");
    let events = lines.take();
    assert_eq!((&events[1]["denial"], &events[1]["status"]), (&json!("request_timed_out"), &json!(503)));
}
