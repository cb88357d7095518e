//! HTTPS and HTTP/2, spoken by curl; and what SIGHUP takes in.

use crate::support::{Server, clean, connect, keyward, run, text, unlimited};
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

/// Certificates of their own, one after the other in the same files.
struct Pair {
    home: TempDir,
}

impl Pair {
    fn new() -> Self {
        let pair = Self { home: tempfile::tempdir().unwrap() };
        pair.renew("cert.pem");
        pair
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Makes another certificate and its key; a copy of it to trust gets this name.
    fn renew(&self, trusted: &str) {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        fs::write(self.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
        fs::set_permissions(self.path("key.pem"), Permissions::from_mode(0o600)).unwrap();
        fs::write(self.path("cert.pem"), made.cert.pem()).unwrap();
        if trusted != "cert.pem" {
            fs::write(self.path(trusted), made.cert.pem()).unwrap();
        }
    }

    /// A demo that serves HTTPS with it, by a configuration file that can be changed later.
    fn serve(&self) -> Server {
        self.configure("");
        let config = self.path("keyward.toml");
        let mut arguments = Server::demo_arguments(None);
        arguments.extend(["--config", text(&config)]);
        Server::demo_by(unlimited(keyward(&arguments)))
    }

    fn configure(&self, more: &str) {
        let sections = format!("[server]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n{more}\n");
        fs::write(self.path("keyward.toml"), sections).unwrap();
    }
}

/// What curl says to this, after the address.
fn curl(url: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "20"]).args(arguments).arg(url);
    clean(&mut command);
    run(&mut command)
}

/// Status and version of HTTP of `GET /health`.
fn asked(server: &Server, scheme: &str, arguments: &[&str]) -> String {
    let url = format!("{scheme}://{}/api/external/v2/health", server.address);
    let output = curl(
        &url,
        &[&["--output", "/dev/null", "--write-out", "%{http_code} %{http_version}"], arguments].concat(),
    );
    let said = String::from_utf8(output.stdout).unwrap();
    if output.status.success() { said } else { format!("curl {}", output.status.code().unwrap_or(-1)) }
}

fn trusting(path: &Path) -> Vec<String> {
    vec!["--cacert".to_owned(), text(path).to_owned()]
}

#[test]
fn https_and_http_2_are_served_by_what_the_client_asks_for() {
    let pair = Pair::new();
    let server = pair.serve();
    assert!(server.line["url"].as_str().unwrap().starts_with("https://"));
    let trust = trusting(&pair.path("cert.pem"));
    let with = |more: &[&'static str]| {
        let trust: Vec<&str> = trust.iter().map(String::as_str).collect();
        asked(&server, "https", &[&trust, more].concat())
    };
    assert_eq!(with(&[]), "200 2");
    assert_eq!(with(&["--http1.1"]), "200 1.1");
    assert_eq!(with(&["--tls-max", "1.2"]), "200 2");
    assert_eq!(asked(&server, "https", &[]), "curl 60", "nobody else vouches for it");
    assert!(asked(&server, "http", &[]).starts_with("curl "), "no plain HTTP on that address");
    assert!(
        crate::foreign::is_logged(&server, "spoke plain HTTP"),
        "and the log says so: {}",
        server.stderr()
    );
    // On a plain address HTTP/2 is spoken with those who know beforehand.
    let plain = Server::demo(None);
    assert_eq!(asked(&plain, "http", &["--http2-prior-knowledge"]), "200 2");
    assert_eq!(asked(&plain, "http", &["--http2"]), "200 1.1", "an upgrade is not taken up");
}

#[test]
fn over_https_every_answer_asks_browsers_to_stay_with_https() {
    let pair = Pair::new();
    let server = pair.serve();
    let trust = trusting(&pair.path("cert.pem"));
    let paths = [
        "/",
        "/platform/errors",
        "/platform/openapi.json",
        "/sign-in",
        "/console",
        "/nowhere",
        "/mcp",
        "/a%2fb",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource/mcp",
        "/oauth/jwks.json",
        "/api/external/v2/health",
        "/api/external/v2/me",
    ];
    for path in paths {
        for method in ["GET", "POST", "OPTIONS"] {
            let url = format!("https://{}{path}", server.address);
            let answer = curl(
                &url,
                &["--cacert", &trust[1], "--include", "-X", method, "-H", "Origin: https://a.example"],
            );
            let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
            let sent = answer.matches("strict-transport-security: max-age=31536000\r\n").count();
            assert_eq!(sent, 1, "{method} {path}: {answer}");
        }
    }
}

#[test]
fn a_whole_exchange_goes_over_https_and_http_2() {
    let pair = Pair::new();
    let server = pair.serve();
    let trust = trusting(&pair.path("cert.pem"));
    let bearer = format!("Authorization: Bearer {}", server.admin());
    let call = |path: &str, more: &[&str]| {
        let url = format!("https://{}/api/external/v2{path}", server.address);
        let usual = ["--cacert", &trust[1], "-H", &bearer, "-H", "X-Origin-App: tls-test", "--include"];
        String::from_utf8(curl(&url, &[&usual, more].concat()).stdout).unwrap()
    };
    let json = ["-H", "Content-Type: application/json"];
    let made = call("/deals", &[&json[..], &["-d", "{\"title\":\"over TLS\"}"]].concat());
    assert!(made.starts_with("HTTP/2 201"), "{made}");
    assert!(made.contains(&format!("location: https://{}/api/external/v2/deals/", server.address)), "{made}");
    let large = format!("{{\"title\":\"{}\"}}", "x".repeat(300 * 1024));
    let file = pair.path("large.json");
    fs::write(&file, large).unwrap();
    // By HTTP/1.1, since older curls do not show an answer of HTTP/2 that comes before their body is sent (RFC 9113 §8.1).
    let refused = call("/deals", &[&json[..], &["--http1.1", "-d", &format!("@{}", text(&file))]].concat());
    assert!(refused.contains("HTTP/1.1 413") && refused.contains("PAYLOAD_TOO_LARGE"), "{refused}");
    let listed = call("/deals?limit=200", &[]);
    assert!(listed.starts_with("HTTP/2 200") && listed.ends_with('}'), "{} bytes", listed.len());
}

#[test]
fn a_client_that_does_not_finish_its_handshake_is_let_go() {
    let pair = Pair::new();
    let server = pair.serve();
    let mut held: Vec<_> =
        [&b""[..], b"\x16\x03\x01\x02\x00\x01", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"]
            .iter()
            .map(|half| {
                let mut stream = connect(server.address).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
                stream.write_all(half).unwrap();
                stream
            })
            .collect();
    for stream in &mut held {
        // What comes first may be an alert; then it must end.
        let ended =
            std::iter::repeat_with(|| stream.read(&mut [0; 64])).find(|read| !matches!(read, Ok(1..)));
        assert!(!matches!(ended, Some(Err(error)) if error.kind() == std::io::ErrorKind::WouldBlock));
    }
    let trust = trusting(&pair.path("cert.pem"));
    assert_eq!(asked(&server, "https", &[&trust[0], &trust[1]]), "200 2");
}

#[test]
fn behind_a_proxy_that_says_whose_a_connection_is_the_handshake_comes_after_that() {
    let pair = Pair::new();
    let server = pair.serve();
    pair.configure("trusted_proxies = [\"127.0.0.0/8\"]\nproxy_protocol = true");
    server.signal("HUP");
    assert!((0..1_000).any(|_| {
        sleep(Duration::from_millis(5));
        server.stderr().contains("reloaded")
    }));
    let trust = trusting(&pair.path("cert.pem"));
    assert_eq!(asked(&server, "https", &[&trust[0], &trust[1], "--haproxy-protocol"]), "200 2");
    let without = asked(&server, "https", &[&trust[0], &trust[1]]);
    assert!(without.starts_with("curl "), "closed without an answer: {without}");
}

#[test]
fn on_sighup_the_server_takes_in_what_may_change_or_keeps_what_it_had_and_says_why() {
    let pair = Pair::new();
    let server = pair.serve();
    let reloaded = |times: usize, words: &str| {
        server.signal("HUP");
        let seen = (0..1_000).any(|_| {
            sleep(Duration::from_millis(5));
            server.stderr().matches(words).count() == times
        });
        assert!(seen, "{words}: {}", server.stderr());
    };
    let by = |name: &str| {
        let trust = trusting(&pair.path(name));
        asked(&server, "https", &[&trust[0], &trust[1]])
    };
    fs::copy(pair.path("cert.pem"), pair.path("first.pem")).unwrap();
    // A new certificate in the same files.
    pair.renew("second.pem");
    assert_eq!(by("first.pem"), "200 2", "not before it is told");
    reloaded(1, "reloaded");
    assert_eq!((by("first.pem").as_str(), by("second.pem").as_str()), ("curl 60", "200 2"));
    // Half a certificate: the old one stays.
    fs::write(pair.path("cert.pem"), "-----BEGIN CERTIFICATE-----\n").unwrap();
    reloaded(1, "not reloaded: ");
    assert_eq!(by("second.pem"), "200 2");
    fs::copy(pair.path("second.pem"), pair.path("cert.pem")).unwrap();
    // Mistakes: each is told with its place, and nothing of the file is taken in.
    pair.configure("request_timeout = 0\nlisen = \"x\"\n[log]\nlevel = \"debug\"");
    reloaded(1, "there is no lisen in [server]");
    assert!(server.stderr().contains("request_timeout: it must be a whole number from 1 to 600"));
    assert!(!server.stderr().contains("DEBUG"));
    // What needs a restart is named, and the rest is taken in.
    pair.configure("admin_listen = \"127.0.0.1:1\"\n[log]\nlevel = \"debug\"\n[cors]\norigins = [\"https://app.example\"]");
    reloaded(1, "needs a restart setting=\"server.admin_listen\"");
    let trust = trusting(&pair.path("second.pem"));
    let url = format!("https://{}/api/external/v2/health", server.address);
    let answer =
        curl(&url, &["--include", "--cacert", &trust[1], "-H", "Origin: https://app.example"]).stdout;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("access-control-allow-origin: https://app.example"), "{answer}");
    // HTTPS cannot be turned off on the way.
    fs::write(pair.path("keyward.toml"), "").unwrap();
    reloaded(1, "HTTPS cannot be turned on or off");
    assert_eq!(by("second.pem"), "200 2");
}
