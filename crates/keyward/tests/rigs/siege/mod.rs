//! A server under siege: floods of one shape after the other, each on a server of its own with default limits, and honest
//! clients beside it. Shared by the tests and by `cargo xtask soak siege`.
//!
//! Strangers and honest clients are addresses of 127.0.0.0/8, no two of them in one network (/24). In the soak the server has
//! processor 0 and flood and probe share processor 1, on two threads; the flood's thread lets the probe's go first, or the
//! probe would measure the rig.
//!
//! | file | what |
//! | --- | --- |
//! | `shapes.rs` | the shapes of attack |
//! | `floods.rs` | what strangers send |
//! | `probe.rs`, `people.rs` | honest clients, and what they see |

mod floods;
mod people;
mod probe;
mod shapes;

use crate::street::server::{Cgroup, Server, SilentResolver, Start, Town};
use crate::street::{Failure, cores, percentile, settle_thread};
use floods::Flood;
use people::People;
use probe::{Probe, Seen};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

pub(crate) use shapes::{SHAPES, Shape};

/// The bound of the memory cgroup, in MiB, and of the peak where none can be made.
const CONFINED: u32 = 256;
/// How long after a flood its memory is looked at.
const AFTER: Duration = Duration::from_secs(2);

/// How long, how much, and by which bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) baseline: Duration,
    pub(crate) flood: Duration,
    /// How long a flood goes on before it counts, where that is needed to know the networks that it comes from.
    pub(crate) settling: Duration,
    /// The small floods of the tests.
    pub(crate) is_small: bool,
    /// Whether server, flood and probe have processors of their own.
    pub(crate) pinned: bool,
    /// How many times its own p99 an honest call may take under the flood; its own counts as so many milliseconds at least.
    pub(crate) ratio: f64,
    pub(crate) least: f64,
    /// How long an honest sign-in may take at p99.
    pub(crate) sign_in: Duration,
}

/// What came of one shape.
pub(crate) struct Row {
    shape: Shape,
    before: Seen,
    under: Seen,
    /// Requests and bytes a second.
    rate: (f64, f64),
    answers: BTreeMap<u16, u64>,
    /// MiB held before the flood, after it, and at the most.
    memory: (f64, Option<f64>, Option<f64>),
    /// Why the server did not end in order, if it did not.
    end: Option<String>,
    scale: Scale,
    /// What the machine did not allow.
    pub(crate) notes: Vec<String>,
}

/// Runs one shape on a server of its own.
pub(crate) async fn run(town: &Town, shape: Shape, scale: Scale) -> Result<Row, Failure> {
    let (mut notes, times) = (Vec::new(), if scale.is_small { 1 } else { shape.times });
    let pinned = scale.pinned && cores() > 1;
    if scale.pinned && !pinned {
        notes.push("there is one processor: server, flood and probe share it".to_owned());
    }
    let cgroup = shape.confined.then(|| Cgroup::make(u64::from(CONFINED) << 20)).flatten();
    if shape.confined && cgroup.is_none() {
        notes.push(format!(
            "no memory cgroup can be made here: the peak must stay below {CONFINED} MiB instead"
        ));
    }
    let silent = shape.unnamed.then(SilentResolver::listen).flatten();
    if shape.unnamed && silent.is_none() {
        notes.push("no silent name server can be set up here: names end in .invalid instead".to_owned());
    }
    let start = Start {
        log: shape.log,
        tls: shape.tls,
        core: pinned.then_some(0),
        cgroup: cgroup.as_ref(),
        resolver: silent.as_ref().map(SilentResolver::file),
        ..Start::default()
    };
    let mut server = Server::start(town, &start).await?;
    let people = People::settle(town, &server.way).await?;
    let key = people::reading_key(town, &server.way).await?;
    let probe = Probe::start(server.way.clone(), people, pinned.then_some(1), times);
    sleep(scale.baseline * times.min(2)).await;
    let held = server.memory("VmRSS:").ok_or("no memory of the server")?;
    probe.next_phase();
    let began = Instant::now();
    let hole = if silent.is_some() { "hole.example" } else { "hole.invalid" };
    let settling = if shape.settles { scale.settling } else { Duration::ZERO };
    let until = began + settling + scale.flood * times;
    let flood = Flood::new(server.way.clone(), until, scale.is_small, key, hole);
    let flooding = pour(shape, Arc::clone(&flood), pinned.then_some(1));
    sleep(settling).await;
    probe.next_phase();
    sleep(scale.flood * times).await;
    let took = began.elapsed().as_secs_f64();
    let rate = (flood.requests() as f64 / took, flood.bytes() as f64 / took);
    let [before, first, under] = probe.end().await?;
    if !settling.is_zero() {
        let (all, refused) = (first.total(), first.failed());
        notes.push(format!(
            "in the first {settling:.0?} {refused} of {all} honest requests were refused, and not counted"
        ));
    }
    flooding.abort();
    sleep(AFTER).await;
    let memory = (held, server.memory("VmRSS:"), server.memory("VmHWM:"));
    let end = match server.is_alive() {
        true => server.terminate().await.err().map(|error| error.to_string()),
        false => Some("the server was ended under the flood".to_owned()),
    };
    Ok(Row { shape, before, under, rate, answers: flood.answers(), memory, end, scale, notes })
}

/// Floods on a thread of its own; what still waits for an answer some seconds after the end is dropped.
fn pour(
    shape: Shape,
    flood: Arc<Flood>,
    core: Option<usize>,
) -> tokio::task::JoinHandle<Result<(), Failure>> {
    tokio::task::spawn_blocking(move || {
        if let Some(core) = core {
            settle_thread(core, 10)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let end = flood.until + Duration::from_millis(500);
        runtime.block_on(async {
            // What is cut off here was cut off by the end of the flood.
            let _ = tokio::time::timeout_at(end, (shape.flood)(flood)).await;
        });
        runtime.shutdown_background();
        Ok(())
    })
}

impl Row {
    fn p99s(&self) -> (f64, f64) {
        (percentile(&self.before.api, 99), percentile(&self.under.api, 99))
    }

    /// Counts alone, which no slow machine changes: what was not kept.
    pub(crate) fn miscounts(&self) -> Vec<String> {
        let mut missed = Vec::new();
        let mut goal = |kept: bool, text: String| {
            if !kept {
                missed.push(text);
            }
        };
        for (status, name) in [(503, "503"), (429, "429")] {
            let count = self.under.with(status);
            goal(count == 0, format!("honest {name}: {count}"));
        }
        let (failed, errors) = (self.under.failed(), self.under.server_errors());
        goal(failed == 0, format!("honest requests failed: {failed} ({})", self.under.faults()));
        goal(errors == 0, format!("honest 5xx: {errors}"));
        let others: u64 = self
            .answers
            .iter()
            .filter(|(status, _)| **status >= 500 && **status != 503)
            .map(|(_, n)| n)
            .sum();
        goal(others == 0, format!("strangers were answered 5xx other than 503: {others}"));
        goal(
            self.before.failed() == 0,
            format!("honest requests failed before the flood: {}", self.before.faults()),
        );
        goal(self.end.is_none(), self.end.clone().unwrap_or_default());
        if let (Some(most), Some(after)) = (self.shape.growth, self.memory.1) {
            let grown = after - self.memory.0;
            goal(grown <= most, format!("grown by {grown:.0} MiB, and may by {most:.0}"));
        }
        if self.shape.confined {
            let peak = self.memory.2.unwrap_or(f64::INFINITY);
            goal(peak < f64::from(CONFINED), format!("the peak was {peak:.0} MiB"));
        }
        missed
    }

    /// What was slower than promised.
    pub(crate) fn delays(&self) -> Vec<String> {
        let (own, under) = self.p99s();
        let mut missed = Vec::new();
        // Of none at all there is no percentile, and that is a failure too.
        let is_over = |value: f64, most: f64| value.is_nan() || value > most;
        if is_over(under, self.scale.ratio * own.max(self.scale.least)) {
            missed.push(format!("API p99 {under:.1} ms, {:.1} times its own {own:.1} ms", under / own));
        }
        let most = self.scale.sign_in.as_secs_f64() * 1_000.0;
        for (kind, each) in [("known", &self.under.known), ("new", &self.under.new)] {
            let p99 = percentile(each, 99);
            if is_over(p99, most) {
                missed.push(format!("sign-in from a {kind} browser p99 {p99:.0} ms"));
            }
        }
        missed
    }
}

/// The head of the table.
pub(crate) const HEAD: &str = "\
                            own       under flood    times  sign-in p99 ms   honest                      flood            memory MiB
shape             finding   p50   p99   p50     p99   p99   known     new    asked   503   429  failed   req/s     MB/s   before  after   peak";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((own, p99), of) = (self.p99s(), percentile);
        let gone = |value: Option<f64>| value.map_or("gone".to_owned(), |value| format!("{value:.0}"));
        write!(
            f,
            "{:<17} {:<7} {:>5.1} {:>5.1} {:>5.1} {:>7.1} {:>5.1} {:>7.0} {:>7.0} {:>8} {:>5} {:>5} {:>7} {:>7.0} {:>8.3} {:>8.0} {:>6} {:>6}",
            self.shape.name,
            self.shape.finding,
            of(&self.before.api, 50),
            own,
            of(&self.under.api, 50),
            p99,
            p99 / own,
            of(&self.under.known, 99),
            of(&self.under.new, 99),
            self.under.total(),
            self.under.with(503),
            self.under.with(429),
            self.under.failed(),
            self.rate.0,
            self.rate.1 / 1e6,
            self.memory.0,
            gone(self.memory.1),
            gone(self.memory.2),
        )?;
        write!(f, "\n    strangers were answered")?;
        for (status, count) in &self.answers {
            match status {
                0 => write!(f, " closed: {count}")?,
                _ => write!(f, " {status}: {count}")?,
            }
        }
        for note in &self.notes {
            write!(f, "\n    note: {note}")?;
        }
        for missed in self.miscounts().into_iter().chain(self.delays()) {
            write!(f, "\n    NOT KEPT: {missed}")?;
        }
        Ok(())
    }
}
