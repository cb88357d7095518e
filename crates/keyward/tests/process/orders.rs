//! The operator's orders, beside a running server and without one.

use crate::support::{Server, keyward, mode, refused, run, settle, text};
use serde_json::{Value, json};
use std::path::Path;

/// Gives an order and reads what it says.
fn order(data: &Path, arguments: &[&str]) -> Value {
    let output = run(keyward(arguments).args(["--json", "--data", text(data)]));
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refusal(data: &Path, arguments: &[&str]) -> String {
    refused(keyward(arguments).args(["--data", text(data)]))
}

#[test]
fn a_key_that_another_process_revokes_is_dead_when_the_command_returns() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::demo(Some(home.path()));
    let mut admin = server.client(&server.admin());
    for round in 0..1_000 {
        let made = admin.post("/api-keys", &json!({ "label": format!("round {round}") })).data(201);
        let mut client = server.client(made["api_key"].as_str().unwrap());
        assert_eq!(client.get("/me").status, 200, "round {round}");
        let revoked = order(home.path(), &["key", "revoke", &made["id"].to_string()]);
        assert_eq!(revoked, json!({ "id": made["id"], "revoked": true, "was_live": true }));
        assert_eq!(client.get("/me").status, 401, "round {round}");
    }
}

#[test]
fn orders_hold_at_once_for_the_running_server() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::demo(Some(home.path()));
    assert_eq!(mode(&home.path().join("keyward.sock")), 0o600);
    let at = home.path();
    let user =
        order(at, &["user", "create", "New@Acme.example", "--account", "acme-capital", "--role", "viewer"]);
    assert_eq!(user["email"], "new@acme.example");
    assert!(user["password"].as_str().unwrap().len() >= 24);
    let key =
        ["key", "create", "--account", "acme-capital", "--user", "new@acme.example", "--label", "night"];
    let key = order(at, &key);
    let mut client = server.client(key["api_key"].as_str().unwrap());
    let deals = |title: &str| json!({ "title": title });
    assert_eq!(client.post("/deals", &deals("x")).status, 403, "a viewer");
    order(at, &["user", "role", "new@acme.example", "--account", "acme-capital", "--role", "editor"]);
    assert_eq!(client.post("/deals", &deals("x")).status, 201, "an editor");
    order(at, &["user", "disable", "new@acme.example"]);
    assert_eq!(client.get("/me").status, 401);
    order(at, &["user", "enable", "new@acme.example"]);
    assert_eq!(client.get("/me").status, 200);
    let rotated = order(at, &["key", "rotate", &key["id"].to_string(), "--grace-seconds", "60"]);
    assert_eq!(client.get("/me").status, 200, "in its grace");
    let mut client = server.client(rotated["api_key"].as_str().unwrap());
    assert_eq!(client.get("/me").data(200)["platform"]["api_tier"], "enterprise");
    order(at, &["account", "tier", "acme-capital", "free"]);
    assert_eq!(client.get("/me").data(200)["platform"]["api_keys"]["max_allowed"], 2);
    let listed = order(at, &["key", "list", "--account", "acme-capital"]);
    let mine = listed.as_array().unwrap().iter().find(|listed| listed["id"] == key["id"]).unwrap();
    assert_eq!((&mine["label"], &mine["user_email"]), (&json!("night"), &json!("new@acme.example")));
    assert!(!listed.to_string().contains(rotated["api_key"].as_str().unwrap()));
    order(at, &["user", "remove", "new@acme.example", "--account", "acme-capital"]);
    assert_eq!(client.get("/me").status, 401);
}

#[test]
fn without_a_server_orders_go_to_the_file() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let admin = server.admin();
    server.terminate();
    settle(home.path());
    let at = home.path();
    assert!(!at.join("keyward.sock").exists(), "an orderly end leaves no socket");
    order(at, &["account", "create", "third", "--tier", "free"]);
    order(at, &["user", "role", "editor@acme.example", "--account", "third", "--role", "admin"]);
    let key =
        order(at, &["key", "create", "--account", "third", "--user", "editor@acme.example", "--label", "k"]);
    order(at, &["key", "revoke", "1"]);
    let mut server = Server::demo(Some(at));
    assert_eq!(server.client(&admin).get("/me").status, 401, "key 1 was the admin's");
    let me = server.client(key["api_key"].as_str().unwrap()).get("/me").data(200);
    assert_eq!((&me["account"]["slug"], &me["user"]["role"]), (&json!("third"), &json!("admin")));
    // A server that was killed leaves its socket; the file is opened all the same, and by the next server too.
    server.kill();
    assert!(at.join("keyward.sock").exists());
    order(at, &["key", "revoke", &key["id"].to_string()]);
    let server = Server::demo(Some(at));
    assert_eq!(server.client(key["api_key"].as_str().unwrap()).get("/me").status, 401);
}

#[test]
fn an_order_that_cannot_be_carried_out_says_why_in_one_line_and_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    for running in [true, false] {
        if !running {
            server.terminate();
            settle(home.path());
        }
        let before = order(home.path(), &["key", "list", "--account", "acme-capital"]);
        for (arguments, words) in [
            (&["key", "revoke", "999"][..], "API key with id 999 not found"),
            (&["key", "rotate", "999"], "API key with id 999 not found"),
            (&["key", "list", "--account", "nowhere"], "there is no account nowhere"),
            (
                &[
                    "key",
                    "create",
                    "--account",
                    "harbor-lending",
                    "--user",
                    "admin@acme.example",
                    "--label",
                    "x",
                ],
                "Member with id",
            ),
            (
                &["key", "create", "--account", "acme-capital", "--user", "nobody@a", "--label", "x"],
                "there is no user nobody@a",
            ),
            (
                &[
                    "key",
                    "create",
                    "--account",
                    "acme-capital",
                    "--user",
                    "admin@acme.example",
                    "--label",
                    "x",
                    "--scope",
                    "all",
                ],
                "there is no scope all",
            ),
            (&["user", "create", "admin@acme.example"], "email is already in use"),
            (
                &["user", "create", "new@a", "--account", "nowhere", "--role", "viewer"],
                "there is no account nowhere",
            ),
            (&["user", "disable", "nobody@a"], "there is no user nobody@a"),
            (&["account", "create", "Bad Slug"], "a slug is lower-case"),
            (&["account", "create", "acme-capital"], "slug is already in use"),
            (&["account", "tier", "nowhere", "free"], "there is no account nowhere"),
        ] {
            let said = refusal(home.path(), arguments);
            assert!(said.contains(words), "{arguments:?}: {said}");
        }
        assert_eq!(order(home.path(), &["key", "list", "--account", "acme-capital"]), before);
        assert!(
            refusal(home.path(), &["user", "enable", "new@a"]).contains("there is no user"),
            "nothing was half made"
        );
    }
    let nothing = tempfile::tempdir().unwrap();
    assert!(refusal(nothing.path(), &["key", "revoke", "1"]).contains("there is no database"));
}
