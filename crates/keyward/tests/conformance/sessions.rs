//! Sessions of the older revisions: another's is as unknown as one that never was.

use crate::serve::served;
use keyward_core::header_text::text;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

async fn send(
    client: &Client,
    (method, at, key): (Method, &str, &str),
    session: Option<&str>,
    body: &Value,
) -> Response {
    let request =
        client.request(method, at).bearer_auth(key).header("accept", "application/json, text/event-stream");
    let request = session.iter().fold(request, |request, session| request.header("mcp-session-id", *session));
    let request = request.header("content-type", "application/json").body(body.to_string());
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_its_callers_alone() {
    let served = served().await;
    let (client, at) = (Client::new(), format!("http://{}/mcp", served.address));
    let [one, two] = &served.keys;
    let begin = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2025-11-25",
        "capabilities": {}, "clientInfo": { "name": "x", "version": "1" } } });
    let begun = send(&client, (Method::POST, &at, one), None, &begin).await;
    let session = text(&begun.headers()["mcp-session-id"]).unwrap().to_owned();
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    assert_eq!(send(&client, (Method::POST, &at, one), Some(&session), &ready).await.status(), 202);
    let mut stolen = 0;
    for method in [Method::POST, Method::GET, Method::DELETE] {
        for body in [&list, &ready] {
            let answer = send(&client, (method.clone(), &at, two), Some(&session), body).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method}");
            stolen += 1;
        }
    }
    println!("another user's session, {stolen} requests: 0 answered");
    // What cannot be read, or stands beside another one, is a name that nobody has, and not a request without a session.
    for named in [
        vec![b"\xff".as_slice()],
        vec![session.as_bytes(), b"\x80"],
        vec![session.as_bytes(), session.as_bytes()],
    ] {
        let request =
            client.post(&at).bearer_auth(one).header("accept", "application/json, text/event-stream");
        let request = named.iter().fold(request, |request, line| request.header("mcp-session-id", *line));
        let request = request.header("content-type", "application/json").body(begin.to_string());
        assert_eq!(request.send().await.unwrap().status(), StatusCode::NOT_FOUND, "{named:?}");
    }
    for key in [one, two] {
        let unknown =
            send(&client, (Method::POST, &at, key), Some("00000000-0000-0000-0000-000000000000"), &list)
                .await;
        assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(
        send(&client, (Method::POST, &at, one), Some(&session), &list).await.status(),
        200,
        "its own goes on"
    );
    assert!(send(&client, (Method::DELETE, &at, one), Some(&session), &list).await.status().is_success());
    assert_eq!(
        send(&client, (Method::POST, &at, one), Some(&session), &list).await.status(),
        StatusCode::NOT_FOUND
    );
}
