//! Behind a proxy: whose address a request has, and that nobody outside can choose it.
//!
//! | mistake | the test that catches it |
//! | --- | --- |
//! | one byte that cannot be read makes a stranger the proxy | `no_byte_of_a_stranger_makes_it_the_proxy`, `the_same_through_nginx` |
//! | what a proxy sends and cannot be read counts as its own address | `a_proxy_that_names_no_address_lends_none` |
//! | `Forwarded` is read where X-Forwarded-For is configured, or the other way round | `the_other_header_is_not_read` |
//! | connections that are open when a reload makes their client a proxy wait for turns within turns | `connections_that_are_older_than_the_trust_in_their_proxy_are_served_on` |

use crate::support::{BASE, Server, connect, keyward, read_answer, run, text, unlimited};
use serde_json::json;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// What a stranger can send in the hope that it voids what the proxy appends.
const GARBAGE: [&[u8]; 11] = [
    b"",
    b"1.2.3.4",
    b"garbage",
    b"127.0.0.1",
    b"unknown",
    b"\x80",
    b"\xff",
    b"\t",
    b"127.0.0.1\xff",
    b"\"",
    b"for=127.0.0.1",
];

/// A demo whose proxy is 127.0.0.1, with a key for the proxy's own address and one for the network of clients.
struct Behind {
    server: Server,
    inside: String,
    outside: String,
}

impl Behind {
    fn start(header: &str, clients: &str) -> Self {
        let mut command = unlimited(keyward(&Server::demo_arguments(None)));
        command
            .env("KEYWARD_SERVER_TRUSTED_PROXIES", "127.0.0.1")
            .env("KEYWARD_SERVER_FORWARDED", header)
            .env("KEYWARD_LOG_FORMAT", "json");
        let server = Server::demo_by(command);
        let mut admin = server.client(&server.admin());
        let mut bound = |label: &str, range: &str| {
            let body = json!({ "label": label, "permission": "read_only", "allowed_ips": [range] });
            admin.post("/api-keys", &body).data(201)["api_key"].as_str().unwrap().to_owned()
        };
        let (inside, outside) = (bound("inside", "127.0.0.1/32"), bound("outside", clients));
        Self { server, inside, outside }
    }

    /// The status of a request with this key, sent by the proxy with these lines of that header.
    fn status(&self, key: &str, header: &str, lines: &[&[u8]]) -> u16 {
        let mut head = format!("GET {BASE}/me HTTP/1.1\r\nHost: {}\r\n", self.server.address).into_bytes();
        head.extend(format!("Authorization: Bearer {key}\r\nX-Origin-App: proxy-test\r\n").bytes());
        for line in lines {
            head.extend([header.as_bytes(), b": ", line, b"\r\n"].concat());
        }
        head.extend(b"Connection: close\r\n\r\n");
        let mut stream = connect(self.server.address).unwrap();
        stream.write_all(&head).unwrap();
        read_answer(&mut BufReader::new(stream), false).unwrap().status
    }
}

#[test]
fn no_byte_of_a_stranger_makes_it_the_proxy() {
    let behind = Behind::start("x-forwarded-for", "203.0.113.0/24");
    for garbage in GARBAGE.iter().copied().chain([b"9.9.9.9,".repeat(1000).as_slice()]) {
        let appended = [garbage, b", 203.0.113.77"].concat();
        let shown = String::from_utf8_lossy(garbage);
        for lines in [vec![appended.as_slice()], vec![garbage, b"203.0.113.77"]] {
            assert_eq!(behind.status(&behind.inside, "X-Forwarded-For", &lines), 401, "{shown}");
            assert_eq!(behind.status(&behind.outside, "X-Forwarded-For", &lines), 200, "{shown}");
        }
    }
}

#[test]
fn a_proxy_that_names_no_address_lends_none() {
    let behind = Behind::start("x-forwarded-for", "203.0.113.0/24");
    let unreadable: [&[&[u8]]; 9] = [
        &[],
        &[b""],
        &[b"unknown"],
        &[b"_hidden"],
        &[b"\xff"],
        &[b"203.0.113.77\xff"],
        &[b"203.0.113.77,"],
        &[b"203.0.113.77", b""],
        &[b"proxy.internal"],
    ];
    for lines in unreadable {
        assert_eq!(behind.status(&behind.inside, "X-Forwarded-For", lines), 401, "{lines:?}");
        assert_eq!(behind.status(&behind.outside, "X-Forwarded-For", lines), 401, "{lines:?}");
    }
    for readable in ["203.0.113.77:4711", "\"203.0.113.77\"", "[::ffff:203.0.113.77]:4711"] {
        assert_eq!(
            behind.status(&behind.outside, "X-Forwarded-For", &[readable.as_bytes()]),
            200,
            "{readable}"
        );
    }
    let log = behind.server.stderr();
    let warned = log.lines().filter(|line| line.contains("a trusted proxy sent no client address")).count();
    assert_eq!(warned, 1, "warned of once");
    assert!(log.contains(r#""address":"unknown""#), "{log}");
}

#[test]
fn the_other_header_is_not_read() {
    let behind = Behind::start("forwarded", "203.0.113.0/24");
    let of = |header: &str, line: &[u8]| behind.status(&behind.outside, header, &[line]);
    assert_eq!(of("Forwarded", b"for=\"203.0.113.77:80\";proto=https"), 200);
    assert_eq!(of("Forwarded", b"for=\"\xff, for=203.0.113.77"), 200);
    assert_eq!(of("X-Forwarded-For", b"203.0.113.77"), 401);
    let inside = |line: &[u8]| behind.status(&behind.inside, "Forwarded", &[line]);
    for line in [b"for=_hidden".as_slice(), b"for=unknown", b"proto=https", b"\xff", b"for=203.0.113.77, "] {
        assert_eq!(inside(line), 401, "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn connections_that_are_older_than_the_trust_in_their_proxy_are_served_on() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("keyward.toml");
    fs::write(&config, "").unwrap();
    let mut arguments = Server::demo_arguments(None);
    arguments.extend(["--config", text(&config)]);
    let server = Server::demo_by(keyward(&arguments));
    let mut open: Vec<_> = (0..64).map(|_| BufReader::new(connect(server.address).unwrap())).collect();
    // At once on all of them, so that more of them are ready than have turns.
    let mut ask = || {
        for (number, stream) in open.iter_mut().enumerate() {
            let head = format!(
                "GET /nothing HTTP/1.1\r\nHost: {}\r\nX-Forwarded-For: 203.0.113.{number}\r\n\r\n",
                server.address
            );
            stream.get_mut().write_all(head.as_bytes()).unwrap();
        }
        for stream in &mut open {
            assert_eq!(read_answer(stream, false).unwrap().status, 404);
        }
    };
    ask();
    fs::write(&config, "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n").unwrap();
    server.signal("HUP");
    let reloaded = (0..1_000).any(|_| {
        sleep(Duration::from_millis(5));
        server.stderr().contains("reloaded")
    });
    assert!(reloaded, "{}", server.stderr());
    (0..5).for_each(|_| ask());
}

/// nginx as people configure it: `$proxy_add_x_forwarded_for` joins what the client sent and its address in one line.
#[test]
fn the_same_through_nginx() {
    let behind = Behind::start("x-forwarded-for", "127.0.0.77/32");
    let nginx = Nginx::before(behind.server.address);
    let thousand = b"9.9.9.9,".repeat(1000);
    for garbage in GARBAGE.iter().copied().chain([thousand.as_slice()]) {
        let shown = String::from_utf8_lossy(garbage);
        assert_eq!(nginx.status("127.0.0.77", &behind.inside, garbage), "401", "{shown}");
        assert_eq!(nginx.status("127.0.0.77", &behind.outside, garbage), "200", "{shown}");
    }
}

/// An nginx of this test's own, in a directory of its own. Dropping it ends it.
struct Nginx {
    child: Child,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Nginx {
    fn before(upstream: SocketAddr) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let at = |name: &str| text(&directory.path().join(name)).to_owned();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {};", at(kind)))
            .join("\n");
        let configuration = format!(
            "daemon off; master_process off; pid {}; error_log stderr;\nevents {{}}\nhttp {{ access_log off;\n{temporary}\n\
             large_client_header_buffers 4 32k;\nserver {{ listen {address}; location / {{\n\
             proxy_pass http://{upstream}; proxy_set_header Host $http_host;\n\
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }} }}\n",
            at("pid"),
        );
        std::fs::write(directory.path().join("nginx.conf"), configuration).unwrap();
        let child = Self::spawn(directory.path());
        let mut nginx = Self { child, address, _directory: directory };
        for _ in 0..1_000 {
            if TcpStream::connect(address).is_ok() {
                return nginx;
            }
            assert!(
                nginx.child.try_wait().unwrap().is_none(),
                "nginx ended; it is in the package nginx-light"
            );
            sleep(Duration::from_millis(10));
        }
        panic!("nginx does not listen");
    }

    fn spawn(directory: &Path) -> Child {
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        Command::new("nginx")
            .args(["-p", text(directory), "-c", "nginx.conf", "-e", "stderr"])
            .env("PATH", path)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx is there: cargo xtask test installs it (package nginx-light)")
    }

    /// The status that a client at that address gets with this key and this header.
    fn status(&self, from: &str, key: &str, forwarded: &[u8]) -> String {
        let header = [b"X-Forwarded-For: ".as_slice(), forwarded].concat();
        let mut curl = Command::new("curl");
        curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20", "--interface", from])
            .args(["-H", &format!("Authorization: Bearer {key}"), "-H", "X-Origin-App: proxy-test", "-H"])
            .arg(OsStr::from_bytes(&header))
            .arg(format!("http://{}{BASE}/me", self.address));
        String::from_utf8(run(&mut curl).stdout).unwrap()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
