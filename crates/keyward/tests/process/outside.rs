//! An issuer that is not ours, as a process beside the server, and a server that trusts it.

use crate::issuer::AUDIENCE;
use crate::support::{Client, Server, keyward, text, unlimited};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

/// An issuer, by a program under `tests/clients/issuer`. It ends with its standard input.
pub(crate) struct Outside {
    child: Child,
    pub(crate) issuer: String,
    control: SocketAddr,
}

impl Outside {
    /// oidc-provider.
    pub(crate) fn start() -> Self {
        Self::of("oidc.mjs", AUDIENCE)
    }

    /// One by this program, whose access tokens are for this audience.
    pub(crate) fn of(program: &str, audience: &str) -> Self {
        let mut command = Command::new("node");
        command.arg(clients().join("issuer").join(program)).arg(audience);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let missing = "node cannot be started; `cargo xtask test` installs what the tests need";
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{missing}: {error}"));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{program} says {line:?}"));
        let control = told["control"].as_str().unwrap().trim_start_matches("http://").parse().unwrap();
        Self { child, issuer: told["issuer"].as_str().unwrap().to_owned(), control }
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status();
        assert!(sent.unwrap().success());
    }

    pub(crate) fn control(&self, method: &str, target: &str) -> Value {
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
    pub(crate) fn signed_in(&self, login: &str, scope: &str) -> Value {
        let scope = scope.replace(' ', "%20");
        self.control("GET", &format!("/token?login={login}&client=spa&scope={scope}"))
    }

    pub(crate) fn token(&self, login: &str) -> String {
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

pub(crate) fn clients() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients");
    let folder = std::env::var_os("KEYWARD_TEST_CLIENTS").map_or_else(beside, PathBuf::from);
    for provider in ["oidc-provider", "better-auth"] {
        let provider = folder.join("node_modules").join(provider);
        let path = provider.display();
        assert!(provider.exists(), "{path} is missing: run `cargo xtask test`, which installs it");
    }
    folder
}

/// A demo that trusts an issuer, by a file.
pub(crate) struct Trusting {
    _home: TempDir,
    issuer: String,
    admin: SocketAddr,
    pub(crate) server: Server,
}

pub(crate) fn configured(home: &TempDir, issuer: &str, more: &str) -> PathBuf {
    let config = home.path().join("keyward.toml");
    let entry = format!("[[issuers]]\nissuer = {issuer:?}\naudience = [{AUDIENCE:?}]\n{more}\n");
    std::fs::write(&config, entry).unwrap();
    config
}

impl Trusting {
    pub(crate) fn start(issuer: &str, more: &str) -> Self {
        Self::start_with(issuer, more, &[])
    }

    pub(crate) fn start_with(issuer: &str, more: &str, variables: &[(&str, &str)]) -> Self {
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

    pub(crate) fn status(&self, token: &str) -> u16 {
        self.server.client(token).get("/deals").status
    }

    /// A figure of the issuer.
    pub(crate) fn figure(&self, name: &str) -> Option<i64> {
        let told = Client::to(self.admin).send("GET", "/metrics", &[], b"").unwrap();
        let told = String::from_utf8(told.body).unwrap();
        let line = told.lines().find_map(|line| line.strip_prefix(&format!("keyward_{name}")))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// Has the keys fetched anew, and waits until that was tried.
    pub(crate) fn fetch_anew(&self) {
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

/// Claims that are good in all but who signs them.
pub(crate) fn claims_of(issuer: &str) -> Value {
    let now = elapsed().as_secs();
    json!({ "iss": issuer, "aud": AUDIENCE, "sub": "admin", "client_id": "spa", "iat": now, "exp": now + 300 })
}

/// Since 1970, for what is measured and printed.
#[expect(clippy::disallowed_methods, reason = "what a real issuer takes is measured on the real clock")]
pub(crate) fn elapsed() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap()
}
