//! What is said at the MCP endpoint to messages, parameters and arguments that are wrong, and that they are counted and logged.

use super::log::listen;
use super::mcp::{ask, refusal, send};
use crate::browser::text;
use crate::support::TestApp;
use http::Method;
use serde_json::{Value, json};

async fn post(app: &TestApp, kind: &'static str, body: &str) -> (u16, Value) {
    let ask = app.request(Method::POST, "/mcp").bearer(&app.admin.key.secret).header("content-type", kind);
    let answer = ask.header("accept", "application/json, text/event-stream").raw(body).send().await;
    assert_eq!(answer.header("content-type"), Some("application/json"), "{body}");
    (answer.status.as_u16(), answer.json())
}

#[tokio::test]
async fn what_is_not_one_message_is_an_invalid_request() {
    let app = TestApp::new().await;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    for body in [
        "",
        "not JSON",
        "[]",
        &format!("[{list},{list}]"),
        r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"tools/list"}"#,
    ] {
        for kind in ["application/json", "Application/JSON; charset=utf-8"] {
            let (status, said) = post(&app, kind, body).await;
            assert_eq!(
                (status, &said["error"]["code"], &said["id"]),
                (400, &json!(-32600), &json!(null)),
                "{body}: {said}"
            );
        }
    }
    let (status, said) = post(&app, "text/plain", list).await;
    assert_eq!((status, &said["error"]["code"]), (415, &json!("UNSUPPORTED_MEDIA_TYPE")), "{said}");
    let long = format!("\"{}\"", "x".repeat(app.app.limits.body_bytes));
    let (status, said) = post(&app, "application/json", &long).await;
    assert_eq!((status, &said["error"]["code"]), (413, &json!("PAYLOAD_TOO_LARGE")), "{said}");
}

#[tokio::test]
async fn parameters_that_do_not_fit_are_told_from_methods_that_are_not_there() {
    let app = TestApp::new().await;
    let key = &app.admin.key.secret;
    let long = "n".repeat(50_000);
    for (method, params, code) in [
        ("tools/call", json!({ "name": "list_deals", "arguments": "{}" }), -32602),
        ("tools/call", json!({ "arguments": {} }), -32602),
        ("tools/call", json!({ "name": 5 }), -32602),
        ("tools/call", json!({ "name": long }), -32602),
        ("tools/list", json!({ "cursor": "nonsense" }), -32602),
        ("resources/list", json!({ "cursor": "nonsense" }), -32602),
        ("resources/read", json!({ "uri": 5 }), -32602),
        ("initialize", json!({ "protocolVersion": 5 }), -32602),
        ("tools/drop", json!({}), -32601),
    ] {
        let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        let said = send(&app, "/mcp", key, &message).await.json();
        assert_eq!((&said["error"]["code"], &said["id"]), (&json!(code), &json!(7)), "{method}: {said}");
        assert!(text(&said["error"], "message").len() < 200, "{said}");
    }
}

#[tokio::test]
async fn wrong_calls_are_counted_and_logged_like_others() {
    let app = TestApp::new().await;
    let rate = keyward_core::limits::Rate::PerMinute(3);
    let overrides = keyward_core::limits::Overrides { reads: Some(rate), writes: None, keys: None };
    app.operate(keyward_core::write::limits::SetLimits { account: app.acme, overrides }).await;
    let key = &app.admin.key.secret;
    let (lines, _guard) = listen();
    assert!(refusal(&app, key, "list_deals", json!({ "x": 1 })).await.contains("There is no argument x"));
    ask(&app, key, "tools/call", json!({ "name": "drop_tables" })).await;
    assert!(refusal(&app, key, "get_deal", json!({})).await.contains("deal_id is required"));
    for method in ["tools/call", "tools/list"] {
        let message =
            json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": { "name": "list_deals" } });
        assert_eq!(send(&app, "/mcp", key, &message).await.status.as_u16(), 429, "{method}");
    }
    let events: Vec<(Value, Value, Value)> = lines
        .take()
        .iter()
        .filter(|event| event["message"] == "request")
        .map(|event| (event["tool"].clone(), event["status"].clone(), event["denial"].clone()))
        .collect();
    let expected = [
        (json!("list_deals"), json!(422), json!("invalid")),
        (json!(null), json!(404), json!("not_found")),
        (json!("get_deal"), json!(422), json!("invalid")),
        (json!(null), json!(429), json!("rate_limited")),
        (json!(null), json!(429), json!("rate_limited")),
    ];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn tools_that_overwrite_or_take_away_say_so() {
    let app = TestApp::new().await;
    let listed = ask(&app, &app.admin.key.secret, "tools/list", json!({})).await;
    let tools = listed["result"]["tools"].as_array().unwrap();
    for (name, reads, destroys, again) in [
        ("list_deals", true, false, true),
        ("create_deal", false, false, false),
        ("update_deal", false, true, true),
        ("update_team_member", false, true, true),
        ("delete_deal", false, true, true),
        ("rotate_api_key", false, true, false),
        ("revoke_api_key", false, true, true),
    ] {
        let tool = tools.iter().find(|tool| tool["name"] == name).unwrap();
        let hints = &tool["annotations"];
        let said = (&hints["readOnlyHint"], &hints["destructiveHint"], &hints["idempotentHint"]);
        assert_eq!(said, (&json!(reads), &json!(destroys), &json!(again)), "{name}");
    }
}
