//! Signing in at the demo: other people's clients as judges, a browser, `keyward login`, and a restart.

use crate::support::{Client, Server, clean, keyward, text};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn clients() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients");
    let folder = std::env::var_os("KEYWARD_TEST_CLIENTS").map_or_else(beside, PathBuf::from);
    let module = folder.join("node_modules/openid-client");
    assert!(module.exists(), "{} is missing: run `cargo xtask test`, which installs it", module.display());
    folder
}

/// A demo, and somebody of it.
struct Person {
    server: Server,
    url: String,
    email: &'static str,
    password: String,
}

fn person(server: Server, email: &'static str) -> Person {
    let users = server.line["users"].as_array().unwrap();
    let user = users.iter().find(|user| user["email"] == email).unwrap();
    let password = user["password"].as_str().unwrap().to_owned();
    Person { url: server.line["url"].as_str().unwrap().to_owned(), email, password, server }
}

impl Person {
    /// What a client says in its last line; it must be content.
    fn judged_by(&self, program: &mut Command, more: &[&str]) -> Value {
        program.args([self.url.as_str(), self.email, &self.password]).args(more);
        let ended = program.output().unwrap();
        let told = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(ended.status.success(), "{told}\n{}", String::from_utf8_lossy(&ended.stderr));
        serde_json::from_str(told.lines().last().unwrap()).unwrap()
    }

    /// The access token that `keyward login` prints.
    fn logs_in(&self, clients: &Path, more: &[&str]) -> String {
        let mut command = keyward(&["login", &self.url, "--no-browser"]);
        command.args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut login = command.spawn().unwrap();
        let mut lines = BufReader::new(login.stderr.take().unwrap()).lines();
        let url = lines
            .find_map(|line| line.unwrap().trim().strip_prefix("http").map(|rest| format!("http{rest}")));
        let back = Command::new("node")
            .arg(clients.join("oauth/sign_in.mjs"))
            .args([url.unwrap().as_str(), self.email, &self.password])
            .output()
            .unwrap();
        let back = String::from_utf8(back.stdout).unwrap();
        let came = Command::new("curl").args(["-sS", back.trim()]).output().unwrap();
        assert!(String::from_utf8_lossy(&came.stdout).contains("close this page"));
        let mut token = String::new();
        login.stdout.take().unwrap().read_to_string(&mut token).unwrap();
        assert!(login.wait().unwrap().success());
        token.trim().to_owned()
    }
}

fn node(script: &Path) -> Command {
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
    assert_eq!((&judged["flows"], &judged["failures"]), (&json!(2), &json!(0)));
    let mut python = Command::new(clients.join(".venv/bin/python"));
    python.arg(clients.join("oauth/authlib_client.py"));
    let judged = admin.judged_by(&mut python, &[]);
    println!("{judged}");
    assert_eq!(judged["failures"], 0);
    let judged = admin.judged_by(&mut node(&clients.join("oauth/conformance.mjs")), &[text(out.path())]);
    println!("{judged}");
    assert_eq!(
        (&judged["success"], &judged["failure"], &judged["warning"]),
        (&judged["checks"], &json!(0), &json!(0))
    );
}

#[test]
fn a_person_uses_the_pages_in_a_browser() {
    let (clients, out) = (clients(), tempfile::tempdir().unwrap());
    let both = person(Server::demo(None), "both@acme.example");
    let judged = both.judged_by(&mut node(&clients.join("console.mjs")), &[text(out.path())]);
    println!("{judged}");
    assert_eq!((&judged["axe_violations"], &judged["failures"]), (&json!(0), &json!(0)));
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
