//! The machine's clock goes back or ahead between two starts, and under a running server: what has ended opens nothing at any time,
//! and nothing that should work is lost once the clock is right.

use crate::orders::order;
use crate::person::{CALLBACK, Person, redeemed, refreshed};
use crate::support::{Client, Server, keyward, run, text, unlimited};
use keyward_core::clock::{Clock, SystemClock, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const ADMIN: &str = "admin@acme.example";

fn now() -> i64 {
    SystemClock::new().now().unix()
}

fn written(unix: i64) -> String {
    Timestamp::from_unix(unix).to_string()
}

/// An installation on a machine whose clock can be set.
struct Machine {
    home: TempDir,
    data: PathBuf,
    /// The same at every start: it stands in the tokens of the server.
    listen: String,
}

impl Machine {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let machine = Self { home, data, listen: free.to_string() };
        machine.set(0);
        machine
    }

    fn clock(&self) -> PathBuf {
        self.home.path().join("clock")
    }

    /// Sets the clock ahead by so many seconds. At once: a reading never finds half of it.
    fn set(&self, ahead: i64) {
        let next = self.home.path().join("next");
        std::fs::write(&next, ahead.to_string()).unwrap();
        std::fs::rename(next, self.clock()).unwrap();
    }

    fn start(&self) -> Server {
        let mut command = keyward(&["demo", "--json", "--listen", &self.listen, "--data", text(&self.data)]);
        command.env("KEYWARD_FAULT_CLOCK", self.clock());
        Server::demo_by(unlimited(command))
    }

    /// `keyward clock accept`, by the running server or on the file.
    fn accept(&self) -> Value {
        let mut command = keyward(&["clock", "accept", "--json", "--data", text(&self.data)]);
        let output = run(command.env("KEYWARD_FAULT_CLOCK", self.clock()));
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn key(server: &Server, wanted: &Value) -> Value {
    server.client(&server.admin()).post("/api-keys", wanted).data(201)
}

fn secret(of: &Value) -> String {
    of["api_key"].as_str().unwrap().to_owned()
}

fn me(server: &Server, credential: &str) -> u16 {
    server.client(credential).get("/me").status
}

/// What a person and an application have of a sign-in.
struct SignedIn {
    person: BTreeMap<String, String>,
    client: String,
    token: String,
    refresh: String,
}

impl SignedIn {
    fn at(server: &Server, data: &Path) -> Self {
        let client = order(data, &["client", "create", "App", "--redirect-uri", CALLBACK]);
        let client = client["client_id"].as_str().unwrap().to_owned();
        let users = server.line["users"].as_array().unwrap();
        let admin = users.iter().find(|user| user["email"] == ADMIN).unwrap();
        let password = admin["password"].as_str().unwrap();
        let mut person = Person::at(server);
        let code = person.consents(&client, ADMIN, password, "offline_access deals:read");
        let tokens = redeemed(server, &client, "", &code);
        let of = |name: &str| tokens[name].as_str().unwrap().to_owned();
        Self { token: of("access_token"), refresh: of("refresh_token"), person: person.cookies, client }
    }

    fn session(&self, server: &Server) -> u16 {
        let cookies: Vec<String> =
            self.person.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers = [("Accept", "text/html"), ("Cookie", &cookies.join("; "))];
        Client::to(server.address).send("GET", "/console/acme-capital/keys", &headers, b"").unwrap().status
    }

    fn refreshed(&mut self, server: &Server) -> u16 {
        let answer = refreshed(server, &self.client, "", &self.refresh);
        if answer.status == 200 {
            let tokens = answer.json();
            self.refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
            self.token = tokens["access_token"].as_str().unwrap().to_owned();
        }
        answer.status
    }
}

/// What is held over all restarts.
struct Held {
    plain: String,
    ending: String,
    replaced: String,
    ended: Vec<String>,
    signed_in: SignedIn,
}

impl Held {
    /// The ended ones end in the first two hours; the clock is two hours ahead then, and right.
    fn of(machine: &Machine) -> Self {
        let server = machine.start();
        let with_end = |end| secret(&key(&server, &json!({ "label": "ends", "expires_at": written(end) })));
        let replaced = |grace: i64| {
            let old = key(&server, &json!({ "label": "replaced" }));
            let rotate = format!("/api-keys/{}/rotate", old["id"]);
            let grace = json!({ "grace_seconds": grace });
            server.client(&server.admin()).post(&rotate, &grace).data(200);
            secret(&old)
        };
        let ended = vec![with_end(now() + HOUR), replaced(HOUR), SignedIn::at(&server, &machine.data).token];
        assert!(ended.iter().all(|credential| me(&server, credential) == 200));
        let mut held = Self {
            plain: secret(&key(&server, &json!({ "label": "plain" }))),
            ending: with_end(now() + 30 * DAY),
            replaced: replaced(7 * DAY),
            ended,
            signed_in: SignedIn::at(&server, &machine.data),
        };
        machine.set(2 * HOUR);
        held.all_works(&server);
        held
    }

    fn opens_nothing_that_ended(&self, server: &Server) {
        for (number, credential) in self.ended.iter().enumerate() {
            let status = me(server, credential);
            assert!(matches!(status, 401 | 503), "what ended is answered {status} ({number})");
        }
        assert!(!self.ended.iter().any(|credential| me(server, credential) == 200));
    }

    /// What each that has an end and has not ended is answered.
    fn asked(&mut self, server: &Server) -> [u16; 4] {
        [
            me(server, &self.ending),
            me(server, &self.replaced),
            self.signed_in.session(server),
            self.signed_in.refreshed(server),
        ]
    }

    /// The clock is right: nothing is lost.
    fn all_works(&mut self, server: &Server) {
        self.opens_nothing_that_ended(server);
        assert_eq!(self.asked(server), [200; 4]);
        assert_eq!((me(server, &self.plain), me(server, &self.signed_in.token)), (200, 200));
    }

    /// The clock is behind: what has an end waits, and the rest serves.
    fn waits(&mut self, server: &Server) {
        self.opens_nothing_that_ended(server);
        assert_eq!(self.asked(server), [503; 4]);
        assert_eq!((me(server, &self.plain), me(server, &self.signed_in.token)), (200, 503));
        let made = server.client(&self.plain).post("/deals", &json!({ "title": "by a key without an end" }));
        assert_eq!(made.status, 201);
        let refusal = server.client(&self.ending).get("/me");
        refusal.is_unavailable();
        assert!(String::from_utf8_lossy(&refusal.body).contains("keyward clock accept"));
    }
}

#[test]
fn a_restart_with_an_earlier_clock_revives_nothing_and_loses_nothing() {
    let machine = Machine::new();
    let mut held = Held::of(&machine);
    for (back, killed) in [(DAY, false), (HOUR, false), (HOUR, true), (now() + 2 * HOUR - 60, false)] {
        machine.set(2 * HOUR - back);
        let mut server = machine.start();
        held.waits(&server);
        let log = server.stderr();
        assert!(log.contains("the clock is behind a time that was recorded"), "{log}");
        if killed {
            server.kill()
        } else {
            server.terminate()
        }
        machine.set(2 * HOUR);
        let mut server = machine.start();
        held.all_works(&server);
        if killed { server.kill() } else { server.terminate() }
    }
    let trail = run(&mut keyward(&[
        "audit",
        "--json",
        "--since",
        "1970-01-01T00:00:00Z",
        "--data",
        text(&machine.data),
    ]));
    let rows = String::from_utf8(trail.stdout).unwrap();
    let times = rows.lines().map(|row| serde_json::from_str::<Value>(row).unwrap()["at"].to_string());
    let times: Vec<String> = times.collect();
    assert!(times.len() > 30 && times.is_sorted(), "no row is dated before an older one: {times:?}");
}

#[test]
fn a_restart_in_2106_forgets_nothing_and_its_time_is_taken_back() {
    let machine = Machine::new();
    let mut held = Held::of(&machine);
    for offline in [false, true] {
        // After the last second of 32 bits.
        machine.set(4_294_967_296 - now() + DAY);
        let mut server = machine.start();
        held.opens_nothing_that_ended(&server);
        assert_eq!((me(&server, &held.ending), me(&server, &held.plain)), (401, 200));
        server.terminate();
        machine.set(2 * HOUR);
        let mut server = machine.start();
        held.opens_nothing_that_ended(&server);
        assert_eq!((me(&server, &held.ending), me(&server, &held.plain)), (503, 200));
        if offline {
            server.terminate();
        }
        let accepted = machine.accept();
        assert_eq!(accepted["taken_back"], true, "{accepted}");
        assert!(accepted["recorded"].as_str().unwrap().starts_with("2106-"), "{accepted}");
        if offline {
            server = machine.start();
        }
        held.all_works(&server);
        assert_eq!(machine.accept()["taken_back"], false);
        server.terminate();
        let mut server = machine.start();
        held.all_works(&server);
        server.terminate();
    }
}

#[test]
fn a_clock_that_steps_back_under_a_running_server_is_the_same() {
    let machine = Machine::new();
    let mut held = Held::of(&machine);
    let server = machine.start();
    for back in [HOUR, DAY] {
        machine.set(2 * HOUR - back);
        held.waits(&server);
        machine.set(2 * HOUR);
        held.all_works(&server);
    }
    machine.set(2 * HOUR - 30);
    held.all_works(&server);
}

#[test]
fn a_probe_and_a_figure_tell_that_the_clock_is_behind() {
    let machine = Machine::new();
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = keyward(&Server::demo_arguments(Some(&machine.data)));
    command.env("KEYWARD_FAULT_CLOCK", machine.clock()).env("KEYWARD_SERVER_ADMIN_LISTEN", admin.to_string());
    let server = Server::demo_by(unlimited(command));
    let ask = |path| {
        let answer = Client::to(admin).send("GET", path, &[], b"").unwrap();
        assert_eq!(answer.status, 200, "it is ready: what has no end is served");
        String::from_utf8(answer.body).unwrap()
    };
    assert_eq!(ask("/readyz"), "ok\n");
    assert!(ask("/metrics").contains("keyward_clock_behind_seconds 0\n"));
    machine.set(-HOUR);
    assert!(ask("/readyz").contains("is behind a time that was recorded"), "{}", ask("/readyz"));
    assert!(!ask("/metrics").contains("keyward_clock_behind_seconds 0\n"));
    drop(server);
}
