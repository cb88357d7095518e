//! The issuers of `tests/clients/issuer`: oidc-provider and better-auth, which keep everything in memory.

use super::Issuer;
use crate::clients::folder;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

const AUDIENCE: &str = "https://api.acme.example/api";

/// One of them. It ends with its standard input.
pub(super) struct Program {
    child: Child,
    told: Value,
    can_rotate: bool,
}

impl Program {
    pub(super) fn start(file: &str) -> Self {
        let mut command = Command::new("node");
        command.arg(folder("issuer").join(file)).arg(AUDIENCE);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("node cannot be started: {error}"));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{file} says {line:?}"));
        Self { child, told, can_rotate: file == "oidc.mjs" }
    }

    /// A command for what controls it.
    fn control(&self, line: &str) -> Value {
        let address = self.told["control"].as_str().unwrap().trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(format!("{line} HTTP/1.0\r\nHost: control\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{line}: {answer}");
        serde_json::from_str(body).unwrap()
    }
}

impl Issuer for Program {
    fn url(&self) -> String {
        self.told["issuer"].as_str().unwrap().to_owned()
    }

    fn audience(&self) -> String {
        AUDIENCE.to_owned()
    }

    fn token(&mut self) -> String {
        let answer = self.control("GET /token?login=admin&scope=openid%20email%20deals:read");
        answer["access_token"].as_str().unwrap().to_owned()
    }

    fn rotate(&mut self) -> bool {
        if self.can_rotate {
            self.control("POST /rotate");
        }
        self.can_rotate
    }

    fn restart(&mut self) -> bool {
        false
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
