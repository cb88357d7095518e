//! A database that is locked or full: 503, reads go on, and nothing that was acknowledged is lost.

use crate::support::{Client, Server, clean, run, settle, unlimited};
use keyward_sqlite::faults::{WriteLock, integrity};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

#[test]
fn a_locked_database_gives_503_for_writes_and_200_for_reads() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let mut client = server.client(&server.admin());
    let database = home.path().join("keyward.db");
    let deal = json!({ "title": "While it is locked" });

    let lock = WriteLock::take(&database).unwrap();
    let refused = client.post("/deals", &deal);
    refused.is_unavailable();
    let said = refused.json().to_string();
    assert!(!said.contains("lock") && !said.contains("keyward.db"), "nothing of the driver is told: {said}");
    client.post("/api-keys", &json!({ "label": "While it is locked" })).is_unavailable();
    assert_eq!(client.get("/deals?limit=1").json()["pagination"]["total"], 600);
    assert_eq!(client.get("/me").status, 200);
    assert_eq!(client.get("/health").status, 200);
    drop(lock);

    let made = client.post("/deals", &deal).data(201);
    assert_eq!(client.get(&format!("/deals/{}", made["id"])).status, 200);
    assert_eq!(
        client.get("/deals?limit=1").json()["pagination"]["total"],
        601,
        "the refused one was not made"
    );
    assert_eq!(client.get("/api-keys").json()["pagination"]["total"], 2, "nor the refused key");
    let log = server.stderr();
    assert!(log.contains("store_unavailable") && log.contains("database is locked"), "{log}");
    server.terminate();
    assert_eq!(integrity(&database).unwrap(), "ok");
}

#[test]
fn a_write_that_a_locked_database_refused_is_done_by_its_retry() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::demo(Some(home.path()));
    let mut client = server.client(&server.admin());
    let mut ask = || {
        let headers = [
            ("Idempotency-Key", "550e8400-e29b-41d4-a716-446655440000"),
            ("Content-Type", "application/json"),
        ];
        client.call("POST", "/deals", &headers, b"{\"title\":\"when it can be\"}").unwrap()
    };
    let lock = WriteLock::take(&home.path().join("keyward.db")).unwrap();
    ask().is_unavailable();
    drop(lock);
    let made = ask();
    assert_eq!((made.status, made.header("idempotency-replayed")), (201, None));
    let again = ask();
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(again.body, made.body);
    assert_eq!(client.get("/deals?limit=1").json()["pagination"]["total"], 601);
}

/// A demo whose files may grow to that many bytes and no further.
fn limited(data: &Path, bytes: u64) -> Server {
    // A write beyond the limit fails, as on a full disk, instead of ending the process by SIGXFSZ.
    let script = format!("trap '' XFSZ; ulimit -S -f {}; exec \"$0\" \"$@\"", bytes / 512);
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_keyward")]).args(Server::demo_arguments(Some(data)));
    clean(&mut command);
    command.env("KEYWARD_LOG_LEVEL", "error");
    Server::demo_by(unlimited(command))
}

/// Writes until the server cannot any more, three times in a row; what it acknowledged.
fn fill(client: &mut Client) -> Vec<(Value, String)> {
    let (mut made, mut refused) = (Vec::new(), 0);
    for number in 0..5_000 {
        let title = format!("Deal {number}");
        // Small ones last: they find room where a large one did not.
        let words = if refused == 0 { 1_900 } else { 1 };
        let answer = client.post("/deals", &json!({ "title": title, "description": "word ".repeat(words) }));
        if answer.status == 201 {
            made.push((answer.data(201)["id"].clone(), title));
        } else {
            answer.is_unavailable();
            refused += 1;
        }
        if refused == 3 {
            assert!(made.len() > 3, "something was acknowledged before: {}", made.len());
            return made;
        }
    }
    panic!("it never got full");
}

fn check(client: &mut Client, made: &[(Value, String)]) {
    for (id, title) in made {
        assert_eq!(client.get(&format!("/deals/{id}")).data(200)["title"], **title);
    }
    assert_eq!(client.get("/deals?limit=1").json()["pagination"]["total"], 600 + made.len());
}

/// `room` is what the largest file, database or log, may take beyond the database's size at the start.
fn a_full_disk(room: u64) {
    let home = tempfile::tempdir().unwrap();
    Server::demo(Some(home.path())).terminate();
    settle(home.path());
    let database = home.path().join("keyward.db");
    let size = std::fs::metadata(&database).unwrap().len();
    let mut server = limited(home.path(), size + room);
    let mut client = server.client(&server.admin());
    let mut made = fill(&mut client);
    check(&mut client, &made);

    // With room again, writing goes on without a restart.
    let raised = run(Command::new("prlimit").args(["--fsize=unlimited", "--pid", &server.id().to_string()]));
    assert!(raised.status.success(), "{raised:?}");
    let again = client.post("/deals", &json!({ "title": "With room again" })).data(201);
    made.push((again["id"].clone(), "With room again".to_owned()));
    check(&mut client, &made);

    server.kill();
    let mut server = Server::demo(Some(home.path()));
    check(&mut server.client(&server.admin()), &made);
    server.terminate();
    assert_eq!(integrity(&database).unwrap(), "ok");
}

#[test]
fn a_disk_that_is_full_for_the_log_gives_503_and_loses_nothing() {
    a_full_disk(512 * 1024);
}

#[test]
fn a_disk_that_is_full_for_the_database_too_gives_503_and_loses_nothing() {
    // Beyond 1000 pages the log is moved into the database, again and again, until that has no room either.
    a_full_disk(5 * 1024 * 1024);
}

#[test]
fn a_server_that_stops_while_the_disk_is_full_loses_nothing() {
    let home = tempfile::tempdir().unwrap();
    Server::demo(Some(home.path())).terminate();
    settle(home.path());
    let size = std::fs::metadata(home.path().join("keyward.db")).unwrap().len();
    let mut server = limited(home.path(), size + 256 * 1024);
    let made = fill(&mut server.client(&server.admin()));
    server.terminate();
    let mut server = Server::demo(Some(home.path()));
    check(&mut server.client(&server.admin()), &made);
    server.terminate();
    assert_eq!(integrity(&home.path().join("keyward.db")).unwrap(), "ok");
}
