//! Signing in at the demo: other people's clients as judges, a browser, `keyward login`, and a restart.

use crate::orders::order;
use crate::person::{Person as Browser, encoded};
use crate::support::{Client, Server, clean, keyward, refused, text};
use keyward_testkit::forms::forms;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use url::Url;

pub(crate) fn clients() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients");
    let folder = std::env::var_os("KEYWARD_TEST_CLIENTS").map_or_else(beside, PathBuf::from);
    let module = folder.join("node_modules/openid-client");
    assert!(module.exists(), "{} is missing: run `cargo xtask test`, which installs it", module.display());
    folder
}

/// A demo, and somebody of it.
pub(crate) struct Person {
    server: Server,
    url: String,
    email: &'static str,
    password: String,
}

pub(crate) fn person(server: Server, email: &'static str) -> Person {
    let users = server.line["users"].as_array().unwrap();
    let user = users.iter().find(|user| user["email"] == email).unwrap();
    let password = user["password"].as_str().unwrap().to_owned();
    Person { url: server.line["url"].as_str().unwrap().to_owned(), email, password, server }
}

impl Person {
    /// What a client says in its last line; it must be content.
    pub(crate) fn judged_by(&self, program: &mut Command, more: &[&str]) -> Value {
        program.args([self.url.as_str(), self.email, &self.password]).args(more);
        let ended = program.output().unwrap();
        let told = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(ended.status.success(), "{told}\n{}", String::from_utf8_lossy(&ended.stderr));
        serde_json::from_str(told.lines().last().unwrap()).unwrap()
    }

    /// The access token that `keyward login` prints.
    fn logs_in(&self, clients: &Path, more: &[&str]) -> String {
        let (login, url) = begin(&self.url, more);
        let back = Command::new("node")
            .arg(clients.join("oauth/sign_in.mjs"))
            .args([url.as_str(), self.email, &self.password])
            .output()
            .unwrap();
        let back = String::from_utf8(back.stdout).unwrap();
        assert!(visit(back.trim()).contains("close this page"));
        let ended = login.wait_with_output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
        String::from_utf8(ended.stdout).unwrap().trim().to_owned()
    }
}

/// `keyward login`, and the address that it prints.
fn begin(server: &str, more: &[&str]) -> (Child, String) {
    let mut command = keyward(&["login", server, "--no-browser"]);
    command.args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut login = command.spawn().unwrap();
    let mut said = BufReader::new(login.stderr.take().unwrap());
    let mut line = String::new();
    while !line.trim().starts_with("http") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended without an address");
    }
    // What else it says is read at its end.
    login.stderr = Some(ChildStderr::from(OwnedFd::from(said.into_inner())));
    (login, line.trim().to_owned())
}

/// Goes there as a browser would; the page.
fn visit(url: &str) -> String {
    let came = Command::new("curl").args(["-sS", url]).output().unwrap();
    String::from_utf8(came.stdout).unwrap()
}

pub(crate) fn node(script: &Path) -> Command {
    let mut node = Command::new("node");
    clean(&mut node);
    node.arg(script);
    node
}

#[test]
fn openid_client_authlib_and_the_conformance_runner_sign_in() {
    let (clients, out) = (clients(), tempfile::tempdir().unwrap());
    let admin = person(Server::demo(None), "admin@acme.example");
    let judged = admin.judged_by(&mut node(&clients.join("oauth/openid_client.mjs")), &[]);
    println!("{judged}");
    assert_eq!((&judged["checks"], &judged["failures"]), (&json!(21), &json!(0)));
    let mut python = Command::new(clients.join(".venv/bin/python"));
    python.arg(clients.join("oauth/authlib_client.py"));
    let judged = admin.judged_by(&mut python, &[]);
    println!("{judged}");
    assert_eq!((&judged["checks"], &judged["failures"]), (&json!(10), &json!(0)));
    let judged = admin.judged_by(&mut node(&clients.join("oauth/conformance.mjs")), &[text(out.path())]);
    println!("{judged}");
    let scenarios = ["authorization-code-grant", "authorization-server-metadata-endpoint"];
    assert_eq!(judged["scenarios"], json!(scenarios.map(|name| format!("authorization-server-{name}"))));
    assert_eq!(
        (&judged["success"], &judged["failure"], &judged["warning"]),
        (&judged["checks"], &json!(0), &json!(0))
    );
}

#[test]
fn a_person_uses_the_pages_in_a_browser() {
    let (clients, out) = (clients(), tempfile::tempdir().unwrap());
    let home = tempfile::tempdir().unwrap();
    let both = person(Server::demo(Some(home.path())), "both@acme.example");
    let invite = ["user", "invite", "new@acme.example", "--account", "acme-capital", "--role", "editor"];
    let invited = order(home.path(), &invite);
    let more = [text(out.path()), invited["link"].as_str().unwrap()];
    let judged = both.judged_by(&mut node(&clients.join("console.mjs")), &more);
    println!("{judged}");
    assert_eq!((&judged["axe_violations"], &judged["failures"]), (&json!(0), &json!(0)));
    let told = |name: &str| judged[name].as_u64().unwrap();
    // Each page in two widths and two themes.
    assert!(told("stories") == 3 && told("pages") >= 20 && told("axe_runs") == 4 * told("pages"), "{judged}");
}

#[test]
fn login_prints_a_token_that_opens_the_deals_and_a_restarted_demo_knows_its_clients() {
    let (clients, home) = (clients(), tempfile::tempdir().unwrap());
    let admin = person(Server::demo(Some(home.path())), "admin@acme.example");
    let token = admin.logs_in(&clients, &[]);
    let mut client = admin.server.client(&token);
    let deals = client.get("/deals?limit=10");
    assert_eq!((deals.status, deals.json()["data"].as_array().unwrap().len()), (200, 10));
    let openid = admin.logs_in(&clients, &["--scope", "openid"]);
    let mut client = admin.server.client(&openid);
    assert_eq!((client.get("/me").status, client.get("/deals").status), (200, 403));
    let key = admin.server.key("admin@acme.example", "acme-capital", "full_access");
    let registered = Client::to(admin.server.address).send(
        "POST",
        "/oauth/register",
        &[("Content-Type", "application/json")],
        br#"{"redirect_uris":["http://localhost/callback"],"client_name":"Kept"}"#,
    );
    let id = registered.unwrap().json()["client_id"].as_str().unwrap().to_owned();
    let mut server = admin.server;
    server.terminate();
    let server = Server::demo(Some(home.path()));
    assert_eq!(server.client(&key).get("/me").status, 200);
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let ask = format!(
        "/oauth/authorize?response_type=code&client_id={id}&redirect_uri=http%3A%2F%2Flocalhost%3A9%2Fcallback&code_challenge={challenge}&code_challenge_method=S256"
    );
    let asked = Client::to(server.address).send("GET", &ask, &[("Accept", "text/html")], b"").unwrap();
    assert!(asked.status == 303 && asked.header("location").unwrap().contains("/sign-in?"));
}

/// Two authorization servers, of which one wants what the other gave (RFC 9700 §4.4).
#[test]
fn login_takes_no_answer_but_its_servers_to_its_own_request() {
    let honest = person(Server::demo(None), "admin@acme.example");
    let other = person(Server::demo(None), "admin@acme.example");
    let (login, url) = begin(&honest.url, &[]);
    let asked = Url::parse(&url).unwrap();
    let parameter = |name: &str| asked.query_pairs().find(|(own, _)| own == name).unwrap().1.into_owned();
    let (redirect, state) = (parameter("redirect_uri"), parameter("state"));

    // What answers no request of its own does not even end the wait.
    let issuer = ("iss", honest.url.as_str());
    for foreign in [
        encoded(&[("code", "kw_code_planted"), issuer]),
        encoded(&[("code", "kw_code_planted"), issuer, ("state", "another")]),
        encoded(&[("code", "kw_code_planted"), issuer, ("state", &state), ("state", &state)]),
        encoded(&[("code", "kw_code_planted"), ("iss", &other.url), issuer, ("state", &state)]),
        String::new(),
    ] {
        assert!(visit(&format!("{redirect}?{foreign}")).contains("answers no sign-in"), "{foreign}");
    }
    // The person is led to the other one with the same request, and that gives a real code for it.
    let there = format!("{}?{}", asked.path(), asked.query().unwrap());
    let back = Browser::at(&other.server).allows(&there, other.email, &other.password);
    assert!(back.as_str().contains("code=kw_code_"), "{back}");
    visit(back.as_str());
    let ended = login.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!((ended.status.code(), ended.stdout.len()), (Some(1), 0), "{said}");
    assert!(said.contains("another server has answered"), "{said}");
    let log = honest.server.stderr();
    assert!(log.contains("operation=\"getIssuerMetadata\""), "its log tells what it was asked: {log}");
    assert!(!log.contains("issueToken"), "the code was shown to nobody: {log}");

    // Nor is a server believed that says it is another.
    let by_name = honest.url.replace("127.0.0.1", "localhost");
    let said = refused(&mut keyward(&["login", &by_name, "--no-browser"]));
    assert!(said.contains(&format!("says that it is {}", honest.url)), "{said}");
    let said = refused(&mut keyward(&["login", "http://keyward.example", "--no-browser"]));
    assert!(said.contains("https, or by http on loopback"), "{said}");
}

/// The seed's second GET example, as the demo prints it; the browser that it opens is one that signs in by itself.
#[test]
fn the_printed_line_with_a_token_works_as_it_is() {
    let server = Server::spawn(keyward(&["demo", "--listen", "127.0.0.1:0"]));
    let line = (0..6_000).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        let stdout = server.stdout();
        stdout.lines().find(|line| line.contains("keyward login ") && line.ends_with('\'')).map(str::to_owned)
    });
    let line = line.expect("the line is printed");
    let url = line.split("keyward login ").nth(1).unwrap().split(')').next().unwrap().to_owned();
    let at = url.strip_prefix("http://").unwrap().parse().unwrap();
    let page = Client::to(at).send("GET", "/sign-in", &[("accept", "text/html")], b"").unwrap();
    let page = String::from_utf8(page.body).unwrap();
    let person = forms(&page).into_iter().find(|form| form.get("email") == "admin@acme.example").unwrap();
    let home = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_keyward"), home.path().join("keyward")).unwrap();
    let script = clients().join("oauth/sign_in.mjs");
    let browser = format!(
        "#!/bin/sh\ncurl -s -o /dev/null \"$(node '{}' \"$1\" admin@acme.example '{}')\"\n",
        script.display(),
        person.get("password")
    );
    for name in ["xdg-open", "open"] {
        let at = home.path().join(name);
        std::fs::write(&at, &browser).unwrap();
        std::fs::set_permissions(&at, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", home.path().display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh").args(["-c", &line]).env("PATH", path).output().unwrap();
    let deals: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(deals["data"].as_array().map(Vec::len), Some(10), "{deals}");
}
