//! What the operator is told of rows that lists leave out and of a recorded time that cannot be read, and what ends a grant that was
//! left out.

use crate::orders::order;
use crate::person::{CALLBACK, Person, redeemed, refreshed, send};
use crate::support::{Client, Server, keyward, run, settle, text, unlimited};
use keyward_sqlite::faults::{number, spoil};
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

/// A server of that data, and its address for probes.
fn serve(home: &Path) -> (Server, SocketAddr) {
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = unlimited(keyward(&["serve", "--listen", "127.0.0.1:0", "--data", text(home)]));
    command.env("KEYWARD_SERVER_ADMIN_LISTEN", admin.to_string());
    (Server::serve_by(command), admin)
}

/// What a probe is answered, by a server that is ready.
fn probe(admin: SocketAddr, path: &str) -> String {
    let answer = Client::to(admin).send("GET", path, &[], b"").unwrap();
    assert_eq!(answer.status, 200, "the rest serves");
    String::from_utf8(answer.body).unwrap()
}

/// What `keyward doctor` finds in the database, and whether all is well.
fn doctor(home: &Path) -> (String, bool) {
    let doctor = run(&mut keyward(&["doctor", "--database", "--data", text(home)]));
    (String::from_utf8(doctor.stdout).unwrap(), doctor.status.success())
}

#[test]
fn a_deal_that_cannot_be_read_is_named_by_the_log_the_probe_and_doctor_and_takes_no_list_with_it() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let mut server = Server::demo(Some(at));
    let secret = server.key("admin@acme.example", "acme-capital", "full_access");
    let all = server.client(&secret).get("/deals").json();
    server.terminate();
    settle(at);
    let id = all["data"][0]["id"].as_i64().unwrap();
    let name = format!("deals id {id}");
    spoil(&at.join("keyward.db"), "deals", &format!("UPDATE deals SET title = NULL WHERE id = {id}"))
        .unwrap();
    let (found, well) = doctor(at);
    assert!(found.contains(&name) && !well, "on the file, too: {found}");
    let (server, admin) = serve(at);
    assert_eq!(probe(admin, "/readyz"), "ok\n", "no list has come upon it");
    for _ in 0..2 {
        let listed = server.client(&secret).get("/deals").json();
        assert_eq!(listed["pagination"]["total"], all["pagination"]["total"]);
        assert_ne!(listed["data"][0]["id"], id);
    }
    let told = probe(admin, "/readyz");
    assert!(told.contains(&format!("1 left out of lists, because they cannot be read: {name}\n")), "{told}");
    assert!(probe(admin, "/metrics").contains("keyward_database_rows_left_out 1\n"));
    let (found, well) = doctor(at);
    assert!(found.contains(&name) && !well, "{found}");
    let log = server.stderr();
    assert_eq!(log.matches("a row was left out of a list").count(), 1, "once, however often: {log}");
}

#[test]
fn a_recorded_time_that_cannot_be_read_refuses_what_has_an_end_until_the_operator_accepts_the_clock() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let mut server = Server::demo(Some(at));
    let endless = server.key("admin@acme.example", "acme-capital", "full_access");
    let wanted = json!({ "label": "x", "permission": "full_access", "expires_at": "2100-01-01T00:00:00Z" });
    let made = server.client(&endless).post("/api-keys", &wanted).data(201);
    let ending = made["api_key"].as_str().unwrap().to_owned();
    server.terminate();
    settle(at);
    spoil(&at.join("keyward.db"), "clock", "UPDATE clock SET newest = -1").unwrap();
    let (mut server, admin) = serve(at);
    let opens = |server: &Server| [&endless, &ending].map(|key| server.client(key).get("/me").status);
    assert_eq!(opens(&server), [200, 503]);
    let (told, (found, well)) = (probe(admin, "/readyz"), doctor(at));
    assert!(!well);
    for (where_, said) in [("/readyz", &told), ("doctor", &found), ("the log", &server.stderr())] {
        let named = said.contains("recorded cannot be read") && said.contains("keyward clock accept");
        assert!(named, "{where_} does not say it: {said}");
    }
    assert!(probe(admin, "/metrics").contains("keyward_database_rows_left_out 1\n"));
    // Endings go on.
    assert_eq!(order(at, &["user", "disable", "editor@acme.example"])["disabled"], true);
    server.terminate();
    settle(at);
    let (mut server, _) = serve(at);
    assert_eq!(opens(&server), [200, 503], "a restart makes no clock right");
    assert_eq!(order(at, &["clock", "accept"])["record_unreadable"], true);
    assert_eq!(opens(&server), [200, 200]);
    server.terminate();
    settle(at);
    let (server, admin) = serve(at);
    assert_eq!((opens(&server), probe(admin, "/readyz")), ([200, 200], "ok\n".to_owned()));
    assert!(doctor(at).1);
}

#[test]
fn a_grant_that_was_left_out_at_the_start_is_ended_by_its_own_tokens() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let mut server = Server::demo(Some(at));
    let client = order(at, &["client", "create", "App", "--redirect-uri", CALLBACK]);
    let client = client["client_id"].as_str().unwrap().to_owned();
    let tokens = ["admin@acme.example", "editor@acme.example"].map(|email| {
        let users = server.line["users"].as_array().unwrap();
        let user = users.iter().find(|user| user["email"] == email).unwrap();
        let password = user["password"].as_str().unwrap();
        let code = Person::at(&server).consents(&client, email, password, "offline_access deals:read");
        redeemed(&server, &client, "", &code)["refresh_token"].as_str().unwrap().to_owned()
    });
    server.terminate();
    settle(at);
    let database = at.join("keyward.db");
    let spoilt = "UPDATE oauth_grants SET scopes = 'deals:shred' WHERE id = 1; UPDATE oauth_grants SET number = 'none' WHERE id = 2";
    spoil(&database, "oauth_grants", spoilt).unwrap();
    let live = || {
        number(&database, "SELECT count(*) FROM oauth_grants WHERE typeof(ended_at) <> 'integer'").unwrap()
    };
    assert_eq!(live(), 2);
    let server = Server::serve(at);
    let revoked = [("client_id", client.as_str()), ("token", &tokens[0])];
    assert_eq!(send(&mut Client::to(server.address), "/oauth/revoke", &revoked).status, 200);
    assert_eq!(live(), 1);
    let refused = refreshed(&server, &client, "", &tokens[1]);
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_grant")));
    assert_eq!(live(), 0, "what cannot say its number counts as replaced");
}
