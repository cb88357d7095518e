//! What strangers send: each shape of flood for as long as it is told, with a count of what was sent and of what came back.

use super::people::{FORM, TARGET, encoded, posted};
use super::probe::call;
use crate::street::browser::Browser;
use crate::street::frames::{PING, SETTINGS, frame, headers};
use crate::street::http::{Answer, Client, Cut, Way};
use crate::street::stranger;
use crate::street::wire::Wire;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// A flood: whom it attacks, until when, and what came of it.
pub(crate) struct Flood {
    pub(crate) way: Way,
    pub(crate) until: Instant,
    /// The small flood of the tests, and the whole one of the soak.
    pub(crate) is_small: bool,
    /// A key that may only read, of another account than the honest caller's.
    pub(crate) key: String,
    /// The end of names that lead nowhere.
    pub(crate) hole: &'static str,
    next: AtomicUsize,
    visits: AtomicUsize,
    requests: AtomicU64,
    bytes: AtomicU64,
    /// Connections that the server closed.
    closed: AtomicU64,
    answers: Mutex<BTreeMap<u16, u64>>,
}

impl Flood {
    pub(crate) fn new(
        way: Way,
        until: Instant,
        is_small: bool,
        key: String,
        hole: &'static str,
    ) -> Arc<Self> {
        let (next, visits, requests, bytes, closed, answers) = Default::default();
        Arc::new(Self { way, until, is_small, key, hole, next, visits, requests, bytes, closed, answers })
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How often each status was answered, and 0 for connections that the server closed.
    pub(crate) fn answers(&self) -> BTreeMap<u16, u64> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        answers.insert(0, self.closed.load(Ordering::Relaxed));
        answers.retain(|_, count| *count > 0);
        answers
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    fn number(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn sent(&self, requests: u64, bytes: usize) {
        self.requests.fetch_add(requests, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn answered(&self, status: u16) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry(status).or_default() += 1;
    }

    fn note(&self, answer: &Result<Answer, Cut>) -> bool {
        match answer {
            Ok(answer) => self.answered(answer.status),
            Err(_) => drop(self.closed.fetch_add(1, Ordering::Relaxed)),
        }
        answer.is_ok()
    }

    fn scaled(&self, whole: usize, small: usize) -> usize {
        if self.is_small { small } else { whole }
    }

    /// Asks until the end, changing the address after so many requests: each visit by its number has one.
    async fn ask_on(
        &self,
        address: impl Fn(usize) -> Ipv4Addr,
        for_one: usize,
        request: impl Fn(usize) -> Vec<u8>,
    ) {
        while !self.is_over() {
            let visit = self.visits.fetch_add(1, Ordering::Relaxed);
            let mut client = Client::new(self.way.clone(), address(visit));
            for _ in 0..for_one {
                let request = request(self.number());
                self.sent(1, request.len());
                let asked = timeout(Duration::from_secs(30), client.ask(&request)).await;
                if self.is_over() || !asked.is_ok_and(|answer| self.note(&answer)) {
                    break;
                }
            }
        }
    }
}

/// Runs so many of it at once, to their end.
async fn at_once<F>(many: usize, one: impl Fn(usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut all = JoinSet::new();
    for number in 0..many {
        all.spawn(one(number));
    }
    all.join_all().await;
}

/// Bodies without an end, 64 on each connection of HTTP/2, to what anybody may ask.
pub(super) async fn unfinished_bodies(flood: Arc<Flood>, addresses: usize) {
    const PATHS: [(&str, &str); 3] = [
        ("/sign-in", FORM),
        ("/oauth/token", FORM),
        ("/api/external/v2/auth/validate-api-key", "application/json"),
    ];
    let addresses = addresses.min(flood.scaled(24, 6));
    at_once(addresses.max(6), |number| {
        let flood = Arc::clone(&flood);
        let (path, kind) = PATHS.get(number % PATHS.len()).copied().unwrap_or_default();
        let fields = fields(path, kind, "");
        async move { hold_bodies(&flood, stranger(number % addresses), &fields, 65_536).await }
    })
    .await;
}

/// Bodies that are declared and of which no byte comes, from two addresses in each of four networks. Each counts 256 bytes of
/// the reserve of small bodies: the whole flood takes all that these networks may have of it.
pub(super) async fn empty_bodies(flood: Arc<Flood>) {
    at_once(flood.scaled(128, 16), |number| {
        let flood = Arc::clone(&flood);
        let mut fields = fields("/oauth/token", FORM, "");
        fields.push((b"content-length".to_vec(), b"100".to_vec()));
        async move { hold_bodies(&flood, neighbour(number % 4, number / 4 % 2), &fields, 0).await }
    })
    .await;
}

/// An address of a stranger's network.
fn neighbour(network: usize, host: usize) -> Ipv4Addr {
    let [first, second, third, own] = stranger(network).octets();
    Ipv4Addr::new(first, second, third, own + (host & 127) as u8)
}

/// The same at /mcp, with a key that may only read.
pub(super) async fn unfinished_bodies_at_mcp(flood: Arc<Flood>) {
    let bearer = format!("Bearer {}", flood.key);
    at_once(6, |_| {
        let flood = Arc::clone(&flood);
        let fields = fields("/mcp", "application/json", &bearer);
        async move { hold_bodies(&flood, stranger(0), &fields, 262_144).await }
    })
    .await;
}

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

fn fields(path: &str, kind: &str, bearer: &str) -> Fields {
    let mut fields = vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "127.0.0.1"),
        (":path", path),
        ("content-type", kind),
        ("accept", "application/json, text/event-stream"),
        ("x-origin-app", "siege"),
    ];
    if !bearer.is_empty() {
        fields.push(("authorization", bearer));
    }
    fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// Bodies on one connection, and how soon one that was refused is tried again.
const HELD: usize = 64;
const AGAIN: Duration = Duration::from_millis(500);

/// Holds 64 bodies open on one connection, for as long as the server lets it; then again.
async fn hold_bodies(flood: &Flood, from: Ipv4Addr, fields: &Fields, size: usize) {
    let body = vec![b'a'; size];
    while !flood.is_over() {
        if let Ok(line) = flood.way.open(from).await
            && let Ok(mut wire) = Wire::open(line).await
        {
            // 16 s: a second more than the server waits for a body.
            let end = flood.until.min(Instant::now() + Duration::from_secs(16));
            let held = hold_on_one(flood, &mut wire, fields, &body, end).await;
            if held.is_err() || wire.is_ended() {
                flood.closed.fetch_add(1, Ordering::Relaxed);
            }
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// For a body that was refused the next one begins a little later.
async fn hold_on_one(
    flood: &Flood,
    wire: &mut Wire,
    fields: &Fields,
    body: &[u8],
    end: Instant,
) -> std::io::Result<()> {
    let (mut next, mut open, mut due) = (1_u32, Vec::new(), vec![Instant::now(); HELD]);
    wire.read(Duration::from_millis(200)).await;
    while Instant::now() < end && !wire.is_ended() {
        while due.pop_if(|due| *due <= Instant::now()).is_some() {
            let head = headers(next, 0, fields);
            flood.sent(1, head.len());
            wire.write(&head).await?;
            open.push((next, body.len()));
            next += 2;
        }
        for (stream, rest) in &mut open {
            let part = body.get(..*rest).unwrap_or_default();
            let (bytes, taken) = wire.data(*stream, part, false);
            *rest -= taken;
            if !bytes.is_empty() {
                flood.sent(0, bytes.len());
                wire.write(&bytes).await?;
            }
        }
        wire.read(Duration::from_millis(50)).await;
        open.retain(|(stream, _)| {
            let is_over = wire.fates.get(stream).is_some_and(|fate| fate.is_over() || fate.status.is_some());
            let fate = if is_over { wire.take(*stream) } else { None };
            if let Some(status) = fate.and_then(|fate| fate.status) {
                flood.answered(status);
            }
            if is_over {
                // The next one is due last.
                due.insert(0, Instant::now() + AGAIN);
            }
            !is_over
        });
    }
    Ok(())
}

/// Pings, beginnings, and long notifications at /mcp, by a key that may only read.
pub(super) async fn messages_at_mcp(flood: Arc<Flood>) {
    at_once(6, |number| {
        let flood = Arc::clone(&flood);
        let message = match number % 3 {
            0 => json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }),
            1 => json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "siege", "version": "1" } } }),
            _ => json!({ "jsonrpc": "2.0", "method": "notifications/x", "params": { "x": "y".repeat(240_000) } }),
        };
        let body = message.to_string();
        let request = format!(
            "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
            flood.key,
            body.len()
        );
        async move { flood.ask_on(|_| stranger(0), 1_000, |_| request.clone().into_bytes()).await }
    })
    .await;
}

/// Wrong passwords from so many addresses, each within what one address may try, for people who are nobody or for one.
pub(super) async fn wrong_passwords(flood: Arc<Flood>, at_a_time: usize, addresses: usize, target: bool) {
    let (at_a_time, addresses) = (at_a_time.min(flood.scaled(220, 40)), addresses.min(flood.scaled(220, 40)));
    at_once(at_a_time, |_| {
        let flood = Arc::clone(&flood);
        async move {
            while !flood.is_over() {
                let number = flood.number();
                let email = if target { TARGET.to_owned() } else { format!("nobody-{number}@acme.example") };
                let mut browser = Browser::new(flood.way.clone(), stranger(number % addresses));
                flood.sent(1, 600);
                let trying = browser.sign_in(&email, "five wrong herons at dusk");
                if let Ok(answer) = timeout(Duration::from_secs(60), trying).await {
                    flood.note(&answer);
                }
            }
        }
    })
    .await;
}

/// Clients that register themselves, ten from each of a thousand addresses.
pub(super) async fn registrations(flood: Arc<Flood>) {
    let addresses = flood.scaled(1_005, 60);
    at_once(64, |_| {
        let flood = Arc::clone(&flood);
        let request = |number| {
            let body = json!({ "client_name": format!("flood {number}"), "redirect_uris": ["https://flood.example/cb"] });
            posted("/oauth/register", "application/json", &body.to_string())
        };
        async move { flood.ask_on(|visit| stranger(visit % addresses), 10, request).await }
    })
    .await;
}

/// Clients that are documents at names that nobody answers for.
pub(super) async fn nowhere(flood: Arc<Flood>) {
    at_once(70, |_| {
        let flood = Arc::clone(&flood);
        let hole = flood.hole;
        let request = move |number: usize| {
            let query = encoded(&[
                ("response_type", "code"),
                ("client_id", &format!("https://h{number}.{hole}/c")),
                ("redirect_uri", "https://flood.example/cb"),
                ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
                ("code_challenge_method", "S256"),
            ]);
            format!("GET /oauth/authorize?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").into_bytes()
        };
        async move { flood.ask_on(|visit| stranger(visit % 2_000), 4, request).await }
    })
    .await;
}

/// Paths that are nowhere, from a few addresses.
pub(super) async fn unknown_paths(flood: Arc<Flood>) {
    at_once(16, |own| {
        let flood = Arc::clone(&flood);
        let request =
            |number: usize| format!("GET /nothing-{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").into_bytes();
        async move { flood.ask_on(|_| stranger(own % 8), usize::MAX, request).await }
    })
    .await;
}

/// Keys that are none, in turn from a thousand addresses.
pub(super) async fn bad_keys(flood: Arc<Flood>) {
    at_once(16, |_| {
        let flood = Arc::clone(&flood);
        let request = |number: usize| call("GET", "/me", &format!("lev_sk_{number:049}"), "");
        async move { flood.ask_on(|visit| stranger(visit % 1_000), 50, request).await }
    })
    .await;
}

/// Addresses that the sender makes up, where no proxy is trusted.
pub(super) async fn garbage_forwarded(flood: Arc<Flood>) {
    const MADE_UP: [&[u8]; 7] = [
        b"\xff",
        b"127.1.0.1, \xff, 127.1.0.1",
        b"[::1]:4444, \"127.1.0.1\"",
        b"unknown, _hidden, for=127.1.0.1",
        b"\t,,,,\t",
        b"999.1.1.1",
        b"127.1.0.1:80",
    ];
    at_once(16, |own| {
        let flood = Arc::clone(&flood);
        let request = |number: usize| {
            let mut head = call("GET", "/me", &format!("lev_sk_{number:049}"), "");
            head.truncate(head.len() - 2);
            for name in ["X-Forwarded-For: ", "Forwarded: "] {
                head.extend_from_slice(name.as_bytes());
                head.extend_from_slice(MADE_UP.get(number % MADE_UP.len()).copied().unwrap_or_default());
                head.extend_from_slice(b"\r\n");
            }
            head.extend_from_slice(b"\r\n");
            head
        };
        async move { flood.ask_on(|_| stranger(own % 8), usize::MAX, request).await }
    })
    .await;
}

/// Control frames without a request.
pub(super) async fn control_frames(flood: Arc<Flood>, kind: u8) {
    let payload: &[u8] = if kind == PING { &[0; 8] } else { &[] };
    let burst = frame(kind, 0, 0, payload).repeat(1_000);
    at_once(4, |own| {
        let flood = Arc::clone(&flood);
        let burst = burst.clone();
        async move {
            while !flood.is_over() {
                let Ok(line) = flood.way.open(stranger(own)).await else { continue };
                let Ok(mut wire) = Wire::open(line).await else { continue };
                while !flood.is_over() && !wire.is_ended() {
                    flood.sent(1_000, burst.len());
                    if wire.write(&burst).await.is_err() {
                        break;
                    }
                    wire.read(Duration::ZERO).await;
                }
                flood.closed.fetch_add(u64::from(wire.is_ended()), Ordering::Relaxed);
                sleep(Duration::from_millis(20)).await;
            }
        }
    })
    .await;
}

pub(super) async fn pings(flood: Arc<Flood>) {
    control_frames(flood, PING).await;
}

pub(super) async fn settings(flood: Arc<Flood>) {
    control_frames(flood, SETTINGS).await;
}

/// Addresses of the handshakes, four in each of two networks.
const HANDSHAKERS: usize = 8;

/// Handshakes of TLS that begin and go no further: half a hello from every eighth, a whole one from the others. Each stays until
/// the server closes it. The whole flood is nearly all the connections that two networks may have.
pub(super) async fn half_handshakes(flood: Arc<Flood>) {
    let many = flood.scaled(5_600, 100);
    at_once(many, |number| {
        let flood = Arc::clone(&flood);
        async move {
            let own = number / 8 % HANDSHAKERS;
            let (from, is_whole) = (neighbour(own / 4, own % 4), number % 8 != 0);
            while !flood.is_over() {
                let Ok(mut stream) = flood.way.plain(from).await else {
                    sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let hello = hello();
                let part = if is_whole { hello.as_slice() } else { hello.get(..40).unwrap_or_default() };
                flood.sent(1, part.len());
                let _ = stream.write_all(part).await;
                let held = async {
                    let mut answer = [0; 4_096];
                    while !matches!(stream.read(&mut answer).await, Ok(0) | Err(_)) {}
                };
                tokio::select! {
                    () = held => drop(flood.closed.fetch_add(1, Ordering::Relaxed)),
                    () = sleep_until(flood.until) => {}
                }
            }
        }
    })
    .await;
}

/// A whole ClientHello (RFC 8446 §4.1.2): TLS 1.2 with ECDHE, so that the server signs at once.
fn hello() -> Vec<u8> {
    fn sized(length: usize, content: &[u8]) -> Vec<u8> {
        let bytes = (content.len() as u32).to_be_bytes();
        bytes.iter().skip(4 - length).chain(content).copied().collect()
    }
    let groups = [&[0, 10][..], &sized(2, &sized(2, &[0, 29, 0, 23]))].concat();
    let points = [&[0, 11][..], &sized(2, &sized(1, &[0]))].concat();
    let schemes = [4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1];
    let signatures = [&[0, 13][..], &sized(2, &sized(2, &schemes))].concat();
    let suites = [0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30];
    let body = [
        &[3, 3][..],
        &[7; 32],
        &sized(1, &[]),
        &sized(2, &suites),
        &sized(1, &[0]),
        &sized(2, &[groups, points, signatures].concat()),
    ]
    .concat();
    let message = [&[1][..], &sized(3, &body)].concat();
    [&[22, 3, 1][..], &sized(2, &message)].concat()
}
