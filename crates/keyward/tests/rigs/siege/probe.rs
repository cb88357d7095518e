//! The honest clients beside a flood: calls of the API at a steady pace, and once a second a write, a health check, a
//! validation, a refresh, a sign-in from a known browser and one from a new browser. They run on a thread of their own.

use super::people::{Application, People};
use crate::street::browser::Browser;
use crate::street::http::{Answer, Client, Cut, Way};
use crate::street::{Failure, honest, settle_thread};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

/// The pace of the calls: within the limit of the account, for as long as a shape lasts.
const CALLS: Duration = Duration::from_millis(40);
const SECOND: Duration = Duration::from_secs(1);
/// No answer within this is none.
const CALL_ANSWERED: Duration = Duration::from_secs(10);
const SIGN_IN_ANSWERED: Duration = Duration::from_secs(30);

/// What honest clients saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// How long each took, in milliseconds; sorted at the end.
    pub(crate) api: Vec<f64>,
    pub(crate) known: Vec<f64>,
    pub(crate) new: Vec<f64>,
    /// How often each kind of request was answered so; 0 is no answer.
    counts: BTreeMap<(&'static str, u16), u64>,
    /// What was not answered as it should be, and how.
    failed: u64,
    first: Option<String>,
}

impl Seen {
    pub(crate) fn with(&self, status: u16) -> u64 {
        self.counts.iter().filter(|((_, own), _)| *own == status).map(|(_, count)| count).sum()
    }

    pub(crate) fn server_errors(&self) -> u64 {
        self.counts.iter().filter(|((_, own), _)| *own >= 500).map(|(_, count)| count).sum()
    }

    pub(crate) const fn failed(&self) -> u64 {
        self.failed
    }

    pub(crate) fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// What failed, in words; empty if nothing did.
    pub(crate) fn faults(&self) -> String {
        let mut text = String::new();
        if let Some(first) = &self.first {
            for ((kind, status), count) in &self.counts {
                if *status != wanted(kind) {
                    let _ = write!(text, "{kind} {status}: {count}, ");
                }
            }
            let _ = write!(text, "the first: {first}");
        }
        text
    }

    fn count(&mut self, kind: &'static str, answer: Result<Result<Answer, Cut>, Duration>) -> Option<Answer> {
        let (status, said) = match answer {
            Ok(Ok(answer)) if answer.status == wanted(kind) => {
                *self.counts.entry((kind, answer.status)).or_default() += 1;
                return Some(answer);
            }
            Ok(Ok(answer)) => {
                (answer.status, format!("{} {:.200}", answer.status, on_one_line(&answer.text())))
            }
            Ok(Err(cut)) => (0, format!("{cut:?}")),
            Err(after) => (0, format!("no answer within {} s", after.as_secs())),
        };
        *self.counts.entry((kind, status)).or_default() += 1;
        self.failed += 1;
        self.first.get_or_insert_with(|| format!("{kind}: {said}"));
        None
    }

    fn sorted(mut self) -> Self {
        for each in [&mut self.api, &mut self.known, &mut self.new] {
            each.sort_by(f64::total_cmp);
        }
        self
    }
}

/// An answer's text; of a page what is in its body.
fn on_one_line(text: &str) -> String {
    let text = text.split_once("<main").map_or(text, |(_, main)| main);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What an honest request of this kind is answered with.
fn wanted(kind: &str) -> u16 {
    match kind {
        "sign-in known" | "sign-in new" => 303,
        "write" | "register" => 201,
        _ => 200,
    }
}

/// Before the flood, at its beginning, and under it.
type Phases = Arc<Mutex<[Seen; 3]>>;

fn lock(of: &Phases) -> MutexGuard<'_, [Seen; 3]> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Clone)]
struct Phase {
    now: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    seen: Phases,
}

impl Phase {
    /// Notes an answer in the phase in which its request was due.
    fn note(
        &self,
        due_in: usize,
        kind: &'static str,
        answer: Result<Result<Answer, Cut>, Duration>,
        took: Duration,
    ) -> Option<Answer> {
        let mut phases = lock(&self.seen);
        let seen = phases.get_mut(due_in)?;
        let took = took.as_secs_f64() * 1_000.0;
        match kind {
            "me" | "deals" => seen.api.push(took),
            "sign-in known" => seen.known.push(took),
            "sign-in new" => seen.new.push(took),
            _ => {}
        }
        seen.count(kind, answer)
    }

    fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }
}

/// The honest clients, at work.
pub(crate) struct Probe {
    phase: Phase,
    thread: JoinHandle<Result<(), Failure>>,
}

impl Probe {
    /// Begins, on this processor if one is named, at a pace that is that many times slower, so that a long shape stays within
    /// the honest clients' own limits.
    pub(crate) fn start(way: Way, people: People, core: Option<usize>, times: u32) -> Self {
        let phase = Phase { now: Arc::default(), over: Arc::default(), seen: Arc::default() };
        let own = phase.clone();
        let thread = tokio::task::spawn_blocking(move || {
            if let Some(core) = core {
                settle_thread(core, 0)?;
            }
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(all(&way, people, &own, times));
            Ok(())
        });
        Self { phase, thread }
    }

    /// From now on what is asked is asked in the next phase.
    pub(crate) fn next_phase(&self) {
        self.phase.now.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits for the last answers; what was seen in each phase.
    pub(crate) async fn end(self) -> Result<[Seen; 3], Failure> {
        self.phase.over.store(true, Ordering::Relaxed);
        self.thread.await??;
        Ok(lock(&self.phase.seen).clone().map(Seen::sorted))
    }
}

async fn all(way: &Way, people: People, phase: &Phase, times: u32) {
    let (pace, second) = (CALLS * times, SECOND * times);
    let People { key, known, new, mut browser, mut application } = people;
    let client = |number| Client::new(way.clone(), honest(number));
    let (mut calls, mut slow, mut checks) = (client(0), client(1), client(2));
    let (mut validating, mut refreshing, mut registering) = (client(3), client(4), client(5));
    tokio::join!(
        // A call that had to wait for the one before it counts from when it was due.
        every(pace, Duration::ZERO, phase, async |due_in, number, due| {
            let (kind, path) = if number % 2 == 0 { ("me", "/me") } else { ("deals", "/deals?limit=1") };
            let answer = asked(&mut calls, &call("GET", path, &key, "")).await;
            phase.note(due_in, kind, answer, due.elapsed());
        }),
        every(second, second / 7, phase, async |due_in, number, due| {
            let body = format!("{{\"title\":\"honest {number}\"}}");
            let answer = asked(&mut slow, &call("POST", "/deals", &key, &body)).await;
            phase.note(due_in, "write", answer, due.elapsed());
        }),
        every(second, second * 2 / 7, phase, async |due_in, _, due| {
            let answer = asked(&mut checks, &call("GET", "/health", "", "")).await;
            phase.note(due_in, "health", answer, due.elapsed());
        }),
        every(second, second * 3 / 7, phase, async |due_in, number, due| {
            // Applications elsewhere: one address validates ten keys a minute.
            validating.move_to(honest(300 + number));
            let body = format!("{{\"api_key\":\"{key}\"}}");
            let answer = asked(&mut validating, &call("POST", "/auth/validate-api-key", "", &body)).await;
            phase.note(due_in, "validate", answer, due.elapsed());
        }),
        every(second, second * 4 / 7, phase, async |due_in, _, due| {
            let answer = asked(&mut refreshing, &application.refresh()).await;
            let answer = phase.note(due_in, "refresh", answer, due.elapsed());
            application.take(answer.as_ref());
        }),
        every(second, second * 5 / 7, phase, async |due_in, number, due| {
            registering.move_to(honest(1_000 + number));
            let answer = asked(&mut registering, &Application::registration(number)).await;
            phase.note(due_in, "register", answer, due.elapsed());
        }),
        every(second, second / 5, phase, async |due_in, number, _| {
            browser.move_to(honest(2_000 + number));
            browser.end_session();
            let began = Instant::now();
            let answer = signed_in(&mut browser, &known).await;
            phase.note(due_in, "sign-in known", answer, began.elapsed());
        }),
        every(second, second * 3 / 5, phase, async |due_in, number, _| {
            let mut browser = Browser::new(way.clone(), honest(4_000 + number));
            let began = Instant::now();
            let answer = signed_in(&mut browser, &new).await;
            phase.note(due_in, "sign-in new", answer, began.elapsed());
        }),
    );
}

/// Does it at this pace until the probe is over: in which phase it is due, its number, and when it was due.
async fn every(
    pace: Duration,
    first: Duration,
    phase: &Phase,
    mut step: impl AsyncFnMut(usize, usize, Instant),
) {
    let mut due = Instant::now() + first;
    for number in 0.. {
        sleep_until(due).await;
        if phase.over.load(Ordering::Relaxed) {
            return;
        }
        step(phase.now(), number, due).await;
        due += pace;
    }
}

async fn asked(client: &mut Client, request: &[u8]) -> Result<Result<Answer, Cut>, Duration> {
    let answer = timeout(CALL_ANSWERED, client.ask(request)).await;
    if answer.is_err() {
        client.hang_up();
    }
    answer.map_err(|_| CALL_ANSWERED)
}

async fn signed_in(
    browser: &mut Browser,
    person: &(String, String),
) -> Result<Result<Answer, Cut>, Duration> {
    timeout(SIGN_IN_ANSWERED, browser.sign_in(&person.0, &person.1)).await.map_err(|_| SIGN_IN_ANSWERED)
}

/// A call of the API; without a key if it is empty.
pub(super) fn call(method: &str, path: &str, key: &str, body: &str) -> Vec<u8> {
    let mut head =
        format!("{method} /api/external/v2{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Origin-App: siege\r\n");
    if !key.is_empty() {
        let _ = write!(head, "Authorization: Bearer {key}\r\n");
    }
    if !body.is_empty() {
        let _ = write!(head, "Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    }
    let _ = write!(head, "\r\n{body}");
    head.into_bytes()
}
