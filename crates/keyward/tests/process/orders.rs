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
    assert_eq!(mode(&home.path().join("keyward.db.sock")), 0o600);
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
    assert!(!at.join("keyward.db.sock").exists(), "an orderly end leaves no socket");
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
    assert!(at.join("keyward.db.sock").exists());
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
            (&["account", "create", "good", "--name", "a\u{1b}[31mb"], "none of them a control character"),
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

#[test]
fn a_copy_made_while_serving_can_be_put_in_place_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::demo(Some(home.path()));
    let mut admin = server.client(&server.admin());
    let revoked = admin.post("/api-keys", &json!({ "label": "gone" })).data(201);
    order(home.path(), &["key", "revoke", &revoked["id"].to_string()]);
    let before = admin.post("/deals", &json!({ "title": "before the copy" })).data(201);
    let copy = home.path().join("copy.db");
    let writing = std::thread::spawn({
        let mut client = server.client(&server.admin());
        move || {
            (0..200)
                .filter(|n| client.post("/deals", &json!({ "title": format!("{n}") })).status == 201)
                .count()
        }
    });
    assert_eq!(order(home.path(), &["backup", text(&copy)]), json!({ "file": copy }));
    assert_eq!(writing.join().unwrap(), 200, "requests go on meanwhile");
    assert_eq!(mode(&copy), 0o600);
    assert!(
        refusal(home.path(), &["backup", text(&copy)]).contains("copy.db"),
        "a file that is there is not written over"
    );

    let other = tempfile::tempdir().unwrap();
    let restore = ["restore", text(&copy)];
    assert!(refusal(other.path(), &restore).contains("there is no root secret"));
    let live = home.path().join("keyward.db");
    std::fs::copy(home.path().join("root-secret"), other.path().join("root-secret")).unwrap();
    assert!(
        refusal(other.path(), &["restore", text(&live)]).contains("keyward backup"),
        "a database in use is no copy"
    );
    let empty = other.path().join("empty");
    std::fs::write(&empty, [0; 200]).unwrap();
    assert!(refusal(other.path(), &["restore", text(&empty)]).contains("is no copy of a database"));
    let stale = other.path().join("keyward.db-wal");
    std::fs::write(&stale, "stale").unwrap();
    assert!(
        refusal(other.path(), &restore).contains("keyward.db-wal exists already"),
        "another's log is not taken over"
    );
    std::fs::remove_file(&stale).unwrap();
    std::fs::remove_file(other.path().join("root-secret")).unwrap();
    let (foreign, _) = crate::operate::installed();
    std::fs::copy(foreign.path().join("root-secret"), other.path().join("root-secret")).unwrap();
    assert!(refusal(other.path(), &restore).contains("the root secret is not the one"));
    assert!(!other.path().join("keyward.db").exists(), "what cannot be opened does not stay");
    std::fs::copy(home.path().join("root-secret"), other.path().join("root-secret")).unwrap();
    assert!(run(keyward(&restore).args(["--data", text(other.path())])).status.success());
    assert!(refusal(other.path(), &restore).contains("exists already"));
    let restored = Server::serve(other.path());
    let mut client = restored.client(&server.admin());
    assert_eq!(client.get(&format!("/deals/{}", before["id"])).data(200)["title"], "before the copy");
    assert_eq!(
        restored.client(revoked["api_key"].as_str().unwrap()).get("/me").status,
        401,
        "no revoked key revives"
    );
}

#[test]
fn the_audit_trail_says_who_did_what_by_which_credential() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::demo(Some(home.path()));
    let made = server.client(&server.admin()).post("/deals", &json!({ "title": "watched" }));
    let id = made.json()["request_id"].clone();
    order(home.path(), &["key", "revoke", "3"]);
    let trail = |arguments: &[&str]| -> Vec<Value> {
        let output = run(keyward(&["audit", "--json", "--data", text(home.path())]).args(arguments));
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let rows = trail(&[]);
    let deal = rows.iter().find(|row| row["action"] == "deal.create").unwrap();
    assert_eq!((&deal["request_id"], &deal["subject_id"]), (&id, &made.json()["data"]["id"]));
    assert_eq!(
        (&deal["credential_kind"], &deal["credential_id"], &deal["actor_user_id"]),
        (&json!("api_key"), &json!(1), &json!(1))
    );
    assert_eq!((&deal["address"], &deal["origin_app"]), (&json!("127.0.0.1"), &json!("process-test")));
    let last = rows.last().unwrap();
    assert_eq!(
        (&last["action"], &last["credential_kind"], &last["subject_id"]),
        (&json!("api_key.revoke"), &json!("operator"), &json!(3))
    );
    assert_eq!(trail(&["--since", "2026-01-01T00:00:00Z"]), rows);
    assert!(trail(&["--since", "2999-01-01T00:00:00Z"]).is_empty());
    assert!(refusal(home.path(), &["audit", "--since", "yesterday"]).contains("--since must be a time"));
    let words =
        run(keyward(&["audit", "--data", text(home.path())]).args(["--since", "2026-01-01T00:00:00Z"]));
    assert_eq!(String::from_utf8(words.stdout).unwrap().lines().count(), rows.len());
}

#[test]
fn an_order_reaches_the_database_that_it_names_and_no_other() {
    let home = tempfile::tempdir().unwrap();
    let mut configs = Vec::new();
    for name in ["x", "y"] {
        let file = home.path().join(format!("{name}.toml"));
        let text_of_it = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:{name}.db\"\n[secrets]\nfile = \"{name}-secret\"\n"
        );
        std::fs::write(&file, text_of_it).unwrap();
        let made = run(&mut keyward(&[
            "init",
            "--json",
            "--account",
            name,
            "--email",
            "a@b",
            "--config",
            text(&file),
        ]));
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let server = Server::serve_by(keyward(&["serve", "--config", text(&file)]));
        configs.push((name, file, made["api_key"]["api_key"].as_str().unwrap().to_owned(), server));
    }
    for (name, file, ..) in &configs {
        let listed = run(&mut keyward(&["key", "list", "--json", "--account", name, "--config", text(file)]));
        assert!(listed.status.success(), "{listed:?}");
    }
    let revoked = run(&mut keyward(&["key", "revoke", "1", "--config", text(&configs[0].1)]));
    assert!(revoked.status.success(), "{revoked:?}");
    assert_eq!(configs[0].3.client(&configs[0].2).get("/me").status, 401);
    assert_eq!(configs[1].3.client(&configs[1].2).get("/me").status, 200);
}
