//! Lists and people, as orders: beside a running server and without one.
//!
//! | mistake | the test that catches it |
//! | --- | --- |
//! | a page repeats or leaves out an item, or a list ends without a word | `a_list_goes_on_…` |
//! | without a server a list shows other rows, since less is read | the same, `without_a_server_lists_say_the_same_…` |
//! | a filter is ignored, or a use that is not written yet is not known | `keys_are_found_by_…` |
//! | a disabled account is reached by some way, or loses something for good | `no_credential_acts_in_a_disabled_account_…` |
//! | a deleted user can still do something, or is still named somewhere | `a_deleted_user_…` |
//! | the trail does not say who gave an order, or a filter of it finds nothing because it names nothing | `the_audit_trail_is_found_by_…` |

use crate::orders::{order, refusal};
use crate::support::{Server, keyward, run, settle, text};
use keyward_sqlite::faults::{change_by_force, number};
use serde_json::{Value, json};
use std::path::Path;

/// What stands in this member of each item.
fn all(list: &Value, name: &str) -> Vec<Value> {
    list.as_array().unwrap().iter().map(|item| item[name].clone()).collect()
}

/// The lines for people, and what is said on standard error.
fn in_words(data: &Path, arguments: &[&str]) -> (Vec<String>, String) {
    let output = run(keyward(arguments).args(["--data", text(data)]));
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    let lines = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    (lines, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_list_goes_on_after_the_last_that_was_shown_and_has_each_once() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    for name in ["One", "Two"] {
        order(home.path(), &["client", "create", name, "--redirect-uri", "https://app.example/back"]);
    }
    let lists: [(&[&str], &str); 6] = [
        (&["account", "list"], "id"),
        (&["user", "list"], "id"),
        (&["user", "list", "--account", "acme-capital"], "id"),
        (&["key", "list"], "id"),
        (&["key", "list", "--account", "acme-capital"], "id"),
        (&["client", "list"], "client_id"),
    ];
    let beside = lists.map(|(list, _)| order(home.path(), list));
    for running in [true, false] {
        if !running {
            server.terminate();
            settle(home.path());
        }
        for ((list, cursor), beside) in lists.iter().zip(&beside) {
            let (list, found) = (*list, order(home.path(), list));
            assert_eq!(&found, beside, "{list:?} is the same, {running}");
            let whole = all(&found, cursor);
            assert!(whole.len() > 1, "{list:?}");
            let (mut pieces, mut after) = (Vec::new(), Vec::new());
            loop {
                let page = order(home.path(), &[list, &["--limit", "1"], &after].concat());
                let Some(last) = all(&page, cursor).pop() else { break };
                pieces.push(last.clone());
                let last = last.as_str().map_or_else(|| last.to_string(), str::to_owned);
                after = vec!["--after", Box::leak(last.into_boxed_str())];
            }
            assert_eq!(pieces, whole, "{list:?} by one, {running}");
            let (lines, said) = in_words(home.path(), list);
            assert_eq!((lines.len(), said.as_str()), (whole.len(), ""), "{list:?}");
            let (lines, said) = in_words(home.path(), &[list, &["--limit", "1"]].concat());
            assert_eq!(lines.len(), 1, "{list:?}");
            assert!(said.starts_with("keyward: more follow: --after "), "{list:?}: {said}");
        }
    }
}

#[test]
fn without_a_server_lists_say_the_same_of_rows_that_are_over_disabled_or_unreadable() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let mut server = Server::demo(Some(at));
    let key = |user: &str, label: &str| {
        let create = ["key", "create", "--account", "acme-capital", "--user", user, "--label", label];
        order(at, &[&create, &["--permission", "read_only"][..]].concat())["id"].to_string()
    };
    order(at, &["user", "create", "gone@acme.example", "--account", "acme-capital", "--role", "viewer"]);
    key("gone@acme.example", "of a user who is erased");
    order(at, &["user", "delete", "gone@acme.example"]);
    let revoked = key("admin@acme.example", "revoked");
    order(at, &["key", "revoke", &revoked]);
    let over = key("admin@acme.example", "over");
    key("editor@acme.example", "of a member whose role is unreadable");
    key("viewer@acme.example", "of a user who is disabled");
    order(at, &["user", "disable", "viewer@acme.example"]);
    server.terminate();
    settle(at);
    let damage = format!(
        "PRAGMA ignore_check_constraints = ON;
         UPDATE api_keys SET expires_at = created_at + 1 WHERE id = {over};
         UPDATE memberships SET role = 'emperor' WHERE user_id = (SELECT id FROM users WHERE email = 'editor@acme.example')"
    );
    change_by_force(&at.join("keyward.db"), &damage).unwrap();
    let lists: [&[&str]; 7] = [
        &["account", "list"],
        &["user", "list"],
        &["user", "list", "--account", "acme-capital"],
        &["key", "list"],
        &["key", "list", "--expires-before", "30d"],
        &["client", "list"],
        &["audit"],
    ];
    let all = || {
        lists.map(|list| {
            let output = run(keyward(list).args(["--json", "--data", text(at)]));
            assert!(output.status.success(), "{list:?}: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        })
    };
    let mut server = Server::serve(at);
    let beside = all();
    assert!(beside[3].contains("of a user who is disabled") && beside[4].contains("over"), "{beside:?}");
    for unseen in ["of a user who is erased", "revoked\"", "whose role is unreadable"] {
        assert!(!beside[3].contains(unseen), "{unseen}: {}", beside[3]);
    }
    server.terminate();
    for (list, (with, without)) in lists.iter().zip(beside.iter().zip(all())) {
        assert_eq!(*with, without, "{list:?}");
    }
}

#[test]
fn keys_are_found_by_their_user_their_end_and_their_last_use() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let mut server = Server::demo(Some(at));
    let key = |label: &str, end: &[&str]| {
        let create =
            ["key", "create", "--account", "acme-capital", "--user", "editor@acme.example", "--label", label];
        order(at, &[&create, &["--permission", "read_only"][..], end].concat())
    };
    let bounded = ["--expires-at", "2105-01-01T00:00:00Z", "--allowed-ip", "127.0.0.0/8"];
    let (soon, late, free) = (key("soon", &["--expires-in", "10d"]), key("late", &bounded), key("free", &[]));
    let ids = |arguments: &[&str]| all(&order(at, &[&["key", "list"], arguments].concat()), "label");
    let of_editor = ["--account", "acme-capital", "--user", "editor@acme.example"];
    let ends = |before| ids(&[&of_editor[..], &["--expires-before", before]].concat());
    assert_eq!(ends("30d"), ["soon"]);
    assert_eq!(ends("5d"), [""; 0]);
    assert_eq!(ends("2105-01-02T00:00:00Z"), ["soon", "late"], "one without an end is not among them");
    server.terminate();
    settle(at);
    let day = 86_400;
    let aged = format!(
        "UPDATE api_keys SET created_at = created_at - {}, last_used_at = NULL WHERE id IN ({}, {});
         UPDATE api_keys SET last_used_at = created_at + {} WHERE id = {}",
        200 * day,
        soon["id"],
        late["id"],
        150 * day,
        late["id"]
    );
    change_by_force(&at.join("keyward.db"), &aged).unwrap();
    for running in [false, true] {
        let server = running.then(|| Server::serve(at));
        let unused = |since| ids(&[&of_editor[..], &["--unused-since", since]].concat());
        assert_eq!(unused("30d"), ["soon", "late"], "also one that was never used");
        assert_eq!(unused("90d"), ["soon"]);
        if let Some(server) = server {
            assert_eq!(server.client(soon["api_key"].as_str().unwrap()).get("/me").status, 200);
            assert_eq!(unused("30d"), ["late"], "at once");
            assert_eq!(server.client(late["api_key"].as_str().unwrap()).get("/me").status, 200);
            assert!(ids(&[&of_editor[..], &["--unused-since", "2999-01-01T00:00:00Z"]].concat()).len() >= 3);
        }
    }
    assert!(refusal(at, &["key", "list", "--user", "nobody@a.example"]).contains("there is no user"));
    assert!(free["api_key"].is_string());
}

#[test]
fn no_credential_acts_in_a_disabled_account_and_all_is_there_when_it_is_enabled() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let key = server.admin();
    let shown = |slug| order(home.path(), &["account", "show", slug]);
    let before = shown("acme-capital");
    assert_eq!((&before["disabled"], &before["slug"]), (&json!(false), &json!("acme-capital")));
    for member in ["members", "admins", "live_keys", "max_keys"] {
        assert!(before[member].as_u64().unwrap() > 0, "{before}");
    }
    for _ in 0..2 {
        let disabled = order(home.path(), &["account", "disable", "acme-capital"]);
        assert_eq!(disabled, json!({ "id": before["id"], "slug": "acme-capital", "disabled": true }));
    }
    assert_eq!(server.client(&key).get("/me").status, 401);
    let other = server.key("admin@harbor.example", "harbor-lending", "full_access");
    assert_eq!(server.client(&other).get("/me").status, 200, "another account");
    server.terminate();
    settle(home.path());
    let mut server = Server::serve(home.path());
    assert_eq!(server.client(&key).get("/me").status, 401, "after a restart too");
    let listed = order(home.path(), &["account", "list"]);
    assert_eq!(all(&listed, "disabled"), [true, false]);
    order(home.path(), &["account", "enable", &format!("id:{}", before["id"])]);
    assert_eq!(server.client(&key).get("/me").status, 200);
    assert_eq!(shown("acme-capital"), before, "nothing of it is lost");
    server.terminate();
    for what in ["show", "disable", "enable"] {
        assert!(refusal(home.path(), &["account", what, "nowhere"]).contains("there is no account nowhere"));
    }
}

#[test]
fn a_deleted_user_can_do_nothing_and_is_named_nowhere() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let mut server = Server::demo(Some(at));
    let email = "Greta.Gone@acme.example";
    let create = ["user", "create", email, "--first-name", "Greta", "--last-name", "Gone"];
    let id =
        order(at, &[&create[..], &["--account", "acme-capital", "--role", "editor"]].concat())["id"].clone();
    let key = ["key", "create", "--account", "acme-capital", "--user", email, "--permission", "full_access"];
    let key =
        order(at, &[&key[..], &["--label", "Greta\u{2019}s laptop", "--allow-ip", "127.0.0.9"]].concat());
    let mine = ["key", "create", "--account", "acme-capital", "--user", email, "--permission", "full_access"];
    let mine = order(at, &[&mine[..], &["--label", "Build"]].concat());
    order(at, &["user", "link", email, "--issuer", "https://id.example/", "--subject", "auth0|greta"]);
    let deal = json!({ "title": "Kept" });
    let made = server.client(mine["api_key"].as_str().unwrap()).post("/deals", &deal).data(201);
    let shown = order(at, &["user", "show", email]);
    assert_eq!(shown["accounts"], json!([{ "account": "acme-capital", "role": "editor" }]));
    assert_eq!(shown["identities"], json!([{ "issuer": "https://id.example/", "subject": "auth0|greta" }]));
    assert_eq!((&shown["keys"], &shown["has_password"]), (&json!(2), &json!(true)));
    let deleted = order(at, &["user", "delete", email]);
    assert_eq!(
        deleted,
        json!({
            "id": id, "deleted": true, "accounts": ["acme-capital"], "revoked_keys": 2, "accounts_without_admin": [],
        })
    );
    assert_eq!(server.client(mine["api_key"].as_str().unwrap()).get("/me").status, 401);
    for command in [["user", "show", email], ["user", "delete", email], ["user", "enable", email]] {
        assert!(refusal(at, &command).contains("there is no user"), "{command:?}");
    }
    let named = format!("id:{id}");
    for command in [["user", "show", &named], ["user", "enable", &named]] {
        refusal(at, &command);
    }
    let repeated = order(at, &["user", "delete", &named]);
    assert_eq!(
        repeated,
        json!({ "id": id, "deleted": true, "accounts": [], "revoked_keys": 0, "accounts_without_admin": [] })
    );
    let kept = server.client(&server.admin()).get(&format!("/deals/{}", made["id"])).data(200);
    assert_eq!(kept["title"], "Kept", "what was done was done");
    let trail = run(keyward(&["audit", "--json", "--data", text(at)]).args(["--actor", &named]));
    assert!(String::from_utf8(trail.stdout).unwrap().contains("deal.create"), "by a number");
    let again = order(at, &["user", "create", email]);
    assert_ne!(again["id"], id, "somebody else");
    order(at, &["user", "delete", email]);
    server.terminate();
    settle(at);
    let copy = at.join("copy.db");
    order(at, &["backup", text(&copy)]);
    let bytes = String::from_utf8_lossy(&std::fs::read(&copy).unwrap()).to_lowercase();
    for name in ["greta", "127.0.0.9"] {
        assert!(!bytes.contains(name), "{name} is still in the database");
    }
    let widened = format!("SELECT count(*) FROM api_keys WHERE id = {} AND allowed_ips IS NULL", key["id"]);
    assert_eq!(number(&copy, &widened).unwrap(), 0, "no key is open to more places than before");
    let server = Server::serve(at);
    assert_eq!(server.client(mine["api_key"].as_str().unwrap()).get("/me").status, 401);
    assert!(!order(at, &["user", "list"]).to_string().contains(&format!("\"id\":{id},")));
}

#[test]
fn a_deletion_of_the_only_admin_names_the_account_that_has_none() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::demo(Some(home.path()));
    let at = home.path();
    order(at, &["account", "create", "third"]);
    order(at, &["user", "create", "only@third.example", "--account", "third", "--role", "admin"]);
    let deleted = order(at, &["user", "delete", "only@third.example"]);
    assert_eq!(deleted["accounts_without_admin"], json!(["third"]));
    drop(server);
}

#[test]
fn the_audit_trail_is_found_by_actor_subject_action_account_and_time_and_says_who_gave_an_order() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let mut server = Server::demo(Some(at));
    server.client(&server.admin()).post("/deals", &json!({ "title": "watched" })).data(201);
    order(at, &["user", "disable", "viewer@acme.example"]);
    order(at, &["key", "revoke", "3"]);
    let rows = |arguments: &[&str]| -> Vec<Value> {
        let output = run(keyward(&["audit", "--json", "--data", text(at)]).args(arguments));
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let everything = rows(&[]);
    let last = everything.last().unwrap();
    let operator = last["operator"].as_str().unwrap().to_owned();
    assert!(!operator.is_empty() && operator.len() < 64, "{last}");
    for running in [true, false] {
        if !running {
            server.terminate();
            settle(at);
            order(at, &["user", "enable", "viewer@acme.example"]);
            assert_eq!(rows(&["--newest", "1"])[0]["operator"], json!(operator), "the same without a server");
        }
        let rows_of = |arguments: &[&str], wanted: fn(&Value) -> bool| {
            let found = rows(arguments);
            let fitting = rows(&[]).into_iter().filter(&wanted).collect::<Vec<_>>();
            assert_eq!(found, fitting, "{arguments:?}");
            assert!(!found.is_empty() && found.len() < rows(&[]).len(), "{arguments:?}");
        };
        rows_of(&["--actor", "admin@acme.example"], |row| row["actor_user_id"] == 1);
        rows_of(&["--actor", "api_key:1"], |row| {
            row["credential_kind"] == "api_key" && row["credential_id"] == 1
        });
        rows_of(&["--actor", &format!("operator:{operator}")], |row| row["operator"].is_string());
        rows_of(&["--subject", "api_key:3"], |row| {
            row["subject_kind"] == "api_key" && row["subject_id"] == 3
        });
        rows_of(&["--subject", "viewer@acme.example", "--action", "user.disabled"], |row| {
            row["action"] == "user.disabled"
        });
        rows_of(&["--action", "api_key.*"], |row| row["action"].as_str().unwrap().starts_with("api_key."));
        rows_of(&["--account", "harbor-lending"], |row| row["account_id"] == 2);
        assert_eq!(rows(&["--until", "2999-01-01T00:00:00Z"]), rows(&[]));
        assert!(rows(&["--until", "2000-01-01T00:00:00Z"]).is_empty());
        let whole = rows(&[]);
        assert_eq!(rows(&["--newest", "2"]), whole[whole.len() - 2..]);
        assert_eq!(rows(&["--limit", "2"]), whole[..2]);
        assert_eq!(rows(&["--limit", "2", "--after", &whole[1]["id"].to_string()]), whole[2..4]);
    }
    let (words, _) = in_words(at, &["audit", "--subject", "key:3", "--newest", "1"]);
    assert!(words[0].contains(&format!("(operator {operator})")), "{words:?}");
    for wrong in [
        &["--actor", "adm"][..],
        &["--actor", "api_key:x"],
        &["--actor", "nobody@acme.example"],
        &["--actor", "operator:"],
        &["--subject", "3"],
        &["--subject", "keys:3"],
        &["--subject", "user:nobody@acme.example"],
        &["--account", "nowhere"],
        &["--until", "tomorrow"],
    ] {
        refusal(at, &[&["audit"], wrong].concat());
    }
}
