//! Ory Hydra, with a database of its own in a file, so that it can restart. Its login application is this test.

use super::Issuer;
use super::curl::{Browser, CALLBACK, authorization, redeemed, serving};
use crate::clients::{program, succeeds, target};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const AUDIENCE: &str = "https://api.acme.example/api";

pub(super) struct Hydra {
    home: TempDir,
    public: SocketAddr,
    admin: SocketAddr,
    child: Child,
}

impl Hydra {
    pub(super) fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let [public, admin] = free_addresses();
        std::fs::write(home.path().join("hydra.json"), settings(&home, public, admin).to_string()).unwrap();
        let mut migrate = Self::command(&home);
        migrate.args(["migrate", "sql", "--yes", "--read-from-env"]);
        succeeds(&mut migrate, Duration::from_secs(120));
        let child = Self::spawned(&home);
        let mut hydra = Self { home, public, admin, child };
        hydra.wait();
        let client = json!({
            "client_id": "spa", "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"],
            "response_types": ["code"], "redirect_uris": [CALLBACK], "scope": "openid email deals:read", "audience": [AUDIENCE],
        });
        hydra.call("POST", "/admin/clients", &client);
        hydra
    }

    fn command(home: &TempDir) -> Command {
        let mut command = program(target("hydra").join("hydra"));
        command.current_dir(home.path()).env("DSN", dsn(home)).env("HOME", home.path());
        command.args(["--config", "hydra.json"]);
        command
    }

    fn spawned(home: &TempDir) -> Child {
        let log = std::fs::File::create(home.path().join("log")).unwrap();
        let mut command = Self::command(home);
        command
            .args(["serve", "all", "--dev", "--sqa-opt-out"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        command.spawn().unwrap_or_else(|error| {
            panic!("Hydra is not built: {error}; `cargo xtask soak street` builds it")
        })
    }

    fn wait(&mut self) {
        let log = self.home.path().join("log");
        serving(&mut self.child, &format!("http://{}/health/ready", self.admin), &log);
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        Browser::new().json(method, &format!("http://{}{path}", self.admin), None, body).json()
    }

    /// Accepts a login or a consent; where the browser goes then.
    fn accepted(&self, what: &str, challenge: &str, body: &Value) -> String {
        let path = format!("/admin/oauth2/auth/requests/{what}/accept?{what}_challenge={challenge}");
        self.call("PUT", &path, body)["redirect_to"].as_str().unwrap().to_owned()
    }

    fn ended(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Free until a moment ago.
fn free_addresses() -> [SocketAddr; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.each_ref().map(|listener| listener.local_addr().unwrap())
}

fn dsn(home: &TempDir) -> String {
    format!("sqlite://{}/hydra.db?_fk=true", home.path().display())
}

fn settings(home: &TempDir, public: SocketAddr, admin: SocketAddr) -> Value {
    let listen = |address: SocketAddr| json!({ "host": address.ip().to_string(), "port": address.port() });
    json!({
        "dsn": dsn(home),
        "serve": { "public": listen(public), "admin": listen(admin) },
        "urls": {
            "self": { "issuer": format!("http://{public}") }, "login": "http://127.0.0.1:1/login",
            "consent": "http://127.0.0.1:1/consent",
        },
        "secrets": { "system": ["not a secret: it ends with the test"] },
        "strategies": { "access_token": "jwt" },
        "log": { "level": "error" },
    })
}

impl Issuer for Hydra {
    fn url(&self) -> String {
        format!("http://{}", self.public)
    }

    fn audience(&self) -> String {
        AUDIENCE.to_owned()
    }

    fn token(&mut self) -> String {
        let (browser, url) = (Browser::new(), self.url());
        let page = browser.get(&authorization(
            &format!("{url}/oauth2/auth"),
            "openid email deals:read",
            &[("audience", AUDIENCE)],
        ));
        let next = self.accepted("login", &page.parameter("login_challenge"), &json!({ "subject": "admin" }));
        let page = browser.get(&next);
        // As a login application does, without anything that is said of top-level claims: it stands in `ext`.
        let consent = json!({
            "grant_scope": ["openid", "email", "deals:read"], "grant_access_token_audience": [AUDIENCE],
            "session": { "access_token": { "email": "admin@acme.example", "email_verified": true } },
        });
        let next = self.accepted("consent", &page.parameter("consent_challenge"), &consent);
        let code = browser.get(&next).parameter("code");
        redeemed(&browser, &format!("{url}/oauth2/token"), &code)
    }

    fn rotate(&mut self) -> bool {
        let kid = format!("rotated-{}", self.child.id());
        let key = json!({ "alg": "RS256", "kid": kid, "use": "sig" });
        self.call("POST", "/admin/keys/hydra.jwt.access-token", &key);
        true
    }

    fn restart(&mut self) -> bool {
        self.ended();
        self.child = Self::spawned(&self.home);
        self.wait();
        true
    }
}

impl Drop for Hydra {
    fn drop(&mut self) {
        self.ended();
    }
}
