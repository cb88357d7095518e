//! The MCP tools as models and their clients take them: how long the list and a result are, arguments as models send them, the
//! forms of an answer, and toolsets by the address.

use super::mcp::{ask, call, data, done, refusal, send};
use crate::browser::{text, tokens as granted};
use crate::support::{Answer, TestApp};
use http::Method;
use keyward::mcp::TOOLS;
use serde_json::{Value, json};
use tiktoken_rs::o200k_base_singleton;

fn tokens(text: &str) -> usize {
    o200k_base_singleton().count_ordinary(text)
}

async fn listed(app: &TestApp, at: &str) -> Value {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let answer = send(app, at, &app.admin.key.secret, &message).await;
    assert_eq!(answer.status, 200, "{at}: {}", answer.text());
    answer.json()["result"]["tools"].take()
}

fn names(tools: &Value) -> Vec<&str> {
    tools.as_array().unwrap().iter().map(|tool| text(tool, "name")).collect()
}

#[tokio::test]
async fn the_list_of_all_tools_is_at_most_8000_tokens_and_has_no_output_schemas() {
    let app = TestApp::new().await;
    let tools = listed(&app, "/mcp").await;
    assert_eq!(names(&tools), TOOLS.iter().map(|tool| tool.name).collect::<Vec<_>>());
    assert!(tools.as_array().unwrap().iter().all(|tool| tool.get("outputSchema").is_none()));
    let all = tokens(&tools.to_string());
    println!("{} tools: {all} tokens", TOOLS.len());
    assert!(all <= 8_000, "{all} tokens");
    let full = TestApp::with_output_schemas().await;
    let tools = listed(&full, "/mcp").await;
    for tool in tools.as_array().unwrap() {
        assert_eq!(tool["outputSchema"]["type"], "object", "{tool}");
        assert!(!tool.to_string().contains("\"x-"), "{tool}");
    }
}

#[tokio::test]
async fn arguments_are_taken_as_models_and_clients_send_them() {
    let app = TestApp::new().await;
    let key = &app.admin.key.secret;
    let made = done(&app, key, "create_deal", json!({ "title": "Sent", "loan_type": "land" })).await;
    let id = made["deal"]["id"].as_i64().unwrap();
    for sent in [json!(id), json!(id as f64), json!(id.to_string()), json!(format!("{id}.0"))] {
        assert_eq!(done(&app, key, "get_deal", json!({ "deal_id": sent })).await["deal"]["id"], id, "{sent}");
    }
    for (arguments, expected) in [
        (json!({ "limit": 5.0 }), 5),
        (json!({ "limit": "5" }), 5),
        (
            json!({ "limit": null, "cursor": "", "loan_type": [], "sort": [], "include": [], "created_from": "", "archived": null }),
            20,
        ),
        (
            json!({ "offset": 0, "min_loan_amount": "", "toolCallId": "call_1", "sessionId": "s", "chatInput": "x", "action": "sendMessage" }),
            20,
        ),
    ] {
        let page = done(&app, key, "list_deals", arguments.clone()).await;
        let total = page["total"].as_u64().unwrap();
        assert_eq!(page["showing"], json!(total.min(expected)), "{arguments}");
    }
    for (arguments, title) in [
        (json!({ "loan_type": "land", "archived": "false" }), "Sent"),
        (json!({ "loan_type": "[\"land\"]" }), "Sent"),
        (json!({ "loan_type": "land,permanent", "sort": "-created_at", "limit": 1 }), "Sent"),
    ] {
        let page = done(&app, key, "list_deals", arguments.clone()).await;
        assert!(page["deals"].as_array().unwrap().iter().any(|deal| deal["title"] == title), "{arguments}");
    }
    let whole = json!({
        "title": "Whole", "loan_amount": "16777217.25", "pipeline_ids": "[1]", "deal_financials": "{\"purchase_price\":\"5\",\"land_cost\":\"\"}",
        "description": null, "estimated_close_date": "", "business_plan": "", "idempotency_key": "", "tool_call_id": "c",
    });
    let made = done(&app, key, "create_deal", whole).await;
    assert_eq!(made["deal"]["loan_amount"], json!(16_777_217.25), "{made}");
    let id = &made["deal"]["id"];
    assert_eq!(
        done(&app, key, "get_deal_financials", json!({ "deal_id": id })).await["financials"]["purchase_price"],
        5.0
    );
    let moved = json!({ "deal_id": id, "pipeline_id": "1", "pipeline_status_id": null });
    assert_ne!(call(&app, key, "move_deal_to_pipeline_status", moved).await["isError"], true);
}

#[tokio::test]
async fn null_clears_a_value_of_a_deal_and_what_is_empty_leaves_it() {
    let app = TestApp::new().await;
    let key = &app.admin.key.secret;
    let made = json!({ "title": "Kept", "description": "text", "loan_type": "land", "loan_amount": 5 });
    let id = done(&app, key, "create_deal", made).await["deal"]["id"].take();
    let changes = json!({ "deal_id": id, "title": null, "description": "", "loan_type": "", "loan_amount": null, "deal_financials": null });
    let deal = done(&app, key, "update_deal", changes).await["deal"].take();
    assert_eq!((&deal["title"], &deal["description"]), (&json!("Kept"), &json!("text")), "{deal}");
    assert_eq!((&deal["loan_type"], &deal["loan_amount"]), (&json!("land"), &json!(null)), "{deal}");
}

#[tokio::test]
async fn what_is_empty_gives_a_new_key_no_more_and_a_write_no_idempotency_key() {
    let app = TestApp::new().await;
    let key = &app.admin.key.secret;
    for (name, sent) in [
        ("scopes", json!([])),
        ("scopes", json!("")),
        ("scopes", json!(null)),
        ("permission", json!("")),
        ("permission", json!(null)),
        ("allowed_ips", json!([])),
        ("allowed_ips", json!("")),
        ("expires_at", json!("")),
    ] {
        let said = refusal(&app, key, "create_api_key", json!({ "label": "k", name: sent })).await;
        assert!(said.starts_with("Validation failed: ") && said.contains(name), "{name} {sent}: {said}");
    }
    let narrow =
        json!({ "label": "k", "scopes": "deals:read", "allowed_ips": "10.0.0.0/8", "idempotency_key": null });
    let made = done(&app, key, "create_api_key", narrow).await;
    assert_eq!(made["api_key"]["scopes"], json!(["deals:read"]), "{made}");
    for none in [json!(null), json!(""), json!([])] {
        let arguments = json!({ "title": "x", "idempotency_key": none });
        assert_ne!(call(&app, key, "create_deal", arguments).await["isError"], true, "{none}");
    }
    for wrong in [json!(1), json!("my-key-1"), json!(["x"]), json!({})] {
        let said = refusal(&app, key, "create_deal", json!({ "title": "x", "idempotency_key": wrong })).await;
        assert_eq!(
            said.trim_start_matches("Validation failed: "),
            "idempotency_key must be a UUID; leave it out to send none"
        );
    }
}

/// Deals with all that hangs on them, as long as people make them.
async fn long_deals(app: &TestApp, key: &str, count: usize, description: &str) {
    for number in 0..count {
        let made = json!({ "title": format!("12 Quarry Road Lofts {number}"), "loan_amount": 4_250_000.5, "loan_type": "construction",
            "transaction_type": "refinance", "business_plan": "value_add", "description": description, "pipeline_ids": [1],
            "deal_financials": { "purchase_price": 5_100_000.25, "estimated_value": 6_000_000, "total_cost": 5_500_000, "land_cost": 1_000_000 } });
        done(app, key, "create_deal", made).await;
    }
}

#[tokio::test]
async fn a_result_is_one_text_of_at_most_20000_tokens_and_a_cut_page_goes_on_by_its_cursor() {
    let prose = "A multifamily asset with strong rent growth and a plan that renovates its interiors. ";
    let odd = "QJ#7zxjkv §字商é👩‍💻ƃ9q";
    for (description, at_least) in [(String::new(), 15), (prose.repeat(10), 8), (odd.repeat(100), 1)] {
        let app = TestApp::new().await;
        let key = &app.editor.key.secret;
        long_deals(&app, key, 50, &description).await;
        let include = json!(["financials", "properties", "team", "pipelines"]);
        let (mut seen, mut cursor, mut pages) = (0, Value::Null, 0);
        loop {
            let arguments = json!({ "limit": 50, "include": include, "cursor": cursor });
            let result = call(&app, key, "list_deals", arguments).await;
            assert!(result.get("structuredContent").is_none());
            let said = text(&result["content"][0], "text");
            let (of_text, of_all) = (tokens(said), tokens(&result.to_string()));
            assert!(of_text <= 20_000 && of_all <= 20_000, "{of_text} {of_all}");
            let page = data(&result);
            let showing = page["deals"].as_array().unwrap().len();
            assert_eq!(page["showing"], showing);
            if pages == 0 {
                println!("{showing} deals: {of_text} tokens, {of_all} with the rest of the result");
                assert!(showing >= at_least, "{showing} of {description}");
            }
            (seen, pages) = (seen + showing, pages + 1);
            if page["has_more"] == false {
                assert_eq!(json!(seen), page["total"]);
                break;
            }
            assert!(text(&page, "note").contains("call again with next_cursor as cursor"), "{page}");
            cursor = page["next_cursor"].clone();
        }
        let usual = done(&app, key, "list_deals", json!({ "sort": "-created_at" })).await;
        assert!(description.len() > 1_000 || usual["showing"] == 20, "{}", usual["showing"]);
        assert!(usual["has_more"] == true && usual["next_offset"] == usual["showing"], "{usual}");
    }
}

#[tokio::test]
async fn one_deal_that_is_too_long_alone_is_shortened_and_says_so() {
    let app = TestApp::with_output_schemas().await;
    let key = &app.admin.key.secret;
    let made = json!({ "title": "Long", "description": "商字".repeat(4_900) });
    let result = call(&app, key, "create_deal", made).await;
    let all = tokens(&result.to_string());
    assert!(all <= 20_000, "{all}");
    let deal = data(&result);
    assert!(text(&deal["deal"], "description").ends_with('…'));
    assert!(text(&deal, "note").contains("without include"));
    assert_eq!(result["structuredContent"], deal);
}

async fn with_accept(app: &TestApp, accept: &[&'static str], message: &Value) -> Answer {
    let ask = app.request(Method::POST, "/mcp").bearer(&app.admin.key.secret);
    accept.iter().fold(ask, |ask, line| ask.header("accept", line)).json(message.clone()).send().await
}

#[tokio::test]
async fn accept_is_read_as_http_has_it_and_never_refused() {
    let app = TestApp::new().await;
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let expected = with_accept(&app, &["application/json, text/event-stream"], &list).await.json();
    for accept in [
        &[][..],
        &["*/*"],
        &["application/json"],
        &["application/*, text/*"],
        &["text/event-stream", "application/json;q=0.1"],
        &["text/html"],
    ] {
        let answer = with_accept(&app, accept, &list).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (200, Some("application/json")),
            "{accept:?}"
        );
        assert_eq!(answer.json(), expected, "{accept:?}");
    }
    for accept in ["text/event-stream", "text/*", "Text/Event-Stream; charset=utf-8, application/json;q=0"] {
        let answer = with_accept(&app, &[accept], &list).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (200, Some("text/event-stream")),
            "{accept}"
        );
        let said = answer.text();
        let event =
            said.strip_prefix("event: message\ndata: ").and_then(|it| it.strip_suffix("\n\n")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(event).unwrap(), expected, "{accept}");
    }
    // A notification has no answer in either form, and what is no message is refused in JSON or as an event.
    let notified = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    for accept in ["text/event-stream", "application/json"] {
        let answer = with_accept(&app, &[accept], &notified).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (202, ""), "{accept}");
        assert_eq!(with_accept(&app, &[accept], &json!([])).await.status, 400, "{accept}");
    }
    let get =
        app.request(Method::GET, "/mcp").bearer(&app.admin.key.secret).header("accept", "application/json");
    assert_eq!(get.send().await.status, 405);
}

#[tokio::test]
async fn an_address_offers_the_toolsets_that_it_names_and_answers_no_other_call() {
    let app = TestApp::new().await;
    for (query, expected) in [
        (
            "?tools=me,get_deal",
            vec!["get_my_profile", "list_available_accounts", "switch_account", "get_deal"],
        ),
        (
            "?tools=me&tools=pipelines&read_only=true",
            vec!["get_my_profile", "list_available_accounts", "list_pipelines", "get_pipeline"],
        ),
        ("?tools=health&x=1", vec!["check_health"]),
    ] {
        for at in ["/mcp", "/mcp/", "/mcp/key"] {
            assert_eq!(names(&listed(&app, &format!("{at}{query}")).await), expected, "{at}{query}");
        }
    }
    let reading = listed(&app, "/mcp?read_only=true").await;
    assert!(reading.as_array().unwrap().iter().all(|tool| tool["annotations"]["readOnlyHint"] == true));
    let create = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "create_deal", "arguments": { "title": "x" } } });
    let key = &app.admin.key.secret;
    for at in ["/mcp?read_only=true", "/mcp?tools=me", "/mcp?tools=get_deal"] {
        let said = send(&app, at, key, &create).await.json();
        assert_eq!(
            (&said["error"]["code"], text(&said["error"], "message")),
            (&json!(-32602), "There is no tool create_deal"),
            "{at}"
        );
    }
    assert_ne!(send(&app, "/mcp?tools=deals", key, &create).await.json()["result"]["isError"], true);
    for (at, wrong) in [
        ("/mcp?tools=deel", "(got deel)"),
        ("/mcp?tools=", "me, deals, pipelines"),
        ("/mcp?read_only=perhaps", "true or false"),
    ] {
        for method in ["tools/list", "tools/call"] {
            let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": { "name": "get_my_profile" } });
            let said = send(&app, at, key, &message).await.json();
            assert!(
                said["error"]["code"] == -32602 && text(&said["error"], "message").contains(wrong),
                "{at}: {said}"
            );
        }
    }
}

#[tokio::test]
async fn an_address_with_toolsets_is_a_name_of_the_resource_for_clients_that_compare() {
    let app = TestApp::alone().await;
    let query = "?tools=deals,me&read_only=true";
    let document = format!("http://keyward.test/.well-known/oauth-protected-resource/mcp{query}");
    let challenge = app.request(Method::POST, &format!("/mcp{query}")).send().await;
    let challenge = challenge.header("www-authenticate").unwrap().to_owned();
    assert!(challenge.contains(&format!("resource_metadata=\"{document}\"")), "{challenge}");
    let resource = format!("http://keyward.test/mcp{query}");
    for (asked, named) in [
        (query, resource.as_str()),
        ("?tools=deals&token=x", "http://keyward.test/mcp"),
        ("?x=1", "http://keyward.test/mcp"),
    ] {
        let path = format!("/.well-known/oauth-protected-resource/mcp{asked}");
        assert_eq!(app.request(Method::GET, &path).send().await.json()["resource"], named, "{asked}");
    }
    let token = granted(&app, "admin", &[("resource", &resource)]).await;
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    assert_eq!(send(&app, &format!("/mcp{query}"), text(&token, "access_token"), &list).await.status, 200);
    assert_eq!(app.get("/me").bearer(text(&token, "access_token")).send().await.status, 401, "for MCP alone");
    // With an issuer outside alone it would be a name that nobody there knows; a query of another kind is none of ours.
    let bad = app.request(Method::POST, "/mcp?tools=a%22b").send().await;
    assert!(bad.header("www-authenticate").unwrap().ends_with("oauth-protected-resource/mcp\""));
}

#[tokio::test]
async fn the_texts_of_lists_and_of_archiving_are_true() {
    let app = TestApp::new().await;
    let key = &app.admin.key.secret;
    let tools = ask(&app, key, "tools/list", json!({})).await["result"]["tools"].take();
    let about = |name: &str| {
        let tool = tools.as_array().unwrap().iter().find(|tool| tool["name"] == name).unwrap();
        text(tool, "description").to_owned()
    };
    let ids = async |arguments: Value| {
        let page = done(&app, key, "list_deals", arguments).await;
        page["deals"].as_array().unwrap().iter().map(|deal| deal["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let all = ids(json!({})).await;
    assert!(about("list_deals").contains("by ascending id unless sort says otherwise") && all.is_sorted());
    let last = *all.last().unwrap();
    done(&app, key, "delete_deal", json!({ "deal_id": last })).await;
    assert!(
        about("delete_deal")
            .contains("get_deal still returns it, and so does list_deals unless archived is false")
    );
    assert_eq!(done(&app, key, "get_deal", json!({ "deal_id": last })).await["deal"]["archived"], true);
    assert!(ids(json!({})).await.contains(&last));
    assert!(!ids(json!({ "archived": false })).await.contains(&last));
}
