//! Applications that sign people in by our authorization server.

use crate::clients::{folder, program, succeeds};
use crate::support::Server;
use serde_json::{Value, json};
use std::time::Duration;

const EMAIL: &str = "admin@acme.example";
const NAME: &str = "Avery Stone";

/// What a client of `tests/clients/sign-in` says in its last line, having signed somebody in at a demo of its own. It ends with a
/// failure at the first thing that is wrong.
fn judged(script: &str) -> Value {
    let server = Server::demo(None);
    let users = server.line["users"].as_array().unwrap();
    let user = users.iter().find(|user| user["email"] == EMAIL).unwrap();
    let mut node = program("node");
    node.arg(folder("sign-in").join(script));
    node.args([server.line["url"].as_str().unwrap(), EMAIL, user["password"].as_str().unwrap()]);
    let said = succeeds(&mut node, Duration::from_secs(90));
    println!("{said}");
    serde_json::from_str(said.lines().last().unwrap()).unwrap()
}

fn content(judged: &Value, flows: u64) {
    assert_eq!(
        (&judged["failures"], &judged["flows"], &judged["name"]),
        (&json!(0), &json!(flows), &json!(NAME))
    );
}

#[test]
fn auth_js_signs_people_in_with_a_secret_and_without() {
    content(&judged("authjs.mjs"), 4);
}

#[test]
fn better_auth_signs_people_in_with_a_secret_and_without() {
    content(&judged("better_auth.mjs"), 3);
}

#[test]
fn oidc_client_ts_signs_in_calls_renews_and_signs_out_in_a_browser() {
    content(&judged("oidc_client.mjs"), 1);
}
