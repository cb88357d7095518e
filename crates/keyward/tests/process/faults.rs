//! A database that is locked or full: 503, reads go on, and nothing that was acknowledged is lost.

use crate::support::{Client, Server, clean, keyward, refused, run, settle, text, unlimited};
use keyward_sqlite::faults::{WriteLock, integrity};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

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
fn limited(data: &Path, admin: Option<SocketAddr>, bytes: u64) -> Server {
    // A write beyond the limit fails, as on a full disk, instead of ending the process by SIGXFSZ.
    let blocks = if bytes == u64::MAX { "unlimited".to_owned() } else { (bytes / 512).to_string() };
    let script = format!("trap '' XFSZ; ulimit -S -f {blocks}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_keyward")]).args(Server::demo_arguments(Some(data)));
    clean(&mut command);
    command.env("KEYWARD_LOG_LEVEL", "error");
    command.envs(admin.map(|admin| ("KEYWARD_SERVER_ADMIN_LISTEN", admin.to_string())));
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
    let mut server = limited(home.path(), None, size + room);
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

/// Sets how large the files of a server may get.
fn files_of(server: &Server, most: &str) {
    let limit = format!("--fsize={most}:unlimited");
    let set = run(Command::new("prlimit").args([&limit, "--pid", &server.id().to_string()]));
    assert!(set.status.success(), "{set:?}");
}

#[test]
fn a_revocation_on_a_full_disk_holds_at_once_and_is_written_once_there_is_room() {
    let home = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut server = limited(home.path(), Some(free), u64::MAX);
    let ready = || {
        let answer = Client::to(free).send("GET", "/readyz", &[], b"").unwrap();
        (answer.status, String::from_utf8(answer.body).unwrap())
    };
    let mut client = server.client(&server.admin());
    let mut made = |label: &str| {
        client.post("/api-keys", &json!({ "label": label, "permission": "read_only" })).data(201)
    };
    let (by_api, by_itself, by_operator) = (made("by API"), made("by itself"), made("by the operator"));
    let status = |key: &Value| server.client(key["api_key"].as_str().unwrap()).get("/me").status;
    assert_eq!(ready(), (200, "ok\n".to_owned()));

    files_of(&server, "1");
    client.post("/deals", &json!({ "title": "There is no room" })).is_unavailable();
    assert_eq!(
        (client.get("/deals?limit=1").status, client.get("/api-keys").status, client.get("/me").status),
        (200, 200, 200)
    );
    let (not_ready, why) = ready();
    assert_eq!(
        (not_ready, why.starts_with("the database cannot be written: its disk is full")),
        (503, true),
        "{why}"
    );
    let path = format!("/api-keys/{}", by_api["id"]);
    for _ in 0..2 {
        let held = client.call("DELETE", &path, &[], b"").unwrap();
        held.is_unavailable();
        let said = held.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(said.contains("active on this server but not yet saved"), "{said}");
        assert_eq!(status(&by_api), 401, "it holds at once");
    }
    let mut own = server.client(by_itself["api_key"].as_str().unwrap());
    own.call("DELETE", &format!("/api-keys/{}", by_itself["id"]), &[], b"").unwrap().is_unavailable();
    assert_eq!(status(&by_itself), 401);
    let line = refused(&mut keyward(&[
        "key",
        "revoke",
        &by_operator["id"].to_string(),
        "--data",
        text(home.path()),
    ]));
    assert!(line.contains("holds there until a restart"), "{line}");
    assert_eq!(status(&by_operator), 401);

    // It recovers on its own: nobody has to write.
    files_of(&server, "unlimited");
    for _ in 0..200 {
        if ready().0 == 200 {
            break;
        }
        sleep(Duration::from_millis(100));
    }
    assert_eq!(ready(), (200, "ok\n".to_owned()));
    let again = client.call("DELETE", &path, &[], b"").unwrap();
    assert_eq!(again.data(200), json!({ "deleted": true }), "now it is acknowledged");
    assert_eq!(client.get("/api-keys").json()["pagination"]["total"], 2, "the others are as before");
    server.kill();
    let server = Server::demo(Some(home.path()));
    for key in [&by_api, &by_itself, &by_operator] {
        assert_eq!(
            server.client(key["api_key"].as_str().unwrap()).get("/me").status,
            401,
            "also after a crash"
        );
    }
}

#[test]
fn a_server_that_stops_while_the_disk_is_full_loses_nothing() {
    let home = tempfile::tempdir().unwrap();
    Server::demo(Some(home.path())).terminate();
    settle(home.path());
    let size = std::fs::metadata(home.path().join("keyward.db")).unwrap().len();
    let mut server = limited(home.path(), None, size + 256 * 1024);
    let made = fill(&mut server.client(&server.admin()));
    server.terminate();
    let mut server = Server::demo(Some(home.path()));
    check(&mut server.client(&server.admin()), &made);
    server.terminate();
    assert_eq!(integrity(&home.path().join("keyward.db")).unwrap(), "ok");
}
