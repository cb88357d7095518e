//! A thousand hostile connections at once: silent, a dripping header, a header of 400 KB, half a preface of HTTP/2,
//! half a hello of TLS. All must be closed within 15 s and cost the server at most 16 KiB each, while an honest
//! client's p99 stays within twice of what it was.
//!
//! `cargo xtask soak hostile` runs it against a plain address and against one with TLS, where a half hello is held: it
//! starts the program's demo on loopback, attacks it in rounds of some 25 s, and ends it. Ends with exit code 1 when
//! anything promised was not kept. Memory is the process's own (VmRSS); the system's socket buffers are not in it. The
//! demo that is attacked is a second start on the same data: the first one hashes passwords, and the pages that this
//! leaves free in the process would hide what the connections take.

mod soak;

use clap::Parser;
use serde_json::Value;
use soak::Failure;
use std::convert::Infallible;
use std::fs::{File, read_to_string};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, interval, sleep, sleep_until, timeout};

/// What is promised.
const CLOSED_WITHIN: Duration = Duration::from_secs(15);
const KIB_EACH: f64 = 16.0;
const RATIO: f64 = 2.0;

/// A hostile client that was not closed gives up after this.
const PATIENCE: Duration = Duration::from_secs(40);
/// The length of the long header.
const LONG: usize = 400 * 1024;
/// The server takes 1,000 connections from one address.
const FROM_ONE: usize = 500;

/// Honest clients, how often each asks, and how long it waits for an answer. Under attack the load goes on until all
/// hostile connections have ended, and for as long as the baseline at least.
const HONEST: u32 = 4;
const PACE: Duration = Duration::from_millis(5);
const ANSWERED: Duration = Duration::from_secs(5);
const WARM_UP: Duration = Duration::from_secs(2);
const BASELINE: Duration = Duration::from_secs(10);

/// Raises the limit of open files as far as it goes, then becomes the server, with the same process id.
const RAISED: &str = "ulimit -n 65536 2>/dev/null || ulimit -n \"$(ulimit -Hn)\"; exec \"$0\" \"$@\"";

/// Attacks a server of its own and says whether it keeps what is promised.
#[derive(Parser)]
struct Arguments {
    /// The server program; without it: `keyward` beside the directory of this example
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Hostile connections
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: u16,
    /// How often baseline and attack are repeated; the median of the ratios is judged
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    rounds: u8,
    /// Only this shape
    #[arg(long, value_parser = ["silent", "drip", "long", "preface", "hello"])]
    shape: Option<String>,
    /// Against a listener of TLS; there is no honest client then
    #[arg(long)]
    tls: bool,
}

/// What a hostile client writes at first, and what then.
struct Shape {
    name: &'static str,
    first: &'static [u8],
    then: Then,
}

enum Then {
    Nothing,
    /// One byte each second.
    Drip,
    /// The rest of the long header, as fast as it is taken.
    Flood,
}

static SHAPES: [Shape; 5] = [
    Shape { name: "silent", first: b"", then: Then::Nothing },
    Shape { name: "drip", first: b"GET / HTTP/1.1\r\nHost: a\r\nX-Drip: ", then: Then::Drip },
    Shape { name: "long", first: b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ", then: Then::Flood },
    Shape { name: "preface", first: b"PRI * HT", then: Then::Nothing },
    Shape { name: "hello", first: b"\x16\x03\x01\x02\x00\x01", then: Then::Nothing },
];

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    soak::run(soak(&arguments))
}

async fn soak(arguments: &Arguments) -> Result<(), Failure> {
    let connections = usize::from(arguments.connections);
    enough_files("self", connections)?;
    let directory = tempfile::tempdir()?;
    drop(Server::start(arguments, directory.path()).await?);
    let server = Server::start(arguments, directory.path()).await?;
    enough_files(&server.child.id().to_string(), connections)?;
    if !arguments.tls {
        Load::start(&server).end_after(WARM_UP).await?;
    }
    let before = memory(server.child.id(), "VmRSS:")?;
    let mut out = io::stdout();
    writeln!(out, "{connections} hostile connections; the server has {before} KiB before the first")?;
    writeln!(
        out,
        "        baseline                    under attack                        honest  opened   KiB each   KiB each\n\
         round   requests  p50 ms  p99 ms    requests  p50 ms  p99 ms   ratio  failures    in s    sampled    highest"
    )?;
    let mut rounds = Vec::new();
    for number in 1..=arguments.rounds {
        let baseline =
            if arguments.tls { Took::default() } else { Load::start(&server).end_after(BASELINE).await? };
        let round = attack(arguments, &server, baseline, before).await?;
        writeln!(out, "{number:>5}  {round}")?;
        rounds.push(round);
    }
    by_shape(&mut out, &rounds)?;
    let logged = server.logged();
    if let Some(line) = logged.lines().next() {
        writeln!(out, "\nthe server logged {} lines, the first: {line}", logged.lines().count())?;
    }
    judged(&mut out, &rounds, arguments.tls)
}

/// What came of one round.
struct Round {
    baseline: Took,
    attacked: Took,
    /// How long it took to open all hostile connections: seconds mean that the server's queue was full.
    opening: f64,
    sampled: f64,
    highest: f64,
    fates: Vec<Fate>,
}

/// How long a hostile connection was held; `None`: it was still open when the client's patience ended.
struct Fate {
    shape: &'static str,
    held: Option<Duration>,
}

impl Round {
    fn ratio(&self) -> f64 {
        self.attacked.percentile(99) / self.baseline.percentile(99)
    }

    fn failures(&self) -> u64 {
        self.baseline.failures + self.attacked.failures
    }
}

impl std::fmt::Display for Round {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for took in [&self.baseline, &self.attacked] {
            let (half, most) = (told(took.percentile(50)), told(took.percentile(99)));
            write!(f, "  {:>8}  {half:>6}  {most:>6}  ", took.each.len())?;
        }
        let (ratio, sampled, highest) = (told(self.ratio()), told(self.sampled), told(self.highest));
        write!(f, "{ratio:>6}  {:>8}  {:>6.3}  {sampled:>9}  {highest:>9}", self.failures(), self.opening)
    }
}

/// A figure that may not be there.
fn told(value: f64) -> String {
    if value.is_nan() { "-".to_owned() } else { format!("{value:.3}") }
}

/// Opens the hostile connections and holds them while the honest load goes on.
async fn attack(
    arguments: &Arguments,
    server: &Server,
    baseline: Took,
    before: u64,
) -> Result<Round, Failure> {
    let id = server.child.id();
    // From here on the system notes the highest memory anew, between samples too.
    let noted = std::fs::write(format!("/proc/{id}/clear_refs"), "5").is_ok();
    let (peak, began) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let sampler = tokio::spawn(sampled(id, Arc::clone(&peak)));
    let load = (!arguments.tls).then(|| Load::start(server));
    let mut held = JoinSet::new();
    let only = arguments.shape.as_deref();
    let shapes = SHAPES.iter().filter(|shape| only.is_none_or(|only| only == shape.name));
    for (number, shape) in shapes.cycle().take(arguments.connections.into()).enumerate() {
        let (stream, since) = (open(server.address, number).await?, Instant::now());
        held.spawn(async move { Fate { shape: shape.name, held: hold(stream, since, shape).await } });
    }
    let opening = began.elapsed().as_secs_f64();
    let fates = held.join_all().await;
    let attacked = match load {
        Some(load) => load.end_after(BASELINE.saturating_sub(began.elapsed())).await?,
        None => Took::default(),
    };
    sampler.abort();
    let sampled = peak.load(Ordering::Relaxed);
    // A server that has died tells none.
    let ever = memory(id, "VmHWM:")?;
    let highest = if noted { ever.max(sampled) } else { sampled };
    let each = |peak: u64| peak.saturating_sub(before) as f64 / f64::from(arguments.connections);
    Ok(Round { baseline, attacked, opening, sampled: each(sampled), highest: each(highest), fates })
}

/// A hostile connection, from one of as many addresses as are needed.
async fn open(address: SocketAddr, number: usize) -> Result<TcpStream, Failure> {
    let source = Ipv4Addr::new(127, 0, 0, u8::try_from(2 + number / FROM_ONE)?);
    let connecting = async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((source, 0)))?;
        socket.connect(address).await
    };
    let opened = timeout(ANSWERED, connecting).await.unwrap_or_else(|late| Err(late.into()));
    opened.map_err(|error| format!("hostile connection {number} could not be opened: {error}").into())
}

/// Plays a shape until the server closes; how long that took.
async fn hold(mut stream: TcpStream, since: Instant, shape: &Shape) -> Option<Duration> {
    let (reading, writing) = stream.split();
    let held = async {
        tokio::select! {
            () = closed(reading) => (),
            never = talk(writing, shape) => match never {},
        }
    };
    timeout(PATIENCE, held).await.ok().map(|()| since.elapsed())
}

async fn closed(mut from: ReadHalf<'_>) {
    let mut answer = [0; 512];
    while !matches!(from.read(&mut answer).await, Ok(0) | Err(_)) {}
}

async fn talk(to: WriteHalf<'_>, shape: &Shape) -> Infallible {
    // A write that fails tells nothing: the read sees the close too.
    let _ = write(to, shape).await;
    std::future::pending().await
}

async fn write(mut to: WriteHalf<'_>, shape: &Shape) -> io::Result<()> {
    to.write_all(shape.first).await?;
    match shape.then {
        Then::Nothing => {}
        Then::Drip => loop {
            sleep(Duration::from_secs(1)).await;
            to.write_all(b"d").await?;
        },
        Then::Flood => {
            let piece = [b'x'; 8 * 1024];
            for _ in 0..LONG / piece.len() {
                to.write_all(&piece).await?;
            }
        }
    }
    Ok(())
}

/// Notes the most memory that a sample finds, ten times a second.
async fn sampled(id: u32, peak: Arc<AtomicU64>) {
    let mut ticks = interval(Duration::from_millis(100));
    loop {
        ticks.tick().await;
        peak.fetch_max(memory(id, "VmRSS:").unwrap_or_default(), Ordering::Relaxed);
    }
}

/// A figure of a process's memory, in KiB.
fn memory(id: u32, name: &str) -> Result<u64, Failure> {
    let text = read_to_string(format!("/proc/{id}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("the system tells no memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Refuses when a process may not open as many files as the soak needs.
fn enough_files(process: &str, connections: usize) -> Result<(), Failure> {
    let text = read_to_string(format!("/proc/{process}/limits"))?;
    let line = text.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
    // No number means no limit.
    let limit = line.split_whitespace().nth(3).and_then(|soft| soft.parse().ok()).unwrap_or(usize::MAX);
    let needed = connections + 100;
    if limit < needed {
        return Err(format!("{limit} open files are too few (process {process}): ulimit -n {needed}").into());
    }
    Ok(())
}

/// The honest load, on a thread of its own.
struct Load {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<Took, Failure>>,
}

/// How long each honest request took, in milliseconds and sorted, and how many failed.
#[derive(Default)]
struct Took {
    each: Vec<f64>,
    failures: u64,
}

impl Took {
    /// By nearest rank.
    fn percentile(&self, of_hundred: usize) -> f64 {
        let rank = (self.each.len() * of_hundred).div_ceil(100);
        self.each.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }
}

impl Load {
    fn start(server: &Server) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (address, until) = (server.address, Arc::clone(&over));
        let request = format!(
            "GET /api/external/v2/me HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
             X-Origin-App: soak\r\nAccept: */*\r\n\r\n",
            server.key
        );
        let clients = async move {
            let mut clients = JoinSet::new();
            for client in 0..HONEST {
                let first = Instant::now() + PACE * client / HONEST;
                clients.spawn(honest(address, request.clone(), first, Arc::clone(&until)));
            }
            let mut all = Took::default();
            for took in clients.join_all().await {
                all.each.extend(took.each);
                all.failures += took.failures;
            }
            all.each.sort_by(f64::total_cmp);
            Ok(all)
        };
        let thread = tokio::task::spawn_blocking(move || {
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(clients)
        });
        Self { over, thread }
    }

    async fn end_after(self, time: Duration) -> Result<Took, Failure> {
        sleep(time).await;
        self.over.store(true, Ordering::Relaxed);
        self.thread.await?
    }
}

/// Asks at a steady pace on one connection. A question that had to wait for the answer before it counts from when it
/// was due.
async fn honest(address: SocketAddr, request: String, first: Instant, over: Arc<AtomicBool>) -> Took {
    let (mut took, mut stream, mut due) = (Took::default(), connected(address).await.ok(), first);
    while !over.load(Ordering::Relaxed) {
        let began = if Instant::now() > due {
            due
        } else {
            sleep_until(due).await;
            Instant::now()
        };
        match timeout(ANSWERED, asked(stream.take(), address, &request)).await {
            Ok(Ok(kept)) => {
                took.each.push(began.elapsed().as_secs_f64() * 1_000.0);
                stream = Some(kept);
            }
            Ok(Err(_)) | Err(_) => took.failures += 1,
        }
        due += PACE;
    }
    took
}

async fn connected(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One question and its whole answer, which must be a 200.
async fn asked(stream: Option<TcpStream>, address: SocketAddr, request: &str) -> Result<TcpStream, Failure> {
    let mut stream = match stream {
        Some(stream) => stream,
        None => connected(address).await?,
    };
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::with_capacity(4 * 1024);
    loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err("closed".into());
        }
        let text = std::str::from_utf8(&answer)?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        if !head.starts_with("HTTP/1.1 200") {
            return Err(format!("unexpected answer: {head}").into());
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.ok_or("no content-length")?.parse::<usize>()? {
            return Ok(stream);
        }
    }
}

/// The server under attack. Dropping it ends it.
struct Server {
    child: Child,
    /// What it prints, what it logs, and its data.
    directory: PathBuf,
    address: SocketAddr,
    key: String,
}

/// A certificate that nobody trusts, and its key.
fn certificate(directory: &Path) -> Result<(PathBuf, PathBuf), Failure> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    let (cert, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    std::fs::write(&cert, made.cert.pem())?;
    std::fs::write(&key, made.signing_key.serialize_pem())?;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600))?;
    Ok((cert, key))
}

impl Server {
    async fn start(arguments: &Arguments, directory: &Path) -> Result<Self, Failure> {
        let program = soak::program(arguments.server.as_ref())?;
        let file = |name| File::create(directory.join(name));
        let mut command = Command::new("sh");
        command.args(["-c", RAISED]).arg(program).args(["demo", "--json", "--listen", "127.0.0.1:0"]);
        command.arg("--data").arg(directory.join("data"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("TMPDIR", directory).env("KEYWARD_LOG_LEVEL", "warn");
        if arguments.tls {
            let (cert, key) = certificate(directory)?;
            command.env("KEYWARD_SERVER_TLS_CERT", cert).env("KEYWARD_SERVER_TLS_KEY", key);
        }
        let child = command.stdin(Stdio::null()).stdout(file("stdout")?).stderr(file("stderr")?).spawn()?;
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut server =
            Self { child, directory: directory.to_owned(), address: nowhere, key: String::new() };
        server.ready(arguments.tls).await?;
        Ok(server)
    }

    /// Waits for the line that says where it listens and with which keys.
    async fn ready(&mut self, tls: bool) -> Result<(), Failure> {
        for _ in 0..3_000 {
            let printed = read_to_string(self.directory.join("stdout"))?;
            if let Some(line) = printed.strip_suffix('\n') {
                let line: Value = serde_json::from_str(line)?;
                let (scheme, address) = text(&line, "url").split_once("://").ok_or("no url")?;
                if (scheme == "https") != tls {
                    return Err(format!("the server speaks {scheme}, which is not what was asked for").into());
                }
                self.address = address.parse()?;
                let keys = line.get("api_keys").and_then(Value::as_array).ok_or("no keys")?;
                let key = keys.iter().find(|key| text(key, "user_email") == "admin@acme.example");
                self.key = text(key.ok_or("no key of the admin")?, "api_key").to_owned();
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(
                    format!("the server ended instead of serving, {status}: {}", self.logged()).into()
                );
            }
            sleep(Duration::from_millis(10)).await;
        }
        Err(format!("the server does not serve: {}", self.logged()).into())
    }

    fn logged(&self) -> String {
        read_to_string(self.directory.join("stderr")).unwrap_or_default()
    }
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

/// What became of the connections, over all rounds.
fn by_shape(out: &mut impl Write, rounds: &[Round]) -> io::Result<()> {
    writeln!(out, "\nshape      opened   closed   first s   last s")?;
    for shape in &SHAPES {
        let fates: Vec<&Fate> =
            rounds.iter().flat_map(|round| &round.fates).filter(|fate| fate.shape == shape.name).collect();
        let closed: Vec<f64> = fates.iter().filter_map(|fate| Some(fate.held?.as_secs_f64())).collect();
        if !fates.is_empty() {
            let (first, last) = (told(least(&closed)), told(most(&closed)));
            let (name, opened, closed) = (shape.name, fates.len(), closed.len());
            writeln!(out, "{name:<8} {opened:>8} {closed:>8}  {first:>8} {last:>8}")?;
        }
    }
    Ok(())
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::min)
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::max)
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Says of every promise whether it was kept.
fn judged(out: &mut impl Write, rounds: &[Round], tls: bool) -> Result<(), Failure> {
    let fates: Vec<&Fate> = rounds.iter().flat_map(|round| &round.fates).collect();
    let open = fates.iter().filter(|fate| fate.held.is_none()).count();
    let last = fates.iter().filter_map(|fate| fate.held).max().unwrap_or_default();
    let highest = most(&rounds.iter().map(|round| round.highest).collect::<Vec<_>>());
    let ratio = middle(rounds.iter().map(Round::ratio).collect());
    let failures: u64 = rounds.iter().map(Round::failures).sum();
    let seconds = last.as_secs_f64();
    let mut promises = vec![
        (
            open == 0 && last <= CLOSED_WITHIN,
            format!("all closed within 15 s: {open} not, last {seconds:.3} s"),
        ),
        (highest <= KIB_EACH, format!("at most {KIB_EACH} KiB each: {highest:.2} KiB at the highest")),
    ];
    if !tls {
        promises.push((ratio <= RATIO, format!("p99 within {RATIO} times: median ratio {ratio:.2}")));
        promises.push((failures == 0, format!("no honest request fails: {failures} failed")));
    }
    writeln!(out)?;
    for (kept, promise) in &promises {
        writeln!(out, "{:<8}  {promise}", if *kept { "kept" } else { "NOT KEPT" })?;
    }
    if promises.iter().all(|(kept, _)| *kept) { Ok(()) } else { Err("not all promises were kept".into()) }
}
