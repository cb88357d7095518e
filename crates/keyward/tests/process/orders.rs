//! The operator's orders, beside a running server and without one.

use crate::support::{Server, keyward, mode, refused, run, settle, text};
use serde_json::{Value, json};
use std::path::Path;

/// Gives an order and reads what it says.
pub(crate) fn order(data: &Path, arguments: &[&str]) -> Value {
    let output = run(keyward(arguments).args(["--json", "--data", text(data)]));
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

pub(crate) fn refusal(data: &Path, arguments: &[&str]) -> String {
    refused(keyward(arguments).args(["--data", text(data)]))
}

/// The order to make a key with these rights.
fn create<'a>(account: &'a str, user: &'a str, rights: &[&'a str]) -> Vec<&'a str> {
    let key = ["key", "create", "--account", account, "--user", user, "--label", "made"];
    [&key, rights].concat()
}

#[test]
fn a_key_of_the_operator_has_the_rights_the_end_and_the_ranges_that_were_named() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::demo(Some(home.path()));
    let make = |rights: &[&str]| order(home.path(), &create("acme-capital", "admin@acme.example", rights));
    let me = |key: &Value| server.client(key["api_key"].as_str().unwrap()).get("/me");
    let bounded = [
        "--scope",
        "deals:read",
        "--scope",
        "account:read",
        "--expires-in",
        "90d",
        "--allow-ip",
        "127.0.0.0/8",
    ];
    let key = make(&bounded);
    assert_eq!(key["allowed_ips"], json!(["127.0.0.0/8"]));
    let shown = me(&key).data(200)["platform"].clone();
    assert_eq!(shown["granted_scopes"], json!(["account:read", "deals:read"]));
    assert_eq!(shown["credential"]["expires_at"], key["expires_at"]);
    let elsewhere =
        make(&["--permission", "full_access", "--allow-ip", "203.0.113.0/24", "--allow-ip", "2001:db8::1"]);
    assert_eq!(me(&elsewhere).status, 401, "not from here");
    let until = make(&["--permission", "read_only", "--expires-at", "2105-03-20T15:30:45Z"]);
    assert_eq!(me(&until).data(200)["platform"]["credential"]["expires_at"], "2105-03-20T15:30:45Z");
    let free = make(&["--permission", "read_only"]);
    assert_eq!((free.get("expires_at"), free.get("allowed_ips")), (None, None), "as it was asked for");
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
    let key = order(at, &create("acme-capital", "new@acme.example", &["--permission", "full_access"]));
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
    assert_eq!((&mine["label"], &mine["user_email"]), (&json!("made"), &json!("new@acme.example")));
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
    let key = order(at, &create("third", "editor@acme.example", &["--permission", "full_access"]));
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
        let read_only = ["--permission", "read_only"];
        let of_admin = |rights: &[&'static str]| create("acme-capital", "admin@acme.example", rights);
        let table = [
            (vec!["key", "revoke", "999"], "API key with id 999 not found"),
            (vec!["key", "rotate", "999"], "API key with id 999 not found"),
            (vec!["key", "list", "--account", "nowhere"], "there is no account nowhere"),
            (create("harbor-lending", "admin@acme.example", &read_only), "Member with id"),
            (create("acme-capital", "nobody@a", &read_only), "there is no user nobody@a"),
            (of_admin(&["--scope", "all"]), "there is no scope all; there are "),
            (of_admin(&[]), "say what the key may do: --permission full_access"),
            (of_admin(&[&read_only[..], &["--scope", "deals:read"]].concat()), "cannot be combined"),
            (
                of_admin(&["--scope", "deals:read", "--expires-at", "2020-01-01T00:00:00Z"]),
                "expires_at must be in the future",
            ),
            (of_admin(&["--scope", "deals:read", "--allow-ip", "here"]), "is no address range"),
            (vec!["user", "create", "admin@acme.example"], "email is already in use"),
            (
                vec!["user", "create", "new@a", "--account", "nowhere", "--role", "viewer"],
                "there is no account nowhere",
            ),
            (vec!["user", "disable", "nobody@a"], "there is no user nobody@a"),
            (vec!["account", "create", "Bad Slug"], "a slug is lower-case"),
            (vec!["account", "create", "good", "--name", "a\u{1b}[31mb"], "none of them a control character"),
            (vec!["account", "create", "acme-capital"], "slug is already in use"),
            (vec!["account", "tier", "nowhere", "free"], "there is no account nowhere"),
        ];
        for (arguments, words) in table {
            let said = refusal(home.path(), &arguments);
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
    let made = order(home.path(), &["backup", text(&copy)]);
    let bytes = std::fs::metadata(&copy).unwrap().len();
    assert_eq!(made, json!({ "file": copy, "bytes": bytes, "faults": [] }));
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
    let journal = home.path().join("keyward.db.revocations");
    let with = [&restore[..], &["--journal", text(&journal), "--data", text(other.path())]].concat();
    assert!(run(&mut keyward(&with)).status.success());
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

#[test]
fn an_account_may_have_what_the_operator_says() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::demo_by(keyward(&Server::demo_arguments(Some(home.path()))));
    let mut admin = server.client(&server.admin());
    let limits = |arguments: &[&str]| {
        order(home.path(), &[&["account", "limits", "acme-capital"], arguments].concat())
    };
    let set = limits(&["--reads", "unlimited", "--writes", "7", "--keys", "6"]);
    assert_eq!(
        (&set["reads_per_minute"], &set["writes_per_minute"], &set["keys"]),
        (&json!("unlimited"), &json!(7), &json!(6))
    );
    let platform = admin.get("/me").data(200)["platform"].take();
    assert_eq!(
        platform["rate_limits"]["reads"],
        json!({ "limit": null, "remaining": null, "window_seconds": 60 })
    );
    assert_eq!(platform["rate_limits"]["writes"]["limit"], 7);
    assert_eq!(platform["api_keys"], json!({ "current_count": 5, "max_allowed": 6 }));
    assert_eq!(admin.post("/api-keys", &json!({ "label": "sixth" })).status, 201);
    admin.post("/api-keys", &json!({ "label": "seventh" })).is_refusal(422, "VALIDATION_ERROR");
    // What is not named stays; what is given back is as the tier says.
    assert_eq!(limits(&[])["writes_per_minute"], 7);
    let set = limits(&["--reads", "tier", "--keys", "tier"]);
    assert_eq!(set["own"], json!({ "reads": false, "writes": true, "keys": false }));
    assert_eq!(admin.get("/me").data(200)["platform"]["rate_limits"]["reads"]["limit"], 1000);
    for wrong in [["--reads", "0"], ["--writes", "100001"], ["--keys", "0"], ["--keys", "unlimited"]] {
        let arguments = ["account", "limits", "acme-capital", wrong[0], wrong[1]];
        assert!(refusal(home.path(), &arguments).contains("tier"), "{wrong:?}");
    }
    assert_eq!(limits(&[])["own"], json!({ "reads": false, "writes": true, "keys": false }));
}

#[test]
fn a_subject_of_an_outside_issuer_is_linked_to_one_user() {
    let home = tempfile::tempdir().unwrap();
    let _server = Server::demo(Some(home.path()));
    let issuer = ["--issuer", "https://tenant.auth0.example/", "--subject", "auth0|abc"];
    let link = |email: &str, more: &[&str]| {
        [&["user", "link"], [email].as_slice(), &issuer, more]
            .concat()
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let run_it =
        |words: Vec<String>| order(home.path(), &words.iter().map(String::as_str).collect::<Vec<_>>());
    let refuse_it =
        |words: Vec<String>| refusal(home.path(), &words.iter().map(String::as_str).collect::<Vec<_>>());
    let linked = run_it(link("editor@acme.example", &[]));
    assert_eq!(linked["linked"], true);
    assert_eq!(linked["subject"], "auth0|abc");
    run_it(link("editor@acme.example", &[]));
    assert!(refuse_it(link("viewer@acme.example", &[])).contains("linked to another user"));
    assert!(refuse_it(link("nobody@acme.example", &[])).contains("there is no user"));
    assert_eq!(run_it(link("editor@acme.example", &["--remove"]))["linked"], false);
    run_it(link("viewer@acme.example", &[]));
    let trail =
        run(keyward(&["audit", "--json", "--data", text(home.path())])
            .args(["--since", "2026-01-01T00:00:00Z"]));
    let links = String::from_utf8(trail.stdout).unwrap().matches("\"user.link\"").count();
    assert_eq!(links, 3, "a link that was there already leaves no row");
}

#[test]
fn a_database_of_an_older_version_is_left_to_the_server_and_can_be_copied_before() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let mut server = Server::demo(Some(at));
    let admin = server.admin();
    server.terminate();
    assert!(!server.stderr().contains("the schema was brought up to date"), "a new one is not older");
    settle(at);
    let database = at.join("keyward.db");
    let version = |file: &Path| {
        keyward_sqlite::faults::number(
            file,
            "SELECT max(version) FROM schema_migrations WHERE component = 'keyward'",
        )
        .unwrap()
    };
    let newest = version(&database);
    // As the version before wrote it.
    let back = "DROP TABLE oauth_codes; DROP TABLE oauth_grants; DROP TABLE oauth_clients; DROP TABLE sessions;
        DROP TABLE password_links; DROP TABLE signing_keys; DROP TABLE active_accounts; DROP TABLE invitations; DROP TABLE deal_pipelines; DROP TABLE pipeline_statuses; DROP TABLE pipelines;
        DROP TABLE deal_properties; DROP TABLE deal_financials; DROP INDEX deals_by_title; DROP INDEX deals_by_amount;
        DROP INDEX deals_by_creation; DROP INDEX deals_by_update;
        DROP TABLE idempotency; DROP TABLE limit_windows; DROP TABLE limit_state;
        DROP INDEX audit_by_request; DROP TABLE identities;
        ALTER TABLE accounts DROP COLUMN reads_per_minute; ALTER TABLE accounts DROP COLUMN writes_per_minute;
        ALTER TABLE accounts DROP COLUMN max_keys;
        DROP INDEX IF EXISTS api_keys_live; DROP INDEX api_keys_listed; DROP INDEX api_keys_revoked; DROP INDEX api_keys_by_user;
        DROP INDEX IF EXISTS audit_by_time; DROP INDEX audit_by_actor; DROP INDEX audit_attempts;
        ALTER TABLE audit DROP COLUMN attempt; ALTER TABLE accounts DROP COLUMN audit_forgotten; DROP TABLE write_probe;
        DROP TABLE clock; ALTER TABLE users DROP COLUMN email_verified_at; DROP TABLE revocation_journal; DROP TABLE revocation_journal_lines;
        DROP INDEX api_keys_by_maker; DROP INDEX api_keys_by_unread_maker; DROP INDEX memberships_by_maker; DROP INDEX memberships_by_raiser;
        DROP TABLE replaced_secrets; DROP TABLE key_origins;
        ALTER TABLE api_keys DROP COLUMN made_by; ALTER TABLE memberships DROP COLUMN made_by;
        ALTER TABLE memberships DROP COLUMN raised_by;
        ALTER TABLE api_key_secrets DROP COLUMN replaced_at; ALTER TABLE api_key_secrets DROP COLUMN replaced_by;
        DROP INDEX audit_by_subject; ALTER TABLE audit DROP COLUMN operator; ALTER TABLE users DROP COLUMN erased_at;
        DELETE FROM schema_migrations WHERE version > 1;";
    keyward_sqlite::faults::change_by_force(&database, back).unwrap();
    settle(at);
    let before = std::fs::read(&database).unwrap();
    for arguments in [
        &["key", "revoke", "1"][..],
        &["audit"],
        &["secret", "rotate"],
        &["key", "list", "--account", "acme-capital"],
    ] {
        let said = refusal(at, arguments);
        assert!(said.contains("is of an older version") && said.contains("keyward backup"), "{said}");
    }
    let copy = at.join("before.db");
    order(at, &["backup", text(&copy)]);
    assert_eq!(std::fs::read(&database).unwrap(), before, "nothing was changed");
    assert_eq!((version(&copy), version(&database)), (1, 1));
    let server = Server::demo(Some(at));
    let log = server.stderr();
    assert!(
        log.contains("the schema was brought up to date") && log.contains("component=\"keyward\" from=1"),
        "{log}"
    );
    let mut client = server.client(&admin);
    assert_eq!(client.get("/me").status, 200);
    let pipelines = client.get("/pipelines").json();
    assert_eq!(pipelines["pagination"]["total"], 2, "what every account begins with");
    order(at, &["key", "revoke", "1"]);
    assert_eq!((version(&copy), version(&database)), (1, newest));
}

#[test]
fn an_order_between_two_servers_waits_for_the_one_or_the_other() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    server.terminate();
    // Somebody has the file, and nobody listens.
    let file = std::fs::File::options().read(true).write(true).open(home.path().join("keyward.db")).unwrap();
    file.try_lock().unwrap();
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| order(home.path(), &["key", "revoke", "1"]));
        std::thread::sleep(std::time::Duration::from_millis(700));
        assert!(!waiting.is_finished());
        drop(file);
        waiting.join().unwrap()
    });
    assert_eq!(waiting["revoked"], true);
}

#[test]
fn a_data_directory_may_have_a_long_name() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("a".repeat(100)).join("b".repeat(100));
    std::fs::create_dir_all(&data).unwrap();
    let server = Server::demo(Some(&data));
    let mut client = server.client(&server.admin());
    assert_eq!(client.get("/me").status, 200);
    order(&data, &["key", "revoke", "1"]);
    assert_eq!(client.get("/me").status, 401, "the running server was told");
}

#[test]
fn a_server_that_is_told_to_stop_does_not_wait_for_a_copy_and_a_copy_that_is_ended_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    // Large enough that a copy takes a while.
    server.terminate();
    let grow = "CREATE TABLE ballast (x BLOB);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
        INSERT INTO ballast SELECT randomblob(1000000) FROM n;";
    keyward_sqlite::faults::change_by_force(&home.path().join("keyward.db"), grow).unwrap();
    let mut server = Server::demo(Some(home.path()));
    let copy = home.path().join("copy.db");
    let making = home.path().join("copy.db.making");
    let begin = || {
        let mut command = keyward(&["backup", text(&copy), "--data", text(home.path())]);
        let copying = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
        let copying = copying.spawn().unwrap();
        let begun = (0..5_000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            std::fs::metadata(&making).is_ok_and(|file| file.len() > 1_000_000)
        });
        assert!(begun, "the copy has begun");
        copying
    };
    let broken_off = begin();
    let ended = std::process::Command::new("kill").arg(broken_off.id().to_string()).status().unwrap();
    assert!(ended.success());
    let said = broken_off.wait_with_output().unwrap();
    let line = String::from_utf8(said.stderr).unwrap();
    assert!(!said.status.success() && line.contains("was not made: it was broken off"), "{line}");
    assert!(!making.exists() && !copy.exists(), "and leaves nothing");
    let mut copying = begin();
    server.terminate();
    assert!(copying.wait().unwrap().success(), "the copy is the command's own");
    assert!(!making.exists() && copy.exists());
}

#[test]
fn what_a_superuser_orders_without_a_server_belongs_to_the_servers_user() {
    use std::os::unix::fs::{MetadataExt, chown};
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    if chown(&data, Some(65_534), Some(65_534)).is_err() {
        println!("only a superuser can give a directory away: looked at as oneself");
    }
    let owner = |path: &Path| std::fs::metadata(path).unwrap().uid();
    let made = ["init", "--account", "acme", "--email", "a@b.example", "--data", text(&data)];
    assert!(run(&mut keyward(&made)).status.success());
    order(&data, &["secret", "rotate"]);
    let copy = data.join("copy.db");
    order(&data, &["backup", text(&copy)]);
    let restored = home.path().join("restored");
    std::fs::create_dir(&restored).unwrap();
    // As the data directory: another user's, if there can be one.
    chown(&restored, Some(owner(&data)), None).unwrap();
    std::fs::copy(data.join("root-secret"), restored.join("root-secret")).unwrap();
    let journal = data.join("keyward.db.revocations");
    let restore = ["restore", text(&copy), "--journal", text(&journal), "--data", text(&restored)];
    assert!(run(&mut keyward(&restore)).status.success());
    for file in [
        data.join("keyward.db"),
        data.join("root-secret"),
        restored.join("keyward.db"),
        restored.join("keyward.db.revocations"),
    ] {
        assert_eq!((owner(&file), mode(&file)), (owner(&data), 0o600), "{}", file.display());
    }
}
