//! A write with an `Idempotency-Key` happens once, whatever ends the program on the way; and the checker that says so
//! finds the faults of a wrong server. The long run is `cargo xtask soak once`.

#[path = "../rigs/once.rs"]
mod rig;

use crate::support::{Server, keyward, settle};
use keyward_core::random::Random;
use keyward_sqlite::faults::{WriteLock, number};
use keyward_testkit::SeededRandom;
use rig::{Client, PLACES, Rig, Verdict, Whereabouts, Write, crowd};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::mem;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::thread::{self, sleep};
use std::time::Duration;
use tokio::sync::watch;

const PATIENCE: Duration = Duration::from_secs(20);
/// Of the places those after which the write is done, though nobody was told.
const DONE: [&str; 2] = ["committed", "published"];

fn start(data: &Path, fail_at: Option<&str>) -> Server {
    let mut command = keyward(&Server::demo_arguments(Some(data)));
    for name in ["READS", "WRITES"] {
        command.env(format!("KEYWARD_LIMITS_TIERS_ENTERPRISE_{name}"), "unlimited");
    }
    Server::demo_by(match fail_at {
        Some(place) => {
            command.env("KEYWARD_FAIL_AT", place);
            command
        }
        None => command,
    })
}

fn at(server: &Server) -> Whereabouts {
    Some((server.address, server.admin()))
}

fn write(name: &str, random: &dyn Random) -> Write {
    Write::new(name, random).unwrap()
}

fn is_clean(verdict: &Verdict, writes: u64) {
    assert!(verdict.is_clean() && verdict.writes == writes, "{writes} writes: {verdict:?}");
}

/// The database agrees: one deal, one record, one audit row for each write.
fn agrees(data: &Path, writes: u64) {
    settle(data);
    let count = |sql| u64::try_from(number(&data.join("keyward.db"), sql).unwrap()).unwrap();
    assert_eq!(count("SELECT count(DISTINCT title) FROM deals WHERE title LIKE 'once-%'"), writes);
    for sql in [
        "SELECT count(*) FROM deals WHERE title LIKE 'once-%'",
        "SELECT count(*) FROM idempotency",
        "SELECT count(*) FROM audit WHERE action = 'deal.create'",
    ] {
        assert_eq!(count(sql), writes, "{sql}");
    }
}

/// Waits until the program has ended at its fail point.
fn killed_at(server: &mut Server, place: &str) {
    let has_ended = (0..2_000).any(|_| {
        sleep(Duration::from_millis(5));
        server.has_ended()
    });
    assert!(has_ended, "{place} does not fire: the program was built without the feature fault-injection");
    assert_eq!(server.wait().signal(), Some(9), "{place}: {}", server.stderr());
}

#[tokio::test]
async fn a_write_that_was_cut_off_at_any_place_happens_once_when_it_is_sent_again() {
    let home = tempfile::tempdir().unwrap();
    let random = SeededRandom::new(1);
    start(home.path(), None).terminate();
    let (tell, whereabouts) = watch::channel(None);
    let rig = Rig::new(whereabouts, PATIENCE);
    let mut client = rig.client();
    for (place, writes) in PLACES.into_iter().zip((2..).step_by(2)) {
        // One write goes through, the next one is cut off.
        let mut server = start(home.path(), Some(&format!("{place}:2")));
        tell.send_replace(at(&server));
        let (through, cut) = (write(&format!("{place}-1"), &random), write(&format!("{place}-2"), &random));
        assert_eq!(client.insist(&through).await, Some(false));
        let answered = client.attempt(&cut).await.is_ok();
        killed_at(&mut server, place);
        assert!(!answered, "{place}: it was answered all the same");
        let mut server = start(home.path(), None);
        tell.send_replace(at(&server));
        assert_eq!(client.insist(&cut).await, Some(DONE.contains(&place)), "{place}");
        for again in [&cut, &through] {
            assert_eq!(client.insist(again).await, Some(true), "{place}");
        }
        is_clean(&rig.verdict().await.unwrap(), writes);
        server.terminate();
    }
    assert_eq!(rig.tally().in_progress, 0, "no retry had to wait");
    agrees(home.path(), 14);
}

#[tokio::test]
async fn of_64_clients_on_one_key_one_executes_and_all_get_its_answer() {
    let home = tempfile::tempdir().unwrap();
    let random = SeededRandom::new(2);
    let mut server = start(home.path(), None);
    let (_tell, whereabouts) = watch::channel(at(&server));
    let rig = Rig::new(whereabouts, PATIENCE);
    let mut clients: Vec<Client> = (0..64).map(|_| rig.client()).collect();
    for round in 0..20 {
        clients = crowd(clients, &write(&format!("round-{round}"), &random)).await;
    }
    is_clean(&rig.verdict().await.unwrap(), 20);
    let tally = rig.tally();
    assert_eq!((tally.replays, tally.lost_answers), (20 * 63, 0));
    assert!(tally.in_progress > 0, "none met another one");
    server.terminate();
    agrees(home.path(), 20);
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_cancel_a_commit_that_has_begun() {
    let home = tempfile::tempdir().unwrap();
    let random = SeededRandom::new(3);
    let mut server = start(home.path(), None);
    let (_tell, whereabouts) = watch::channel(at(&server));
    let rig = Rig::new(whereabouts, PATIENCE);
    let mut later = rig.client();
    // Its start, which writes too, is over when it answers.
    assert_eq!(later.insist(&write("up", &random)).await, Some(false));
    // Another program's lock holds the commit up: it has begun when its key is in progress. The store waits a second for
    // the lock, which a busy machine may let pass.
    let mut outlived = false;
    for number in 0..5 {
        let held = write(&format!("held-{number}"), &random);
        let lock = WriteLock::take(&home.path().join("keyward.db")).unwrap();
        rig.client().leave(&held, Duration::from_millis(100)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (answer, _) = later.attempt(&held).await.unwrap();
        drop(lock);
        let is_replay = later.insist(&held).await;
        outlived |= answer.is_in_progress() && is_replay == Some(true);
    }
    assert!(outlived, "no commit outlived its client");
    // Those that are gone at once: the write happens, or not yet; and once when they come back.
    for number in 0..60 {
        let left = write(&format!("left-{number}"), &random);
        rig.client().leave(&left, Duration::ZERO).await.unwrap();
        tokio::time::sleep(Duration::from_millis(number % 7)).await;
        later.insist(&left).await.unwrap();
    }
    is_clean(&rig.verdict().await.unwrap(), 66);
    assert!(rig.tally().replays > 1, "none was done for a client that was gone");
    server.terminate();
    agrees(home.path(), 66);
}

/// What is wrong with a server; it shows at every fifth of its writes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Nothing: it loses only answers.
    Nothing,
    /// It loses the answer and, as by a restart, all keys.
    Forgets,
    ExecutesTwice,
    /// It acknowledges and does nothing.
    Loses,
    /// It loses the answer, and the key is in progress for ever.
    Sticks,
    /// It acknowledges each retry with an answer of its own.
    Rewrites,
    /// It says of a replay that it was an execution.
    HidesReplays,
    /// It refuses for no reason.
    Refuses,
}

/// A server of deals with a fault.
struct Wrong {
    fault: Fault,
    deals: Vec<String>,
    /// What each key was answered with; `None` for ever in progress.
    answers: BTreeMap<String, Option<String>>,
    writes: u32,
}

impl Wrong {
    /// Listens for as long as the test process lives.
    fn start(fault: Fault) -> Whereabouts {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let mut server = Self { fault, deals: Vec::new(), answers: BTreeMap::new(), writes: 0 };
            for stream in listener.incoming() {
                // Each connection has one request; one that fails concerns nobody else.
                let _ = server.serve(stream.unwrap());
            }
        });
        Some((address, "key".to_owned()))
    }

    fn serve(&mut self, stream: TcpStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        let (mut head, mut line) = (Vec::new(), String::new());
        while stream.read_line(&mut line)? > 2 {
            head.push(mem::take(&mut line));
        }
        let header = |name: &str| {
            let value = head.iter().find_map(|line| line.strip_prefix(name))?;
            Some(value.trim().to_owned())
        };
        let mut body = vec![0; header("Content-Length: ").unwrap().parse().unwrap()];
        stream.read_exact(&mut body)?;
        let answer = match header("Idempotency-Key: ") {
            Some(key) => self.write(key, &serde_json::from_slice::<Value>(&body).unwrap()),
            None => Some((200, false, self.list())),
        };
        // No answer: the connection ends.
        let Some((status, is_replay, body)) = answer else { return Ok(()) };
        let mark = if is_replay { "Idempotency-Replayed: true\r\n" } else { "" };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\n{mark}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.get_mut().write_all(answer.as_bytes())
    }

    fn list(&self) -> String {
        let deals = self.deals.iter().enumerate().map(|(id, title)| json!({ "id": id, "title": title }));
        json!({ "data": deals.collect::<Vec<_>>(), "pagination": {} }).to_string()
    }

    fn write(&mut self, key: String, body: &Value) -> Option<(u16, bool, String)> {
        let title = body["title"].as_str().unwrap().to_owned();
        match self.answers.get(&key) {
            Some(Some(first)) if self.fault == Fault::Rewrites => {
                return Some((201, true, format!("{first} ")));
            }
            Some(Some(first)) => return Some((201, self.fault != Fault::HidesReplays, first.clone())),
            Some(None) => {
                let reason = json!({ "error": { "details": { "reason": "idempotency_in_progress" } } });
                return Some((409, false, reason.to_string()));
            }
            None => {}
        }
        self.writes += 1;
        let fault = self.writes.is_multiple_of(5).then_some(self.fault);
        let answer = json!({ "data": { "id": self.deals.len(), "title": title } }).to_string();
        self.answers.insert(key.clone(), Some(answer.clone()));
        match fault {
            Some(Fault::Loses) => return Some((201, false, answer)),
            Some(Fault::ExecutesTwice) => self.deals.push(title.clone()),
            Some(Fault::Sticks) => {
                self.answers.insert(key, None);
            }
            Some(Fault::Forgets) => self.answers.clear(),
            Some(Fault::Refuses) => return Some((500, false, "{}".to_owned())),
            _ => {}
        }
        self.deals.push(title);
        let is_lost = matches!(fault, Some(Fault::Nothing | Fault::Forgets | Fault::Sticks));
        (!is_lost).then_some((201, false, answer))
    }
}

/// What the checker says of a server after 50 writes, each sent again once.
async fn judged(fault: Fault) -> Verdict {
    let (_tell, whereabouts) = watch::channel(Wrong::start(fault));
    let rig = Rig::new(whereabouts, Duration::from_millis(100));
    let (random, mut client) = (SeededRandom::new(4), rig.client());
    for number in 0..50 {
        let write = write(&number.to_string(), &random);
        // What it says is the verdict's matter.
        client.insist(&write).await;
        client.insist(&write).await;
    }
    rig.verdict().await.unwrap()
}

#[tokio::test]
async fn the_checker_finds_what_a_wrong_server_does() {
    is_clean(&judged(Fault::Nothing).await, 50);
    for (fault, shown) in [
        (Fault::Forgets, "duplicates"),
        (Fault::ExecutesTwice, "duplicates"),
        (Fault::Loses, "lost"),
        (Fault::Sticks, "keys stuck"),
        (Fault::Rewrites, "changed"),
        (Fault::HidesReplays, "told again"),
        (Fault::Refuses, "odd ones"),
    ] {
        let verdict = judged(fault).await;
        let found = verdict.promises().into_iter().find(|(promise, _)| promise.ends_with(shown)).unwrap().1;
        assert!(found >= 10 && !verdict.is_clean(), "{fault:?}: {verdict:?}");
    }
}
