//! The data directory, the database or the socket is taken away under a running server: the server notices it, and no order reports
//! what holds nowhere.
//!
//! | what was done under the server | test |
//! |---|---|
//! | the directory was moved away, and a copy put there | `a_directory_that_was_moved_away_is_noticed_and_an_order_at_its_place_fails` |
//! | it was moved back | `a_directory_that_is_back_is_served_again` |
//! | another directory lies there, by a link or a mount | `a_link_that_leads_elsewhere_is_noticed_and_an_order_by_it_fails` |
//! | another file was put in the place of the database | `a_database_that_was_replaced_takes_no_write_and_a_revocation_says_that_it_is_not_saved` |
//! | a copy was written over it | `a_database_that_was_rolled_back_in_place_is_neither_written_nor_read` |
//! | the socket was removed, or another server's put there | `a_socket_that_was_removed_is_noticed_and_an_order_fails`, `an_order_is_for_the_server_of_its_database_and_no_other` |
//! | the database was removed | `a_database_that_was_removed_is_noticed_and_no_copy_of_it_is_made` |
//! | a copy is restored, or a database made, beside it | `nothing_is_restored_or_begun_where_a_server_still_runs` |

use crate::operate::init;
use crate::orders::{order, refusal};
use crate::support::{Client, Server, keyward, run, text, unlimited};
use serde_json::json;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

/// A server whose files are about to go, and a key.
struct Victim {
    home: TempDir,
    server: Server,
    probes: SocketAddr,
    key: String,
}

impl Victim {
    /// It serves from the folder `data`, by this path.
    fn by(path: impl FnOnce(&Path) -> PathBuf) -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        let made = run(&mut init(&data, &["--json"]));
        assert!(made.status.success(), "{made:?}");
        let line: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
        let key = line["api_key"]["api_key"].as_str().unwrap().to_owned();
        let probes = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let at = path(&data);
        let mut serve = keyward(&["serve", "--listen", "127.0.0.1:0", "--data", text(&at)]);
        serve.env("KEYWARD_SERVER_ADMIN_LISTEN", probes.to_string());
        let server = Server::serve_by(unlimited(serve));
        let victim = Self { home, server, probes, key };
        assert_eq!(victim.ready(), (200, "ok\n".to_owned()));
        victim
    }

    fn new() -> Self {
        Self::by(Path::to_owned)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn ready(&self) -> (u16, String) {
        let answer = Client::to(self.probes).send("GET", "/readyz", &[], b"").unwrap();
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    /// Waits until the server says so.
    fn says(&self, words: &str) {
        for _ in 0..1_000 {
            let (status, said) = self.ready();
            if said.contains(words) {
                assert_eq!(status == 200, words == "ok\n", "{said}");
                return;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("it does not say {words:?}: {:?}", self.ready());
    }

    fn reads(&self) -> u16 {
        self.server.client(&self.key).get("/me").status
    }

    fn writes(&self) -> u16 {
        self.server.client(&self.key).post("/deals", &json!({ "title": "nowhere" })).status
    }

    /// Nothing is written, and what is read goes on: rights are in memory, and none is newer anywhere.
    fn takes_no_write(&self) {
        assert_eq!((self.reads(), self.writes()), (200, 503));
        let metrics = Client::to(self.probes).send("GET", "/metrics", &[], b"").unwrap();
        assert!(String::from_utf8(metrics.body).unwrap().contains("keyward_database_writes_fail 1\n"));
        assert!(
            self.server.stderr().contains("the database is not where it was opened"),
            "{}",
            self.server.stderr()
        );
    }

    fn revoking(&self, data: &str) -> String {
        refusal(&self.at(data), &["key", "revoke", "1"])
    }
}

fn copy_all(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_directory_that_was_moved_away_is_noticed_and_an_order_at_its_place_fails() {
    let mut victim = Victim::new();
    fs::rename(victim.at("data"), victim.at("moved")).unwrap();
    victim.says("it was moved or removed");
    copy_all(&victim.at("moved"), &victim.at("data"));
    victim.says("another file is in its place");
    victim.takes_no_write();
    let said = victim.revoking("data");
    assert!(
        said.contains(&format!("process {}", victim.server.id())) && said.contains("stop it first"),
        "{said}"
    );
    assert_eq!(victim.reads(), 200, "and the order has not said that the key is dead");
    let said = victim.revoking("moved");
    assert!(
        said.contains("it could not be written") && said.contains("another file is in its place"),
        "{said}"
    );
    assert_eq!(victim.reads(), 401, "there the order reaches the server, and holds until it stops");
    victim.server.terminate();
    order(&victim.at("data"), &["key", "revoke", "1"]);
    let server = Server::serve(&victim.at("data"));
    assert_eq!(server.client(&victim.key).get("/me").status, 401);
}

#[test]
fn a_directory_that_is_back_is_served_again() {
    let victim = Victim::new();
    fs::rename(victim.at("data"), victim.at("moved")).unwrap();
    victim.says("it was moved or removed");
    victim.takes_no_write();
    assert!(victim.revoking("moved").contains("it was moved or removed"));
    fs::rename(victim.at("moved"), victim.at("data")).unwrap();
    victim.says("ok\n");
    assert_eq!(victim.reads(), 401, "the key that was revoked meanwhile");
    assert_eq!(order(&victim.at("data"), &["key", "revoke", "1"])["was_live"], false, "and it is saved");
}

#[test]
fn a_link_that_leads_elsewhere_is_noticed_and_an_order_by_it_fails() {
    let link = |data: &Path| {
        let link = data.with_file_name("link");
        symlink("data", &link).unwrap();
        link
    };
    let victim = Victim::by(link);
    order(&victim.at("link"), &["backup", text(&victim.at("copy.db"))]);
    copy_all(&victim.at("data"), &victim.at("other"));
    fs::copy(victim.at("copy.db"), victim.at("other/keyward.db")).unwrap();
    fs::remove_file(victim.at("link")).unwrap();
    symlink("other", victim.at("link")).unwrap();
    victim.says("another file is in its place");
    victim.takes_no_write();
    for by in ["link", "data"] {
        let said = victim.revoking(by);
        assert!(said.contains("stop it first") || said.contains("it could not be written"), "{by}: {said}");
    }
}

#[test]
fn a_database_that_was_replaced_takes_no_write_and_a_revocation_says_that_it_is_not_saved() {
    let victim = Victim::new();
    let data = victim.at("data");
    order(&data, &["backup", text(&victim.at("copy.db"))]);
    fs::rename(victim.at("copy.db"), data.join("keyward.db")).unwrap();
    victim.says("another file is in its place");
    victim.takes_no_write();
    let said = victim.revoking("data");
    assert!(
        said.contains("it could not be written") && said.contains("another file is in its place"),
        "{said}"
    );
    assert_eq!(victim.reads(), 401, "the server that serves has it");
}

#[test]
fn a_database_that_was_rolled_back_in_place_is_neither_written_nor_read() {
    let victim = Victim::new();
    let data = victim.at("data");
    order(&data, &["backup", text(&victim.at("copy.db"))]);
    // The same file, with other content.
    fs::write(data.join("keyward.db"), fs::read(victim.at("copy.db")).unwrap()).unwrap();
    victim.says("its content was replaced under the server");
    let deals = victim.server.client(&victim.key).get("/deals?limit=1").status;
    assert_eq!((deals, victim.writes()), (503, 503), "pages of two databases are read by nobody");
    let said = victim.revoking("data");
    assert!(said.contains("unavailable") && said.contains("its content was replaced"), "{said}");
}

#[test]
fn a_database_that_was_removed_is_noticed_and_no_copy_of_it_is_made() {
    let victim = Victim::new();
    fs::remove_file(victim.at("data/keyward.db")).unwrap();
    victim.says("it was moved or removed");
    victim.takes_no_write();
    let copy = victim.at("copy.db");
    let said = refusal(&victim.at("data"), &["backup", text(&copy)]);
    assert!(said.contains("it was moved or removed") && !copy.exists(), "{said}");
}

#[test]
fn a_socket_that_was_removed_is_noticed_and_an_order_fails() {
    let mut victim = Victim::new();
    fs::remove_file(victim.at("data/keyward.db.sock")).unwrap();
    victim.says("its socket was removed or replaced");
    victim.takes_no_write();
    let said = victim.revoking("data");
    assert!(said.contains(&format!("process {}", victim.server.id())), "{said}");
    assert_eq!(victim.reads(), 200);
    victim.server.terminate();
    order(&victim.at("data"), &["key", "revoke", "1"]);
}

#[test]
fn an_order_is_for_the_server_of_its_database_and_no_other() {
    let (victim, other) = (Victim::new(), Victim::new());
    let socket = victim.at("data/keyward.db.sock");
    fs::remove_file(&socket).unwrap();
    fs::hard_link(other.at("data/keyward.db.sock"), &socket).unwrap();
    let said = victim.revoking("data");
    assert!(said.contains("the server that listens there serves another database"), "{said}");
    assert_eq!((victim.reads(), other.reads()), (200, 200), "neither has lost its key");
    victim.says("its socket was removed or replaced");
}

#[test]
fn nothing_is_restored_or_begun_where_a_server_still_runs() {
    let victim = Victim::new();
    let data = victim.at("data");
    order(&data, &["backup", text(&victim.at("copy.db"))]);
    fs::rename(&data, victim.at("moved")).unwrap();
    fs::create_dir(&data).unwrap();
    fs::copy(victim.at("moved/root-secret"), data.join("root-secret")).unwrap();
    fs::copy(victim.at("moved/keyward.db.revocations"), data.join("keyward.db.revocations")).unwrap();
    for command in
        [&["restore", text(&victim.at("copy.db"))][..], &["init", "--account", "a", "--email", "a@b.example"]]
    {
        let said = refusal(&data, command);
        assert!(said.contains(&format!("process {}", victim.server.id())), "{said}");
    }
    assert!(!data.join("keyward.db").exists());
    drop(victim.server);
    let said =
        run(&mut keyward(&["restore", text(&victim.home.path().join("copy.db")), "--data", text(&data)]));
    assert!(said.status.success(), "{said:?}");
}
