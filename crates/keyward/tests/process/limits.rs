//! Exact limits on a real clock and over real sockets: no minute holds more, a restart forgets nothing, and a limit that is
//! changed holds at once. Servers that are wrong on purpose show that the judge of `rigs/limits.rs` finds them.
//!
//! Every check is a proof by the client's own clock, so that a slow machine makes none of them fail.

#[path = "../rigs/limits.rs"]
mod rig;

use crate::frames::now;
use crate::support::{Answer, Client, Server, keyward, text};
use rig::{Exchange, Fate, LONGEST, Promise, Said, Seen, judge, told};
use serde_json::json;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

const LIMIT: usize = 20;
const MINUTE: Duration = Duration::from_secs(60);
/// An admission counts to the end of its millisecond.
const SLACK: Duration = Duration::from_millis(2);
/// How many attack at once.
const CLIENTS: usize = 8;

fn exactly(limit: usize) -> Promise {
    Promise { limit, window: MINUTE, slack: SLACK }
}

/// A demo with these limits.
fn demo(data: &Path, limits: &[(&str, &str)]) -> Server {
    let mut command = keyward(&Server::demo_arguments(Some(data)));
    command.envs(limits.iter().map(|(name, value)| (format!("KEYWARD_LIMITS_{name}"), value)));
    Server::demo_by(command)
}

fn said(answer: &Answer, name: &str, quota: usize) -> u64 {
    let body = if answer.status == 429 { answer.json() } else { json!({}) };
    let said = Said {
        status: answer.status,
        policy: answer.header("ratelimit-policy"),
        limit: answer.header("ratelimit"),
        retry_after: answer.header("retry-after"),
        message: body["error"]["message"].as_str(),
    };
    told(&said, name, quota).unwrap()
}

/// One request and when it was.
fn exchange(client: &mut Client, start: Instant, quota: usize) -> Exchange {
    let sent = start.elapsed();
    let answer = client.get("/me");
    let received = start.elapsed();
    let fate = match answer.status {
        200 => Fate::Admitted,
        429 => Fate::Refused,
        other => panic!("{other}: {}", String::from_utf8_lossy(&answer.body)),
    };
    said(&answer, "reads", quota);
    Exchange { sent, received, fate }
}

/// A few requests, then floods just before and after a window has passed since the first: where a limiter that is not exact
/// admits too many. The times are in hundredths of the window.
fn attack(client: impl Fn() -> Client + Sync, window: Duration, quota: usize) -> Vec<Exchange> {
    let all = Mutex::new(Vec::new());
    let start = now();
    let one = |client: &mut Client| all.lock().unwrap().push(exchange(client, start, quota));
    (0..3).for_each(|_| one(&mut client()));
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = client();
                sleep((window * 95 / 100).saturating_sub(start.elapsed()));
                let mut asked = 0;
                // However late it is: all together ask for more than the limit.
                while asked < quota || start.elapsed() < window * 102 / 100 {
                    asked += 1;
                    let exchange = exchange(&mut client, start, quota);
                    all.lock().unwrap().push(exchange);
                    sleep(Duration::from_millis(3));
                }
            });
        }
    });
    all.into_inner().unwrap()
}

#[test]
fn no_minute_holds_more_than_the_limit_and_a_lone_client_is_admitted_when_it_was_told() {
    let home = tempfile::tempdir().unwrap();
    let server = demo(home.path(), &[("TIERS_ENTERPRISE_READS", "20"), ("TIERS_STANDARD_READS", "3")]);
    thread::scope(|scope| {
        scope.spawn(|| {
            let key = server.admin();
            let exchanges = attack(|| server.client(&key), MINUTE, LIMIT);
            let seen = judge(&exchanges, &exactly(LIMIT));
            assert!(!seen.is_over(&exactly(LIMIT)) && seen.baseless == 0, "{seen:?}");
            assert!(seen.admitted >= LIMIT && seen.refused > 0, "it was attacked: {seen:?}");
        });
        scope.spawn(|| {
            // Two that are late leave a short wait for the first of three.
            let key = server.key("admin@harbor.example", "harbor-lending", "full_access");
            // A connection each time: the server closes one that says nothing for long.
            let ask = || {
                let answer = server.client(&key).get("/me");
                (answer.status, said(&answer, "reads", 3))
            };
            assert_eq!(ask(), (200, 0));
            sleep(Duration::from_secs(50));
            assert_eq!((ask(), ask()), ((200, 0), (200, 0)));
            // On a machine that slept too long the first has left already: then the next of them is waited for.
            let mut wait = 0;
            for _ in 0..2 {
                if let (429, told) = ask() {
                    wait = told;
                    break;
                }
            }
            assert!((1..=LONGEST).contains(&wait));
            sleep(Duration::from_secs(wait));
            assert_eq!(ask(), (200, 0), "it came back after {wait} s");
        });
    });
}

/// Asks until it is refused, at most one time more than the limit.
fn fill(server: &Server, start: Instant, exchanges: &mut Vec<Exchange>) -> Fate {
    let mut client = server.client(&server.admin());
    for _ in 0..=LIMIT {
        let exchange = exchange(&mut client, start, LIMIT);
        exchanges.push(exchange);
        if exchange.fate == Fate::Refused {
            return Fate::Refused;
        }
    }
    Fate::Admitted
}

#[test]
fn a_clean_restart_forgets_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (start, mut exchanges) = (now(), Vec::new());
    for _ in 0..3 {
        let mut server = demo(home.path(), &[("TIERS_ENTERPRISE_READS", "20")]);
        assert_eq!(fill(&server, start, &mut exchanges), Fate::Refused);
        server.terminate();
    }
    let seen = judge(&exchanges, &exactly(LIMIT));
    assert!(!seen.is_over(&exactly(LIMIT)), "{seen:?}");
}

/// What a server that is strict after a crash does: it is filled, killed, and started so often, each time but the last ended
/// in order.
fn strict_after_a_crash(starts: usize) {
    let home = tempfile::tempdir().unwrap();
    let limits = [("TIERS_ENTERPRISE_READS", "20"), ("AFTER_CRASH", "strict")];
    let (start, mut exchanges) = (now(), Vec::new());
    let mut server = demo(home.path(), &limits);
    assert_eq!(fill(&server, start, &mut exchanges), Fate::Refused, "a first start is no crash");
    server.kill();
    for _ in 0..starts {
        server = demo(home.path(), &limits);
        let mut client = server.client(&server.admin());
        let answer = client.get("/me");
        // Only while it is certain that the window has not passed.
        if start.elapsed() < MINUTE {
            answer.is_refusal(429, "RATE_LIMITED");
            assert!((1..=LONGEST).contains(&said(&answer, "reads", LIMIT)));
        }
        fill(&server, start, &mut exchanges);
        server.terminate();
    }
    let seen = judge(&exchanges, &exactly(LIMIT));
    assert!(!seen.is_over(&exactly(LIMIT)), "{seen:?}");
}

#[test]
fn after_a_crash_a_strict_server_refuses_at_first() {
    strict_after_a_crash(1);
}

#[test]
fn a_strict_server_refuses_on_when_it_is_restarted_within_the_minute_after_a_crash() {
    strict_after_a_crash(2);
}

#[test]
fn a_limit_that_is_changed_holds_from_the_reload_on() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("keyward.toml");
    let limit = |reads: &str| {
        std::fs::write(&config, format!("[limits.tiers.enterprise]\nreads = {reads}\n")).unwrap();
    };
    limit("3");
    let mut arguments = Server::demo_arguments(None);
    arguments.extend(["--config", text(&config)]);
    let server = Server::demo_by(keyward(&arguments));
    let mut client = server.client(&server.admin());
    let start = now();
    let mut statuses = |times: usize| (0..times).map(|_| client.get("/me").status).collect::<Vec<_>>();
    let mut reloads = 0;
    let mut reload = |reads: &str| {
        limit(reads);
        reloads += 1;
        server.signal("HUP");
        let seen = (0..1_000).any(|_| {
            sleep(Duration::from_millis(5));
            server.stderr().matches("reloaded").count() == reloads
        });
        assert!(seen, "{}", server.stderr());
    };
    let first = statuses(4);
    reload("5");
    let higher = statuses(3);
    reload("2");
    let lower = statuses(2);
    reload("\"unlimited\"");
    let unlimited = statuses(30);
    // All of this is a second; where it was a minute, nothing is known.
    if start.elapsed() < MINUTE {
        assert_eq!(first, [200, 200, 200, 429]);
        assert_eq!(higher, [200, 200, 429], "what was admitted before still counts");
        assert_eq!(lower, [429; 2]);
    }
    assert_eq!(unlimited, [200; 30]);
}

/// How a server of this test limits.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// As it should be.
    Exact,
    /// Counts anew in each window since it began.
    Fixed,
    /// A bucket that starts full and is filled all the time.
    Tokens,
    /// Forgets an admission a little too early.
    Early,
    /// One more than it says.
    OneMore,
    /// One fewer than it says.
    OneFewer,
}

struct Wrong {
    rule: Rule,
    window: Duration,
    start: Instant,
    /// Admissions that count, or for [`Rule::Fixed`] those of the window of this number.
    admitted: VecDeque<Duration>,
    number: u128,
    tokens: f64,
    filled: Duration,
}

impl Wrong {
    fn admits(&mut self) -> bool {
        let at = self.start.elapsed();
        let (window, limit) = match self.rule {
            Rule::Early => (self.window * 8 / 10, LIMIT),
            Rule::OneMore => (self.window, LIMIT + 1),
            Rule::OneFewer => (self.window, LIMIT - 1),
            Rule::Exact | Rule::Fixed | Rule::Tokens => (self.window, LIMIT),
        };
        match self.rule {
            Rule::Fixed => {
                let number = at.as_nanos() / window.as_nanos();
                if number != self.number {
                    self.number = number;
                    self.admitted.clear();
                }
            }
            Rule::Tokens => {
                let gained = (at - self.filled).as_secs_f64() / window.as_secs_f64() * LIMIT as f64;
                self.tokens = (self.tokens + gained).min(LIMIT as f64);
                self.filled = at;
                let admits = self.tokens >= 1.0;
                self.tokens -= f64::from(u8::from(admits));
                return admits;
            }
            _ => self.admitted.retain(|before| at - *before < window),
        }
        let admits = self.admitted.len() < limit;
        if admits {
            self.admitted.push_back(at);
        }
        admits
    }
}

/// A server that limits by this rule, for as long as the test lives; where it listens.
fn wrong(rule: Rule, window: Duration) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let limiter = Arc::new(Mutex::new(Wrong {
        rule,
        window,
        start: now(),
        admitted: VecDeque::new(),
        number: 0,
        tokens: LIMIT as f64,
        filled: Duration::ZERO,
    }));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || answers(stream.unwrap(), &limiter));
        }
    });
    address
}

/// Answers every request on a connection.
fn answers(mut stream: TcpStream, limiter: &Mutex<Wrong>) {
    stream.set_nodelay(true).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while let Some(Ok(line)) = lines.next() {
        if !line.is_empty() {
            continue;
        }
        let admitted = limiter.lock().unwrap().admits();
        let (status, wait, remaining) =
            if admitted { ("200 OK", "", 1) } else { ("429 Too Many", "Retry-After: 1\r\n", 0) };
        let body = r#"{"error": {"message": "Rate limit exceeded. Retry after 1 seconds."}}"#;
        let head = format!(
            "HTTP/1.1 {status}\r\nRateLimit-Policy: \"reads\";q={LIMIT};w=60\r\n\
             RateLimit: \"reads\";r={remaining};t=1\r\n{wait}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(head.as_bytes()).is_err() {
            return;
        }
    }
}

/// Attacks a server with this rule, again and again until something is seen, at most so often.
fn attacked(rule: Rule, times: usize, found: impl Fn(&Seen, &Promise) -> bool) -> bool {
    let window = Duration::from_secs(1);
    let promise = Promise { limit: LIMIT, window, slack: SLACK };
    (0..times).any(|_| {
        let address = wrong(rule, window);
        found(&judge(&attack(|| Client::to(address), window, LIMIT), &promise), &promise)
    })
}

#[test]
fn the_judge_finds_limiters_that_admit_too_many_or_too_few_and_none_that_is_exact() {
    let over = |seen: &Seen, promise: &Promise| seen.is_over(promise);
    thread::scope(|scope| {
        for rule in [Rule::Fixed, Rule::Tokens, Rule::Early, Rule::OneMore] {
            scope.spawn(move || assert!(attacked(rule, 20, over), "{rule:?} was not found"));
        }
        scope.spawn(|| assert!(attacked(Rule::OneFewer, 20, |seen, _| seen.baseless > 0)));
        scope.spawn(move || {
            let fault = |seen: &Seen, promise: &Promise| over(seen, promise) || seen.baseless > 0;
            assert!(!attacked(Rule::Exact, 3, fault));
        });
    });
}

#[test]
fn the_judge_proves_only_what_is_certain() {
    let at = |sent: u64, received: u64, fate| Exchange {
        sent: Duration::from_millis(sent),
        received: Duration::from_millis(received),
        fate,
    };
    let promise = exactly(2);
    let admitted = |sent, received| at(sent, received, Fate::Admitted);
    // Three within a minute, if the first was admitted late and the last early: nothing is proven.
    let seen = judge(&[admitted(0, 900), admitted(1_000, 2_000), admitted(59_000, 60_000)], &promise);
    assert!(!seen.is_over(&promise) && seen.tightest == Some(MINUTE) && seen.most == 2, "{seen:?}");
    // One millisecond less is a proof, whatever the order and whoever was answered last.
    let seen = judge(
        &[admitted(59_000, 59_999), admitted(1_000, 80_000), admitted(0, 900), admitted(5, 6)],
        &promise,
    );
    assert!(seen.is_over(&promise) && seen.most == 3, "{seen:?}");
    assert_eq!(seen.tightest, Some(Duration::from_millis(59_999)));
    // A refusal has its cause as long as two may count: one that was lost may, for ever.
    let refused = at(70_000, 70_010, Fate::Refused);
    let lost = Exchange { received: Duration::MAX, ..at(1_000, 0, Fate::Unknown) };
    assert_eq!(judge(&[lost, admitted(9_000, 9_997), refused], &promise).baseless, 1);
    assert_eq!(judge(&[lost, admitted(9_000, 9_998), refused], &promise).baseless, 0);
    assert_eq!(judge(&[lost, refused, admitted(70_009, 90_000)], &promise).baseless, 0);
    assert_eq!(judge(&[lost, refused, admitted(70_010, 90_000)], &promise).baseless, 1);
}

#[test]
fn what_an_answer_says_of_its_limits_is_held_against_itself() {
    let right = Said {
        status: 429,
        policy: Some("\"reads\";q=20;w=60"),
        limit: Some("\"reads\";r=0;t=7"),
        retry_after: Some("7"),
        message: Some("Rate limit exceeded. Retry after 7 seconds."),
    };
    assert_eq!(told(&right, "reads", 20), Ok(7));
    let admitted = Said { status: 200, limit: Some("\"reads\";r=19;t=60"), retry_after: None, ..right };
    assert_eq!(told(&admitted, "reads", 20), Ok(0));
    for wrong in [
        Said { policy: None, ..right },
        Said { limit: None, ..right },
        Said { limit: Some("\"reads\";r=-1;t=7"), ..right },
        Said { limit: Some("\"reads\";r=1;t=7"), ..right },
        Said { limit: Some("\"reads\";r=0;t=8"), ..right },
        Said { limit: Some("\"reads\";r=21;t=60"), ..admitted },
        Said { retry_after: None, ..right },
        Said { retry_after: Some("61"), ..right },
        Said { retry_after: Some("0"), ..right },
        Said { retry_after: Some("8"), ..right },
        Said { message: None, ..right },
        Said { retry_after: Some("7"), ..admitted },
    ] {
        assert!(told(&wrong, "reads", 20).is_err(), "{wrong:?}");
    }
    assert!(told(&right, "writes", 20).is_err() && told(&right, "reads", 19).is_err());
}
