//! A server that trusts an issuer by an entry of the guide.

use super::Issuer;
use crate::support::{Server, keyward, run, text, unlimited};
use serde_json::Value;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

/// The lines of an entry.
#[derive(Clone)]
pub(super) struct Entry(Vec<String>);

impl Entry {
    /// The one in this file of the guide, for an issuer at another address with another audience.
    pub(super) fn of_guide(file: &str, issuer: &impl Issuer) -> Self {
        let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/issuers.md");
        let guide = std::fs::read_to_string(guide).unwrap();
        let mark = format!("```toml\n# {file}\n[[issuers]]\n");
        let (_, block) = guide.split_once(&mark).unwrap_or_else(|| panic!("the guide has no {file}"));
        let (block, _) = block.split_once("```").unwrap();
        let line = |line: &str| match line.split_once(" = ") {
            Some(("issuer", _)) => format!("issuer = {:?}", issuer.url()),
            Some(("audience", _)) => format!("audience = [{:?}]", issuer.audience()),
            _ => line.to_owned(),
        };
        Self(block.lines().map(line).collect())
    }

    pub(super) fn with(&self, line: &str) -> Self {
        Self([self.0.as_slice(), &[line.to_owned()]].concat())
    }

    pub(super) fn for_another_issuer(&self) -> Self {
        let elsewhere = "issuer = \"http://127.0.0.1:9/\"";
        let another =
            |line: &String| if line.starts_with("issuer = ") { elsewhere.to_owned() } else { line.clone() };
        Self(self.0.iter().map(another).collect())
    }

    /// Each setting beside the first two, and the entry without it.
    pub(super) fn without_each_line(&self) -> Vec<(String, Self)> {
        let settings = self.0.iter().filter_map(|line| Some(line.split_once(" = ")?.0));
        let settings = settings.filter(|name| !["issuer", "audience"].contains(name));
        let without = |setting: &str| {
            let rest = self.0.iter().filter(|line| !line.starts_with(&format!("{setting} = ")));
            (setting.to_owned(), Self(rest.cloned().collect()))
        };
        settings.map(without).collect()
    }
}

/// A demo on a machine whose clock can differ. The people of the demo come in by their verified addresses.
pub(super) struct Trusting {
    home: TempDir,
    /// The same at every start.
    listen: String,
    server: Server,
}

impl Trusting {
    /// `ahead`: by how many seconds the machine's clock is ahead.
    pub(super) fn start(entry: &Entry, ahead: i64) -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = |name: &str, content: String| std::fs::write(home.path().join(name), content).unwrap();
        file("keyward.toml", format!("[[issuers]]\nlink = \"verified_email\"\n{}\n", entry.0.join("\n")));
        file("clock", ahead.to_string());
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listen = free.to_string();
        let server = Self::launched(home.path(), &listen);
        Self { home, listen, server }
    }

    fn launched(home: &Path, listen: &str) -> Server {
        let (config, data) = (home.join("keyward.toml"), home.join("data"));
        let arguments =
            ["demo", "--json", "--listen", listen, "--config", text(&config), "--data", text(&data)];
        let mut command = unlimited(keyward(&arguments));
        command.env("KEYWARD_FAULT_CLOCK", home.join("clock"));
        Server::demo_by(command)
    }

    pub(super) fn restart(&mut self) {
        self.server.terminate();
        self.server = Self::launched(self.home.path(), &self.listen);
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// What `/me` is answered once the issuer's keys have been fetched.
    fn me(&self, token: &str) -> crate::support::Answer {
        let mut client = self.server.client(token);
        let mut answer = client.get("/me");
        for _ in 0..300 {
            if answer.status != 503 {
                break;
            }
            sleep(Duration::from_millis(100));
            answer = client.get("/me");
        }
        answer
    }

    pub(super) fn status(&self, token: &str) -> u16 {
        self.me(token).status
    }

    /// The address of the user that a token is for.
    pub(super) fn email(&self, token: &str) -> Option<String> {
        let answer = self.me(token);
        assert_eq!(answer.status, 200, "{}", self.server.stderr());
        answer.json()["data"]["user"]["email"].as_str().map(str::to_owned)
    }

    /// What `keyward explain` advises of a token that is refused.
    pub(super) fn explained(&self, token: &str) -> String {
        let answer = self.me(token);
        assert_eq!(answer.status, 401, "{}", self.server.stderr());
        let id = answer.header("x-request-id").unwrap();
        let mut command = keyward(&["explain", id, "--json", "--data", text(&self.data())]);
        let output = run(&mut command);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        told["token"]["advice"].as_str().unwrap_or_else(|| panic!("no advice: {told}")).to_owned()
    }
}
