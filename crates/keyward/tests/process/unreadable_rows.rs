//! Rows that cannot be read: what the operator is told of them, and that what they stand for can be ended all the same.

use crate::orders::order;
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
