//! Clients that insist on each of their writes, and the checker of what they were told against what is there: shared by
//! the tests and by `cargo xtask soak once`. It knows of the server only what a client knows.

use keyward_core::random::{Random, uuid4};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// The places in the commit at which a test can end the program, in their order.
pub(crate) const PLACES: [&str; 7] =
    ["claim", "effect", "executed", "recorded", "commit", "committed", "published"];

/// Titles that the rig gives begin so.
const OURS: &str = "once-";
/// No answer within this is a lost answer.
const SILENCE: Duration = Duration::from_secs(10);
/// A write that was tried so often is stuck, however it failed.
const TRIES: u32 = 10_000;

/// Where the server is, and the key to it; `None` while it is down.
pub(crate) type Whereabouts = Option<(SocketAddr, String)>;

/// A deal to be made, under a key of its own.
#[derive(Clone)]
pub(crate) struct Write {
    title: String,
    once: String,
}

impl Write {
    pub(crate) fn new(name: &str, random: &dyn Random) -> Result<Self, Failure> {
        Ok(Self { title: format!("{OURS}{name}"), once: uuid4(random)?.to_string() })
    }

    fn headers(&self) -> String {
        format!("Content-Type: application/json\r\nIdempotency-Key: {}\r\n", self.once)
    }

    fn body(&self) -> String {
        json!({ "title": self.title }).to_string()
    }
}

/// What came back, as far as a replay has to be the same.
#[derive(Clone, PartialEq)]
pub(crate) struct Answer {
    status: u16,
    etag: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn is_in_progress(&self) -> bool {
        let body = self.json();
        let reason = body.pointer("/error/details/reason").and_then(Value::as_str);
        self.status == 409 && reason == Some("idempotency_in_progress")
    }
}

/// What clients were told of one write.
#[derive(Default)]
struct Told {
    first: Option<Answer>,
    /// Answers that are not marked as sent again: each tells of an execution.
    executions: u64,
    is_stuck: bool,
}

/// What clients were told of all.
#[derive(Default)]
struct Ledger {
    writes: BTreeMap<String, Told>,
    tally: Tally,
    changed: u64,
    odd: Vec<String>,
}

/// How often what happened.
#[derive(Clone, Default)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) replays: u64,
    pub(crate) in_progress: u64,
    pub(crate) unavailable: u64,
    pub(crate) lost_answers: u64,
    pub(crate) left: u64,
    /// Writes of which the first answer that anybody got was a replay: done while nobody was told.
    pub(crate) done_untold: u64,
    /// The longest time that a server which was up kept a client waiting for its answer.
    pub(crate) longest: Duration,
}

/// Many clients of one server. A clone shares what they were told.
#[derive(Clone)]
pub(crate) struct Rig {
    at: watch::Receiver<Whereabouts>,
    ledger: Arc<Mutex<Ledger>>,
    patience: Duration,
}

impl Rig {
    /// `patience`: how long a server that is up may refuse a write before the key counts as stuck.
    pub(crate) fn new(at: watch::Receiver<Whereabouts>, patience: Duration) -> Self {
        Self { at, ledger: Arc::default(), patience }
    }

    pub(crate) fn client(&self) -> Client {
        Client { rig: self.clone(), stream: None }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tally(&self) -> Tally {
        self.ledger().tally.clone()
    }

    /// Everything asked against everything that the list shows.
    pub(crate) async fn verdict(&self) -> Result<Verdict, Failure> {
        let effects = self.client().effects().await?;
        let ledger = self.ledger();
        let mut verdict = Verdict { changed: ledger.changed, odd: ledger.odd.clone(), ..Verdict::default() };
        for (title, told) in &ledger.writes {
            let there = effects.get(title).map(Vec::as_slice).unwrap_or_default();
            let id = told.first.as_ref().and_then(|answer| answer.json().pointer("/data/id")?.as_i64());
            verdict.writes += 1;
            verdict.acknowledged += u64::from(told.first.is_some());
            verdict.lost += u64::from(told.first.is_some() && !id.is_some_and(|id| there.contains(&id)));
            verdict.executed_again += told.executions.saturating_sub(1);
            verdict.stuck += u64::from(told.is_stuck);
        }
        for (title, there) in &effects {
            verdict.effects += there.len() as u64;
            verdict.duplicates += there.len() as u64 - 1;
            verdict.from_nowhere += u64::from(!ledger.writes.contains_key(title));
        }
        Ok(verdict)
    }
}

/// What was seen at the end.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) writes: u64,
    pub(crate) acknowledged: u64,
    pub(crate) effects: u64,
    /// Deals beyond the first of a write.
    pub(crate) duplicates: u64,
    /// Answers beyond the first that tell of an execution.
    pub(crate) executed_again: u64,
    /// Acknowledged, and not there.
    pub(crate) lost: u64,
    pub(crate) stuck: u64,
    /// Answers that differ from the first of their key.
    pub(crate) changed: u64,
    pub(crate) from_nowhere: u64,
    /// Answers that nothing explains.
    pub(crate) odd: Vec<String>,
}

impl Verdict {
    /// Each promise with what was seen of its opposite: all zero when it was kept.
    pub(crate) fn promises(&self) -> [(&'static str, u64); 8] {
        [
            ("no write happens twice: duplicates", self.duplicates),
            ("no key tells of two executions: told again", self.executed_again),
            ("an acknowledged write is there: lost", self.lost),
            ("a retry is answered: keys stuck", self.stuck),
            ("a replay is the first answer: changed", self.changed),
            ("every write is acknowledged at last: not", self.writes - self.acknowledged),
            ("nothing is there that nobody asked for: deals", self.from_nowhere),
            ("every other answer is explained: odd ones", self.odd.len() as u64),
        ]
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.promises().iter().all(|(_, seen)| *seen == 0)
    }
}

/// One client on a connection of its own, which it keeps while it can.
pub(crate) struct Client {
    rig: Rig,
    stream: Option<(SocketAddr, BufReader<TcpStream>)>,
}

impl Client {
    /// Asks until there is an answer, whatever happens to the server meanwhile. Whether it was a replay; `None` when it
    /// was none of the answers that a write may get.
    pub(crate) async fn insist(&mut self, write: &Write) -> Option<bool> {
        self.rig.ledger().writes.entry(write.title.clone()).or_default();
        let mut waited = Duration::ZERO;
        for _ in 0..TRIES {
            if waited >= self.rig.patience {
                break;
            }
            let Ok(Ok(_)) = timeout(SILENCE * 3, self.rig.at.wait_for(Option::is_some)).await else { break };
            let began = Instant::now();
            let answered = self.attempt(write).await;
            match answered {
                Ok((answer, is_replay)) => match answer.status {
                    201 => {
                        self.rig.ledger().told(write, answer, is_replay, waited + began.elapsed());
                        return Some(is_replay);
                    }
                    409 if answer.is_in_progress() => {
                        self.rig.ledger().tally.in_progress += 1;
                        sleep(Duration::from_millis(5)).await;
                    }
                    503 => {
                        self.rig.ledger().tally.unavailable += 1;
                        sleep(Duration::from_millis(20)).await;
                    }
                    status => {
                        let body = String::from_utf8_lossy(&answer.body);
                        self.rig.ledger().odd.push(format!("{}: {status} {body}", write.title));
                        return None;
                    }
                },
                // What a server that is gone cost counts for nothing, unless it was silence.
                Err(error) => {
                    self.rig.ledger().tally.lost_answers += 1;
                    sleep(Duration::from_millis(2)).await;
                    if error.kind() != io::ErrorKind::TimedOut {
                        waited = Duration::ZERO;
                        continue;
                    }
                }
            }
            waited += began.elapsed();
        }
        if let Some(told) = self.rig.ledger().writes.get_mut(&write.title) {
            told.is_stuck = true;
        }
        None
    }

    /// Asks once; the answer, and whether it is marked as a replay.
    pub(crate) async fn attempt(&mut self, write: &Write) -> io::Result<(Answer, bool)> {
        self.rig.ledger().tally.requests += 1;
        self.rig.ledger().writes.entry(write.title.clone()).or_default();
        let (headers, body) = (write.headers(), write.body());
        let asked = self.ask("POST", "/deals", &headers, &body);
        match timeout(SILENCE, asked).await {
            Ok(answered) => answered,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Sends the whole request and goes away after a time. The answer is lost, whatever it was.
    pub(crate) async fn leave(mut self, write: &Write, after: Duration) -> io::Result<()> {
        self.rig.ledger().tally.left += 1;
        self.rig.ledger().writes.entry(write.title.clone()).or_default();
        self.send("POST", "/deals", &write.headers(), &write.body()).await?;
        sleep(after).await;
        Ok(())
    }

    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> io::Result<(Answer, bool)> {
        self.send(method, path, headers, body).await?;
        let (address, mut stream) = self.stream.take().ok_or(io::ErrorKind::NotConnected)?;
        let (answer, is_replay, is_kept) = read(&mut stream).await?;
        if is_kept {
            self.stream = Some((address, stream));
        }
        Ok((answer, is_replay))
    }

    async fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> io::Result<()> {
        let (now, key) = self.rig.at.borrow().clone().ok_or(io::ErrorKind::NotConnected)?;
        let mut stream = match self.stream.take() {
            Some((then, stream)) if then == now => stream,
            _ => {
                let stream = TcpStream::connect(now).await?;
                stream.set_nodelay(true)?;
                BufReader::new(stream)
            }
        };
        let request = format!(
            "{method} /api/external/v2{path} HTTP/1.1\r\nHost: {now}\r\nAuthorization: Bearer {key}\r\n\
             X-Origin-App: once\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        self.stream = Some((now, stream));
        Ok(())
    }

    /// The ids of our deals by their titles, as the list shows them.
    async fn effects(&mut self) -> Result<BTreeMap<String, Vec<i64>>, Failure> {
        let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        let mut next = "/deals?limit=200".to_owned();
        loop {
            let (answer, _) = timeout(SILENCE, self.ask("GET", &next, "", "")).await??;
            let page = answer.json();
            let deals = page.pointer("/data").and_then(Value::as_array);
            for deal in deals.ok_or_else(|| format!("no list: {} {page}", answer.status))? {
                let title = deal.pointer("/title").and_then(Value::as_str).ok_or("no title")?;
                let id = deal.pointer("/id").and_then(Value::as_i64).ok_or("no id")?;
                if title.starts_with(OURS) {
                    found.entry(title.to_owned()).or_default().push(id);
                }
            }
            match page.pointer("/pagination/next_cursor").and_then(Value::as_str) {
                Some(cursor) => next = format!("/deals?limit=200&cursor={cursor}"),
                None => return Ok(found),
            }
        }
    }
}

/// All of them insist on the same write at once.
pub(crate) async fn crowd(clients: Vec<Client>, write: &Write) -> Vec<Client> {
    let mut all = tokio::task::JoinSet::new();
    for mut client in clients {
        let write = write.clone();
        all.spawn(async move {
            client.insist(&write).await;
            client
        });
    }
    all.join_all().await
}

impl Ledger {
    fn told(&mut self, write: &Write, answer: Answer, is_replay: bool, waited: Duration) {
        let told = self.writes.entry(write.title.clone()).or_default();
        self.tally.replays += u64::from(is_replay);
        self.tally.longest = self.tally.longest.max(waited);
        told.executions += u64::from(!is_replay);
        match &told.first {
            Some(first) => self.changed += u64::from(*first != answer),
            None => {
                self.tally.done_untold += u64::from(is_replay);
                told.first = Some(answer);
            }
        }
    }
}

/// One whole answer, whether it is a replay, and whether the connection stays.
async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<(Answer, bool, bool)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_ascii_lowercase()),
        }
    }
    let header = |name: &str| {
        let fits = |line: &&String| line.split_once(':').is_some_and(|(n, _)| n == name);
        lines.iter().find(fits).and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
    };
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let status = lines.first().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(wrong)?;
    let length = header("content-length").and_then(|length| length.parse().ok()).ok_or_else(wrong)?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let is_replay = header("idempotency-replayed").is_some();
    let is_kept = header("connection").as_deref() != Some("close");
    Ok((Answer { status, etag: header("etag"), body }, is_replay, is_kept))
}
