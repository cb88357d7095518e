//! The MCP endpoint: who is let in, which tools there are for whom, and that a call is a request like any other.

use crate::browser::{text, tokens};
use crate::support::{Answer, PASSWORD, TestApp};
use http::Method;
use keyward::mcp::TOOLS;
use keyward::routes::{Access, table};
use keyward_core::grant::Grant;
use keyward_core::scope::Scope;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const MCP: &str = "http://keyward.test/mcp";
const DOCUMENT: &str = "http://keyward.test/.well-known/oauth-protected-resource/mcp";

/// One message to the endpoint, as a client of the older wire sends it.
pub(crate) async fn send(app: &TestApp, at: &str, token: &str, message: &Value) -> Answer {
    app.request(Method::POST, at)
        .bearer(token)
        .header("accept", "application/json, text/event-stream")
        .json(message.clone())
        .send()
        .await
}

pub(crate) async fn ask(app: &TestApp, token: &str, method: &str, params: Value) -> Value {
    let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    let answer = send(app, "/mcp", token, &message).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!((&body["jsonrpc"], &body["id"]), (&json!("2.0"), &json!(7)));
    body
}

pub(crate) async fn call(app: &TestApp, token: &str, tool: &str, arguments: Value) -> Value {
    ask(app, token, "tools/call", json!({ "name": tool, "arguments": arguments })).await["result"].take()
}

/// The data of a result, which its one text holds.
pub(crate) fn data(result: &Value) -> Value {
    assert_ne!(result["isError"], true, "{result}");
    assert_eq!(result["content"].as_array().unwrap().len(), 1, "{result}");
    serde_json::from_str(text(&result["content"][0], "text")).unwrap()
}

/// What a call that must succeed returns.
pub(crate) async fn done(app: &TestApp, token: &str, tool: &str, arguments: Value) -> Value {
    data(&call(app, token, tool, arguments).await)
}

/// The text of a call that must be refused.
pub(crate) async fn refusal(app: &TestApp, token: &str, tool: &str, arguments: Value) -> String {
    let result = call(app, token, tool, arguments).await;
    assert_eq!(result["isError"], true, "{result}");
    text(&result["content"][0], "text").to_owned()
}

async fn listed(app: &TestApp, token: &str) -> Vec<String> {
    let answer = ask(app, token, "tools/list", json!({})).await;
    let tools = answer["result"]["tools"].as_array().unwrap();
    tools.iter().map(|tool| text(tool, "name").to_owned()).collect()
}

#[tokio::test]
async fn whoever_has_no_credential_is_told_where_to_get_one_whatever_it_asks() {
    let app = TestApp::new().await;
    let mut asked = 0;
    for path in ["/mcp", "/mcp/", "/mcp/key", "/mcp/key/", "/mcp?token=x", "/mcp?access_token=lev_sk_x"] {
        for method in ["GET", "HEAD", "POST", "DELETE", "PUT", "PATCH"] {
            for message in ["", "{}", r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, "not JSON"] {
                let ask = app
                    .request(method.parse().unwrap(), path)
                    .header("mcp-session-id", "1")
                    .header("cookie", "keyward_session=x");
                let answer = ask.raw(message).send().await;
                assert_eq!(answer.status, 401, "{method} {path}");
                let challenge = answer.header("www-authenticate").unwrap();
                assert!(challenge.starts_with("Bearer ") && !challenge.contains("error="), "{challenge}");
                let told = challenge.contains(&format!("resource_metadata=\"{DOCUMENT}\""));
                assert_eq!(told, !path.starts_with("/mcp/key"), "{path}: {challenge}");
                asked += 1;
            }
        }
    }
    println!("{asked} requests without a credential: 0 let in");
    let bad = app.request(Method::GET, "/mcp").bearer("lev_sk_nobody").send().await;
    let challenge = bad.header("www-authenticate").unwrap();
    assert!(
        bad.status == 401 && challenge.contains("error=\"invalid_token\"") && challenge.contains(DOCUMENT),
        "{challenge}"
    );
    let key = &app.admin.key.secret;
    for method in ["GET", "DELETE", "PUT"] {
        let answer = app.request(method.parse().unwrap(), "/mcp").bearer(key).send().await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("allow")),
            (405, Some("OPTIONS, POST")),
            "{method}"
        );
    }
    assert_eq!(app.request(Method::OPTIONS, "/mcp").send().await.status, 204);
}

#[tokio::test]
async fn the_metadata_name_this_resource_and_where_to_sign_in() {
    let app = TestApp::new().await;
    for path in ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"] {
        let answer = app.request(Method::GET, path).host("evil.example").send().await;
        assert_eq!(answer.status, 200);
        let document = answer.json();
        assert_eq!(document["resource"], MCP, "never from Host");
        let servers = &document["authorization_servers"];
        assert_eq!(servers, &json!(["http://keyward.test"]), "the entry outside does not say mcp = true");
        assert_eq!(document["bearer_methods_supported"], json!(["header"]));
        assert!(
            document["scopes_supported"].as_array().unwrap().contains(&json!("deals:read")),
            "{document}"
        );
    }
    let challenge = app.request(Method::POST, "/mcp").send().await;
    assert!(challenge.header("www-authenticate").unwrap().contains("scope="));
    let key_only = app.request(Method::GET, "/.well-known/oauth-protected-resource/mcp/key").send().await;
    assert_eq!((key_only.status.as_u16(), key_only.header("content-type")), (404, Some("application/json")));
}

#[tokio::test]
async fn whoever_signs_in_here_is_told_what_to_ask_for() {
    let app = TestApp::alone().await;
    let answer = app.request(Method::GET, "/.well-known/oauth-protected-resource/mcp").send().await;
    let document = answer.json();
    assert_eq!(document["authorization_servers"], json!(["http://keyward.test"]));
    let scopes = document["scopes_supported"].as_array().unwrap();
    assert!(!scopes.contains(&json!("offline_access")) && scopes.contains(&json!("deals:read")));
    let scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str().unwrap()).collect();
    let refused = app.request(Method::POST, "/mcp").send().await;
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains(&format!("scope=\"{}\"", scopes.join(" "))), "{challenge}");
}

#[tokio::test]
async fn a_token_opens_the_resource_that_it_is_for_and_no_other() {
    let app = TestApp::new().await;
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let both = tokens(&app, "admin", &[]).await;
    let mcp = tokens(&app, "admin", &[("resource", MCP)]).await;
    let api = tokens(&app, "admin", &[("resource", "http://keyward.test/api/external/v2")]).await;
    for (tokens, at_mcp, at_api) in [(&both, 200, 200), (&mcp, 200, 401), (&api, 401, 200)] {
        let token = text(tokens, "access_token");
        assert_eq!(send(&app, "/mcp", token, &list).await.status, at_mcp);
        assert_eq!(app.get("/me").bearer(token).send().await.status, at_api);
        assert_eq!(send(&app, "/mcp/key", token, &list).await.status, 401, "for keys alone");
    }
    let key = &app.viewer.key.secret;
    for at in ["/mcp", "/mcp/", "/mcp/key", "/mcp/key/"] {
        assert_eq!(send(&app, at, key, &list).await.status, 200, "{at}");
    }
    let id_token = tokens(&app, "admin", &[("scope", "openid")]).await;
    assert_eq!(send(&app, "/mcp", text(&id_token, "id_token"), &list).await.status, 401);
}

#[tokio::test]
async fn pages_of_other_origins_and_foreign_hosts_are_refused() {
    let app = TestApp::new().await;
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let with = |name: &'static str, value: &'static str| {
        let ask = app
            .request(Method::POST, "/mcp")
            .bearer(&app.admin.key.secret)
            .header("accept", "application/json, text/event-stream");
        if name == "host" { ask.host(value) } else { ask.header(name, value) }.json(message.clone())
    };
    for origin in [
        "http://evil.example",
        "null",
        "https://keyward.test",
        "http://keyward.test:81",
        "http://localhost:3000",
    ] {
        with("origin", origin)
            .refused(403, "FORBIDDEN", "This server is not called by that host, or from that origin")
            .await;
    }
    for host in ["evil.example", "keyward.test.evil.example", "169.254.169.254"] {
        with("host", host)
            .refused(403, "FORBIDDEN", "This server is not called by that host, or from that origin")
            .await;
    }
    with("origin", "http://keyward.test").expect(200).await;
    with("host", "127.0.0.1:9").expect(200).await;
}

#[tokio::test]
async fn the_list_shows_what_the_caller_may_call() {
    let app = TestApp::new().await;
    let open: BTreeSet<String> =
        ["get_my_profile", "check_health", "validate_api_key"].map(str::to_owned).into();
    let all: Vec<String> = TOOLS.iter().map(|tool| tool.name.to_owned()).collect();
    assert_eq!(listed(&app, &app.admin.key.secret).await, all, "an admin's key: everything, in this order");
    let of = async |token: &str| listed(&app, token).await.into_iter().collect::<BTreeSet<_>>();
    let viewer = of(&app.viewer.key.secret).await;
    for row in table() {
        let tool = TOOLS.iter().find(|tool| tool.operation == row.id).unwrap();
        let reads = match row.access {
            Access::Public { .. } | Access::Caller(None) => true,
            Access::Caller(Some(scope)) => {
                Grant::ReadOnly.under(keyward_core::role::Role::Viewer).contains(scope)
            }
        };
        let may = reads
            || matches!(
                tool.name,
                "create_api_key" | "rename_api_key" | "rotate_api_key" | "revoke_api_key" | "switch_account"
            );
        assert!(!viewer.contains(tool.name) || may, "{}", tool.name);
    }
    assert!(
        viewer.contains("list_deals")
            && !viewer.contains("create_deal")
            && !viewer.contains("invite_team_member")
    );
    let one = app.scoped(&app.admin, &[Scope::PipelinesRead]).await;
    let mut expected = open.clone();
    // A key may always end itself.
    expected.extend(["list_pipelines", "get_pipeline", "revoke_api_key"].map(str::to_owned));
    assert_eq!(of(&one.secret).await, expected);
    let itself = json!({ "key_id": one.id.to_string() });
    assert_ne!(call(&app, &one.secret, "revoke_api_key", itself).await["isError"], true);
    let openid = tokens(&app, "admin", &[("scope", "openid")]).await;
    assert_eq!(of(text(&openid, "access_token")).await, open);
    // A usual sign-in may read and write deals, but makes no keys; one that asks for nothing may read.
    let usual = [("scope", "account:read deals:read deals:write pipelines:read")];
    let usual = of(text(&tokens(&app, "admin", &usual).await, "access_token")).await;
    let reading = of(text(&tokens(&app, "admin", &[]).await, "access_token")).await;
    assert!(reading.contains("list_deals") && !reading.contains("create_deal"));
    assert!(usual.contains("create_deal") && !usual.contains("create_api_key"));
}

#[tokio::test]
async fn a_call_may_do_what_its_user_may_and_nothing_else() {
    let app = TestApp::new().await;
    let viewer = &app.viewer.key.secret;
    let said = refusal(&app, viewer, "create_deal", json!({ "title": "No" })).await;
    assert!(said.starts_with("Not allowed: ") && said.contains("deals:write"), "{said}");
    let said = refusal(&app, viewer, "remove_team_member", json!({ "user_id": app.admin.user.0 })).await;
    assert!(said.starts_with("Not allowed: "), "{said}");
    // Another account's deal is not there.
    let other = done(&app, &app.stranger.key.secret, "list_deals", json!({})).await;
    let id = &other["deals"][0]["id"];
    let said = refusal(&app, &app.admin.key.secret, "get_deal", json!({ "deal_id": id })).await;
    assert_eq!(said, format!("Deal with id {id} not found"));
    // A token that was given less than its user has says what to ask for.
    let narrow = tokens(&app, "admin", &[("scope", "deals:read")]).await;
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "create_deal", "arguments": { "title": "x" } } });
    let answer = send(&app, "/mcp", text(&narrow, "access_token"), &message).await;
    let challenge = answer.header("www-authenticate").unwrap().to_owned();
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(
        challenge.contains("error=\"insufficient_scope\"")
            && challenge.contains("deals:write")
            && challenge.contains(DOCUMENT),
        "{challenge}"
    );
    assert_eq!(answer.json()["result"]["isError"], true);
    // To a viewer it would not help.
    let viewer = tokens(&app, "viewer", &[("scope", "deals:read")]).await;
    assert_eq!(send(&app, "/mcp", text(&viewer, "access_token"), &message).await.status, 200);
    // Rights are those of now.
    let granted = tokens(&app, "editor", &[("scope", "deals:read deals:write")]).await;
    let editor = text(&granted, "access_token");
    assert_eq!(done(&app, editor, "create_deal", json!({ "title": "Yes" })).await["deal"]["title"], "Yes");
    app.operate(keyward_core::write::member::SetRole {
        account: app.acme,
        user: app.editor.user,
        role: keyward_core::role::Role::Viewer,
    })
    .await;
    assert!(refusal(&app, editor, "create_deal", json!({ "title": "No" })).await.starts_with("Not allowed"));
    assert!(!PASSWORD.is_empty());
}

#[tokio::test]
async fn a_write_that_is_said_twice_is_done_once() {
    let app = TestApp::new().await;
    let key = &app.admin.key.secret;
    let arguments = json!({ "title": "Once", "idempotency_key": "5e5a3e17-0bad-4cab-9a7e-00c0ffee1234" });
    let first = call(&app, key, "create_deal", arguments.clone()).await;
    let again = call(&app, key, "create_deal", arguments).await;
    assert_eq!(first, again);
    let other = call(&app, key, "create_deal", json!({ "title": "Once" })).await;
    assert_ne!(data(&first)["deal"]["id"], data(&other)["deal"]["id"], "nothing is guessed");
    let reused = json!({ "title": "Another", "idempotency_key": "5e5a3e17-0bad-4cab-9a7e-00c0ffee1234" });
    assert!(refusal(&app, key, "create_deal", reused).await.contains("idempotency_key"));
    let said =
        refusal(&app, key, "create_deal", json!({ "title": "x", "idempotency_key": "not one\r\nX: y" }))
            .await;
    assert!(said.contains("UUID"), "{said}");
}

#[tokio::test]
async fn a_tool_that_shows_a_secret_takes_no_idempotency_key_that_could_be_guessed() {
    let app = TestApp::new().await;
    let key = &app.admin.key.secret;
    let named = |once: &str| json!({ "label": "k", "idempotency_key": once });
    let said = refusal(&app, key, "create_api_key", named("6ba7b810-9dad-11d1-80b4-00c04fd430c8")).await;
    assert!(said.contains("idempotency_key must be a UUID of version 4 or 7"), "{said}");
    let by_time = named("018f3c2a-9100-7abc-8def-0123456789ab");
    let first = call(&app, key, "create_api_key", by_time.clone()).await;
    assert_eq!(first, call(&app, key, "create_api_key", by_time).await);
}

#[tokio::test]
async fn arguments_go_where_they_belong_and_unknown_ones_are_refused() {
    let app = TestApp::new().await;
    let key = &app.admin.key.secret;
    for (title, amount, kind) in [("Small", 100.0, "land"), ("Large", 9e6, "permanent")] {
        call(&app, key, "create_deal", json!({ "title": title, "loan_amount": amount, "loan_type": kind }))
            .await;
    }
    let arguments = json!({ "min_loan_amount": 8e6, "loan_type": ["permanent"], "limit": 1 });
    let found = done(&app, key, "list_deals", arguments).await;
    assert_eq!((&found["deals"][0]["title"], &found["showing"]), (&json!("Large"), &json!(1)), "{found}");
    let page = done(&app, key, "list_deals", json!({ "limit": 1 })).await;
    let cursor = &page["next_cursor"];
    assert_eq!(page["has_more"], true);
    assert!(text(&page, "note").contains("call again with next_cursor as cursor"), "{page}");
    let next = done(&app, key, "list_deals", json!({ "limit": 1, "cursor": cursor })).await;
    assert_ne!(next["deals"], page["deals"]);
    for (tool, arguments, said) in [
        ("list_deals", json!({ "limit": 51 }), "limit must be an integer from 1 to 50"),
        ("list_deals", json!({ "limit": "many" }), "limit must be an integer from 1 to 50"),
        (
            "list_deals",
            json!({ "colour": "red", "size": 1 }),
            "There is no argument colour, size; those of list_deals are: ",
        ),
        (
            "list_deals",
            json!({ "loan_type": "brick" }),
            "Validation failed: Invalid value 'brick' for loan_type",
        ),
        ("list_deals", json!({ "min_loan_amount": "much" }), "min_loan_amount"),
        ("get_deal", json!({}), "deal_id is required"),
        ("get_deal", json!({ "deal_id": "../me" }), "not found"),
        ("get_deal", json!({ "deal_id": ".." }), "deal_id must be an id"),
        ("get_deal", json!({ "deal_id": { "id": 1 } }), "deal_id must be an id"),
        ("create_deal", json!({}), "title is required"),
        ("create_deal", json!({ "title": 5 }), "Validation failed: title must be a string"),
        (
            "update_deal",
            json!({ "deal_id": 1, "x-active-account": "harbor" }),
            "There is no argument x-active-account",
        ),
    ] {
        let text = refusal(&app, key, tool, arguments).await;
        assert!(text.contains(said), "{tool}: {text}");
    }
    let unknown = ask(&app, key, "tools/call", json!({ "name": "drop_tables", "arguments": {} })).await;
    assert_eq!(unknown["error"]["code"], -32602);
}

#[tokio::test]
async fn every_result_is_as_its_tool_says() {
    let app = TestApp::with_output_schemas().await;
    let key = &app.admin.key.secret;
    let tools = ask(&app, key, "tools/list", json!({})).await["result"]["tools"].take();
    for tool in tools.as_array().unwrap() {
        let hints = tool["annotations"].as_object().unwrap();
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(hints[hint].is_boolean(), "{tool}");
        }
        let described = tool["inputSchema"]["properties"].as_object().unwrap();
        for (name, schema) in described {
            assert!(
                schema["description"].as_str().is_some_and(|text| !text.is_empty()),
                "{} {name}",
                tool["name"]
            );
        }
    }
    let made = done(&app, key, "create_deal", json!({ "title": "Whole" })).await;
    let deal = made["deal"]["id"].clone();
    let pipelines = done(&app, key, "list_pipelines", json!({})).await["pipelines"].take();
    let pipeline = pipelines[0]["id"].clone();
    let new_key = done(&app, key, "create_api_key", json!({ "label": "made" })).await;
    let secret = new_key["api_key"]["api_key"].clone();
    let key_id = new_key["api_key"]["id"].clone();
    let calls = [
        ("get_my_profile", json!({})),
        ("list_available_accounts", json!({})),
        ("switch_account", json!({ "slug": "acme" })),
        ("list_deals", json!({ "include": ["team", "financials", "properties", "pipelines"] })),
        ("get_deal", json!({ "deal_id": deal, "include": ["team"] })),
        ("create_deal", json!({ "title": "Another" })),
        ("update_deal", json!({ "deal_id": deal, "loan_amount": 5, "description": null })),
        ("move_deal_to_pipeline_status", json!({ "deal_id": deal, "pipeline_id": pipeline })),
        ("get_deal_financials", json!({ "deal_id": 1 })),
        ("list_deal_properties", json!({ "deal_id": deal })),
        ("list_deal_team", json!({ "deal_id": deal })),
        ("add_deal_team_member", json!({ "deal_id": deal, "user_id": app.viewer.user.0 })),
        ("remove_deal_team_member", json!({ "deal_id": deal, "user_id": app.viewer.user.0 })),
        ("list_pipelines", json!({})),
        ("get_pipeline", json!({ "pipeline_id": pipeline })),
        ("list_team_members", json!({ "limit": 2 })),
        ("invite_team_member", json!({ "email": "new@acme.example", "role": "viewer" })),
        ("update_team_member", json!({ "user_id": app.viewer.user.0, "role": "editor" })),
        ("remove_team_member", json!({ "user_id": app.viewer.user.0 })),
        ("list_api_keys", json!({ "all": true })),
        ("get_api_key", json!({ "key_id": key_id })),
        ("rename_api_key", json!({ "key_id": key_id, "label": "renamed" })),
        ("create_api_key", json!({ "label": "another" })),
        ("validate_api_key", json!({ "api_key": secret })),
        ("rotate_api_key", json!({ "key_id": key_id, "grace_seconds": 60 })),
        ("revoke_api_key", json!({ "key_id": key_id })),
        ("delete_deal", json!({ "deal_id": deal })),
        ("check_health", json!({})),
    ];
    let called: BTreeSet<&str> = calls.iter().map(|(name, _)| *name).collect();
    assert_eq!(called, TOOLS.iter().map(|tool| tool.name).collect());
    for (name, arguments) in calls {
        let tool = tools.as_array().unwrap().iter().find(|tool| tool["name"] == name).unwrap();
        let takes = jsonschema::validator_for(&tool["inputSchema"]).unwrap();
        // Null is taken where it clears something, and no schema says so.
        let null = arguments.as_object().unwrap().values().any(Value::is_null);
        assert!(null || takes.is_valid(&arguments), "{name} {arguments}");
        let result = call(&app, key, name, arguments).await;
        assert_ne!(result["isError"], true, "{name}: {result}");
        let gives = jsonschema::validator_for(&tool["outputSchema"]).unwrap();
        let wrong: Vec<String> =
            gives.iter_errors(&result["structuredContent"]).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?} in {}", result["structuredContent"]);
        assert_eq!(data(&result), result["structuredContent"], "{name}: the same as text");
    }
}

#[tokio::test]
async fn two_users_with_equal_ids_at_once_get_their_own_answers() {
    let app = TestApp::new().await;
    let (one, two) = (&app.admin.key.secret, &app.stranger.key.secret);
    let rounds = 200;
    let asks = (0..rounds).map(|round| {
        let (key, account) = if round % 2 == 0 { (one, "acme") } else { (two, "harbor") };
        let app = &app;
        async move {
            let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "get_my_profile", "arguments": {} } });
            let ask = app.request(Method::POST, "/mcp").bearer(key).header("mcp-session-id", "the-other-one");
            let answer = ask.header("accept", "application/json, text/event-stream").json(message).send().await.json();
            assert_eq!(answer["id"], 1);
            u32::from(data(&answer["result"])["profile"]["account"]["slug"] != account)
        }
    });
    let crossed: u32 = futures_util::future::join_all(asks).await.into_iter().sum();
    println!("{rounds} calls of two users with equal ids at once: {crossed} crossed");
    assert_eq!(crossed, 0);
}

#[tokio::test]
async fn the_documentation_is_there_as_resources() {
    let app = TestApp::new().await;
    let key = &app.viewer.key.secret;
    let listed = ask(&app, key, "resources/list", json!({})).await;
    let resources = listed["result"]["resources"].as_array().unwrap();
    assert!(resources.len() > 5);
    for resource in resources {
        let uri = text(resource, "uri");
        let read = ask(&app, key, "resources/read", json!({ "uri": uri })).await;
        let page = app.request(Method::GET, uri.strip_prefix("http://keyward.test").unwrap()).send().await;
        assert_eq!(read["result"]["contents"][0]["text"], page.text(), "{uri}");
    }
    let unknown = ask(&app, key, "resources/read", json!({ "uri": "file:///etc/passwd" })).await;
    assert!(unknown["error"]["code"].is_i64());
}

#[tokio::test]
async fn a_caller_over_its_limit_is_told_when_to_come_again() {
    let app = TestApp::new().await;
    let rate = keyward_core::limits::Rate::PerMinute(3);
    let overrides = keyward_core::limits::Overrides { reads: Some(rate), writes: None, keys: None };
    app.operate(keyward_core::write::limits::SetLimits { account: app.acme, overrides }).await;
    let key = &app.admin.key.secret;
    for _ in 0..3 {
        assert_ne!(call(&app, key, "list_deals", json!({})).await["isError"], true);
    }
    for (method, params) in [("tools/call", json!({ "name": "list_deals" })), ("tools/list", json!({}))] {
        let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        let refused = send(&app, "/mcp", key, &message).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "RATE_LIMITED"), "{method}");
        assert_eq!(refused.header("retry-after"), Some("60"), "{method}");
    }
    // A tool that writes is a write besides; over that limit, its result says so.
    let overrides = keyward_core::limits::Overrides { reads: None, writes: Some(rate), keys: None };
    app.operate(keyward_core::write::limits::SetLimits { account: app.acme, overrides }).await;
    let title = || json!({ "title": "x" });
    for _ in 0..3 {
        assert_ne!(call(&app, key, "create_deal", title()).await["isError"], true);
    }
    let said = refusal(&app, key, "create_deal", title()).await;
    assert!(said.contains("(in 60 s)"), "{said}");
}
