//! MCP clients that cannot be run here, by what was recorded of them: how they make themselves known, where they send people back
//! to, and what they ask in which order.

use crate::browser::{Browser, VERIFIER, call, consent_page, said, text};
use crate::support::TestApp;
use http::Method;
use serde_json::{Value, json};

const MCP: &str = "http://keyward.test/mcp";

/// A client as it was recorded.
struct Recorded {
    name: &'static str,
    /// What it registers.
    registers: Value,
    /// Where it then sends people back to.
    redirect: &'static str,
    /// The `resource` that it says, if any.
    resource: &'static str,
    /// The scopes that it asks for, if any.
    scope: &'static str,
    /// What it asks before anything else, and what it must be told.
    probes: &'static [(&'static str, &'static str, u16)],
}

const POST_FIRST: &[(&str, &str, u16)] = &[
    ("POST", "/mcp", 401),
    ("GET", "/.well-known/oauth-protected-resource/mcp", 200),
    ("GET", "/.well-known/oauth-authorization-server", 200),
];

fn recorded() -> Vec<Recorded> {
    let grants = json!(["authorization_code", "refresh_token"]);
    vec![
        Recorded {
            name: "Claude's hosted clients",
            registers: json!({ "client_name": "Claude", "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
                "grant_types": grants, "response_types": ["code"], "token_endpoint_auth_method": "none", "scope": "openid email" }),
            redirect: "https://claude.ai/api/mcp/auth_callback",
            resource: MCP,
            scope: "account:read deals:read deals:write pipelines:read",
            probes: POST_FIRST,
        },
        Recorded {
            name: "Claude Code",
            registers: json!({ "client_name": "Claude Code (lev)", "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
                "grant_types": grants, "response_types": ["code"], "token_endpoint_auth_method": "none" }),
            // A port that it did not name.
            redirect: "http://localhost:51763/callback",
            // With a slash that is not there.
            resource: "http://keyward.test/mcp/",
            scope: "",
            probes: &[
                ("GET", "/.well-known/oauth-protected-resource/mcp", 200),
                ("GET", "/.well-known/oauth-protected-resource", 200),
                ("GET", "/.well-known/oauth-authorization-server", 200),
                ("POST", "/mcp", 401),
            ],
        },
        Recorded {
            name: "Cursor",
            registers: json!({ "client_name": "Cursor", "application_type": "native", "scope": "", "grant_types": grants,
                "response_types": ["code"], "token_endpoint_auth_method": "none",
                "redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback", "https://www.cursor.com/agents/mcp/oauth/callback",
                                  "http://localhost:8787/callback"] }),
            redirect: "cursor://anysphere.cursor-mcp/oauth/callback",
            resource: MCP,
            scope: "account:read deals:read deals:write pipelines:read",
            probes: POST_FIRST,
        },
        Recorded {
            name: "VS Code",
            registers: json!({ "client_name": "Visual Studio Code", "application_type": "native", "client_uri": "https://code.visualstudio.com",
                "grant_types": grants, "response_types": ["code"], "token_endpoint_auth_method": "none",
                "redirect_uris": ["https://insiders.vscode.dev/redirect", "https://vscode.dev/redirect", "http://127.0.0.1/", "http://127.0.0.1:33418/"] }),
            // The port that it prefers was taken.
            redirect: "http://127.0.0.1:60123/",
            resource: MCP,
            scope: "account:read deals:read",
            probes: &[
                ("POST", "/mcp", 401),
                ("GET", "/.well-known/oauth-protected-resource/mcp", 200),
                ("GET", "/.well-known/openid-configuration", 200),
            ],
        },
        Recorded {
            name: "ChatGPT",
            registers: json!({ "client_name": "ChatGPT", "redirect_uris": ["https://chatgpt.com/connector/oauth/AbC123"],
                "grant_types": grants, "response_types": ["code"], "token_endpoint_auth_method": "none", "logo_uri": null, "contacts": null }),
            redirect: "https://chatgpt.com/connector/oauth/AbC123",
            resource: MCP,
            scope: "deals:read",
            probes: POST_FIRST,
        },
        Recorded {
            name: "Codex",
            registers: json!({ "client_name": "Codex", "redirect_uris": ["http://127.0.0.1:40391/callback/x7Yz"], "grant_types": grants,
                "response_types": ["code"], "token_endpoint_auth_method": "none", "scope": "account:read deals:read deals:write pipelines:read" }),
            redirect: "http://127.0.0.1:40391/callback/x7Yz",
            // Some versions do not say it.
            resource: "",
            scope: "account:read deals:read deals:write pipelines:read",
            probes: &[
                ("GET", "/mcp", 401),
                ("GET", "/.well-known/oauth-protected-resource/mcp", 200),
                ("GET", "/.well-known/oauth-authorization-server", 200),
            ],
        },
    ]
}

async fn tools(app: &TestApp, token: &str) -> u16 {
    let list = json!({ "jsonrpc": "2.0", "id": 0, "method": "tools/list" });
    let ask = app.request(Method::POST, "/mcp").bearer(token);
    ask.header("accept", "application/json, text/event-stream").json(list).send().await.status.as_u16()
}

#[tokio::test]
async fn recorded_clients_find_register_sign_in_and_come_back() {
    for client in recorded() {
        let (app, name) = (TestApp::new().await, client.name);
        for (method, path, status) in client.probes {
            let ask = app.request(method.parse().unwrap(), path).header("mcp-protocol-version", "2025-06-18");
            let answer = ask.header("accept", "application/json, text/event-stream").send().await;
            assert_eq!(answer.status, *status, "{name}: {method} {path}");
            if *status == 200 {
                assert!(
                    answer.header("content-type").unwrap().starts_with("application/json"),
                    "{name}: {path}"
                );
            }
        }
        let registered =
            app.request(Method::POST, "/oauth/register").json(client.registers.clone()).send().await;
        assert_eq!(registered.status, 201, "{name}: {}", registered.text());
        let registered = registered.json();
        let members = registered.as_object().unwrap();
        for (member, value) in members {
            let empty = value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty);
            assert!(!empty && !value.is_f64(), "{name} is told {member}: {value}");
        }
        assert!(!members.contains_key("client_secret"), "{name}");
        let id = text(&registered, "client_id");
        let asked = [
            ("client_id", id),
            ("redirect_uri", client.redirect),
            ("resource", client.resource),
            ("scope", client.scope),
        ];
        let mut browser = Browser::new(&app);
        let form = consent_page(&mut browser, "editor", &asked).await;
        let answer = browser.send(&form.with("decision", "allow")).await;
        assert!(answer.header("location").unwrap().starts_with(client.redirect), "{name}");
        let mut back = said(&answer);
        assert_eq!(back.get("iss").map(String::as_str), Some("http://keyward.test"), "{name}");
        let code = back.remove("code").unwrap();
        let redeem = [
            ("grant_type", "authorization_code"),
            ("client_id", id),
            ("code", code.as_str()),
            ("redirect_uri", client.redirect),
            ("code_verifier", VERIFIER),
            ("resource", client.resource),
        ];
        let redeem: Vec<_> = redeem.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let tokens = call(&app, "/oauth/token", &redeem).await;
        assert_eq!(tokens.status, 200, "{name}: {}", tokens.text());
        let tokens = tokens.json();
        assert_eq!(tools(&app, text(&tokens, "access_token")).await, 200, "{name}");
        // Whoever runs twice, on two machines or in two processes, refreshes twice.
        let refresh = text(&tokens, "refresh_token");
        let pairs = [("grant_type", "refresh_token"), ("client_id", id), ("refresh_token", refresh)];
        let (one, two) = (call(&app, "/oauth/token", &pairs).await, call(&app, "/oauth/token", &pairs).await);
        assert_eq!((one.status.as_u16(), two.status.as_u16()), (200, 200), "{name}");
        assert_eq!(one.json()["refresh_token"], two.json()["refresh_token"], "{name}");
        assert_eq!(tools(&app, text(&two.json(), "access_token")).await, 200, "{name}");
        // A server that was set up anew does not know it: it is told to register again.
        let other = TestApp::new().await;
        let lost = call(&other, "/oauth/token", &pairs).await;
        assert_eq!((lost.status.as_u16(), text(&lost.json(), "error")), (401, "invalid_client"), "{name}");
    }
    println!("{} recorded clients: 0 failed", recorded().len());
}

#[tokio::test]
async fn what_is_not_there_under_well_known_is_404_in_json() {
    let app = TestApp::new().await;
    for path in [
        "/.well-known/oauth-protected-resource/mcp/key",
        "/.well-known/oauth-protected-resource/other",
        "/.well-known/anything",
        "/mcp/.well-known/openid-configuration",
    ] {
        let answer = app.request(Method::GET, path).send().await;
        assert!(
            answer.status == 404 || path.starts_with("/mcp/") && answer.status == 401,
            "{path}: {}",
            answer.status
        );
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
    }
}

#[tokio::test]
async fn the_setup_page_has_blocks_that_name_this_server() {
    let app = TestApp::new().await;
    let page = app.request(Method::GET, "/platform/mcp-setup.md").send().await.text();
    assert!(!page.contains("{{"), "{page}");
    let blocks: Vec<Value> = page
        .split("```json\n")
        .skip(1)
        .map(|block| serde_json::from_str(block.split("\n```").next().unwrap()).unwrap())
        .collect();
    assert!(blocks.len() >= 5);
    for block in &blocks {
        let servers = block.get("mcpServers").or(block.get("servers")).and_then(Value::as_object).unwrap();
        let lev = &servers["lev"];
        let url = lev["url"].as_str().or_else(|| lev["args"][2].as_str()).unwrap();
        let key = lev.get("headers").is_some();
        assert_eq!(url, if key { "http://keyward.test/mcp/key" } else { MCP }, "{lev}");
        if key {
            assert!(
                text(&lev["headers"], "Authorization").starts_with("Bearer ${"),
                "no key in a file: {lev}"
            );
        }
    }
    for (start, end) in
        [("cursor://anysphere.cursor-deeplink/mcp/install?", ")"), ("vscode:mcp/install?", ")")]
    {
        let link = page.split(start).nth(1).unwrap().split(end).next().unwrap();
        let encoded: Vec<(String, String)> =
            url::form_urlencoded::parse(link.as_bytes()).into_owned().collect();
        let config = match encoded.iter().find(|(name, _)| name == "config") {
            Some((_, config)) => {
                use base64::Engine;
                base64::engine::general_purpose::STANDARD.decode(config).unwrap()
            }
            None => encoded[0].0.clone().into_bytes(),
        };
        assert_eq!(serde_json::from_slice::<Value>(&config).unwrap()["url"], MCP);
    }
    let html = app.request(Method::GET, "/platform/mcp-setup").send().await.text();
    assert!(html.contains("href=\"cursor://") && html.contains("href=\"vscode:"), "the buttons are links");
    for tool in keyward::mcp::TOOLS {
        assert!(page.contains(&format!("| `{}` |", tool.name)), "{}", tool.name);
    }
}
