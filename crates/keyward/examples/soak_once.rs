//! Hundreds of kills under writes that carry an `Idempotency-Key`: half at a fail point inside the commit, half by
//! `kill -9` from outside at a random moment, on data that is kept. Clients send again what was not answered, in crowds
//! too, and some go away before the answer; after the kills 64 clients at once ask for one write, 1,000 times; at last
//! every key is sent once more. No write may happen twice, none that was acknowledged may be lost, no key may be stuck,
//! and every replay must be the first answer, byte for byte.
//!
//! `cargo xtask soak once` runs it against a release build with `--features fault-injection`, on loopback. Ends with exit
//! code 1 when anything promised was not kept. The same seed gives the same choices; the moments are the machine's.

#[path = "../tests/rigs/once.rs"]
mod rig;

mod soak;

use clap::Parser;
use keyward_core::random::Random;
use keyward_sqlite::faults::{integrity, number};
use keyward_testkit::SeededRandom;
use rig::{Client, Failure, PLACES, Rig, Verdict, Whereabouts, Write, crowd};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{File, read_to_string};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// Clients that write while the server is killed, how many connections a crowd of theirs has, and how many writes
/// each remembers to send again.
const CLIENTS: u64 = 8;
const CROWD: usize = 4;
const REMEMBERED: usize = 64;
/// Clients of one key at once when nothing is killed.
const ON_ONE_KEY: usize = 64;
/// A client's longest pause between two writes, in milliseconds.
const PAUSE: u64 = 20;
/// How long a server that is up may refuse a write before its key counts as stuck.
const PATIENCE: Duration = Duration::from_secs(20);
/// A fail point is reached within this, as there is load.
const FIRES_WITHIN: Duration = Duration::from_secs(20);
const OUTSIDE: &str = "kill -9 from outside";

/// Kills a server of its own again and again, and says whether every write happened once.
#[derive(Parser)]
struct Arguments {
    /// The server program, built with the feature fault-injection; without it: `keyward` beside the directory of this
    /// example
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// How often the server is killed
    #[arg(long, default_value_t = 500)]
    kills: u64,
    /// How often 64 clients ask for one write at once
    #[arg(long, default_value_t = 1_000)]
    rounds: u64,
    /// The soak ends after this time, and says what it did not get to
    #[arg(long, default_value_t = 15)]
    minutes: u64,
    /// What the choices come from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    soak::run(soak(&arguments))
}

/// A number below this one.
fn below(random: &dyn Random, most: u64) -> Result<u64, Failure> {
    let mut bytes = [0; 8];
    random.fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes) % most.max(1))
}

/// What was done, besides what the rig knows.
#[derive(Default)]
struct Done {
    kills: BTreeMap<&'static str, u64>,
    rounds: u64,
    /// Keys that were sent once more at the end.
    again: u64,
}

impl Done {
    fn kills(&self) -> u64 {
        self.kills.values().sum()
    }
}

async fn soak(arguments: &Arguments) -> Result<(), Failure> {
    let began = Instant::now();
    let until = began + Duration::from_secs(arguments.minutes * 60);
    let directory = tempfile::tempdir()?;
    let program = soak::program(arguments.server.as_ref())?;
    let place = (program.as_path(), directory.path());
    // The first start fills the store.
    Server::start(place, None).await?.terminate().await?;

    let (tell, at) = watch::channel(None);
    let rig = Rig::new(at, PATIENCE);
    let mut done = Done::default();
    // Kills take at most two thirds of the time.
    let kills_until = began + (until - began) * 2 / 3;
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(write_on(number, rig.clone(), arguments.seed, Arc::clone(&stop)));
    }
    let random = SeededRandom::new(arguments.seed);
    while done.kills() < arguments.kills && Instant::now() < kills_until {
        let killed = one_life(place, done.kills(), &random, &tell).await?;
        *done.kills.entry(killed).or_default() += 1;
    }
    let mut server = Server::start(place, None).await?;
    tell.send_replace(server.whereabouts.clone());
    stop.store(true, Ordering::Relaxed);
    let mut writes = Vec::new();
    for ended in clients.join_all().await {
        writes.extend(ended?);
    }
    let under_kills = began.elapsed();
    let mut many: Vec<Client> = (0..ON_ONE_KEY).map(|_| rig.client()).collect();
    while done.rounds < arguments.rounds && Instant::now() < until {
        let write = Write::new(&format!("round-{}", done.rounds), &random)?;
        many = crowd(many, &write).await;
        writes.push(write);
        done.rounds += 1;
    }
    let mut client = rig.client();
    for write in &writes {
        if Instant::now() < until && client.insist(write).await == Some(true) {
            done.again += 1;
        }
    }
    let verdict = rig.verdict().await?;
    server.terminate().await?;
    let database = directory.path().join("data/keyward.db");
    let mut out = io::stdout();
    writeln!(
        out,
        "seed {}, {:.0} s with kills, {:.0} s in all\n",
        arguments.seed,
        secs(under_kills),
        secs(began.elapsed())
    )?;
    told(&mut out, &rig, &done, &verdict)?;
    judged(&mut out, arguments, &done, &verdict, &database)
}

fn secs(time: Duration) -> f64 {
    time.as_secs_f64()
}

/// Starts the server and has it killed, every other time at a place of its own; by what.
async fn one_life(
    place: (&Path, &Path),
    life: u64,
    random: &dyn Random,
    tell: &watch::Sender<Whereabouts>,
) -> Result<&'static str, Failure> {
    let named = if life.is_multiple_of(2) {
        PLACES.iter().copied().cycle().nth(life as usize / 2 % PLACES.len())
    } else {
        None
    };
    let fail_at = match named {
        Some(name) => Some(format!("{name}:{}", 1 + below(random, 20)?)),
        None => None,
    };
    let mut server = Server::start(place, fail_at.as_deref()).await?;
    tell.send_replace(server.whereabouts.clone());
    if let Some(name) = named {
        server.killed_at(name).await?;
    } else {
        sleep(Duration::from_millis(below(random, 300)?)).await;
        server.child.kill()?;
        server.child.wait()?;
    }
    tell.send_replace(None);
    server.has_not_panicked()?;
    Ok(named.unwrap_or(OUTSIDE))
}

/// One client's writes, each of which it insists on.
async fn write_on(number: u64, rig: Rig, seed: u64, stop: Arc<AtomicBool>) -> Result<Vec<Write>, Failure> {
    let random = SeededRandom::new((seed << 8) + 1 + number);
    let mut client = rig.client();
    let mut others: Vec<Client> = (0..CROWD).map(|_| rig.client()).collect();
    let mut writes: Vec<Write> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let write = Write::new(&format!("{number}-{}", writes.len()), &random)?;
        match below(&random, 10)? {
            0 | 1 => others = crowd(others, &write).await,
            2 | 3 => {
                let after = Duration::from_micros(below(&random, 4_000)?);
                // A server that is gone is as good as one that was left.
                let _ = rig.client().leave(&write, after).await;
                sleep(Duration::from_millis(below(&random, 300)?)).await;
                client.insist(&write).await;
            }
            4 => {
                client.insist(&write).await;
                // One of the last, which may have been done in another life of the server.
                let back = below(&random, REMEMBERED as u64)? as usize;
                let past = writes.iter().rev().nth(back).unwrap_or(&write);
                client.insist(past).await;
            }
            _ => {
                client.insist(&write).await;
            }
        }
        writes.push(write);
        sleep(Duration::from_millis(below(&random, PAUSE)?)).await;
    }
    Ok(writes)
}

/// One life of the server. Dropping it ends it.
struct Server {
    child: Child,
    /// What it prints, what it logs, and its data.
    directory: PathBuf,
    whereabouts: Whereabouts,
}

impl Server {
    /// `fail_at`: the place at which it ends itself, and the how manieth time.
    async fn start((program, directory): (&Path, &Path), fail_at: Option<&str>) -> Result<Self, Failure> {
        let file = |name| File::create(directory.join(name));
        let mut command = Command::new(program);
        command.args(["demo", "--json", "--listen", "127.0.0.1:0", "--data"]).arg(directory.join("data"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("TMPDIR", directory).env("KEYWARD_LOG_LEVEL", "warn");
        command.env("KEYWARD_LIMITS_TIERS_ENTERPRISE_READS", "unlimited");
        command.env("KEYWARD_LIMITS_TIERS_ENTERPRISE_WRITES", "unlimited");
        if let Some(fail_at) = fail_at {
            command.env("KEYWARD_FAIL_AT", fail_at);
        }
        let child = command.stdin(Stdio::null()).stdout(file("stdout")?).stderr(file("stderr")?).spawn()?;
        let mut server = Self { child, directory: directory.to_owned(), whereabouts: None };
        for _ in 0..6_000 {
            if let Some(line) = read_to_string(directory.join("stdout"))?.strip_suffix('\n') {
                server.whereabouts = Some(address_and_key(&serde_json::from_str(line)?)?);
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("it ended instead of serving, {status}: {}", server.logged()).into());
            }
            sleep(Duration::from_millis(5)).await;
        }
        Err(format!("the server does not serve: {}", server.logged()).into())
    }

    /// Waits until it has ended itself.
    async fn killed_at(&mut self, name: &str) -> Result<(), Failure> {
        let began = Instant::now();
        while began.elapsed() < FIRES_WITHIN {
            if let Some(status) = self.child.try_wait()? {
                return match status.signal() {
                    Some(9) => Ok(()),
                    _ => Err(format!("{name}: it ended otherwise, {status}: {}", self.logged()).into()),
                };
            }
            sleep(Duration::from_millis(2)).await;
        }
        Err(format!("{name} does not fire: build the server with --features fault-injection").into())
    }

    /// Ends it by SIGTERM, which must be in order.
    async fn terminate(&mut self) -> Result<(), Failure> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        for _ in 0..6_000 {
            if let Some(status) = self.child.try_wait()? {
                self.has_not_panicked()?;
                return if status.success() {
                    Ok(())
                } else {
                    Err(format!("it stopped with {status}").into())
                };
            }
            sleep(Duration::from_millis(5)).await;
        }
        Err("it does not stop".into())
    }

    fn has_not_panicked(&self) -> Result<(), Failure> {
        match self.logged().lines().find(|line| line.contains("panicked")) {
            Some(line) => Err(format!("the server panicked: {line}").into()),
            None => Ok(()),
        }
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

/// Out of the line of `demo --json`: the address, and the key of the admin of acme, which is unlimited here.
fn address_and_key(line: &Value) -> Result<(SocketAddr, String), Failure> {
    let text =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let url = text(line, "url");
    let (_, address) = url.split_once("://").ok_or("no url")?;
    let keys = line.get("api_keys").and_then(Value::as_array).ok_or("no keys")?;
    let fits = |key: &&Value| {
        text(key, "user_email") == "admin@acme.example" && text(key, "permission") == "full_access"
    };
    let key = keys.iter().find(fits).ok_or("no key of the admin")?;
    Ok((address.parse()?, text(key, "api_key")))
}

/// What was done.
fn told(out: &mut impl io::Write, rig: &Rig, done: &Done, verdict: &Verdict) -> io::Result<()> {
    let tally = rig.tally();
    for (what, count) in [
        ("writes, each with a key of its own", verdict.writes),
        ("acknowledged", verdict.acknowledged),
        ("deals that are there", verdict.effects),
        ("requests to write", tally.requests),
        ("answers lost, and asked for again", tally.lost_answers),
        ("done before anybody was told: replayed", tally.done_untold),
        ("clients gone before the answer", tally.left),
        ("answered 201 by a replay", tally.replays),
        ("answered 409 in progress", tally.in_progress),
        ("answered 503", tally.unavailable),
        ("rounds of 64 clients on one key", done.rounds),
        ("keys sent once more at the end: replays", done.again),
        ("longest wait of a retry in ms", tally.longest.as_millis() as u64),
    ] {
        writeln!(out, "{what:<40} {count:>9}")?;
    }
    writeln!(out, "\nkilled at")?;
    for name in PLACES.iter().chain([&OUTSIDE]) {
        writeln!(out, "  {name:<38} {:>9}", done.kills.get(name).copied().unwrap_or_default())?;
    }
    Ok(())
}

/// Says of every promise whether it was kept.
fn judged(
    out: &mut impl io::Write,
    arguments: &Arguments,
    done: &Done,
    verdict: &Verdict,
    database: &Path,
) -> Result<(), Failure> {
    let mut promises: Vec<(bool, String)> = Vec::new();
    for (promise, seen) in verdict.promises() {
        promises.push((seen == 0, format!("{promise} {seen} of {}", verdict.writes)));
    }
    let ours = "FROM deals WHERE title LIKE 'once-%'";
    for (what, sql) in [
        ("deals", format!("SELECT count(*) {ours}")),
        ("titles", format!("SELECT count(DISTINCT title) {ours}")),
        ("records", "SELECT count(*) FROM idempotency".to_owned()),
        ("audit rows", "SELECT count(*) FROM audit WHERE action = 'deal.create'".to_owned()),
    ] {
        let found = u64::try_from(number(database, &sql)?)?;
        promises
            .push((found == verdict.writes, format!("the database has as many {what} as writes: {found}")));
    }
    let checked = integrity(database)?;
    promises.push((checked == "ok", format!("integrity and foreign keys: {checked}")));
    promises
        .push((done.kills() >= arguments.kills, format!("{} kills of {}", done.kills(), arguments.kills)));
    promises
        .push((done.rounds >= arguments.rounds, format!("{} rounds of {}", done.rounds, arguments.rounds)));
    promises.push((
        done.again == verdict.writes,
        format!("at the end {} of {} keys replay", done.again, verdict.writes),
    ));
    writeln!(out)?;
    for (kept, promise) in &promises {
        writeln!(out, "{:<8}  {promise}", if *kept { "kept" } else { "NOT KEPT" })?;
    }
    for odd in verdict.odd.iter().take(10) {
        writeln!(out, "odd: {odd}")?;
    }
    let all = verdict.is_clean() && promises.iter().all(|(kept, _)| *kept);
    if all { Ok(()) } else { Err("not all promises were kept".into()) }
}
