//! Attacks the limits of the program's demo from outside, on loopback and in real time: floods aimed at the edges of the
//! window, lone clients that come back exactly when they were told, a thousand bad credentials, restarts in the middle of a
//! window, `kill -9`. Prints what was promised and what was seen, the tightest span that is proven to hold one admission too
//! many among it, and ends with exit code 1 when anything promised was not kept.
//!
//! `cargo xtask soak limits` runs it against the release build. Six servers are attacked at the same time, each for what it
//! alone can show; none is asked for more than a few thousand answers a second, so the soak is about exactness, not speed.
//! Only the client's clock is known: see `tests/rigs/limits.rs` for what that proves.

#[path = "../tests/rigs/limits.rs"]
mod rig;

mod soak;

use clap::Parser;
use rig::{Exchange, Fate, Promise, Said, Seen, judge, told};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use soak::Failure;
use std::fs::{File, read_to_string};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

const WINDOW: Duration = Duration::from_secs(60);
/// An admission counts to the end of its millisecond; over a restart, to the end of the second after the next.
const MILLISECOND: Duration = Duration::from_millis(2);
const RESTART: Duration = Duration::from_millis(2_100);
const UTILISED: f64 = 99.9;
const BAD_CALLS: usize = 1_000;

/// The limits under attack.
const EDGES: usize = 200;
const SATURATED: usize = 150;
const WRITES: usize = 30;
const LONE_WRITES: usize = 3;
const VALIDATE: usize = 10;
const HEALTH: usize = 7;
const FAILED: usize = 60;
const RESTARTED: usize = 50;

const ATTACKERS: u32 = 32;
/// A flood before an edge and the one after it last so long each.
const FLOOD: Duration = Duration::from_millis(1_500);
/// How long before the edge the first flood of a minute ends: none leaves it to the edge itself.
const GAPS: [u64; 6] = [0, 5, 20, 40, 1, 30];
const ANSWERED: Duration = Duration::from_secs(10);

/// Attacks the limits of servers of its own and says whether they keep what is promised.
#[derive(Parser)]
struct Arguments {
    /// How long it takes
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(2..=600))]
    minutes: u32,
    /// The server program; without it: `keyward` beside the directory of this example
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    soak::run(soak(&arguments))
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// When the soak began, and when its clients end.
#[derive(Clone, Copy)]
struct Span {
    start: Instant,
    end: Instant,
}

impl Span {
    fn is_over(self) -> bool {
        Instant::now() >= self.end
    }

    /// Waits, but not beyond the end; whether there is time left.
    async fn pause(self, time: Duration) -> bool {
        sleep_until((Instant::now() + time).min(self.end)).await;
        !self.is_over()
    }
}

/// A bucket, and all that came of the requests that are charged to it.
struct Bucket {
    label: String,
    name: &'static str,
    limit: usize,
    /// The status of what it admits.
    admits: u16,
    exchanges: Mutex<Vec<Exchange>>,
    /// What is wrong with what answers say of it, and answers that say something else.
    wrong: Mutex<Vec<String>>,
}

impl Bucket {
    fn new(label: impl Into<String>, name: &'static str, limit: usize) -> Arc<Self> {
        Self::admitting(label, name, limit, 200)
    }

    fn admitting(label: impl Into<String>, name: &'static str, limit: usize, admits: u16) -> Arc<Self> {
        let (exchanges, wrong) = Default::default();
        Arc::new(Self { label: label.into(), name, limit, admits, exchanges, wrong })
    }

    fn seen(&self, slack: Duration) -> Seen {
        judge(&lock(&self.exchanges), &self.promise(slack))
    }

    const fn promise(&self, slack: Duration) -> Promise {
        Promise { limit: self.limit, window: WINDOW, slack }
    }
}

/// Where a server listens now.
type Place = Arc<Mutex<SocketAddr>>;

/// A client on one connection at a time, that asks the same again and again.
struct Client {
    place: Place,
    from: Ipv4Addr,
    request: Arc<str>,
    bucket: Arc<Bucket>,
    start: Instant,
    connection: Option<(SocketAddr, TcpStream)>,
}

/// An answer: its fate, and the seconds that it tells to wait.
#[derive(Clone, Copy)]
struct Answered {
    fate: Fate,
    wait: u64,
}

impl Client {
    fn new(place: &Place, from: u8, request: &Arc<str>, bucket: &Arc<Bucket>, span: Span) -> Self {
        Self {
            place: Arc::clone(place),
            from: Ipv4Addr::new(127, 0, 0, from),
            request: Arc::clone(request),
            bucket: Arc::clone(bucket),
            start: span.start,
            connection: None,
        }
    }

    async fn connected(&mut self) -> io::Result<TcpStream> {
        let address = *lock(&self.place);
        if let Some((to, stream)) = self.connection.take()
            && to == address
        {
            return Ok(stream);
        }
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((self.from, 0)))?;
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Goes on with a new connection: the server closes one that says nothing for long.
    fn rest(&mut self) {
        self.connection = None;
    }

    /// Asks once; `None` without an answer.
    async fn ask(&mut self) -> Option<Answered> {
        let mut stream = match timeout(ANSWERED, self.connected()).await {
            Ok(Ok(stream)) => stream,
            // The server is being started again, and was not asked.
            Ok(Err(_)) | Err(_) => {
                sleep(Duration::from_millis(10)).await;
                return None;
            }
        };
        let address = stream.peer_addr().ok()?;
        let sent = self.start.elapsed();
        let answer = timeout(ANSWERED, asked(&mut stream, &self.request)).await;
        let received = self.start.elapsed();
        let (fate, wait, received) = match &answer {
            Ok(Ok(answer)) => {
                let (fate, wait) = self.understood(answer);
                (fate, wait, received)
            }
            // The connection ended, and with it what was asked. Whoever says nothing may still do it.
            Ok(Err(_)) => (Fate::Unknown, 0, received),
            Err(_) => (Fate::Unknown, 0, Duration::MAX),
        };
        lock(&self.bucket.exchanges).push(Exchange { sent, received, fate });
        let Ok(Ok(answer)) = answer else { return None };
        if answer.header("connection") != Some("close") {
            self.connection = Some((address, stream));
        }
        (fate != Fate::Unknown).then_some(Answered { fate, wait })
    }

    fn understood(&self, answer: &Answer) -> (Fate, u64) {
        let (bucket, status) = (&self.bucket, answer.status);
        if status != 429 && status != bucket.admits {
            lock(&bucket.wrong).push(format!("unexpected answer {status}: {}", answer.head));
            return (Fate::Unknown, 0);
        }
        // A bad credential is not told how many more it may try.
        if status == 401 {
            return (Fate::Admitted, 0);
        }
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let said = Said {
            status,
            policy: answer.header("ratelimit-policy"),
            limit: answer.header("ratelimit"),
            retry_after: answer.header("retry-after"),
            message: body.pointer("/error/message").and_then(Value::as_str).filter(|_| status == 429),
        };
        if let Err(wrong) = told(&said, bucket.name, bucket.limit) {
            lock(&bucket.wrong).push(wrong);
        }
        let wait = said.retry_after.and_then(|wait| wait.parse().ok()).unwrap_or(0);
        (if status == 429 { Fate::Refused } else { Fate::Admitted }, wait)
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// One question and its whole answer.
async fn asked(stream: &mut TcpStream, request: &str) -> Result<Answer, Failure> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::with_capacity(4 * 1024);
    loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err("closed".into());
        }
        let text = std::str::from_utf8(&answer)?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let status = head.split(' ').nth(1).ok_or("no status")?.parse()?;
        let whole = Answer { status, head: head.to_owned(), body: body.to_owned() };
        if body.len() >= whole.header("content-length").ok_or("no content-length")?.parse::<usize>()? {
            return Ok(whole);
        }
    }
}

fn request(method: &str, path: &str, key: Option<&str>, body: &str) -> Arc<str> {
    let authorization = key.map_or_else(String::new, |key| format!("Authorization: Bearer {key}\r\n"));
    let typed = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    let text = format!(
        "{method} /api/external/v2{path} HTTP/1.1\r\nHost: soak\r\n{authorization}X-Origin-App: soak\r\n{typed}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    text.into()
}

/// A run of numbers from a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn seconds(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from * 1_000 + self.below((to - from) * 1_000))
    }
}

/// Asks all the time, with a short pause between.
async fn flood(mut client: Client, span: Span, pause: Duration) {
    while span.pause(pause).await {
        client.ask().await;
    }
}

/// A quarter of the limit first; then, in each minute, a flood some time before the edge and one at it.
async fn at_edges(mut client: Client, span: Span, number: u32) {
    if number == 0 {
        for _ in 0..EDGES / 4 {
            client.ask().await;
        }
    }
    for (minute, gap) in (1..).zip(GAPS.iter().cycle()) {
        let edge = span.start + WINDOW * minute;
        // A little after the first admission: it takes less than that.
        for until in [edge - Duration::from_secs(*gap), edge + FLOOD] {
            if until - FLOOD >= span.end {
                return;
            }
            sleep_until(until - FLOOD).await;
            client.rest();
            while Instant::now() < until && !span.is_over() {
                client.ask().await;
                tokio::task::yield_now().await;
            }
        }
    }
}

/// What came of lone clients.
#[derive(Default)]
struct Lone {
    retries: u64,
    refused: u64,
    first: Option<String>,
}

/// Alone on its bucket: goes on until it is refused, and comes back exactly when it was told.
async fn alone(mut client: Client, span: Span, mut chance: Chance, lone: Arc<Mutex<Lone>>) {
    loop {
        let Some(answer) = client.ask().await else {
            if span.is_over() {
                return;
            }
            continue;
        };
        if answer.fate == Fate::Admitted {
            if !span.pause(Duration::from_millis(chance.below(4_000))).await {
                return;
            }
            continue;
        }
        if !span.pause(Duration::from_secs(answer.wait)).await {
            return;
        }
        client.rest();
        let again = client.ask().await;
        let mut lone = lock(&lone);
        lone.retries += 1;
        if !matches!(again, Some(Answered { fate: Fate::Admitted, .. })) {
            lone.refused += 1;
            let (label, wait) = (&client.bucket.label, answer.wait);
            lone.first.get_or_insert_with(|| format!("{label}: refused when it came back after {wait} s"));
        }
    }
}

/// Bad credentials from an address, and after every ten of them a good one.
async fn bad_and_good(mut bad: Client, mut good: Client, span: Span, refused: Arc<Mutex<(u64, u64)>>) {
    for number in 1_u64.. {
        if !span.pause(Duration::from_millis(20)).await {
            return;
        }
        bad.ask().await;
        if number.is_multiple_of(10) {
            let answer = good.connected().await;
            let Ok(mut stream) = answer else { continue };
            let answer = timeout(ANSWERED, asked(&mut stream, &good.request)).await;
            let mut counted = lock(&refused);
            counted.0 += 1;
            counted.1 += u64::from(!matches!(answer, Ok(Ok(Answer { status: 200, .. }))));
        }
    }
}

/// A server under attack. Dropping it ends it.
struct Server {
    child: Child,
    program: PathBuf,
    directory: PathBuf,
    limits: Vec<(&'static str, String)>,
    place: Place,
    line: Value,
    /// When it was last told to start.
    started: Instant,
}

impl Server {
    async fn start(
        program: &Path,
        directory: PathBuf,
        limits: Vec<(&'static str, String)>,
    ) -> Result<Self, Failure> {
        std::fs::create_dir(&directory)?;
        let nowhere = Arc::new(Mutex::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))));
        let started = Instant::now();
        let child = spawn(program, &directory, &limits)?;
        let (program, line) = (program.to_owned(), Value::Null);
        let mut server = Self { child, program, directory, limits, place: nowhere, line, started };
        server.ready().await?;
        Ok(server)
    }

    /// Starts it again on the same data.
    async fn again(&mut self) -> Result<(), Failure> {
        self.started = Instant::now();
        self.child = spawn(&self.program, &self.directory, &self.limits)?;
        self.ready().await
    }

    /// Waits for the line that says where it listens and with which keys.
    async fn ready(&mut self) -> Result<(), Failure> {
        for _ in 0..3_000 {
            let printed = read_to_string(self.directory.join("stdout"))?;
            if let Some(line) = printed.strip_suffix('\n') {
                self.line = serde_json::from_str(line)?;
                let (_, address) = text(&self.line, "url").split_once("://").ok_or("no url")?;
                *lock(&self.place) = address.parse()?;
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("it ended instead of serving, {status}: {}", self.logged()).into());
            }
            sleep(Duration::from_millis(5)).await;
        }
        Err(format!("it does not serve: {}", self.logged()).into())
    }

    /// Ends it in order.
    async fn stop(&mut self) -> Result<(), Failure> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = self.ended().await?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("it stopped with {status}: {}", self.logged()).into())
        }
    }

    /// Ends it by `kill -9`.
    fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    async fn ended(&mut self) -> Result<ExitStatus, Failure> {
        for _ in 0..6_000 {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            sleep(Duration::from_millis(5)).await;
        }
        Err("it did not stop within 30 s".into())
    }

    fn key(&self, email: &str, account: &str) -> Result<String, Failure> {
        let keys = self.line.get("api_keys").and_then(Value::as_array).ok_or("no keys")?;
        let full = |key: &&Value| {
            text(key, "user_email") == email
                && text(key, "account") == account
                && text(key, "permission") == "full_access"
        };
        Ok(text(keys.iter().find(full).ok_or("no such key")?, "api_key").to_owned())
    }

    /// A question to `/me` by the admin of acme.
    fn reads(&self) -> Result<Arc<str>, Failure> {
        Ok(request("GET", "/me", Some(&self.key("admin@acme.example", "acme-capital")?), ""))
    }

    fn logged(&self) -> String {
        read_to_string(self.directory.join("stderr")).unwrap_or_default()
    }
}

fn spawn(program: &Path, directory: &Path, limits: &[(&'static str, String)]) -> io::Result<Child> {
    let file = |name| File::create(directory.join(name));
    let mut command = Command::new(program);
    command.args(["demo", "--json", "--listen", "127.0.0.1:0", "--data"]).arg(directory.join("data"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("TMPDIR", directory).env("KEYWARD_LOG_LEVEL", "error");
    command.envs(limits.iter().map(|(name, value)| (format!("KEYWARD_LIMITS_{name}"), value)));
    command.stdin(Stdio::null()).stdout(file("stdout")?).stderr(file("stderr")?).spawn()
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What is done to a server in the middle of windows, again and again.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    /// Stopped in order.
    Clean,
    /// Killed.
    Killed,
    /// Killed, and after the next start stopped in order at once.
    KilledThenStopped,
}

/// How often a server was ended, and how often too early it admitted something after a crash.
#[derive(Default)]
struct Ends {
    ends: u64,
    early: u64,
    /// The shortest time from a start after a crash to the receipt of the first admission.
    soonest: Option<Duration>,
}

impl Ends {
    const fn kept(&self) -> bool {
        self.ends > 0 && self.early == 0
    }
}

impl std::fmt::Display for Ends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} crashes, {} too early", self.ends, self.early)?;
        self.soonest.map_or(Ok(()), |soonest| write!(f, ", the soonest after {:.3} s", soonest.as_secs_f64()))
    }
}

/// Floods a server on eight connections and ends and starts it in the middle of it.
async fn ended_often(
    mut server: Server,
    ending: Ending,
    bucket: Arc<Bucket>,
    span: Span,
) -> Result<Ends, Failure> {
    let mut clients = JoinSet::new();
    let reads = server.reads()?;
    for _ in 0..8 {
        let client = Client::new(&server.place, 1, &reads, &bucket, span);
        clients.spawn(flood(client, span, Duration::from_millis(25)));
    }
    let (mut ends, mut chance) = (Ends::default(), Chance(7));
    let times = if ending == Ending::Clean { (4, 20) } else { (2, 6) };
    while span.pause(chance.seconds(times.0, times.1)).await {
        match ending {
            Ending::Clean => server.stop().await?,
            Ending::Killed | Ending::KilledThenStopped => server.kill()?,
        }
        server.again().await?;
        ends.ends += 1;
        if ending == Ending::Clean {
            continue;
        }
        // The next end comes when the minute of this one has passed.
        let crashed = server.started.duration_since(span.start);
        if ending == Ending::KilledThenStopped && span.pause(Duration::from_secs(3)).await {
            server.stop().await?;
            server.again().await?;
        }
        span.pause(Duration::from_secs(62).saturating_sub(server.started.elapsed())).await;
        let exchanges = lock(&bucket.exchanges);
        let admitted = exchanges.iter().filter(|one| one.fate == Fate::Admitted && one.sent >= crashed);
        let first = admitted.map(|one| one.received - crashed).min();
        ends.early += u64::from(first.is_some_and(|first| first < WINDOW));
        ends.soonest = [ends.soonest, first].into_iter().flatten().min();
    }
    clients.join_all().await;
    Ok(ends)
}

fn limit(name: &'static str, limit: usize) -> (&'static str, String) {
    (name, limit.to_string())
}

/// Everything that attacks two servers of which nobody ends one.
struct Attack {
    span: Span,
    clients: JoinSet<()>,
    /// Buckets that must be exact.
    exact: Vec<Arc<Bucket>>,
    saturated: Arc<Bucket>,
    guesses: Arc<Bucket>,
    lone: Arc<Mutex<Lone>>,
    /// Good credentials from the address that guesses, and how many of them were refused.
    good: Arc<Mutex<(u64, u64)>>,
}

impl Attack {
    fn new(span: Span) -> Self {
        let saturated = Bucket::new("reads, saturated", "reads", SATURATED);
        let guesses = Bucket::admitting("bad credentials", "failed_auth", FAILED, 401);
        let exact = vec![Arc::clone(&saturated), Arc::clone(&guesses)];
        let (clients, lone, good) = Default::default();
        Self { span, clients, exact, saturated, guesses, lone, good }
    }

    /// Floods a bucket by so many clients.
    fn flood(&mut self, client: impl Fn() -> Client, clients: u32, pause: Duration) {
        for _ in 0..clients {
            self.clients.spawn(flood(client(), self.span, pause));
        }
    }

    /// One account from all sides, at the edges; another one all the time.
    fn accounts(&mut self, server: &Server) -> Result<(), Failure> {
        let (place, span) = (&server.place, self.span);
        let edges = Bucket::new("reads, at the edges", "reads", EDGES);
        let mut asks = Vec::new();
        for name in ["admin", "editor", "viewer", "both"] {
            let key = server.key(&format!("{name}@acme.example"), "acme-capital")?;
            asks.push(request("GET", "/me", Some(&key), ""));
        }
        for (number, ask) in (0..ATTACKERS).zip(asks.iter().cycle()) {
            let client = Client::new(place, 1, ask, &edges, span);
            self.clients.spawn(at_edges(client, span, number));
        }
        self.exact.push(edges);
        let harbor = server.key("admin@harbor.example", "harbor-lending")?;
        let (ask, saturated) = (request("GET", "/me", Some(&harbor), ""), Arc::clone(&self.saturated));
        self.flood(|| Client::new(place, 1, &ask, &saturated, span), 8, Duration::from_millis(15));
        let deal = |key: &str| request("POST", "/deals", Some(key), r#"{"title": "soak"}"#);
        let writes = Bucket::admitting("writes, saturated", "writes", WRITES, 201);
        let ask = deal(&server.key("admin@acme.example", "acme-capital")?);
        self.flood(|| Client::new(place, 1, &ask, &writes, span), 4, Duration::from_millis(50));
        self.exact.push(writes);
        let few = Bucket::admitting("writes, alone", "writes", LONE_WRITES, 201);
        self.alone(Client::new(place, 1, &deal(&harbor), &few, span), 1);
        Ok(())
    }

    fn alone(&mut self, client: Client, seed: u64) {
        self.exact.push(Arc::clone(&client.bucket));
        self.clients.spawn(alone(client, self.span, Chance(seed), Arc::clone(&self.lone)));
    }

    /// Addresses, each with buckets of its own: some flooded, some with a lone client.
    fn addresses(&mut self, server: &Server) {
        let (place, span) = (&server.place, self.span);
        let validate = request("POST", "/auth/validate-api-key", None, r#"{"api_key": "lev_sk_guess"}"#);
        let health = request("GET", "/health", None, "");
        for from in 2..=4 {
            let bucket = Bucket::new(format!("validate, 127.0.0.{from}"), "validate", VALIDATE);
            self.flood(|| Client::new(place, from, &validate, &bucket, span), 2, Duration::from_millis(50));
            self.exact.push(bucket);
        }
        for from in 20..40 {
            let (ask, name, most) =
                if from % 2 == 0 { (&validate, "validate", VALIDATE) } else { (&health, "health", HEALTH) };
            let bucket = Bucket::new(format!("{name}, alone, 127.0.0.{from}"), name, most);
            self.alone(Client::new(place, from, ask, &bucket, span), from.into());
        }
    }

    /// Guesses from one address, where a good credential is used too.
    fn guesses(&mut self, server: &Server) -> Result<(), Failure> {
        let guess = request("GET", "/me", Some("lev_sk_guess"), "");
        for _ in 0..2 {
            let client = |ask| Client::new(&server.place, 5, ask, &self.guesses, self.span);
            let (bad, good) = (client(&guess), client(&server.reads()?));
            self.clients.spawn(bad_and_good(bad, good, self.span, Arc::clone(&self.good)));
        }
        Ok(())
    }
}

async fn soak(arguments: &Arguments) -> Result<(), Failure> {
    let program = soak::program(arguments.server.as_ref())?;
    let home = tempfile::tempdir()?;
    let start = async |name: &str, limits| Server::start(&program, home.path().join(name), limits).await;
    let main = vec![
        limit("TIERS_ENTERPRISE_READS", EDGES),
        limit("TIERS_STANDARD_READS", SATURATED),
        limit("TIERS_ENTERPRISE_WRITES", WRITES),
        limit("TIERS_STANDARD_WRITES", LONE_WRITES),
        limit("VALIDATE_PER_MINUTE", VALIDATE),
        limit("HEALTH_PER_MINUTE", HEALTH),
    ];
    let main = start("main", main).await?;
    let unlimited = ("TIERS_ENTERPRISE_READS", "unlimited".to_owned());
    let guessed = start("guessed", vec![unlimited, limit("FAILED_AUTH_PER_MINUTE", FAILED)]).await?;
    let after_crash =
        |word: &str| vec![limit("TIERS_ENTERPRISE_READS", RESTARTED), ("AFTER_CRASH", word.to_owned())];
    let clean = start("clean", after_crash("forget")).await?;
    let strict = start("strict", after_crash("strict")).await?;
    let twice = start("twice", after_crash("strict")).await?;
    let forget = start("forget", after_crash("forget")).await?;

    let began = Instant::now();
    // Five seconds short of whole minutes: what is possible in them does not hang on a few milliseconds.
    let length = WINDOW * arguments.minutes - Duration::from_secs(5);
    let span = Span { start: began, end: began + length };
    let mut attack = Attack::new(span);
    attack.accounts(&main)?;
    attack.addresses(&main);
    attack.guesses(&guessed)?;
    let ended = |label: &str| Bucket::new(label, "reads", RESTARTED);
    let buckets = [
        ended("reads, restarted in order"),
        ended("reads, killed, strict"),
        ended("reads, killed, restarted, strict"),
        ended("reads, killed, forgetting"),
    ];
    let [restarts, crashes, doubles, forgets] = &buckets;
    let mut out = io::stdout();
    writeln!(out, "attacking for {} s", length.as_secs())?;
    let mut clients = std::mem::take(&mut attack.clients);
    let (cleanly, strictly, doubly, forgetting, ()) = tokio::try_join!(
        ended_often(clean, Ending::Clean, Arc::clone(restarts), span),
        ended_often(strict, Ending::Killed, Arc::clone(crashes), span),
        ended_often(twice, Ending::KilledThenStopped, Arc::clone(doubles), span),
        ended_often(forget, Ending::Killed, Arc::clone(forgets), span),
        async {
            while let Some(ended) = clients.join_next().await {
                ended?;
            }
            Ok(())
        },
    )?;

    let mut table: Vec<(&Bucket, Seen)> = Vec::new();
    table.extend(attack.exact.iter().map(|bucket| (&**bucket, bucket.seen(MILLISECOND))));
    table.push((restarts, restarts.seen(RESTART)));
    // What is refused for a minute after a crash is refused without a cause that can be seen.
    let crashed = |bucket: &Bucket| Seen { baseless: 0, ..bucket.seen(MILLISECOND) };
    table.extend([crashes, doubles].map(|bucket| (&**bucket, crashed(bucket))));
    tabled(&mut out, &table)?;
    row(&mut out, forgets, &crashed(forgets))?;
    let forgot = forgetting.ends;
    writeln!(
        out,
        "(killed {forgot} times; it knows nothing of what it admitted before, and promises nothing)"
    )?;
    let mut promises = of_buckets(&attack, &table, arguments.minutes);
    promises.push((cleanly.ends > 0, format!("it stops and starts in order: {} times", cleanly.ends)));
    promises.push((strictly.kept(), format!("strict: nothing for 60 s after a crash: {strictly}")));
    promises.push((doubly.kept(), format!("strict: nor when it is stopped and started in them: {doubly}")));
    let all: Vec<&Bucket> = attack.exact.iter().chain(&buckets).map(|bucket| &**bucket).collect();
    let wrong: usize = all.iter().map(|bucket| lock(&bucket.wrong).len()).sum();
    promises.push((wrong == 0, format!("what answers tell is true: {wrong} tell what is not")));
    writeln!(out)?;
    for (kept, promise) in &promises {
        writeln!(out, "{:<8}  {promise}", if *kept { "kept" } else { "NOT KEPT" })?;
    }
    examples(&mut out, &all, &lock(&attack.lone))?;
    if promises.iter().all(|(kept, _)| *kept) { Ok(()) } else { Err("not all promises were kept".into()) }
}

/// What is promised of all buckets, and whether it was kept.
fn of_buckets(attack: &Attack, table: &[(&Bucket, Seen)], minutes: u32) -> Vec<(bool, String)> {
    let over = table.iter().filter(|(bucket, seen)| seen.is_over(&bucket.promise(MILLISECOND)));
    let over: Vec<&str> = over.map(|(bucket, _)| bucket.label.as_str()).collect();
    let baseless: usize = table.iter().map(|(_, seen)| seen.baseless).sum();
    let (most, used) = (SATURATED * minutes as usize, attack.saturated.seen(MILLISECOND).admitted);
    let utilised = used as f64 / most as f64 * 100.0;
    let bad = lock(&attack.guesses.exchanges).iter().filter(|one| one.fate != Fate::Unknown).count();
    let (good, not_good) = *lock(&attack.good);
    let Lone { retries, refused, .. } = *lock(&attack.lone);
    vec![
        (
            over.is_empty(),
            format!("no 60 s hold more than the limit: {} buckets, over {over:?}", table.len()),
        ),
        (
            utilised >= UTILISED,
            format!("at least {UTILISED} % of what is possible is used: {used} of {most}, {utilised:.2} %"),
        ),
        (baseless == 0, format!("nothing is refused without cause: {baseless} were")),
        (
            refused == 0 && retries > 0,
            format!("who comes back when told is admitted: {retries} times, {refused} refused"),
        ),
        (
            not_good == 0 && good > 0 && bad >= BAD_CALLS,
            format!(
                "{BAD_CALLS} bad credentials refuse no good one: {bad} bad, {good} good, {not_good} refused"
            ),
        ),
    ]
}

fn tabled(out: &mut impl Write, table: &[(&Bucket, Seen)]) -> io::Result<()> {
    let (label, limit) = ("bucket", "limit");
    writeln!(
        out,
        "\n{label:<35} {limit:>5}  admitted   refused  most in 60 s  limit + 1 in s, at least  baseless"
    )?;
    table.iter().try_for_each(|(bucket, seen)| row(out, bucket, seen))
}

fn row(out: &mut impl Write, bucket: &Bucket, seen: &Seen) -> io::Result<()> {
    let tightest = seen.tightest.map_or_else(|| "-".to_owned(), |span| format!("{:.6}", span.as_secs_f64()));
    let (label, limit, Seen { admitted, refused, most, baseless, .. }) = (&bucket.label, bucket.limit, seen);
    writeln!(out, "{label:<35} {limit:>5} {admitted:>9} {refused:>9} {most:>13} {tightest:>27} {baseless:>9}")
}

/// The first of each kind of fault.
fn examples(out: &mut impl Write, buckets: &[&Bucket], lone: &Lone) -> io::Result<()> {
    let mut kinds: Vec<String> = Vec::new();
    for bucket in buckets {
        for wrong in lock(&bucket.wrong).iter() {
            let kind = wrong.split(':').next().unwrap_or_default();
            if !kinds.iter().any(|known| known == kind) {
                writeln!(out, "for example: {}: {wrong}", bucket.label)?;
                kinds.push(kind.to_owned());
            }
        }
    }
    lone.first.iter().try_for_each(|first| writeln!(out, "for example: {first}"))
}
