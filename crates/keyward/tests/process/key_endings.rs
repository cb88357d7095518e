//! Keys that end after a leak: by their text, or every key of somebody. The text stands nowhere afterwards.

use crate::orders::{order, refusal};
use crate::search::{Needles, key_like};
use crate::support::{Client, Server, keyward, refused, run, settle, text, unlimited};
use keyward_core::api_key::{KeyFormat, KeyRing, NewSecret};
use keyward_core::random::OsRandom;
use keyward_core::root_secret::RootSecret;
use keyward_sqlite::faults::{change_by_force, number};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const ACCOUNT: &str = "acme-capital";
const ME: &str = "/api/external/v2/me";
const DEALS: &str = "/api/external/v2/deals";

/// A new key of the demo's editor: its id and its text.
fn made(home: &Path) -> (Value, String) {
    let rights = ["--label", "leaked", "--permission", "full_access"];
    let whose = ["key", "create", "--account", ACCOUNT, "--user", "editor@acme.example"];
    let key = order(home, &[&whose[..], &rights].concat());
    (key["id"].clone(), key["api_key"].as_str().unwrap().to_owned())
}

/// `key revoke -`, where this stands on standard input.
fn by_standard_input(home: &Path, leak: &str) -> Command {
    let file = home.join("leak.txt");
    fs::write(&file, leak).unwrap();
    let mut command = keyward(&["key", "revoke", "-", "--json", "--data", text(home)]);
    command.stdin(File::open(&file).unwrap());
    fs::remove_file(&file).unwrap();
    command
}

fn revoked_by(command: &mut Command) -> Value {
    let output = run(command);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A demo that logs all that it does.
fn talkative(home: &Path) -> Server {
    let mut command = unlimited(keyward(&Server::demo_arguments(Some(home))));
    command.env("KEYWARD_LOG_LEVEL", "trace");
    Server::demo_by(command)
}

fn is_admitted(server: &Server, key: &str) -> bool {
    match server.client(key).get("/me").status {
        200 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

#[test]
fn a_leaked_key_is_ended_by_its_text_which_stands_nowhere_afterwards() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let mut server = talkative(at);
    let mut needles = Needles::new();
    let mut printed = Vec::new();
    for how in ["argument", "line", "text", "no server"] {
        let (id, leaked) = made(at);
        needles.add_key(how, &leaked);
        if how == "no server" {
            printed.extend(server.stderr().into_bytes());
            server.terminate();
            settle(at);
        } else {
            assert!(is_admitted(&server, &leaked));
        }
        let done = match how {
            "argument" => order(at, &["key", "revoke", &leaked]),
            "text" => {
                let around = format!("export A=1\r\ncurl -H 'Authorization: Bearer {leaked}' # lev_sk_…\r\n");
                revoked_by(&mut by_standard_input(at, &around))
            }
            _ => revoked_by(&mut by_standard_input(at, &format!("  {leaked}\n"))),
        };
        let told = json!({
            "id": id, "label": "leaked", "account": ACCOUNT, "user_email": "editor@acme.example",
            "secret": "current", "revoked": true, "was_live": true,
        });
        assert_eq!(done, told, "{how}");
        printed.extend(done.to_string().into_bytes());
        if how == "no server" {
            server = Server::demo(Some(at));
        }
        assert!(!is_admitted(&server, &leaked), "{how}");
        let again = revoked_by(&mut by_standard_input(at, &leaked));
        assert_eq!((&again["revoked"], &again["was_live"]), (&json!(true), &json!(false)), "{how}");
    }
    let rows = "SELECT count(*) FROM audit WHERE action = 'api_key.revoke'";
    assert_eq!(number(&at.join("keyward.db"), rows).unwrap(), 4, "one for each key");
    printed.extend(server.stderr().into_bytes());
    for file in fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()) {
        let secret = ["root-secret", "demo-credentials.json"].iter().any(|name| file.ends_with(name));
        if file.is_file() && !secret {
            printed.extend(fs::read(&file).unwrap());
        }
    }
    assert_eq!(needles.found_in(&printed), [""; 0]);
    assert_eq!(key_like(&printed), None);
}

#[test]
fn a_secret_that_was_replaced_ends_its_key_however_often_and_says_since_when_and_by_what() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let server = Server::demo(Some(at));
    for (rotations, grace) in [(1, "0"), (1, "3600"), (4, "0")] {
        let (id, leaked) = made(at);
        let mut secrets = vec![leaked.clone()];
        for _ in 0..rotations {
            let rotated = order(at, &["key", "rotate", &id.to_string(), "--grace-seconds", grace]);
            secrets.push(rotated["api_key"].as_str().unwrap().to_owned());
        }
        assert!(is_admitted(&server, secrets.last().unwrap()));
        let told = revoked_by(&mut by_standard_input(at, &leaked));
        let which = (&told["id"], &told["secret"], &told["revoked"], &told["was_live"]);
        assert_eq!(which, (&id, &json!("replaced"), &json!(true), &json!(true)), "{told}");
        assert_eq!(told["replaced_by"], json!({ "kind": "operator", "id": null }), "{told}");
        assert!(told["replaced_at"].as_str().unwrap().ends_with('Z'), "{told}");
        assert!(secrets.iter().all(|secret| !is_admitted(&server, secret)), "{rotations} {grace}");
        let again = revoked_by(&mut by_standard_input(at, &leaked));
        assert_eq!((&again["id"], &again["was_live"]), (&id, &json!(false)), "{again}");
    }
}

#[test]
fn a_thief_who_rotates_the_leaked_key_keeps_neither_it_nor_what_it_made() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let server = Server::demo(Some(at));
    let new_key = |by: &str, path: &str, body: Value| {
        let made = server.client(by).post(path, &body).json();
        made["data"]["api_key"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    };
    // So often that of the leaked secret nothing is left but how its key is found.
    for rotations in [1, 3] {
        let (id, leaked) = made(at);
        let mut thiefs = leaked.clone();
        for _ in 0..rotations {
            thiefs = new_key(&thiefs, &format!("/api-keys/{id}/rotate"), json!({}));
        }
        let child = new_key(&thiefs, "/api-keys", json!({ "label": "mine" }));
        assert!(is_admitted(&server, &thiefs) && is_admitted(&server, &child));
        let told = revoked_by(by_standard_input(at, &leaked).arg("--with-descendants"));
        assert_eq!((&told["id"], &told["secret"]), (&id, &json!("replaced")), "{told}");
        assert_eq!(told["replaced_by"], json!({ "kind": "api_key", "id": id }), "{told}");
        assert_eq!(told["descendants"]["keys"].as_array().unwrap().len(), 1, "{told}");
        for dead in [&leaked, &thiefs, &child] {
            assert!(!is_admitted(&server, dead), "{rotations}");
        }
    }
}

#[test]
fn a_key_that_has_not_moved_to_the_newest_root_secret_is_found_by_its_text() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let mut server = Server::demo(Some(at));
    let (moved, unmoved) = (made(at), made(at));
    order(at, &["secret", "rotate"]);
    assert!(is_admitted(&server, &moved.1), "so it moves");
    assert_eq!(order(at, &["key", "revoke", &moved.1])["id"], moved.0);
    server.terminate();
    settle(at);
    assert_eq!(order(at, &["key", "revoke", &unmoved.1])["id"], unmoved.0, "by the file, too");
    server = Server::demo(Some(at));
    assert!(!is_admitted(&server, &moved.1) && !is_admitted(&server, &unmoved.1));
}

#[test]
fn a_key_whose_rows_cannot_be_read_is_ended_by_its_text() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let mut server = Server::demo(Some(at));
    let (id, leaked) = made(at);
    server.terminate();
    settle(at);
    let database = at.join("keyward.db");
    change_by_force(&database, &format!("UPDATE api_keys SET allowed_ips = 'hidden' WHERE id = {id}"))
        .unwrap();
    let server = Server::demo(Some(at));
    let told = order(at, &["key", "revoke", &leaked]);
    assert_eq!(told, json!({ "id": id, "secret": "current", "revoked": true, "was_live": true }));
    assert!(!is_admitted(&server, &leaked));
    assert_eq!(
        number(&database, &format!("SELECT revoked_at > 0 FROM api_keys WHERE id = {id}")).unwrap(),
        1
    );
}

#[test]
fn what_is_no_whole_key_or_nobodys_is_refused_with_the_way_out() {
    let home = tempfile::tempdir().unwrap();
    let mut server = talkative(home.path());
    let (_, key) = made(home.path());
    let format = KeyFormat::new("lev_sk_").unwrap();
    let strange = format.generate(&OsRandom).unwrap().expose().to_owned();
    let mut typo = key.clone();
    typo.replace_range(30..31, if &key[30..31] == "x" { "y" } else { "x" });
    let table = [
        (strange.clone(), "no key here has or had this secret"),
        (typo.clone(), "copy the whole key"),
        (key[..40].to_owned(), "copy the whole key"),
        (format!("{key}\n{strange}"), "there are 2 keys; give one at a time"),
        ("something else".to_owned(), "there is no key, which begins with lev_sk_"),
        (String::new(), "there is no key"),
    ];
    for running in [true, false] {
        if !running {
            let logged = server.stderr();
            assert!(!logged.contains(&strange[8..20]) && !logged.contains(&key[8..20]));
            server.terminate();
            settle(home.path());
        }
        for (leak, way_out) in &table {
            let as_argument = refusal(home.path(), &["key", "revoke", leak]);
            for said in [refused(&mut by_standard_input(home.path(), leak)), as_argument] {
                assert!(said.contains(way_out), "{said}");
                for part in [&key[8..20], &key[33..], &strange[8..20]] {
                    assert!(!said.contains(part), "it repeats the text: {said}");
                }
            }
        }
        let two = refusal(home.path(), &["key", "revoke", "7", &key]);
        assert!(two.contains("name one key") && !two.contains(&key[8..]), "{two}");
    }
    let server = Server::demo(Some(home.path()));
    assert!(is_admitted(&server, &key), "nothing ended");
}

#[test]
fn every_key_of_a_user_of_an_account_or_of_all_ends_by_one_order() {
    for running in [true, false] {
        let home = tempfile::tempdir().unwrap();
        let at = home.path();
        let mut server = Server::demo(Some(at));
        let keys = server.line["api_keys"].as_array().unwrap().clone();
        let id = |user: &str, account: &str| -> Vec<Value> {
            let of = |key: &&Value| {
                (user.is_empty() || key["user_email"] == user)
                    && (account.is_empty() || key["account"] == account)
            };
            keys.iter().filter(of).map(|key| key["id"].clone()).collect()
        };
        if !running {
            server.terminate();
            settle(at);
        }
        let ended = |arguments: &[&str]| {
            let done = order(at, &[&["key", "revoke"], arguments].concat());
            let ids = done["revoked"].as_array().unwrap().clone();
            assert_eq!(done["count"], ids.len());
            ids
        };
        let both = "both@acme.example";
        assert_eq!(ended(&["--user", both, "--account", "harbor-lending"]), id(both, "harbor-lending"));
        assert_eq!(ended(&["--user", both]), id(both, ACCOUNT), "the rest of that user's");
        assert_eq!(ended(&["--user", both]), Vec::<Value>::new(), "again: nothing is left");
        let of_account: Vec<Value> =
            id("", ACCOUNT).into_iter().filter(|key| !id(both, "").contains(key)).collect();
        assert_eq!(ended(&["--account", "id:1"]), of_account);
        assert_eq!(ended(&["--all"]), id("admin@harbor.example", ""));
        for nobody in [["--user", "nobody@a"], ["--account", "nowhere"]] {
            assert!(refusal(at, &[&["key", "revoke"], &nobody[..]].concat()).contains("there is no"));
        }
        if !running {
            server = Server::demo(Some(at));
        }
        for key in &keys {
            assert!(!is_admitted(&server, key["api_key"].as_str().unwrap()), "{}", key["id"]);
        }
        let rows = "SELECT count(*) FROM audit WHERE action = 'api_key.revoke_all'";
        assert_eq!(
            number(&at.join("keyward.db"), rows).unwrap(),
            4,
            "one for each order that ended something"
        );
    }
}

const MANY: usize = 10_000;
const FIRST_ID: usize = 1_000;

/// 10,000 keys of the demo's admin, written into the file of a server that does not run.
fn many_keys(home: &Path) -> Vec<String> {
    let root = RootSecret::parse(&fs::read_to_string(home.join("root-secret")).unwrap()).unwrap();
    let ring = KeyRing::new(KeyFormat::new("lev_sk_").unwrap(), &root).unwrap();
    let keys: Vec<NewSecret> = (0..MANY).map(|_| ring.mint(&OsRandom).unwrap()).collect();
    let rows = keys.iter().zip(FIRST_ID..).map(|(key, id)| {
        let digest: String = key.digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "INSERT INTO api_keys (id, account_id, user_id, label, prefix, permission, created_at)
                 VALUES ({id}, 1, 1, 'one of many', '{}', 'full_access', 1);
             INSERT INTO api_key_secrets (digest, key_id, pepper_version, created_at)
                 VALUES (x'{digest}', {id}, {}, 1);",
            key.prefix, key.pepper_version
        )
    });
    let all = format!("BEGIN; {} COMMIT;", rows.collect::<String>());
    change_by_force(&home.join("keyward.db"), &all).unwrap();
    keys.into_iter().map(|key| key.secret.expose().to_owned()).collect()
}

/// What the threads that present keys know of the order.
#[derive(Default)]
struct Watch {
    accepted: AtomicUsize,
    /// A request was refused: then all that begin later are.
    refused: AtomicBool,
    /// The order has returned.
    returned: AtomicBool,
}

/// Sets it when it is dropped, so that the threads end also where a test fails.
struct Returned<'w>(&'w Watch);

impl Drop for Returned<'_> {
    fn drop(&mut self) {
        self.0.returned.store(true, Ordering::SeqCst);
    }
}

/// Presents these keys one after the other until each was presented once after the order had returned.
fn present(address: SocketAddr, keys: &[String], watch: &Watch) {
    let mut client = Client::to(address);
    let mut left = keys.len();
    for (number, key) in keys.iter().cycle().enumerate() {
        let returned = watch.returned.load(Ordering::SeqCst);
        let over = returned || watch.refused.load(Ordering::SeqCst);
        let bearer = format!("Bearer {key}");
        let usual = [("Authorization", bearer.as_str()), ("X-Origin-App", "leak")];
        let json = [("Content-Type", "application/json")];
        let answer = if number % 16 == 0 {
            client.send("POST", DEALS, &[&usual[..], &json].concat(), br#"{"title":"by a leaked key"}"#)
        } else {
            client.send("GET", ME, &usual, b"")
        };
        match answer.unwrap().status {
            200 | 201 => {
                assert!(!over, "key {number} is accepted after another was refused");
                watch.accepted.fetch_add(1, Ordering::SeqCst);
            }
            401 => watch.refused.store(true, Ordering::SeqCst),
            // A write that waited too long behind the order.
            other => assert!(other == 503 && !returned, "{other}"),
        }
        left -= usize::from(returned);
        if left == 0 {
            return;
        }
    }
}

#[test]
fn ten_thousand_keys_of_an_account_end_in_one_transaction_and_none_is_accepted_after_under_load() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let mut server = Server::demo(Some(at));
    let elsewhere = server.key("admin@harbor.example", "harbor-lending", "full_access");
    let own =
        server.line["api_keys"].as_array().unwrap().iter().filter(|key| key["account"] == ACCOUNT).count();
    server.terminate();
    settle(at);
    let keys = many_keys(at);
    let server = Server::serve(at);
    let watch = Watch::default();
    let (address, watched) = (server.address, &watch);
    let done = thread::scope(|threads| {
        let _at_last = Returned(watched);
        let parts = keys.chunks(MANY / 4);
        let presenting: Vec<_> =
            parts.map(|part| threads.spawn(move || present(address, part, watched))).collect();
        while watch.accepted.load(Ordering::SeqCst) < 400 {
            assert!(!presenting.iter().any(thread::ScopedJoinHandle::is_finished), "a key was not accepted");
            thread::sleep(Duration::from_millis(5));
        }
        order(at, &["key", "revoke", "--account", ACCOUNT])
    });
    assert_eq!(done["count"], MANY + own);
    assert!(is_admitted(&server, &elsewhere), "another account's lives on");
    let count = |sql: &str| number(&at.join("keyward.db"), sql).unwrap();
    let row = "FROM audit WHERE action = 'api_key.revoke_all'";
    assert_eq!(count(&format!("SELECT count(*) {row}")), 1);
    let ids = count(&format!("SELECT json_array_length(detail, '$.keys') {row}"));
    assert_eq!(usize::try_from(ids).unwrap(), MANY + own);
    assert_eq!(count("SELECT count(DISTINCT revoked_at) FROM api_keys WHERE account_id = 1"), 1);
    let late = format!("SELECT count(*) FROM audit WHERE action = 'deal.create' AND id > (SELECT id {row})");
    assert_eq!(count(&late), 0, "no write that was on its way");
    assert!(count("SELECT count(*) FROM audit WHERE action = 'deal.create'") > 0);
}
