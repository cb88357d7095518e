//! An issuer that is not ours (oidc-provider, over real sockets): found, believed, followed through rotations and outages.

use crate::support::{Client, Server, keyward, refused, run, text, unlimited};
use keyward_testkit::issuer::SigningKey;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;
use tempfile::TempDir;

const AUDIENCE: &str = "https://api.acme.example/api";

/// The issuer. It ends with its standard input.
struct Outside {
    child: Child,
    issuer: String,
    control: SocketAddr,
}

impl Outside {
    fn start() -> Self {
        Self::of(AUDIENCE)
    }

    /// One whose access tokens are for this.
    fn of(audience: &str) -> Self {
        let mut command = Command::new("node");
        command.arg(clients().join("issuer/oidc.mjs")).arg(audience);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let missing = "node cannot be started; `cargo xtask test` installs what the tests need";
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{missing}: {error}"));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("oidc.mjs says {line:?}"));
        let control = told["control"].as_str().unwrap().trim_start_matches("http://").parse().unwrap();
        Self { child, issuer: told["issuer"].as_str().unwrap().to_owned(), control }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status();
        assert!(sent.unwrap().success());
    }

    fn control(&self, method: &str, target: &str) -> Value {
        // It writes in chunks, which the client of these tests does not know.
        let mut stream = crate::support::connect(self.control).unwrap();
        let request = format!("{method} {target} HTTP/1.0\r\nHost: control\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{method} {target}: {answer}");
        serde_json::from_str(body).unwrap()
    }

    /// What its token endpoint answers this person, after a real sign-in.
    fn signed_in(&self, login: &str, scope: &str) -> Value {
        let scope = scope.replace(' ', "%20");
        self.control("GET", &format!("/token?login={login}&client=spa&scope={scope}"))
    }

    fn token(&self, login: &str) -> String {
        let answer = self.signed_in(login, "openid email");
        answer["access_token"].as_str().unwrap().to_owned()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn clients() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients");
    let folder = std::env::var_os("KEYWARD_TEST_CLIENTS").map_or_else(beside, PathBuf::from);
    let provider = folder.join("node_modules/oidc-provider");
    assert!(
        provider.exists(),
        "{} is missing: run `cargo xtask test`, which installs it",
        provider.display()
    );
    folder
}

/// A demo that trusts an issuer, by a file.
struct Trusting {
    _home: TempDir,
    issuer: String,
    admin: SocketAddr,
    server: Server,
}

fn configured(home: &TempDir, issuer: &str, more: &str) -> PathBuf {
    let config = home.path().join("keyward.toml");
    let entry = format!("[[issuers]]\nissuer = {issuer:?}\naudience = [{AUDIENCE:?}]\n{more}\n");
    std::fs::write(&config, entry).unwrap();
    config
}

impl Trusting {
    fn start(issuer: &str, more: &str) -> Self {
        Self::start_with(issuer, more, &[])
    }

    fn start_with(issuer: &str, more: &str, variables: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let config = configured(&home, issuer, more);
        let mut arguments = Server::demo_arguments(None);
        arguments.extend(["--config", text(&config)]);
        let mut command = unlimited(keyward(&arguments));
        command.envs(variables.iter().copied());
        // Free until a moment ago.
        let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        command.env("KEYWARD_SERVER_ADMIN_LISTEN", admin.to_string());
        Self { _home: home, issuer: issuer.to_owned(), admin, server: Server::demo_by(command) }
    }

    fn status(&self, token: &str) -> u16 {
        self.server.client(token).get("/deals").status
    }

    /// A figure of the issuer.
    fn figure(&self, name: &str) -> Option<i64> {
        let told = Client::to(self.admin).send("GET", "/metrics", &[], b"").unwrap();
        let told = String::from_utf8(told.body).unwrap();
        let line = told.lines().find_map(|line| line.strip_prefix(&format!("keyward_{name}")))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// Has the keys fetched anew, and waits until that was tried.
    fn fetch_anew(&self) {
        let tried = || {
            let of = |failed| {
                self.figure(&format!(
                    "issuer_key_fetches_total{{issuer=\"{}\",failed=\"{failed}\"}}",
                    self.issuer
                ))
            };
            of("false").unwrap_or(0) + of("true").unwrap_or(0)
        };
        let before = tried();
        self.server.signal("HUP");
        for _ in 0..2_000 {
            if tried() > before {
                return;
            }
            sleep(Duration::from_millis(5));
        }
        panic!("it was not tried: {}", self.server.stderr());
    }
}

/// The issuer outside is named by the metadata of the MCP endpoint, and before our own.
#[test]
fn an_mcp_client_signs_in_outside() {
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base = format!("http://{listen}");
    let outside = Outside::of(&format!("{base}/mcp"));
    let home = tempfile::tempdir().unwrap();
    let scopes = "mcp_scopes = [\"openid\", \"email\", \"deals:read\", \"deals:write\", \"account:read\", \"pipelines:read\"]";
    let config = configured(&home, &outside.issuer, &format!("link = \"verified_email\"\n{scopes}"));
    let listen = listen.to_string();
    let arguments = ["demo", "--json", "--listen", &listen, "--config", text(&config)];
    let _server = Server::demo_by(unlimited(keyward(&arguments)));
    let mut client = Command::new("node");
    client.arg(clients().join("mcp/outside.mjs")).args([&base, &outside.issuer, "editor"]);
    let judged = client.output().unwrap();
    let told = String::from_utf8_lossy(&judged.stdout).into_owned();
    println!("{told}");
    assert!(judged.status.success(), "{told}{}", String::from_utf8_lossy(&judged.stderr));
}

#[test]
fn a_real_issuer_is_found_and_its_people_come_in() {
    let outside = Outside::start();
    let trusting = Trusting::start(&outside.issuer, "link = \"verified_email\"");
    let answer = outside.signed_in("admin", "openid email deals:read account:write");
    let token = answer["access_token"].as_str().unwrap();
    let me = trusting.server.client(token).get("/me").data(200);
    assert_eq!(me["user"]["email"], "admin@acme.example");
    assert_eq!(me["platform"]["credential"]["kind"], "jwt");
    assert_eq!(me["platform"]["granted_scopes"], json!(["account:write", "deals:read"]));
    assert_eq!(trusting.status(token), 200);
    // Its other tokens are none for an API.
    assert_eq!(trusting.status(answer["id_token"].as_str().unwrap()), 401);
    // A key that this token makes.
    let made =
        trusting.server.client(token).post("/api-keys", &json!({ "label": "k", "scopes": ["deals:read"] }));
    assert_eq!(trusting.status(made.data(201)["api_key"].as_str().unwrap()), 200);
    // Who is not known, or not verified, stays out.
    for login in ["stranger", "unverified-admin"] {
        assert_eq!(trusting.status(&outside.token(login)), 401, "{login}");
    }
    // Who is invited comes in.
    let mut admin = trusting.server.client(&trusting.server.admin());
    admin.post("/account/team", &json!({ "email": "newcomer@acme.example", "role": "viewer" })).data(201);
    let newcomer = outside.token("newcomer");
    let me = trusting.server.client(&newcomer).get("/me").data(200);
    assert_eq!(me["user"]["role"], "viewer");
    // And goes at once.
    let path = format!("/account/team/{}", me["user"]["id"]);
    assert_eq!(admin.call("DELETE", &path, &[], b"").unwrap().status, 200);
    trusting.server.client(&newcomer).get("/deals").is_refusal(400, "BAD_REQUEST");
    // No token is in the log.
    let log = trusting.server.stderr();
    for secret in [token, &newcomer] {
        assert!(!log.contains(secret) && !log.contains(secret.rsplit('.').next().unwrap()));
    }
}

/// What `/me`, a read, a write, a new key and an invitation answer.
fn opened(server: &Server, token: &str, number: usize) -> [u16; 5] {
    let mut client = server.client(token);
    let key = json!({ "label": "k", "scopes": ["deals:read"] });
    let invitation = json!({ "email": format!("new{number}@acme.example"), "role": "viewer" });
    [
        client.get("/me").status,
        client.get("/deals").status,
        client.post("/deals", &json!({ "title": "By token" })).status,
        client.post("/api-keys", &key).status,
        client.post("/account/team", &invitation).status,
    ]
}

/// The same answers as tokens get that the tests make themselves: `api/token_scopes.rs` has the whole table.
#[test]
fn what_a_real_issuer_writes_into_its_tokens_opens_what_it_says_and_nothing_else() {
    let outside = Outside::start();
    let by_role = [200, 200, 201, 403, 403];
    let nothing = [200, 403, 403, 403, 403];
    let reads = [200, 200, 403, 403, 403];
    let all = [200, 200, 201, 201, 201];
    let refused = [401; 5];
    let ours = "openid email deals:read deals:write account:write";
    // What is asked for, what the issuer adds, and what that opens under narrow and under require.
    let table = [
        ("openid email", json!({}), by_role, nothing),
        ("openid email deals:read", json!({}), reads, reads),
        (ours, json!({}), all, all),
        ("openid email", json!({ "permissions": ["deals:read"] }), reads, reads),
        // The last permission is taken away.
        ("openid email", json!({ "permissions": [] }), nothing, nothing),
        ("openid email", json!({ "scp": ["deals:read", "crm:write"] }), reads, reads),
        ("openid email", json!({ "scp": "openid email" }), nothing, nothing),
        ("openid email", json!({ "scopes": "DEALS:READ" }), nothing, nothing),
        ("openid email", json!({ "scopes": ["https://api.example.com/deals:read"] }), nothing, nothing),
        ("openid email", json!({ "permissions": null }), refused, refused),
        (ours, json!({ "scp": { "deals": "read" } }), refused, refused),
    ];
    for (mode, column) in [("narrow", 0), ("require", 1)] {
        let more = format!("link = \"verified_email\"\nscopes = {mode:?}");
        let trusting = Trusting::start(&outside.issuer, &more);
        for (number, (scope, claims, narrow, require)) in table.iter().enumerate() {
            let json: String = url::form_urlencoded::byte_serialize(claims.to_string().as_bytes()).collect();
            outside.control("POST", &format!("/claims?json={json}"));
            let answer = outside.signed_in("admin", scope);
            let opened = opened(&trusting.server, answer["access_token"].as_str().unwrap(), number);
            assert_eq!(opened, [*narrow, *require][column], "{mode} {scope} {claims}");
        }
        let log = trusting.server.stderr();
        assert_eq!(log.matches("tokens name a scope that this API does not have").count(), 3, "{log}");
    }
    // Scopes in a claim that the entry leaves out.
    let trusting = Trusting::start(&outside.issuer, "link = \"verified_email\"\nscope_claims = [\"scope\"]");
    outside.control("POST", "/claims?json=%7B%22scp%22%3A%5B%22deals%3Aread%22%5D%7D");
    assert_eq!(opened(&trusting.server, &outside.token("admin"), 0), refused);
}

#[test]
fn the_doctor_says_what_narrows_a_token_and_what_it_does_not_understand() {
    let outside = Outside::start();
    let home = tempfile::tempdir().unwrap();
    let config = configured(&home, &outside.issuer, "");
    let file = home.path().join("token");
    let judge = |token: &str| {
        std::fs::write(&file, token).unwrap();
        let arguments =
            ["doctor", "--issuer", &outside.issuer, "--config", text(&config), "--token", text(&file)];
        let output = run(&mut keyward(&arguments));
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = judge(&outside.token("admin"));
    assert!(
        code == Some(0) && said.contains("ok     the token is taken; its subject is \"admin\""),
        "{said}"
    );
    assert!(said.contains("nothing narrows the token"), "{said}");
    assert!(said.contains("these are this API's: ") && said.contains("\"deals:read\""), "{said}");
    outside.control("POST", "/claims?json=%7B%22scp%22%3A%5B%22Deals.Read%22%5D%7D");
    let (code, said) = judge(&format!("{}\n", outside.token("admin")));
    assert_eq!(code, Some(0), "{said}");
    let told = "note   scp narrows it to nothing but /me. Not scopes of this API: \"Deals.Read\"";
    assert!(said.contains(told), "{said}");
    let (code, said) = judge("a.b.c");
    assert!(code == Some(2) && said.contains("WRONG  the token is refused, token_malformed"), "{said}");
}

#[test]
fn keys_are_rotated_while_requests_run_and_outages_are_lived_through() {
    let outside = Outside::start();
    let trusting = Trusting::start(&outside.issuer, "link = \"verified_email\"");
    let old = outside.token("admin");
    assert_eq!(trusting.status(&old), 200);
    let (over, asked, refused) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    /// Ends the others too when this thread fails.
    struct Over<'o>(&'o AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    thread::scope(|scope| {
        let _over = Over(&over);
        for _ in 0..3 {
            scope.spawn(|| {
                let mut client = trusting.server.client(&old);
                while !over.load(Ordering::SeqCst) {
                    asked.fetch_add(1, Ordering::SeqCst);
                    if client.get("/deals").status != 200 {
                        refused.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
        outside.control("POST", "/rotate");
        let new = outside.token("admin");
        let begun = elapsed();
        assert_eq!(trusting.status(&new), 200, "at its first use");
        let took = elapsed() - begun;
        println!("a new key was good {} ms after its first use", took.as_millis());
        assert!(took < Duration::from_secs(1), "{took:?}");
        for _ in 0..50 {
            assert_eq!(trusting.status(&new), 200);
        }
    });
    println!("requests during the rotation: {asked:?}, refused: {refused:?}");
    assert_eq!(refused.into_inner(), 0);
    // A key that is withdrawn goes when the operator says so.
    outside.control("POST", "/retire");
    trusting.fetch_anew();
    assert_eq!(trusting.status(&old), 401);
    let new = outside.token("admin");
    assert_eq!(trusting.status(&new), 200);
    // Outages of every kind: what was believed is believed, and nothing else.
    let forged = SigningKey::rsa(0, "forged").token(&claims_of(&outside.issuer));
    let log = |name| trusting.server.stderr().matches(name).count();
    for mode in ["refuse", "error", "html", "slow", "redirect"] {
        outside.control("POST", &format!("/outage?mode={mode}"));
        let before = log("keys could not be fetched");
        trusting.fetch_anew();
        assert!(log("keys could not be fetched") > before, "{mode}");
        // A key that is not known may be newer than what is believed.
        assert_eq!((trusting.status(&new), trusting.status(&forged)), (200, 503), "{mode}");
    }
    let keys = format!("issuer_keys{{issuer=\"{}\"}}", outside.issuer);
    assert_eq!(trusting.figure(&keys), Some(1));
    // A well-formed set is the issuer's word, also when there is nothing in it, and the operator's order takes it at once.
    outside.control("POST", "/outage?mode=empty");
    trusting.fetch_anew();
    assert_eq!(trusting.status(&new), 401);
    // And it recovers by itself, with a key that nobody has seen.
    outside.control("POST", "/rotate");
    outside.control("POST", "/outage?mode=none");
    let newest = outside.token("admin");
    let recovered = (0..300).any(|_| {
        sleep(Duration::from_millis(100));
        trusting.status(&newest) == 200
    });
    assert!(recovered, "{}", trusting.server.stderr());
    assert_eq!(trusting.status(&new), 200);
    assert_eq!(trusting.status(&forged), 401, "it is in no set that was fetched since it came");
}

/// What a good token was answered, in order.
struct Answers {
    statuses: Vec<u16>,
    /// Until it was taken.
    took: Duration,
}

impl Trusting {
    /// Sends a token, and again exactly when a 503 says so, until it is taken, or until then.
    fn insist(&self, token: &str, until: Duration) -> Answers {
        let (mut client, begun, mut statuses) = (self.server.client(token), elapsed(), Vec::new());
        while statuses.last() != Some(&200) && elapsed() < until {
            let answer = client.get("/deals");
            statuses.push(answer.status);
            if answer.status == 503 {
                answer.is_unavailable();
                let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
                assert!((1..=5).contains(&after), "a fetch ends within 5 s: {after}");
                sleep(Duration::from_secs(after));
            }
        }
        Answers { statuses, took: elapsed() - begun }
    }
}

/// Not knowing a key is not knowing that it is wrong.
#[test]
fn a_rotation_refuses_no_good_token_beside_a_strangers_invented_keys_and_through_a_frozen_issuer() {
    let outside = Outside::start();
    let limit = [("KEYWARD_LIMITS_FAILED_AUTH_PER_MINUTE", "5")];
    let trusting = Trusting::start_with(&outside.issuer, "link = \"verified_email\"", &limit);
    let mut known = outside.token("admin");
    assert_eq!(trusting.status(&known), 200);
    let over = AtomicBool::new(false);
    let stranger = || {
        let (mut statuses, mut n) = (Vec::new(), 0);
        while !over.load(Ordering::SeqCst) {
            n += 1;
            let token = SigningKey::rsa(0, &format!("invented-{n}")).token(&claims_of(&outside.issuer));
            let begun = elapsed();
            statuses.push(trusting.status(&token));
            sleep(Duration::from_secs(1).saturating_sub(elapsed() - begun));
        }
        statuses
    };
    // No answer but 200 and 503, and within the time.
    let judge = |answers: &Answers, most: Duration| {
        assert!(answers.statuses.iter().all(|status| matches!(status, 200 | 503)), "{:?}", answers.statuses);
        assert_eq!(answers.statuses.last(), Some(&200), "{:?}", answers.statuses);
        assert!(answers.statuses.len() <= 2, "taken at the first retry: {:?}", answers.statuses);
        assert!(answers.took <= most, "{:?} {:?}", answers.took, answers.statuses);
    };
    // Two seconds, and what the requests themselves take on a machine that runs other tests.
    let most = Duration::from_millis(2_500);
    thread::scope(|scope| {
        struct Over<'o>(&'o AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let _over = Over(&over);
        let strangers = [scope.spawn(stranger), scope.spawn(stranger)];
        for round in 0..3 {
            // Just after a fetch of our own.
            trusting.fetch_anew();
            outside.control("POST", "/rotate");
            known = outside.token("admin");
            let answers = trusting.insist(&known, elapsed() + Duration::from_secs(20));
            println!("rotation {round}: {:?} after {} ms", answers.statuses, answers.took.as_millis());
            judge(&answers, most);
        }
        // Frozen before the new key is known here: a stranger's key may have it fetched before.
        let fresh = (0..20).find_map(|_| {
            outside.control("POST", "/rotate");
            let fresh = outside.token("admin");
            outside.signal("STOP");
            if trusting.status(&fresh) == 503 {
                return Some(fresh);
            }
            outside.signal("CONT");
            known = fresh;
            None
        });
        let fresh = fresh.expect("the issuer could not be stopped in time");
        let frozen = trusting.insist(&fresh, elapsed() + Duration::from_secs(5));
        println!("frozen: {:?}", frozen.statuses);
        assert!(frozen.statuses.iter().all(|status| *status == 503), "{:?}", frozen.statuses);
        assert_eq!(trusting.status(&known), 200, "a known key is not asked for");
        outside.signal("CONT");
        let answers = trusting.insist(&fresh, elapsed() + Duration::from_secs(20));
        println!("it answers again: {:?} after {} ms", answers.statuses, answers.took.as_millis());
        judge(&answers, most);
        over.store(true, Ordering::SeqCst);
        let strangers: Vec<u16> = strangers.into_iter().flat_map(|one| one.join().unwrap()).collect();
        println!("strangers: {strangers:?}");
        assert!(
            strangers.contains(&401) && strangers.contains(&429),
            "they are refused, and charged: {strangers:?}"
        );
        assert!(strangers.iter().all(|status| matches!(status, 401 | 429 | 503)), "{strangers:?}");
    });
}

#[test]
fn an_issuer_that_is_not_there_yet_is_waited_for_and_keys_work_meanwhile() {
    let outside = Outside::start();
    outside.control("POST", "/outage?mode=refuse");
    let trusting = Trusting::start(&outside.issuer, "link = \"verified_email\"");
    let token = outside.token("admin");
    let answer = trusting.server.client(&token).get("/deals");
    answer.is_unavailable();
    assert_eq!(trusting.status(&trusting.server.admin()), 200);
    outside.control("POST", "/outage?mode=none");
    let came = (0..300).any(|_| {
        sleep(Duration::from_millis(100));
        trusting.status(&token) == 200
    });
    assert!(came, "{}", trusting.server.stderr());
}

#[test]
fn a_token_makes_the_server_connect_to_nobody() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let place = format!("http://{}/keys", canary.local_addr().unwrap());
    let outside = Outside::start();
    let trusting = Trusting::start(&outside.issuer, "link = \"verified_email\"");
    let key = SigningKey::rsa(0, "k");
    let claims = claims_of;
    // A subject that is somebody: nothing but the key is wrong with these.
    assert_eq!(trusting.status(&outside.token("admin")), 200);
    let mut sent = 0;
    for issuer in [outside.issuer.as_str(), &place, "http://169.254.169.254/", "file:///etc/passwd"] {
        for name in ["jku", "x5u", "kid", "x"] {
            let mut header = key.header("at+jwt");
            header[name] = json!(place);
            let token = key.token_of(&header.to_string(), &claims(issuer).to_string());
            assert_eq!(trusting.status(&token), 401, "{issuer} {name}");
            sent += 1;
        }
        let embedded = json!({ "alg": "RS256", "typ": "at+jwt", "jwk": key.jwk() }).to_string();
        assert_eq!(trusting.status(&key.token_of(&embedded, &claims(issuer).to_string())), 401);
        sent += 1;
    }
    println!("tokens that name another place: {sent}, connections there: 0");
    assert!(canary.accept().is_err(), "somebody came");
}

#[test]
fn the_doctor_says_what_would_and_would_not_work() {
    let outside = Outside::start();
    let home = tempfile::tempdir().unwrap();
    let ask = |issuer: &str, config: Option<&Path>| {
        let mut arguments = vec!["doctor", "--issuer", issuer];
        arguments.extend(config.map(|config| ["--config", text(config)]).into_iter().flatten());
        let output = run(&mut keyward(&arguments));
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), said + &String::from_utf8(output.stderr).unwrap())
    };
    let issuer = outside.issuer.as_str();
    let (code, said) = ask(issuer, None);
    assert_eq!(code, Some(0), "{said}");
    for line in [
        "note   the configuration has no entry",
        "ok     its metadata are there",
        "can verify RS256",
        "[[issuers]]",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let entry = configured(&home, issuer, "");
    let (code, said) = ask(issuer, Some(&entry));
    assert!(code == Some(0) && said.contains("ok     the configuration has an entry for it"), "{said}");
    // The slash at the end.
    let (code, said) = ask(&format!("{issuer}/"), Some(&entry));
    assert_eq!(code, Some(2));
    assert!(said.contains("WRONG  the configuration has") && said.contains("to the letter"), "{said}");
    assert!(said.contains("tokens of this issuer would not be taken"), "{said}");
    // Keys for another algorithm than the entry allows.
    let ec = configured(&home, issuer, "algorithms = [\"ES256\"]");
    let (code, said) = ask(issuer, Some(&ec));
    assert!(code == Some(2) && said.contains("it has keys for RS256, and algorithms lists ES256"), "{said}");
    // Whatever is wrong with its documents.
    for (mode, why) in [
        ("html", "is not the metadata of an issuer"),
        ("error", "answered 500"),
        ("redirect", "redirects are not followed"),
        ("refuse", "could not be reached"),
        ("empty", "has no key that can be used"),
        ("slow", "no whole answer within 5 s"),
    ] {
        outside.control("POST", &format!("/outage?mode={mode}"));
        let (code, said) = ask(issuer, None);
        assert!(code == Some(2) && said.contains(why), "{mode}: {said}");
    }
    let said = refused(&mut keyward(&["doctor", "--issuer", issuer, "--config", "/nowhere.toml"]));
    assert!(said.contains("cannot be read"), "{said}");
    for bad in ["http://id.example/", "ftp://x", "id.example"] {
        let (code, said) = ask(bad, None);
        assert!(code == Some(2) && said.contains("must be an https URL"), "{said}");
    }
}

#[test]
fn a_long_token_is_read_as_far_as_its_entry_allows() {
    let (key, claims) = (
        SigningKey::rsa(0, "k"),
        |length: usize| json!({ "iss": "http://127.0.0.1:9/", "aud": AUDIENCE, "sub": "x", "padding": "x".repeat(length) }),
    );
    // Nobody is there, so what was read is answered 503, and what was not 401 or 431.
    let entries = [
        ("", 7_900, 9_000, true),
        ("max_token_bytes = 61440", 61_000, 62_500, true),
        // curl sends no longer head than 64 KiB on HTTP/2.
        ("max_token_bytes = 131072", 130_900, 132_000, false),
    ];
    for (more, short, long, on_http2) in entries {
        let trusting = Trusting::start("http://127.0.0.1:9/", more);
        // What hyper does not read at all it answers 431 by itself, or ends its connection of HTTP/2.
        for (bytes, statuses) in [(short, [503, 503]), (long, [401, 401]), (200_000, [431, 0])] {
            let bare = key.token(&claims(0)).len();
            let token = key.token(&claims((bytes - bare) * 3 / 4));
            let answer = trusting.server.client(&token).get("/deals");
            assert_eq!(answer.status, statuses[0], "{more} {bytes}");
            if !on_http2 {
                continue;
            }
            let curl = [
                "--silent",
                "--http2-prior-knowledge",
                "--max-time",
                "20",
                "--output",
                "-",
                "--write-out",
                "%{http_code}",
            ];
            let mut command = Command::new("curl");
            crate::support::clean(&mut command);
            let header = trusting.server.line["url"].as_str().unwrap().to_owned();
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), format!("Authorization: Bearer {token}\nX-Origin-App: tests\n"))
                .unwrap();
            command.args(curl).arg("--header").arg(format!("@{}", text(file.path())));
            command.arg(format!("{header}{}/deals", crate::support::BASE));
            let said = String::from_utf8(run(&mut command).stdout).unwrap();
            assert!(said.ends_with(&format!("{:03}", statuses[1])), "{more} {bytes} over HTTP/2: {said}");
        }
    }
}

/// Answers every connection with this, as long as the test lives.
fn answering(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let _ = stream.write_all(&answer);
        }
    });
    address
}

#[test]
fn documents_that_do_not_end_and_certificates_that_are_not_trusted_are_refused() {
    let say_with = |issuer: &str, variables: &[(&str, &str)], code| {
        let mut command = keyward(&["doctor", "--issuer", issuer]);
        command.envs(variables.iter().copied());
        let output = run(&mut command);
        assert_eq!(output.status.code(), Some(code));
        String::from_utf8(output.stdout).unwrap()
    };
    let say = |issuer: &str, variables: &[(&str, &str)]| say_with(issuer, variables, 2);
    let long = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; 10 * 1024 * 1024]].concat();
    assert!(say(&format!("http://{}", answering(long)), &[]).contains("is longer than 262144 bytes"));
    // A server of our own, which is an issuer: trusted, it is heard, and otherwise not.
    let home = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (home.path().join("cert.pem"), home.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = home.path().join("keyward.toml");
    std::fs::write(&config, format!("[server]\ntls_cert = {:?}\ntls_key = {:?}\n", text(&cert), text(&key)))
        .unwrap();
    let mut arguments = Server::demo_arguments(None);
    arguments.extend(["--config", text(&config)]);
    let server = Server::demo_by(unlimited(keyward(&arguments)));
    let issuer = format!("https://{}", server.address);
    let said = say(&issuer, &[]);
    assert!(said.contains("could not be reached") && said.to_lowercase().contains("certificate"), "{said}");
    let said = say_with(&issuer, &[("SSL_CERT_FILE", text(&cert))], 0);
    assert!(said.contains("RS256") && !said.contains("WRONG"), "{said}");
}

/// Claims that are good in all but who signs them.
fn claims_of(issuer: &str) -> Value {
    let now = elapsed().as_secs();
    json!({ "iss": issuer, "aud": AUDIENCE, "sub": "admin", "client_id": "spa", "iat": now, "exp": now + 300 })
}

/// Since 1970, for what is measured and printed.
#[expect(clippy::disallowed_methods, reason = "what a real issuer takes is measured on the real clock")]
fn elapsed() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap()
}
