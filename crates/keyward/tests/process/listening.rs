//! What is listened on: several addresses, names, Unix sockets.
//!
//! | what | test |
//! |---|---|
//! | several addresses, `localhost`, and a socket with its mode | `several_addresses_a_name_and_a_socket_are_served_at_once` |
//! | whose address a request by a socket has | `a_proxy_at_a_socket_is_believed_where_it_is_named_and_nobody_else_there` |
//! | `[::]` where the system says IPv6 alone | `every_family_is_served_whatever_the_system_says_of_ipv6` |
//! | what cannot be listened on | `what_cannot_be_listened_on_is_refused_by_its_name` |

use crate::operate::init;
use crate::support::{
    Answer, BASE, Client, Server, keyward, mode, needs, read_answer, refused, run, text, unlimited,
};
use serde_json::Value;
use std::io::{BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

/// An installation that listens on this and that.
struct House {
    home: TempDir,
    key: String,
}

impl House {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let made = run(&mut init(&home.path().join("data"), &["--json"]));
        let line: Value = serde_json::from_slice(&made.stdout).unwrap();
        Self { key: line["api_key"]["api_key"].as_str().unwrap().to_owned(), home }
    }

    fn socket(&self) -> PathBuf {
        self.home.path().join("k.sock")
    }

    fn command(&self, listen: &[&str]) -> Command {
        let data = self.home.path().join("data");
        let mut arguments = vec!["serve", "--data", text(&data)];
        arguments.extend(listen.iter().flat_map(|listen| ["--listen", listen]));
        let mut command = unlimited(keyward(&arguments));
        command.env("KEYWARD_LOG_FORMAT", "json");
        command
    }
}

/// Starts it; what it listens on, as the log says it.
fn serving(command: Command) -> (Server, Vec<String>) {
    let server = Server::spawn(command);
    for _ in 0..1_000 {
        let log = server.stderr();
        let mut events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(event) = events.find(|event| event["message"] == "serving") {
            let all = event["address"].as_str().unwrap();
            return (server, all.split(", ").map(str::to_owned).collect());
        }
        sleep(Duration::from_millis(10));
    }
    panic!("it does not serve: {}", server.stderr());
}

/// One request by a socket, with these headers.
fn by_socket(socket: &Path, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut head = format!("GET {BASE}{path} HTTP/1.1\r\nHost: a\r\nX-Origin-App: test\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    read_answer(&mut BufReader::new(stream), false).unwrap()
}

#[test]
fn several_addresses_a_name_and_a_socket_are_served_at_once() {
    let house = House::new();
    let socket = format!("unix:{}", house.socket().display());
    let mut command = house.command(&["127.0.0.1:0", "127.0.0.2:0", "localhost:0", &socket]);
    command.env("KEYWARD_SERVER_SOCKET_MODE", "600");
    let (mut server, all) = serving(command);
    assert_eq!((all.len(), all[3].as_str()), (4, socket.as_str()), "{all:?}");
    for address in &all[..3] {
        let address: SocketAddr = address.parse().unwrap();
        assert_eq!(Client::to(address).get("/health").status, 200, "{address}");
    }
    assert_eq!(by_socket(&house.socket(), "/health", &[]).status, 200);
    assert_eq!(mode(&house.socket()), 0o600);
    let log = server.stderr();
    assert!(log.contains("name unix in server.trusted_proxies"), "{log}");
    server.terminate();
    assert!(!house.socket().exists(), "it goes with the server");
}

#[test]
fn a_proxy_at_a_socket_is_believed_where_it_is_named_and_nobody_else_there() {
    let house = House::new();
    let data = house.home.path().join("data");
    let made = run(&mut keyward(&[
        "key",
        "create",
        "--data",
        text(&data),
        "--account",
        "first-bank",
        "--user",
        "ada@bank.example",
        "--label",
        "office",
        "--permission",
        "read_only",
        "--allow-ip",
        "192.0.2.0/24",
        "--json",
    ]));
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let bearer = format!("Bearer {}", made["api_key"].as_str().unwrap());
    let socket = format!("unix:{}", house.socket().display());
    for (named, status) in [(None, 401), (Some("unix"), 200)] {
        let mut command = house.command(&[&socket]);
        command.env("KEYWARD_SERVER_PUBLIC_URL", "https://api.example.com");
        command.envs(named.map(|named| ("KEYWARD_SERVER_TRUSTED_PROXIES", named)));
        let (mut server, _) = serving(command);
        let me = |forwarded: &[(&str, &str)]| {
            let headers = [&[("Authorization", bearer.as_str())], forwarded].concat();
            by_socket(&house.socket(), "/me", &headers).status
        };
        assert_eq!(me(&[("X-Forwarded-For", "192.0.2.7")]), status, "{named:?}");
        assert_eq!(me(&[("X-Forwarded-For", "192.0.2.7, 198.51.100.1")]), 401, "{named:?}");
        assert_eq!(me(&[]), 401, "without an address, {named:?}");
        let own = format!("Bearer {}", house.key);
        assert_eq!(by_socket(&house.socket(), "/me", &[("Authorization", &own)]).status, 200, "{named:?}");
        server.terminate();
    }
}

#[test]
fn every_family_is_served_whatever_the_system_says_of_ipv6() {
    let mut allowed = Command::new("unshare");
    allowed.args(["-n", "sh", "-c", "ip link set lo up && test -e /proc/net/if_inet6"]);
    let has_it = allowed.output().is_ok_and(|output| output.status.success());
    needs(has_it, "make a network namespace with IPv6");
    let house = House::new();
    let serve = house.command(&["[::]:8080"]);
    // A network of its own, in which the test asks by curl.
    let script = "echo 1 > /proc/sys/net/ipv6/bindv6only; ip link set lo up; \"$@\" & server=$!
        curl -s -o /dev/null --retry 100 --retry-connrefused --retry-delay 0 --retry-max-time 20 -w '%{http_code} ' http://127.0.0.1:8080/api/external/v2/health
        curl -s -o /dev/null -w '%{http_code}' http://[::1]:8080/api/external/v2/health
        kill $server; wait $server";
    let mut command = Command::new("unshare");
    command.args(["-n", "sh", "-c", script, "sh"]).arg(serve.get_program()).args(serve.get_args());
    crate::support::clean(&mut command);
    command.env("KEYWARD_SERVER_PUBLIC_URL", "https://api.example.com");
    let output = run(&mut command);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "200 200", "{output:?}");
}

#[test]
fn what_cannot_be_listened_on_is_refused_by_its_name() {
    let house = House::new();
    let file = house.home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let at_file = format!("unix:{}", file.display());
    for (listen, said) in [
        ("localhost", "it must be an address with a port"),
        ("unix:", "it must be an address with a port"),
        (at_file.as_str(), "cannot listen on unix:"),
        ("unix:/nowhere/k.sock", "cannot listen on unix:/nowhere/k.sock: "),
    ] {
        let mut command = house.command(&[]);
        command
            .env("KEYWARD_SERVER_LISTEN", listen)
            .env("KEYWARD_SERVER_PUBLIC_URL", "https://api.example.com");
        // The warning of clients without an address goes to the log, on standard error too.
        command.env("KEYWARD_SERVER_TRUSTED_PROXIES", "unix");
        let line = refused(&mut command);
        assert!(line.contains(said), "{listen}: {line}");
    }
    assert!(file.exists());
}
