//! Rows that cannot be read: what the operator is told of them, and that what they stand for can be ended all the same.

use crate::orders::{order, refusal};
use crate::orders_of_sign_in::application;
use crate::person::{refreshed, send};
use crate::support::{Client, Server, keyward, run, settle, text, unlimited};
use keyward_sqlite::faults::{change_by_force, number};
use std::net::TcpListener;
use std::path::Path;

/// The demo's editor, with a key, both unreadable. The ids of both.
fn spoilt(home: &Path) -> (i64, i64, String) {
    let mut server = Server::demo(Some(home));
    let secret = server.key("editor@acme.example", "acme-capital", "full_access");
    assert_eq!(server.client(&secret).get("/me").status, 200);
    server.terminate();
    settle(home);
    let database = home.join("keyward.db");
    let user = number(&database, "SELECT id FROM users WHERE email = 'editor@acme.example'").unwrap();
    let key = number(
        &database,
        &format!("SELECT id FROM api_keys WHERE user_id = {user} AND permission = 'full_access'"),
    )
    .unwrap();
    let long = "replace(hex(zeroblob(5000)), '00', 'hidden')";
    let spoil = format!(
        "UPDATE users SET title = {long} WHERE id = {user}; UPDATE api_keys SET allowed_ips = 'hidden' WHERE id = {key}"
    );
    change_by_force(&database, &spoil).unwrap();
    (user, key, secret)
}

#[test]
fn rows_that_cannot_be_read_are_named_and_what_they_stand_for_is_ended_by_the_usual_commands() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let (user, key, secret) = spoilt(at);
    let names = [format!("users id {user}"), format!("api_keys id {key}")];
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = unlimited(keyward(&["serve", "--listen", "127.0.0.1:0", "--data", text(at)]));
    command.env("KEYWARD_SERVER_ADMIN_LISTEN", admin.to_string());
    let mut server = Server::serve_by(command);
    assert_eq!(server.client(&secret).get("/me").status, 401, "whoever depends on it is refused");
    let ready = Client::to(admin).send("GET", "/readyz", &[], b"").unwrap();
    let told = String::from_utf8(ready.body).unwrap();
    assert_eq!(ready.status, 200, "the rest serves");
    let doctor = run(&mut keyward(&["doctor", "--database", "--data", text(at)]));
    let found = String::from_utf8(doctor.stdout).unwrap();
    assert!(!doctor.status.success());
    for name in &names {
        for (where_, said) in [("/readyz", &told), ("doctor", &found), ("the log", &server.stderr())] {
            let words = name.split(' ').collect::<Vec<_>>();
            assert!(words.iter().all(|word| said.contains(word)), "{where_} does not name {name}: {said}");
        }
    }
    assert!(told.starts_with("ok\n") && !(told + &found + &server.stderr()).contains("hidden"));

    assert_eq!(order(at, &["user", "disable", "editor@acme.example"])["id"], user);
    assert_eq!(order(at, &["user", "disable", &format!("id:{user}")])["id"], user);
    assert_eq!(order(at, &["key", "revoke", &key.to_string()])["was_live"], true);
    let removed = order(at, &["user", "remove", &format!("id:{user}"), "--account", "acme-capital"]);
    assert_eq!(removed["removed"], true);
    server.terminate();
    settle(at);
    let right = format!(
        "UPDATE users SET title = NULL WHERE id = {user}; UPDATE api_keys SET allowed_ips = NULL WHERE id = {key}"
    );
    change_by_force(&at.join("keyward.db"), &right).unwrap();
    let server = Server::serve(at);
    assert_eq!(server.client(&secret).get("/me").status, 401);
    let database = at.join("keyward.db");
    let ended = format!(
        "SELECT (SELECT count(*) FROM users WHERE id = {user} AND disabled_at > 0)
              + (SELECT count(*) FROM api_keys WHERE id = {key} AND revoked_at > 0)
              - (SELECT count(*) FROM memberships WHERE user_id = {user} AND account_id = 1)"
    );
    assert_eq!(number(&database, &ended).unwrap(), 2, "all of it holds once the rows can be read");
}

/// So many rows of outside subjects that cannot be read.
fn many_unreadable(database: &Path, user: i64, count: u32) {
    let many = format!(
        "INSERT INTO identities (issuer, subject, user_id, created_at)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         SELECT 'https://id.example', replace(hex(zeroblob(5000)), '00', 'hidden') || i, {user}, 0 FROM n"
    );
    change_by_force(database, &many).unwrap();
}

#[test]
fn a_role_is_lowered_whatever_of_user_and_account_cannot_be_read_and_a_new_place_needs_both() {
    let home = tempfile::tempdir().unwrap();
    let (at, database) = (home.path(), home.path().join("keyward.db"));
    let (user, ..) = spoilt(at);
    let id = |sql: &str| number(&database, sql).unwrap();
    let account = id("SELECT id FROM accounts WHERE slug = 'acme-capital'");
    let spoil = format!(
        "UPDATE accounts SET name = replace(hex(zeroblob(5000)), '00', 'hidden') WHERE id = {account};
         UPDATE memberships SET role = 'admin' WHERE user_id = {user} AND account_id = {account}"
    );
    change_by_force(&database, &spoil).unwrap();
    // More than are named.
    many_unreadable(&database, user, 1_001);
    let _server = Server::serve(at);
    let role = |name: &str, account: &str, role: &str| {
        let arguments = ["user", "role", name, "--account", account, "--role", role];
        order(at, &arguments)["id"].as_i64().unwrap()
    };
    let roles = |account: &str, role: &str, user: i64| {
        id(&format!(
            "SELECT count(*) FROM memberships m JOIN accounts a ON a.id = m.account_id
             WHERE a.slug = '{account}' AND m.user_id = {user} AND m.role = '{role}'"
        ))
    };
    for (lower, user_named, account_named) in [
        ("editor", "Editor@acme.example".to_owned(), "acme-capital".to_owned()),
        ("viewer", format!("id:{user}"), format!("id:{account}")),
    ] {
        assert_eq!(role(&user_named, &account_named, lower), user);
        assert_eq!(roles("acme-capital", lower, user), 1);
    }
    // A new place: not of who cannot be read, nor where; of anybody else, however many rows were left out.
    let other = order(at, &["user", "create", "new@acme.example"])["id"].as_i64().unwrap();
    for (name, account) in [("editor@acme.example", "harbor-lending"), ("new@acme.example", "acme-capital")] {
        let said = refusal(at, &["user", "role", name, "--account", account, "--role", "viewer"]);
        assert!(said.contains("can be read"), "{said}");
    }
    assert_eq!(role("new@acme.example", "harbor-lending", "viewer"), other);
    assert_eq!(roles("harbor-lending", "viewer", other), 1);
}

#[test]
fn a_revocation_with_a_token_whose_signing_key_was_left_out_is_503_until_the_key_can_be_read() {
    let home = tempfile::tempdir().unwrap();
    let (at, database) = (home.path(), home.path().join("keyward.db"));
    let mut server = Server::demo(Some(at));
    let (id, secret, tokens) = application(&server, at);
    // At the same address: it is the issuer of the tokens.
    let listen = server.address.to_string();
    let serve = || Server::serve_by(unlimited(keyward(&["serve", "--listen", &listen, "--data", text(at)])));
    let token = |name: &str| tokens[name].as_str().unwrap();
    let revoke = |server: &Server| {
        let pairs =
            [("client_id", id.as_str()), ("client_secret", &secret), ("token", token("access_token"))];
        send(&mut Client::to(server.address), "/oauth/revoke", &pairs).status
    };
    server.terminate();
    settle(at);
    let key = number(&database, "SELECT max(id) FROM signing_keys").unwrap();
    let spoil = format!("UPDATE signing_keys SET nonce = CAST(nonce || x'00' AS BLOB) WHERE id = {key}");
    change_by_force(&database, &spoil).unwrap();
    let mut server = serve();
    assert!(server.stderr().contains("signing_keys"), "it is left out: {}", server.stderr());
    let kids = || Client::to(server.address).send("GET", "/oauth/jwks", &[], b"").unwrap().json();
    assert_eq!(kids()["keys"].as_array().unwrap().len(), 1, "another key signs by now");
    assert_eq!(revoke(&server), 503);
    server.terminate();
    settle(at);
    let right = format!("UPDATE signing_keys SET nonce = substr(nonce, 1, 12) WHERE id = {key}");
    change_by_force(&database, &right).unwrap();
    let server = serve();
    assert_eq!(revoke(&server), 200);
    assert_eq!(refreshed(&server, &id, &secret, token("refresh_token")).status, 400, "and it was revoked");
}

#[test]
fn a_database_that_does_not_say_its_root_secret_is_refused_in_one_line() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    server.terminate();
    settle(home.path());
    change_by_force(&home.path().join("keyward.db"), "DELETE FROM root_secret_versions").unwrap();
    let serve = &["serve", "--listen", "127.0.0.1:0", "--data", text(home.path())];
    let line = crate::support::refused(&mut keyward(serve));
    assert!(line.contains("does not say which root secret"), "{line}");
}
