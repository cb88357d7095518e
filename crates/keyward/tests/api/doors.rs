//! Both doors, the API and the MCP endpoint, refuse by the same order of steps, and read no body before the last of them.

use crate::support::{Ask, TestApp, Unending};
use http::Method;
use keyward_core::limits::{Overrides, Rate};
use keyward_core::write::limits::SetLimits;
use serde_json::{Value, json};

const API: &str = "/api/external/v2/deals";
const MCP: &str = "/mcp";

/// What a request has, its token, its headers, and the status at each door.
type Row<'r> = (&'r str, Option<&'r str>, &'r [(&'r str, &'r str)], [u16; 2]);

/// A POST with a body that is longer than either door reads, and has no end.
fn endless<'a>(app: &'a TestApp, door: &str) -> (Ask<'a>, Unending) {
    let ask = app.request(Method::POST, door).header("accept", "application/json, text/event-stream");
    ask.header("content-type", "application/json").unending(300 * 1024)
}

#[tokio::test]
async fn both_doors_refuse_in_the_same_order_and_read_the_body_last() {
    let app = TestApp::new().await;
    let one = Some(Rate::PerMinute(1));
    let overrides = Overrides { reads: one, writes: one, keys: None };
    app.operate(SetLimits { account: app.acme, overrides }).await;
    // Up to its limit.
    app.post("/deals").by(&app.admin).json(json!({ "title": "x" })).expect(201).await;
    app.get("/me").by(&app.admin).expect(200).await;
    let (unknown, full, free) = (app.unknown_key(), &app.admin.key.secret, &app.stranger.key.secret);
    // Each row puts right what the row before was refused for; a step that a door does not have is refused by its next.
    let rows: [Row<'_>; 6] = [
        ("no credential", None, &[], [401, 401]),
        ("a bad credential", Some(&unknown), &[], [401, 401]),
        ("no origin app", Some(full), &[], [400, 429]),
        (
            "another account",
            Some(full),
            &[("x-origin-app", "tests"), ("x-active-account", "harbor")],
            [403, 429],
        ),
        ("over its limit", Some(full), &[("x-origin-app", "tests")], [429, 429]),
        ("a body too large", Some(free), &[("x-origin-app", "tests")], [413, 413]),
    ];
    let mut order = [Vec::new(), Vec::new()];
    for (what, token, headers, expected) in rows {
        for ((door, status), order) in [API, MCP].into_iter().zip(expected).zip(&mut order) {
            let (ask, body) = endless(&app, door);
            let ask = headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
            let answer = token.into_iter().fold(ask, Ask::bearer).expect(status).await;
            assert_eq!(body.was_read(), status == 413, "{door} {what}");
            assert!(answer.json()["request_id"].is_string(), "{door} {what}: one form of refusals");
            if status == 429 {
                let told = ["retry-after", "ratelimit", "ratelimit-policy"];
                assert!(told.iter().all(|name| answer.header(name).is_some()), "{door} {what}");
            }
            order.push(answer.code());
        }
    }
    let [api, mut mcp] = order;
    mcp.dedup();
    let mut of_both: Vec<String> = api.iter().filter(|code| mcp.contains(code)).cloned().collect();
    of_both.dedup();
    assert_eq!(mcp, of_both, "the same refusals in the same order: {api:?}");
}

async fn standing(app: &TestApp, message: &Value) -> (u16, String) {
    let ask = app.request(Method::POST, MCP).by(&app.admin);
    let ask = ask.header("accept", "application/json, text/event-stream");
    let answer = ask.json(message.clone()).send().await;
    (answer.status.as_u16(), answer.header("ratelimit").unwrap_or_default().to_owned())
}

#[tokio::test]
async fn every_message_to_the_mcp_endpoint_is_charged_as_one_read_whatever_it_is() {
    let app = crate::limits::limited(|_| {}).await;
    let request = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let client = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let messages = [
        request("initialize", client),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        request("ping", json!({})),
        request("tools/list", json!({})),
        request("resources/list", json!({})),
        request("prompts/list", json!({})),
        request("logging/setLevel", json!({ "level": "info" })),
        request("tools/call", json!({ "name": "list_deals", "arguments": {} })),
        request("tools/call", json!({ "name": "list_deals", "arguments": { "wrong": 1 } })),
        request("tools/call", json!({ "name": "no_such_tool" })),
        request("tools/call", json!({ "name": "create_deal", "arguments": { "title": "x" } })),
        request("nothing", json!({})),
        json!({ "no": "message" }),
        json!([request("ping", json!({}))]),
    ];
    for (sent, message) in messages.iter().enumerate() {
        let (status, told) = standing(&app, message).await;
        assert_eq!(told, format!("\"reads\";r={};t=60", 999 - sent), "{status} {message}");
    }
    let me = app.get("/me").by(&app.admin).expect(200).await.data();
    assert_eq!(
        me["platform"]["rate_limits"]["writes"]["remaining"], 149,
        "a tool that writes is a write besides"
    );
}

#[tokio::test]
async fn only_a_call_of_a_tool_may_be_longer_than_64_kib() {
    let app = TestApp::new().await;
    let long = "x".repeat(70 * 1024);
    let send = |message: Value| {
        let ask = app.request(Method::POST, MCP).by(&app.admin);
        ask.header("accept", "application/json, text/event-stream").json(message).send()
    };
    for method in ["notifications/progress", "ping", "tools/list", "tools/callx"] {
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": { "x": long } });
        let refused = send(message).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (413, "PAYLOAD_TOO_LARGE"),
            "{method}"
        );
    }
    let arguments = json!({ "title": "x", "description": long });
    let params = json!({ "name": "create_deal", "arguments": arguments });
    let called = send(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })).await;
    assert_eq!(called.status.as_u16(), 200, "{}", called.text());
}
