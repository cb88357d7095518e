//! What the door costs: one handler bare, and the same handler behind the whole door with a key that is remembered,
//! in turns, over real sockets. Prints ratios of one run; figures of different runs or machines do not compare.
//!
//! Then what limits cost a read, what an `Idempotency-Key` costs a write, and what a JWT costs beside its bare signature.
//!
//! `cargo xtask bench [ROUNDS]`: a round is half a second each. Ends with exit code 1 when the door keeps less than the
//! floor of the bare handler's throughput per CPU second, so that a mistake that makes it much dearer is noticed.

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use keyward::config::{IssuerConfig, LimitsConfig};
use keyward::reload::{Current, Reloadable};
use keyward::server::{Base, Builder, Server as Built};
use keyward::stack::{AccountNeed, Boxed};
use keyward::store::Store;
use keyward::transport::Listening;
use keyward::{telemetry, transport};
use keyward_core::BoxFuture;
use keyward_core::address::ClientAddress;
use keyward_core::api_key::{KeyFormat, KeyRing};
use keyward_core::clock::{At, Clock, SystemClock};
use keyward_core::denial::Denial;
use keyward_core::effect::{Commit, Context, Effect, Ended};
use keyward_core::grant::Grant;
use keyward_core::idempotency::Claims;
use keyward_core::jwt::{KeySet, Link, Token, Verified};
use keyward_core::limits::{Rate, Tiers};
use keyward_core::list::Cursors;
use keyward_core::live::Directory;
use keyward_core::permit::operator;
use keyward_core::random::{OsRandom, Random, uuid4};
use keyward_core::role::Role;
use keyward_core::root_secret::RootSecret;
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::key::IssueKey;
use keyward_core::write::member::AddMember;
use keyward_core::write::user::CreateUser;
use keyward_sqlite::{Options, Sqlite};
use keyward_testkit::issuer::{SigningKey, base64url, key_set};
use keyward_tower::authenticate::{IssuerKeys, Jwts, KeyFetch, KeyQuery, Links, Trusted};
use serde_json::json;
use std::convert::Infallible;
use std::error::Error;
use std::future::pending;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tower::service_fn;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;
use uuid::Uuid;

type Failure = Box<dyn Error + Send + Sync>;

const CONNECTIONS: usize = 32;
const ROUND: Duration = Duration::from_millis(500);
const FLOOR: f64 = 0.70;

fn main() -> Result<(), Failure> {
    let rounds = std::env::args().nth(1).map_or(Ok(10), |text| text.parse::<usize>())?;
    if std::env::var_os("NOLOG").is_none() {
        telemetry::json(std::io::sink, EnvFilter::new("info")).init();
    }
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (server, key) = runtime.block_on(prepare(directory.path()))?;
    let bare = start("bare", BoxedRouter::bare())?;
    let door = start("door", BoxedRouter::door(&server))?;
    let mut ratios = Vec::new();
    let mut out = std::io::stdout();
    writeln!(out, "round   bare req/s   door req/s   ratio   CPU us/req bare   door   ratio")?;
    // The first round warms up and is not counted.
    for round in 0..=rounds {
        let (plain, guarded) = (runtime.block_on(load(&bare, &key))?, runtime.block_on(load(&door, &key))?);
        let ratio = guarded.rate() / plain.rate();
        let cpu = plain.cpu_each() / guarded.cpu_each();
        writeln!(
            out,
            "{round:>5} {:>12.0} {:>12.0} {ratio:>7.3} {:>17.2} {:>6.2} {cpu:>7.3}",
            plain.rate(),
            guarded.rate(),
            plain.cpu_each(),
            guarded.cpu_each(),
        )?;
        if round > 0 {
            ratios.push((ratio, cpu));
        }
    }
    let (median, by_cpu) = (middle(ratios.iter().map(|r| r.0)), middle(ratios.iter().map(|r| r.1)));
    writeln!(
        out,
        "median of {rounds}: the door keeps {median:.3} of the throughput, {by_cpu:.3} by CPU time (floor {FLOOR})"
    )?;
    beside(&mut out, &runtime, rounds, directory.path())?;
    tokens(&mut out, &runtime, rounds)?;
    if by_cpu < FLOOR { Err("the door has become too dear".into()) } else { Ok(()) }
}

/// What limits cost a read, and what an `Idempotency-Key` costs a write: each beside the same without, through the whole
/// program. Server CPU for the reads; for the writes throughput too, since they wait for the disk.
fn beside(out: &mut impl Write, runtime: &Runtime, rounds: usize, directory: &Path) -> Result<(), Failure> {
    let server = |name: &str, limits: LimitsConfig| {
        let place = directory.join(name);
        std::fs::create_dir(&place)?;
        let (server, key) =
            runtime.block_on(prepare_with(&place, Reloadable { limits, ..Reloadable::default() }))?;
        Ok::<_, Failure>((start(name, server.service())?, key))
    };
    // In shadow, so that the flood goes on when the limit is reached; it is counted all the same.
    let limited =
        LimitsConfig { tiers: every(Rate::PerMinute(Rate::MOST)), shadow: true, ..LimitsConfig::default() };
    let none = || LimitsConfig { tiers: every(Rate::Unlimited), ..LimitsConfig::default() };
    let (open, limited) = (server("open", none())?, server("limited", limited)?);
    let (plain, once) = (server("plain", none())?, server("once", none())?);
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let ask = |(server, key): &(Server, String), once| runtime.block_on(ask(server, key, once));
        let (a, b) = (ask(&open, None)?, ask(&limited, None)?);
        let (c, d) = (ask(&plain, Some(false))?, ask(&once, Some(true))?);
        if round > 0 {
            reads.push((a.cpu_each(), b.cpu_each()));
            writes.push((c.rate(), d.rate(), c.cpu_each(), d.cpu_each()));
        }
    }
    let each = |values: &[f64]| middle(values.iter().copied());
    let (open, limited): (Vec<f64>, Vec<f64>) = reads.into_iter().unzip();
    writeln!(
        out,
        "a read of /me without limits {:.2} us, with {:.2} us: {:.3}",
        each(&open),
        each(&limited),
        each(&open) / each(&limited)
    )?;
    let of = |pick: fn(&(f64, f64, f64, f64)) -> f64| middle(writes.iter().map(pick));
    writeln!(
        out,
        "a write plain {:.0}/s, with an Idempotency-Key {:.0}/s: {:.3} ({:.0} and {:.0} us of the server's thread)",
        of(|w| w.0),
        of(|w| w.1),
        of(|w| w.1) / of(|w| w.0),
        of(|w| w.2),
        of(|w| w.3),
    )?;
    Ok(())
}

/// What it takes to verify a token: its signature alone (aws-lc-rs), the whole of a token that is new, and one that is
/// remembered. And what a hostile one costs that is as long as it may be.
fn tokens(out: &mut impl Write, runtime: &Runtime, rounds: usize) -> Result<(), Failure> {
    const EACH: usize = 500;
    let issuer = "https://id.example/";
    let signer = SigningKey::rsa(0, "k");
    let set = Arc::new(KeySet::parse(&key_set(&[&signer]))?);
    let now = SystemClock::new().now().unix();
    let claims = |n: usize| {
        json!({
            "iss": issuer, "aud": "https://api.example", "sub": "auth0|5f7c8ec7c33c6c004bbafe82", "azp": "spa",
            "scope": "openid profile email deals:read", "iat": now, "exp": now + 3600, "jti": n.to_string(),
        })
    };
    let config = IssuerConfig {
        issuer: issuer.to_owned(),
        audience: vec!["https://api.example".to_owned()],
        ..IssuerConfig::default()
    };
    let all: Vec<String> = (0..EACH).map(|n| signer.token(&claims(n))).collect();
    let signed: Vec<(&str, Vec<u8>)> = all
        .iter()
        .filter_map(|token| token.rsplit_once('.'))
        .map(|(signed, _)| (signed, signer.sign(signed.as_bytes())))
        .collect();
    let key = set.keys().next().ok_or("no key")?;
    let (mut bare, mut new, mut remembered) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        let jwts = Jwts::new(
            [Trusted { rules: config.rules(), keys: Arc::new(Fixed(Arc::clone(&set))) }].into(),
            Directory::default(),
            Arc::new(Nobody),
            Arc::new(SystemClock::new()),
        );
        let verify = || {
            runtime.block_on(async {
                for token in &all {
                    jwts.verify(token, ClientAddress::Unknown).await.map_err(|denial| denial.word())?;
                }
                Ok::<_, Failure>(())
            })
        };
        let of_bare =
            each(EACH, || match signed.iter().all(|(text, by)| key.verifies(text.as_bytes(), by)) {
                true => Ok(()),
                false => Err("a good signature is not".into()),
            })?;
        let (of_new, of_remembered) = (each(EACH, verify)?, each(EACH, verify)?);
        if round > 0 {
            bare.push(of_bare);
            new.push(of_new);
            remembered.push(of_remembered);
        }
    }
    let (bare, new, remembered) =
        (middle(bare.into_iter()), middle(new.into_iter()), middle(remembered.into_iter()));
    writeln!(
        out,
        "a JWT (RS256, 2048 bits, {} bytes): its bare signature {bare:.2} us, new {new:.2} us ({:.2} of it), remembered \
         {remembered:.2} us ({:.3})",
        all.first().map_or(0, String::len),
        new / bare,
        remembered / bare,
    )?;
    let members: String = (0..600).map(|n| format!("\"{n}\":{{\"{n}\":[]}},")).collect();
    let hostile = [
        ("dots", ".".repeat(100_000)),
        (
            "members",
            format!(
                "{}.{}.AAAA",
                base64url("{\"alg\":\"RS256\"}"),
                base64url(format!("{{{members}\"z\":0}}"))
            ),
        ),
        ("depth", format!("{}.AAAA.AAAA", base64url(format!("{{\"alg\":{}", "[".repeat(2_900))))),
        ("a good one", SigningKey::rsa(1, "other").token(&claims(0))),
    ];
    for (kind, token) in hostile {
        let cost = each(EACH, || {
            for _ in 0..EACH {
                let read = Token::read(std::hint::black_box(&token), 8192);
                std::hint::black_box(read.is_ok());
            }
            Ok(())
        })?;
        writeln!(out, "to read {kind} ({} bytes): {cost:.2} us", token.len())?;
    }
    Ok(())
}

/// Microseconds of each of so many.
fn each(count: usize, work: impl Fn() -> Result<(), Failure>) -> Result<f64, Failure> {
    let clock = SystemClock::new();
    let begun = clock.elapsed();
    work()?;
    Ok((clock.elapsed() - begun).as_secs_f64() * 1e6 / count as f64)
}

/// Keys that do not change.
#[derive(Debug)]
struct Fixed(Arc<KeySet>);

impl IssuerKeys for Fixed {
    fn known(&self) -> Option<Arc<KeySet>> {
        Some(Arc::clone(&self.0))
    }

    fn refresh<'a>(&'a self, _: KeyQuery<'a>) -> BoxFuture<'a, KeyFetch> {
        Box::pin(std::future::ready(KeyFetch::Current))
    }
}

#[derive(Debug)]
struct Nobody;

impl Links for Nobody {
    fn link<'a>(&'a self, _: &'a Verified, _: Link, _: ClientAddress) -> BoxFuture<'a, Result<(), Denial>> {
        Box::pin(std::future::ready(Err(Denial::TokenUnlinked)))
    }
}

/// The same rate for reads and writes of every tier.
fn every(rate: Rate) -> Tiers {
    let mut tiers = Tiers::default();
    for tier in [&mut tiers.free, &mut tiers.standard, &mut tiers.enterprise] {
        (tier.reads, tier.writes) = (rate, rate);
    }
    tiers
}

/// Reads `/me`, or writes deals, each with a key of its own or without, on eight connections until the round is over.
async fn ask(server: &Server, key: &str, write_once: Option<bool>) -> Result<Measured, Failure> {
    let (over, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let before = cpu_time(server.thread)?;
    let mut clients = Vec::new();
    for _ in 0..8 {
        let (over, count, key) = (Arc::clone(&over), Arc::clone(&count), key.to_owned());
        let mut stream = BufReader::new(TcpStream::connect(server.address).await?);
        stream.get_mut().set_nodelay(true)?;
        clients.push(tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let request = match write_once {
                    None => format!("GET /api/external/v2/me HTTP/1.1\r\n{}\r\n", head(&key)),
                    Some(once) => {
                        let body = "{\"title\":\"bench\"}";
                        let own = if once { format!("Idempotency-Key: {}\r\n", uuid4(&OsRandom)?) } else { String::new() };
                        format!(
                            "POST /api/external/v2/deals HTTP/1.1\r\n{}{own}Content-Type: application/json\r\n\
                             Content-Length: {}\r\n\r\n{body}",
                            head(&key),
                            body.len()
                        )
                    }
                };
                stream.get_mut().write_all(request.as_bytes()).await?;
                answered(&mut stream).await?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, Failure>(())
        }));
    }
    tokio::time::sleep(ROUND).await;
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await??;
    }
    Ok(Measured { requests: count.load(Ordering::Relaxed), cpu: cpu_time(server.thread)? - before })
}

fn head(key: &str) -> String {
    format!("Host: a\r\nAuthorization: Bearer {key}\r\nX-Origin-App: bench\r\n")
}

/// Reads one answer, which must be a success.
async fn answered(stream: &mut BufReader<TcpStream>) -> Result<(), Failure> {
    let (mut line, mut length, mut first) = (String::new(), 0, true);
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        if std::mem::take(&mut first) && !line.starts_with("HTTP/1.1 20") {
            return Err(format!("unexpected answer: {line}").into());
        }
        match line.trim_end() {
            "" => break,
            field => length = field.strip_prefix("content-length: ").map_or(Ok(length), str::parse)?,
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(())
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The handler that both serve: about a kilobyte of JSON.
async fn handler(_: Request<Body>) -> Result<Response<Body>, Infallible> {
    let items: Vec<u64> = (0..200).collect();
    let body = serde_json::to_vec(&serde_json::json!({ "data": items, "text": "x".repeat(200) }))
        .unwrap_or_default();
    Ok(Response::new(Body::from(body)))
}

struct BoxedRouter;

impl BoxedRouter {
    fn bare() -> Boxed {
        Boxed::new(Router::new().route_service("/bench", service_fn(handler)))
    }

    fn door(server: &Built) -> Boxed {
        let guarded = server.guarded(AccountNeed::Needed, service_fn(handler));
        server.around(Router::new().route_service("/bench", guarded))
    }
}

/// A server on a real store, with a key, and without limits.
async fn prepare(directory: &Path) -> Result<(Built, String), Failure> {
    let limits = LimitsConfig { tiers: every(Rate::Unlimited), ..LimitsConfig::default() };
    prepare_with(directory, Reloadable { limits, ..Reloadable::default() }).await
}

async fn prepare_with(directory: &Path, now: Reloadable) -> Result<(Built, String), Failure> {
    let current = Current::new(now);
    let root = RootSecret::generate(&OsRandom)?;
    let path = directory.join("bench.db");
    let checks = root.check_values();
    let store = Sqlite::open(&Options {
        path: &path,
        components: &[lev_deals::sql::COMPONENT],
        root_secret_checks: &checks,
        schema: keyward_sqlite::Schema::Make,
        idempotency_bytes: keyward_core::idempotency::KEPT_BYTES,
        tiers: current.tiers(),
        clock: Arc::new(SystemClock::new()),
    })?;
    let ring = KeyRing::new(KeyFormat::new("lev_sk_")?, &root).ok_or("no root secret")?;
    let account =
        CreateAccount { slug: "a".to_owned(), name: "A".to_owned(), account_type: None, tier: Tier::Free };
    let account = commit(&store, account).await?;
    let user = CreateUser {
        uuid: "u".to_owned(),
        email: "u@a.example".to_owned(),
        first_name: String::new(),
        last_name: String::new(),
        title: None,
        password_hash: None,
    };
    let user = commit(&store, user).await?;
    commit(&store, AddMember { account, user, role: Role::Admin }).await?;
    let secret = ring.mint(&OsRandom)?;
    let issue = IssueKey {
        account,
        user,
        label: "bench".to_owned(),
        grant: Grant::FullAccess,
        expires_at: None,
        allowed_ips: None,
        secret,
    };
    let key = commit(&store, issue).await?.secret.expose().to_owned();
    let (clock, store): (Arc<dyn Clock>, Arc<dyn Store>) = (store.clock(), Arc::new(store));
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let base = Base {
        store,
        ring,
        cursors: Cursors::new(&root),
        claims: Claims::new(&root),
        clock,
        random,
        current,
        public_url: "http://127.0.0.1".to_owned(),
    };
    Ok((Builder::new(base).build(), key))
}

#[expect(clippy::disallowed_methods, reason = "the bench sets up its account as the operator does")]
async fn commit<E: Effect>(store: &Sqlite, effect: E) -> Result<E::Done, Failure>
where
    Sqlite: Commit<E>,
{
    let context = Context { request_id: Uuid::nil(), address: None, origin_app: "bench".to_owned() };
    match store.commit(effect, operator(), context, None, At::Store).await? {
        Ended::Done(done, _) => Ok(done),
        Ended::Replayed(_) => Err("nothing was claimed".into()),
        Ended::Refused(denial) => Err(denial.message().into()),
    }
}

/// A server on a thread of its own, whose CPU time can be read.
struct Server {
    address: SocketAddr,
    thread: u64,
}

fn start(name: &str, service: Boxed) -> Result<Server, Failure> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let thread = Arc::new(AtomicU64::new(0));
    let own = Arc::clone(&thread);
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        own.store(thread_id(), Ordering::SeqCst);
        let serving = async {
            let listener = TcpListener::from_std(listener)?;
            transport::serve(listener, service, Listening::default(), pending(), pending()).await;
            Ok::<_, Failure>(())
        };
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map(|runtime| runtime.block_on(serving))
    })?;
    while thread.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    Ok(Server { address, thread: thread.load(Ordering::SeqCst) })
}

/// The number by which the system knows this thread.
fn thread_id() -> u64 {
    let link = std::fs::read_link("/proc/thread-self").unwrap_or_default();
    link.file_name().and_then(|name| name.to_str()?.parse().ok()).unwrap_or(1)
}

/// CPU time of a thread of this process, in nanoseconds.
fn cpu_time(thread: u64) -> Result<u64, Failure> {
    let text = std::fs::read_to_string(format!("/proc/self/task/{thread}/schedstat"))?;
    Ok(text.split_whitespace().next().unwrap_or_default().parse()?)
}

struct Measured {
    requests: u64,
    cpu: u64,
}

impl Measured {
    fn rate(&self) -> f64 {
        self.requests as f64 / ROUND.as_secs_f64()
    }

    fn cpu_each(&self) -> f64 {
        self.cpu as f64 / 1000.0 / self.requests.max(1) as f64
    }
}

/// Asks over and over on every connection until the round is over.
async fn load(server: &Server, key: &str) -> Result<Measured, Failure> {
    let (over, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let request = format!(
        "GET /bench HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {key}\r\nX-Origin-App: bench\r\nAccept: */*\r\n\r\n",
        server.address
    );
    let mut clients = Vec::new();
    let before = cpu_time(server.thread)?;
    for _ in 0..CONNECTIONS {
        let (over, count, request) = (Arc::clone(&over), Arc::clone(&count), request.clone());
        let mut stream = TcpStream::connect(server.address).await?;
        stream.set_nodelay(true)?;
        clients.push(tokio::spawn(async move {
            let mut answer = vec![0; first(&mut stream, request.as_bytes()).await?];
            while !over.load(Ordering::Relaxed) {
                stream.write_all(request.as_bytes()).await?;
                stream.read_exact(&mut answer).await?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, Failure>(())
        }));
    }
    tokio::time::sleep(ROUND).await;
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await??;
    }
    Ok(Measured { requests: count.load(Ordering::Relaxed), cpu: cpu_time(server.thread)? - before })
}

/// Asks once and learns how long an answer is: all are equally long.
async fn first(stream: &mut TcpStream, request: &[u8]) -> Result<usize, Failure> {
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    loop {
        stream.read_buf(&mut answer).await?;
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        if !head.starts_with("HTTP/1.1 200") {
            return Err(format!("unexpected answer: {head}").into());
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.ok_or("no content-length")?.parse()?;
        if body.len() == length {
            return Ok(answer.len());
        }
    }
}
