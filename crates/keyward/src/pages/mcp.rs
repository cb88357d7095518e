//! What the page about MCP clients says of this server: blocks and buttons with its address, and its tools.

use crate::mcp::TOOLS;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fmt::Write;
use url::{Host, Url, form_urlencoded};

/// What a directive becomes on a server at this address.
pub(super) fn about(what: &str, public_url: &str) -> Option<String> {
    let url = format!("{public_url}{}", crate::mcp::PATH);
    Some(match what {
        "desktop" => desktop(&url),
        "bridge" => block(&bridge(&url)),
        "cursor" => format!("[Add to Cursor]({})", cursor(&url)),
        "vscode" => format!("[Add to VS Code]({})", vscode(&url)),
        "tools" => tools(),
        _ => return None,
    })
}

fn block(value: &Value) -> String {
    format!("```json\n{}\n```", serde_json::to_string_pretty(value).unwrap_or_default())
}

fn is_loopback(url: &str) -> bool {
    match Url::parse(url).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Connectors run on Anthropic's machines, which reach public addresses alone: elsewhere the bridge comes first.
fn desktop(url: &str) -> String {
    let connector = format!(
        "Settings → Connectors → Add custom connector, with the address `{url}`. Then Connect, and sign in. There is no file to edit."
    );
    let bridged = format!(
        "In `claude_desktop_config.json` (Settings → Developer → Edit Config), for which Node must be installed:\n\n{}\n\nRestart \
         Claude Desktop, and sign in.",
        block(&bridge(url))
    );
    if is_loopback(url) || url.starts_with("http:") {
        format!(
            "This server is reached from this computer alone, so Claude Desktop needs a bridge. {bridged}\n\nA server with a public \
             https address is added as a connector, without a file, in claude.ai too."
        )
    } else {
        format!(
            "{connector}\n\nWithout connectors: {}{}",
            bridged.get(..1).unwrap_or_default().to_lowercase(),
            bridged.get(1..).unwrap_or_default()
        )
    }
}

fn bridge(url: &str) -> Value {
    let mut arguments = vec!["-y", "mcp-remote", url];
    if url.starts_with("http:") {
        arguments.push("--allow-http");
    }
    json!({ "mcpServers": { "lev": { "command": "npx", "args": arguments } } })
}

fn cursor(url: &str) -> String {
    let config = STANDARD.encode(json!({ "url": url }).to_string());
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("name", "lev")
        .append_pair("config", &config)
        .finish();
    format!("cursor://anysphere.cursor-deeplink/mcp/install?{query}")
}

fn vscode(url: &str) -> String {
    let server = json!({ "name": "lev", "type": "http", "url": url }).to_string();
    let encoded: String = form_urlencoded::byte_serialize(server.as_bytes()).collect();
    format!("vscode:mcp/install?{}", encoded.replace('+', "%20"))
}

fn tools() -> String {
    let mut text = String::from("| Tool | What it is for |\n| --- | --- |\n");
    for tool in TOOLS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| `{}` | {} |", tool.name, tool.about);
    }
    text
}
