//! A disk that is full at the start, and one that is slow at the stop.
//!
//! | the disk | test |
//! |---|---|
//! | has no room when the server starts | `a_start_on_a_full_disk_serves_reads_and_revocations_hold_until_there_is_room` |
//! | has no inode when the server starts | `a_start_without_a_free_inode_is_refused_with_the_name_of_the_file_system` |
//! | never ends a write | `a_stop_ends_in_its_time_however_slow_the_disk_is` |

use crate::operate::init;
use crate::support::{Client, Server, clean, keyward, needs, run, text, unlimited};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Whether this test may mount file systems of its own.
fn may_mount() -> bool {
    let mounted = Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    let may = mounted.is_ok_and(|output| output.status.success());
    if !may {
        println!("left out: a full disk needs the right to mount a file system");
    }
    may
}

/// An installation on a small file system that is full.
struct FullDisk {
    home: TempDir,
}

impl FullDisk {
    /// `options` of its tmpfs; `fill`: a shell line that takes all that is left.
    fn serve(options: &str, fill: &str) -> (Self, Command) {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("disk")).unwrap();
        let script = format!(
            "set -e; mount -t tmpfs -o {options},mode=700 none \"$2/disk\"
             \"$1\" init --data \"$2/disk/data\" --account acme --email a@b.example --json > \"$2/init\"
             \"$1\" key create --data \"$2/disk/data\" --account acme --user a@b.example --label two --permission full_access --json > \"$2/key\"
             cd \"$2/disk\"; ({fill}) 2> /dev/null || true; cd /
             exec \"$1\" serve --listen 127.0.0.1:0 --data \"$2/disk/data\""
        );
        let mut command = Command::new("unshare");
        let program = env!("CARGO_BIN_EXE_keyward");
        command.args(["-m", "sh", "-c", &script, "sh", program, text(home.path())]);
        clean(&mut command);
        (Self { home }, command)
    }

    fn disk(&self) -> PathBuf {
        self.home.path().join("disk")
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.home.path().join(name)).unwrap()).unwrap()
    }

    /// Both keys.
    fn keys(&self) -> (String, String) {
        let key = |value: &Value| value.as_str().unwrap().to_owned();
        (key(&self.json("init")["api_key"]["api_key"]), key(&self.json("key")["api_key"]))
    }
}

/// Takes all the room there is.
const FILL: &str = "cat /dev/zero > fill";

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// What a probe answers.
fn probe(probes: SocketAddr, path: &str) -> (u16, String) {
    let answer = Client::to(probes).send("GET", path, &[], b"").unwrap();
    (answer.status, String::from_utf8(answer.body).unwrap())
}

/// Waits until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let so = (0..1_500).any(|_| {
        is_so() || {
            sleep(Duration::from_millis(20));
            false
        }
    });
    assert!(so, "{what}");
}

#[test]
fn a_start_on_a_full_disk_serves_reads_and_revocations_hold_until_there_is_room() {
    needs(may_mount(), "mount a file system");
    let (disk, mut command) = FullDisk::serve("size=4m", FILL);
    let probes = free_address();
    command.env("KEYWARD_SERVER_ADMIN_LISTEN", probes.to_string());
    let mut server = Server::serve_by(unlimited(command));
    let (first, second) = disk.keys();
    let (mut admin, mut other) = (server.client(&first), server.client(&second));
    assert_eq!(admin.get("/me").status, 200);
    assert_eq!(admin.get("/deals").status, 200);
    let deal = json!({ "title": "When there is room" });
    admin.post("/deals", &deal).is_unavailable();
    let (status, said) = probe(probes, "/readyz");
    assert_eq!((status, said.contains("full")), (503, true), "{said}");
    let log = server.stderr();
    let named = format!("\"file_system\":\"{}\"", disk.disk().display());
    assert!(log.contains("the file system is full") && log.contains(&named), "{log}");

    assert_eq!(other.get("/me").status, 200);
    let id = disk.json("key")["id"].to_string();
    let held = admin.call("DELETE", &format!("/api-keys/{id}"), &[], b"").unwrap();
    held.is_unavailable();
    assert_eq!(other.get("/me").status, 401, "it holds at once");

    // The server's own view of the file system.
    let fill = Path::new("/proc").join(server.id().to_string()).join("root");
    std::fs::remove_file(fill.join(disk.disk().strip_prefix("/").unwrap()).join("fill")).unwrap();
    until("it is ready when there is room", || probe(probes, "/readyz").0 == 200);
    let made = admin.post("/deals", &deal).data(201);
    assert_eq!(admin.get(&format!("/deals/{}", made["id"])).status, 200, "what is written is read");
    assert_eq!(
        admin.call("DELETE", &format!("/api-keys/{id}"), &[], b"").unwrap().status,
        200,
        "it is saved"
    );
    assert_eq!(other.get("/me").status, 401);
    server.terminate();
}

#[test]
fn a_start_without_a_free_inode_is_refused_with_the_name_of_the_file_system() {
    needs(may_mount(), "mount a file system");
    let fill = "n=0; while : > \"inode$n\"; do n=$((n + 1)); done";
    let (disk, mut command) = FullDisk::serve("size=64m,nr_inodes=40", fill);
    let output = run(&mut command);
    let said = String::from_utf8(output.stderr).unwrap();
    let named = format!("the file system at {} is full", disk.disk().display());
    assert!(said.contains(&named), "{said}");
    assert_ne!(output.status.code(), Some(0));
}

#[expect(clippy::disallowed_methods, reason = "a test measures its own patience")]
#[test]
fn a_stop_ends_in_its_time_however_slow_the_disk_is() {
    let home = tempfile::tempdir().unwrap();
    let made = run(&mut init(&home.path().join("data"), &["--json"]));
    let line: Value = serde_json::from_slice(&made.stdout).unwrap();
    let (slow, probes) = (home.path().join("slow"), free_address());
    let data = home.path().join("data");
    let mut command = keyward(&["serve", "--listen", "127.0.0.1:0", "--data", text(&data)]);
    command.env("KEYWARD_FAIL_AT", format!("slow:{}", slow.display()));
    command.env("KEYWARD_SERVER_ADMIN_LISTEN", probes.to_string());
    let mut server = Server::serve_by(unlimited(command));
    std::fs::write(&slow, "").unwrap();
    let mut client = server.client(line["api_key"]["api_key"].as_str().unwrap());
    let write = std::thread::spawn(move || client.try_post("/deals", &json!({ "title": "slow" })).map(drop));
    until("the write has begun", || {
        let metrics = probe(probes, "/metrics").1;
        metrics.contains("keyward_database_writes_waiting 1")
    });
    let told = Instant::now();
    server.signal("TERM");
    until("it ends", || server.has_ended());
    let (status, took) = (server.wait(), told.elapsed());
    assert!(took < Duration::from_secs(20), "{took:?}: the unit kills it then");
    assert_eq!(status.code(), Some(4), "not all was written: {}", server.stderr());
    assert!(server.stderr().contains("the disk is too slow"), "{}", server.stderr());
    assert!(write.join().unwrap().is_err(), "nobody was answered that it was written");

    std::fs::remove_file(&slow).unwrap();
    let mut next = Server::serve(&data);
    assert_eq!(next.client(line["api_key"]["api_key"].as_str().unwrap()).get("/me").status, 200);
    next.terminate();
}
