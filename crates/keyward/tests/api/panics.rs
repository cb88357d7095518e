//! A panic ends its own request and nothing else, with an answer like any other.

use super::log::listen;
use super::support::TestApp;
use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt;
use keyward::stack::around;
use keyward_core::header_text::text;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::future::ready;
use tower::{ServiceExt, service_fn};

type Answering = std::pin::Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// Panics at once, or when it is waited for; answers the rest.
fn handler(request: Request<Body>) -> Answering {
    match request.uri().path() {
        "/at-once" => panic!("at once"),
        "/later" => Box::pin(async { panic!("later") }),
        _ => Box::pin(ready(Ok(Response::new(Body::empty())))),
    }
}

#[tokio::test]
async fn a_panic_is_answered_logged_and_over() {
    let app = TestApp::new().await;
    let door = around(&app.app, service_fn(handler));
    let (lines, _guard) = listen();
    for (path, status) in [("/at-once", 500), ("/later", 500), ("/fine", 200)] {
        let request = Request::get(path).header("host", "keyward.test").body(Body::empty()).unwrap();
        let response = door.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
        let id = text(&response.headers()["x-request-id"]).unwrap().to_owned();
        let events = lines.take();
        assert_eq!((events.len(), &events[0]["request_id"]), (1, &json!(id)), "{path}");
        if status == 500 {
            assert_eq!(events[0]["denial"], "panicked");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let body: Value = serde_json::from_slice(&body).unwrap();
            let message = "Something went wrong on our side; the request id helps us to find it";
            assert_eq!(
                body,
                json!({"request_id": id, "error": {"code": "INTERNAL_ERROR", "message": message}})
            );
        }
    }
}
