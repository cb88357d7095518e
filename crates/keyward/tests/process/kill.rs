//! `kill -9` under load, again and again: what was acknowledged is there, whole.

use crate::support::{Client, Server, keyward, text};
use keyward_sqlite::faults::{integrity, number};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

const ROUNDS: u64 = 50;
const CLIENTS: usize = 4;
/// The deals that the demo brings along.
const SAMPLES: usize = 600;

/// What clients know.
#[derive(Default)]
struct Ledger {
    sent: BTreeSet<String>,
    acknowledged: BTreeMap<i64, String>,
}

impl Ledger {
    fn take_over(&mut self, other: Self) {
        self.sent.extend(other.sent);
        for (id, title) in other.acknowledged {
            let before = self.acknowledged.insert(id, title);
            assert!(before.is_none(), "the id {id} was given out twice");
        }
    }
}

/// What the clients of one round share.
#[derive(Default)]
struct Round {
    stop: AtomicBool,
    /// Something was acknowledged.
    begun: AtomicBool,
}

impl Round {
    /// However busy the machine is: without a write that was acknowledged, a kill shows nothing.
    fn has_begun(&self, clients: &[JoinHandle<Ledger>]) {
        while !self.begun.load(Ordering::Relaxed) {
            assert!(clients.iter().any(|client| !client.is_finished()), "every client has given up");
            sleep(Duration::from_millis(1));
        }
    }
}

/// Writes one deal after another until the server is gone.
fn write_on(mut client: Client, name: String, round: &Round) -> Ledger {
    let mut ledger = Ledger::default();
    for number in 0.. {
        if round.stop.load(Ordering::Relaxed) {
            break;
        }
        let title = format!("{name}-{number}");
        ledger.sent.insert(title.clone());
        let Ok(answer) = client.try_post("/deals", &json!({ "title": title })) else { break };
        ledger.acknowledged.insert(answer.data(201)["id"].as_i64().unwrap(), title);
        round.begun.store(true, Ordering::Relaxed);
    }
    ledger
}

/// Every deal that the list shows, by cursor.
fn listed(client: &mut Client) -> BTreeMap<i64, String> {
    let mut found = BTreeMap::new();
    let mut next = "/deals?limit=200".to_owned();
    for _ in 0..10_000 {
        let answer = client.get(&next);
        assert_eq!(answer.status, 200);
        let page = answer.json();
        for deal in page["data"].as_array().unwrap() {
            let twice =
                found.insert(deal["id"].as_i64().unwrap(), deal["title"].as_str().unwrap().to_owned());
            assert!(twice.is_none(), "{deal} is on two pages");
        }
        match page["pagination"]["next_cursor"].as_str() {
            Some(cursor) => next = format!("/deals?limit=200&cursor={cursor}"),
            None => {
                assert_eq!(page["pagination"]["total"], found.len());
                return found;
            }
        }
    }
    panic!("the list does not end");
}

/// Everything acknowledged is there, and nothing that was never sent, and nothing twice.
fn check_all(client: &mut Client, ledger: &Ledger) -> usize {
    let found = listed(client);
    for (id, title) in &ledger.acknowledged {
        assert_eq!(found.get(id), Some(title), "an acknowledged deal is lost or changed");
    }
    let ours: Vec<&String> = found.values().filter(|title| title.starts_with("kill-")).collect();
    assert_eq!(found.len(), SAMPLES + ours.len());
    let once: BTreeSet<&String> = ours.iter().copied().collect();
    assert_eq!(once.len(), ours.len(), "a deal was made twice");
    assert!(once.iter().all(|title| ledger.sent.contains(*title)), "a deal comes from nowhere");
    ours.len()
}

/// The newest ones, which had the least time to get to the disk.
fn check_newest(client: &mut Client, ledger: &Ledger) {
    for (id, title) in ledger.acknowledged.iter().rev().take(3 * CLIENTS) {
        assert_eq!(client.get(&format!("/deals/{id}")).data(200)["title"], **title);
    }
}

fn load(server: &Server, name: u64, round: &Arc<Round>) -> Vec<JoinHandle<Ledger>> {
    let key = server.admin();
    (0..CLIENTS)
        .map(|number| {
            let (client, round) = (server.client(&key), Arc::clone(round));
            thread::spawn(move || write_on(client, format!("kill-{name}-{number}"), &round))
        })
        .collect()
}

/// Makes a key and revokes it, both acknowledged; the key.
fn revoked_key(server: &Server) -> String {
    let mut client = server.client(&server.admin());
    let made = client.post("/api-keys", &json!({ "label": "to be revoked" })).data(201);
    let revoked = client.call("DELETE", &format!("/api-keys/{}", made["id"]), &[], b"").unwrap();
    assert_eq!(revoked.data(200)["deleted"], Value::Bool(true));
    made["api_key"].as_str().unwrap().to_owned()
}

/// Kills a start before it is ready: migrations, recovery of the log and loading are hit too.
fn killed_start(data: &Path, round: u64) {
    let mut server = Server::spawn(keyward(&Server::demo_arguments(Some(data))));
    sleep(Duration::from_millis(round % 7 * 5));
    server.kill();
}

#[test]
fn fifty_kills_under_load_lose_no_acknowledged_write() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let mut ledger = Ledger::default();
    for round in 0..ROUNDS {
        let shared = Arc::new(Round::default());
        let clients = load(&server, round, &shared);
        shared.has_begun(&clients);
        sleep(Duration::from_millis(30 + round * 37 % 150));
        // Every other time the last thing before the end is an acknowledged revocation.
        let revoked = (round % 2 == 0).then(|| revoked_key(&server));
        server.kill();
        shared.stop.store(true, Ordering::Relaxed);
        let before = ledger.acknowledged.len();
        for client in clients {
            ledger.take_over(client.join().unwrap());
        }
        assert!(ledger.acknowledged.len() > before, "round {round} had no load");
        if round % 5 == 4 {
            killed_start(home.path(), round);
        }
        server = Server::demo(Some(home.path()));
        let mut client = server.client(&server.admin());
        check_newest(&mut client, &ledger);
        if let Some(key) = revoked {
            assert_eq!(server.client(&key).get("/me").status, 401, "a revoked key lives again");
        }
        if round % 10 == 9 {
            check_all(&mut client, &ledger);
        }
    }
    let unanswered = ledger.sent.len() - ledger.acknowledged.len();
    assert!(unanswered >= 50, "the kills hit nothing under way: {unanswered}");
    let ours = check_all(&mut server.client(&server.admin()), &ledger);
    println!("{} acknowledged, {unanswered} unanswered, {ours} made", ledger.acknowledged.len());
    server.terminate();

    let database = home.path().join("keyward.db");
    assert_eq!(integrity(&database).unwrap(), "ok", "{}", text(&database));
    let audited = number(&database, "SELECT count(*) FROM audit WHERE action = 'deal.create'").unwrap();
    assert_eq!(usize::try_from(audited).unwrap(), ours, "each deal and its audit row come together");
    let gaps = number(
        &database,
        "SELECT count(*) FROM (SELECT 1 FROM audit WHERE account_id IS NOT NULL
         GROUP BY account_id HAVING max(account_seq) <> count(*) OR min(account_seq) <> 1)",
    );
    assert_eq!(gaps.unwrap(), 0, "the audit rows of an account are numbered without gaps");
}
