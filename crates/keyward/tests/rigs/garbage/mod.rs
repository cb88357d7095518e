//! Structured garbage over all routes and both doors, with and without good credentials, on connections of HTTP/1.1 and of
//! HTTP/2 that are kept. Shared by the tests and by `cargo xtask soak garbage`.
//!
//! None of it may be answered 5xx, 503 included, as none of it is more than the server is there for; every request must be
//! answered, and what is no request too, by a refusal; nothing may panic; and the good credentials are still good at the end.
//!
//! | file | what |
//! | --- | --- |
//! | `routes.rs` | what can be asked for, from the program's own OpenAPI document |
//! | `words.rs` | what garbage is made of |
//! | `requests.rs` | the requests, by a seed |

mod requests;
mod routes;
mod words;

use crate::street::browser::Browser;
use crate::street::frames::headers;
use crate::street::http::{Client, Cut, PATIENCE, Way};
use crate::street::server::{Server, Start, Town, text};
use crate::street::wire::Wire;
use crate::street::{Failure, cores, honest, settle_thread, stranger};
use keyward_testkit::forms::forms;
use requests::{Generator, Known, Request};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use url::form_urlencoded;

/// Connections that ask at once, by HTTP/1.1 and by HTTP/2.
const ONE: u64 = 8;
const TWO: u64 = 4;
/// How many faults of a kind are kept to be shown.
const SHOWN: usize = 6;

/// How much, and from what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) requests: u64,
    pub(crate) seed: u64,
    /// Whether server and rig have processors of their own.
    pub(crate) pinned: bool,
}

/// What came of it all.
#[derive(Default)]
pub(crate) struct Heap {
    seed: u64,
    seconds: f64,
    requests: u64,
    answers: BTreeMap<u16, u64>,
    /// Answers to good credentials that were not refused.
    broken: u64,
    /// Streams that were reset: what HTTP/2 does with a head that it forbids.
    reset: u64,
    unanswered: u64,
    /// What led to the first faults, by kind.
    shown: BTreeMap<&'static str, Vec<String>>,
    panics: u64,
    lost: Vec<String>,
    end: Option<String>,
    memory: Option<f64>,
}

impl Heap {
    fn in_class(&self, hundreds: u16) -> u64 {
        self.answers.iter().filter(|(status, _)| **status / 100 == hundreds).map(|(_, count)| count).sum()
    }

    /// What was not kept.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (count, what) in [
            (self.in_class(5), "answers of 5xx"),
            (self.unanswered, "requests without an answer"),
            (self.panics, "panics in the log"),
            (self.lost.len() as u64, "good credentials that are good no more"),
        ] {
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        }
        if self.in_class(2) == 0 {
            faults.push("nothing was let in: the credentials were none".to_owned());
        }
        faults.extend(self.end.clone());
        faults
    }

    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.broken += other.broken;
        self.reset += other.reset;
        self.unanswered += other.unanswered;
        for (status, count) in other.answers {
            *self.answers.entry(status).or_default() += count;
        }
        for (kind, more) in other.shown {
            let shown = self.shown.entry(kind).or_default();
            shown.extend(more);
            shown.truncate(SHOWN);
        }
    }

    fn fault(&mut self, kind: &'static str, what: &str, request: &Request) {
        let shown = self.shown.entry(kind).or_default();
        if shown.len() < SHOWN {
            shown.push(format!("{what}: {}", request.shown()));
        }
    }

    fn note(&mut self, status: u16, request: &Request, said: &str) {
        *self.answers.entry(status).or_default() += 1;
        self.broken += u64::from(request.is_broken());
        if status >= 500 || (request.is_broken() && status < 400) || !(200..600).contains(&status) {
            self.fault("answered", &format!("{status} {said:.300}"), request);
        }
        // A head that is none must be refused.
        if request.is_broken() && status < 400 {
            self.unanswered += 1;
        }
    }
}

impl fmt::Display for Heap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = |hundreds| self.in_class(hundreds);
        writeln!(
            f,
            "seed {}: {} requests in {:.1} s, {:.0} a second; 2xx {}, 3xx {}, 4xx {}, 5xx {}, no answer {}, panics {}",
            self.seed,
            self.requests,
            self.seconds,
            self.requests as f64 / self.seconds,
            each(2),
            each(3),
            each(4),
            each(5),
            self.unanswered,
            self.panics
        )?;
        write!(
            f,
            "of these {} were no requests, {} were heads that HTTP/2 resets; by status:",
            self.broken, self.reset
        )?;
        for (status, count) in &self.answers {
            write!(f, " {status}: {count}")?;
        }
        if let Some(memory) = self.memory {
            write!(f, "\nthe server's memory at its peak: {memory:.0} MiB")?;
        }
        for (kind, shown) in
            self.shown.iter().flat_map(|(kind, all)| all.iter().map(move |shown| (kind, shown)))
        {
            write!(f, "\n  {kind}: {shown}")?;
        }
        for lost in &self.lost {
            write!(f, "\n  lost: {lost}")?;
        }
        Ok(())
    }
}

/// Limits by account are off, as nearly everything would be 429 by them. Those of passwords and registrations stay: what
/// they let through is enough, and takes long.
fn variables() -> Vec<(String, String)> {
    let tiers = ["FREE", "STANDARD", "ENTERPRISE"].into_iter().flat_map(|tier| {
        ["READS", "WRITES"]
            .map(|kind| (format!("KEYWARD_LIMITS_TIERS_{tier}_{kind}"), "unlimited".to_owned()))
    });
    let others = [("FAILED_AUTH", "unlimited"), ("VALIDATE", "100000"), ("HEALTH", "100000")];
    let others = others.map(|(kind, most)| (format!("KEYWARD_LIMITS_{kind}_PER_MINUTE"), most.to_owned()));
    tiers.chain(others).collect()
}

/// Throws it all at a server of its own.
pub(crate) async fn run(town: &Town, plan: Plan) -> Result<Heap, Failure> {
    let pinned = plan.pinned && cores() > 1;
    let start = Start { core: pinned.then_some(0), variables: variables(), ..Start::default() };
    let mut server = Server::start(town, &start).await?;
    let known = Arc::new(learn(town, &server.way).await?);
    let began = Instant::now();
    let (way, own) = (server.way.clone(), Arc::clone(&known));
    let throwing = tokio::task::spawn_blocking(move || {
        if pinned {
            settle_thread(1, 0)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok::<Heap, Failure>(runtime.block_on(throw(&way, &own, plan)))
    });
    let mut heap = throwing.await??;
    heap.seed = plan.seed;
    heap.seconds = began.elapsed().as_secs_f64();
    heap.memory = server.memory("VmHWM:");
    heap.lost = lost(&known, &server.way).await;
    let end = match server.is_alive() {
        true => server.terminate().await.err().map(|error| error.to_string()),
        false => Some("the server has ended".to_owned()),
    };
    heap.end = heap.end.or(end);
    let log = server.log();
    heap.panics = log.matches("panicked").count() as u64;
    Ok(heap)
}

/// Each connection has its share and its own seed, so that the same seed gives the same requests on each.
async fn throw(way: &Way, known: &Arc<Known>, plan: Plan) -> Heap {
    let mut workers = JoinSet::new();
    for worker in 0..ONE + TWO {
        let share = plan.requests / (ONE + TWO) + u64::from(worker < plan.requests % (ONE + TWO));
        let seed = plan.seed.wrapping_mul(1_000_003).wrapping_add(worker);
        let generator = Generator::new(seed, Arc::clone(known), worker >= ONE);
        let from = stranger(usize::try_from(worker).unwrap_or_default());
        let way = way.clone();
        workers.spawn(async move {
            if worker < ONE {
                by_one(Client::new(way, from), generator, share).await
            } else {
                by_two(&way, from, generator, share).await
            }
        });
    }
    let mut heap = Heap::default();
    while let Some(ended) = workers.join_next().await {
        match ended {
            Ok(own) => heap.add(own),
            Err(error) => heap.end = Some(format!("a worker ended: {error}")),
        }
    }
    heap
}

/// On a connection of HTTP/1.1, which is kept unless its answer closes it.
async fn by_one(mut client: Client, mut generator: Generator, share: u64) -> Heap {
    let (mut heap, mut before) = (Heap::default(), String::new());
    for _ in 0..share {
        let request = generator.next();
        heap.requests += 1;
        match client.ask(&request.bytes()).await {
            Ok(answer) => {
                heap.note(answer.status, &request, &answer.text());
                before = format!("{}, answered {}", request.shown(), answer.head.escape_debug());
            }
            Err(cut) => {
                heap.unanswered += 1;
                let what = match cut {
                    Cut::Unreachable(error) => format!("no connection, {error}"),
                    // The one before may have been answered as if the connection stayed.
                    Cut::Closed(0) => format!("closed; before it: {before}; and it"),
                    Cut::Closed(got) => format!("closed after {got} bytes of an answer"),
                    Cut::Silent => format!("silent for {} s", PATIENCE.as_secs()),
                };
                heap.fault("no answer", &what, &request);
                client.hang_up();
            }
        }
        if request.is_broken() {
            client.hang_up();
        }
    }
    heap
}

/// On a connection of HTTP/2, one stream after the other.
async fn by_two(way: &Way, from: std::net::Ipv4Addr, mut generator: Generator, share: u64) -> Heap {
    let (mut heap, mut wire, mut stream) = (Heap::default(), None, 1);
    for _ in 0..share {
        let request = generator.next();
        heap.requests += 1;
        let fate = match on_stream(way, from, &mut wire, &mut stream, &request).await {
            Ok(fate) => fate,
            Err(error) => {
                heap.unanswered += 1;
                heap.fault("no answer", &format!("HTTP/2, {error}"), &request);
                wire = None;
                continue;
            }
        };
        match (fate.status, fate.reset) {
            (Some(status), _) => heap.note(status, &request, &String::from_utf8_lossy(&fate.body)),
            (None, _) if !request.is_sound() => heap.reset += 1,
            (None, reset) => {
                heap.unanswered += 1;
                heap.fault(
                    "no answer",
                    &format!(
                        "HTTP/2, reset {reset:?}, connection {:?}",
                        wire.as_ref().map(|wire| wire.goaway)
                    ),
                    &request,
                );
            }
        }
    }
    heap
}

async fn on_stream(
    way: &Way,
    from: std::net::Ipv4Addr,
    wire: &mut Option<Wire>,
    stream: &mut u32,
    request: &Request,
) -> Result<crate::street::wire::Fate, Failure> {
    if wire.as_ref().is_none_or(Wire::is_ended) {
        *wire = Some(Wire::open(way.open(from).await?).await?);
        *stream = 1;
    }
    let wire = wire.as_mut().ok_or("no connection")?;
    let (fields, body) = request.frames();
    let own = *stream;
    *stream += 2;
    let end = if body.is_empty() { crate::street::frames::END_STREAM } else { 0 };
    let mut bytes = headers(own, end, &fields);
    let mut rest = body;
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if !rest.is_empty() && !wire.fates.get(&own).is_some_and(|fate| fate.is_over()) {
            let (more, taken) = wire.data(own, rest, true);
            bytes.extend(more);
            rest = rest.get(taken..).unwrap_or_default();
        }
        if !bytes.is_empty() {
            // If the connection has ended, reading shows what came before.
            let _ = wire.write(&bytes).await;
            bytes.clear();
        }
        wire.read(Duration::from_secs(1)).await;
        if wire.fates.get(&own).is_some_and(|fate| fate.is_over()) || wire.is_closed {
            return Ok(wire.take(own).unwrap_or_default());
        }
    }
    Err("silent".into())
}

/// Asks the server what there is, and makes what may go.
async fn learn(town: &Town, way: &Way) -> Result<Known, Failure> {
    let mut client = Client::new(way.clone(), honest(0));
    let admin = town.key("admin@acme.example", "full_access").to_owned();
    let document: Value =
        serde_json::from_slice(&asked(&mut client, "GET", "/platform/openapi.json", "", None).await?)?;
    let mut known =
        Known { routes: routes::documented(&document)?, beside: routes::beside(), ..Known::default() };
    known.keys = town.keys().map(str::to_owned).collect();
    for number in 0..3 {
        let key = json!({ "label": format!("throwaway {number}") });
        let made = asked(&mut client, "POST", "/api/external/v2/api-keys", &admin, Some(&key)).await?;
        known.spare_keys.push(id(&serde_json::from_slice(&made)?)?);
        let user = json!({ "email": format!("throwaway-{number}@flood.example"), "role": "viewer" });
        let made = asked(&mut client, "POST", "/api/external/v2/account/team", &admin, Some(&user)).await?;
        known.spare_users.push(user_id(&serde_json::from_slice(&made)?)?);
        let application = json!({ "client_name": "Garbage", "redirect_uris": ["https://app.example/callback"],
            "token_endpoint_auth_method": if number == 0 { "none" } else { "client_secret_post" } });
        let made: Value = serde_json::from_slice(
            &asked(&mut client, "POST", "/oauth/register", "", Some(&application)).await?,
        )?;
        known.clients.push(text(&made, "client_id").to_owned());
    }
    // Far from what anybody has.
    for spare in [&mut known.spare_keys, &mut known.spare_users] {
        spare.extend(["0", "900000", "-1"].map(str::to_owned));
    }
    known.tools = tools(&mut client, &admin).await?;
    browse(town, way, &mut known).await?;
    Ok(known)
}

fn id(made: &Value) -> Result<String, Failure> {
    let id = made.pointer("/data/id").and_then(Value::as_i64).ok_or_else(|| format!("no id: {made}"))?;
    Ok(id.to_string())
}

fn user_id(made: &Value) -> Result<String, Failure> {
    let id = ["/data/user_id", "/data/id"].iter().find_map(|pointer| made.pointer(pointer)?.as_i64());
    Ok(id.ok_or_else(|| format!("no user: {made}"))?.to_string())
}

async fn tools(client: &mut Client, key: &str) -> Result<Vec<String>, Failure> {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let listed: Value = serde_json::from_slice(&asked(client, "POST", "/mcp", key, Some(&message)).await?)?;
    let tools = listed.pointer("/result/tools").and_then(Value::as_array).ok_or("no tools")?;
    Ok(tools.iter().map(|tool| text(tool, "name").to_owned()).collect())
}

/// Signs in, and collects the tokens of forms.
async fn browse(town: &Town, way: &Way, known: &mut Known) -> Result<(), Failure> {
    let email = "admin@acme.example";
    let mut browser = Browser::new(way.clone(), honest(1));
    let answer = browser.sign_in(email, town.password(email)).await.map_err(|cut| format!("{cut:?}"))?;
    if answer.status != 303 {
        return Err(format!("nobody can sign in: {}", answer.head).into());
    }
    let consent = format!(
        "/oauth/authorize?response_type=code&client_id={}&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&scope=deals:read",
        known.clients.first().map(String::as_str).unwrap_or_default()
    );
    let again = format!("/sign-in?next={}", encoded("/oauth/authorize?login=1"));
    for path in ["/console/acme-capital/keys", "/console/acme-capital/applications", &consent, &again] {
        let page = browser.page(path).await.map_err(|cut| format!("{path}: {cut:?}"))?;
        let tokens =
            forms(&page.text()).into_iter().map(|form| (form.action.clone(), form.get("form").to_owned()));
        known.tokens.extend(tokens.filter(|(_, token)| !token.is_empty()));
    }
    known.cookie = browser.cookie();
    for action in ["/sign-in", "/oauth/authorize", "/console/acme-capital/keys"] {
        if !known.tokens.iter().any(|(own, _)| own == action) {
            return Err(format!("no form is sent to {action}").into());
        }
    }
    Ok(())
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// One request that has to succeed.
async fn asked(
    client: &mut Client,
    method: &str,
    path: &str,
    key: &str,
    body: Option<&Value>,
) -> Result<Vec<u8>, Failure> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Origin-App: garbage\r\nAccept: application/json, text/event-stream\r\n"
    );
    if !key.is_empty() {
        request.push_str(&format!("Authorization: Bearer {key}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
    }
    request.push_str(&format!("\r\n{body}"));
    let answer = client.ask(request.as_bytes()).await.map_err(|cut| format!("{method} {path}: {cut:?}"))?;
    match answer.status {
        200..300 => Ok(answer.body),
        _ => Err(format!("{method} {path}: {} {}", answer.head, answer.text()).into()),
    }
}

/// The keys that are no longer good.
async fn lost(known: &Known, way: &Way) -> Vec<String> {
    let mut lost = Vec::new();
    for (number, key) in known.keys.iter().enumerate() {
        let mut client = Client::new(way.clone(), honest(2));
        if let Err(error) = asked(&mut client, "GET", "/api/external/v2/me", key, None).await {
            lost.push(format!("key {} of the demo: {error}", number + 1));
        }
    }
    lost
}
