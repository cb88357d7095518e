//! What the program writes beside its answers: the log, spans, what it tells systemd, the figures, the answers to orders. Nobody
//! takes any of it here, and no answer, no probe and no stop changes.

use crate::orders::order;
use crate::support::{Client, Server, clean, connect, keyward, run, text, unlimited};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// An address that is free now.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A pipe that is full, and whose reader does not read for as long as the file lives.
fn stuck(directory: &Path) -> (PathBuf, File) {
    const O_NONBLOCK: i32 = 0o4000;
    let path = directory.join("stuck");
    assert!(run(Command::new("mkfifo").arg(&path)).status.success());
    let mut pipe = File::options().read(true).write(true).custom_flags(O_NONBLOCK).open(&path).unwrap();
    let full = loop {
        if let Err(error) = pipe.write(&[b'\n'; 4096]) {
            break error;
        }
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    (path, pipe)
}

/// The program with these arguments, which logs to this file and has its figures and probes at this address.
fn logging_to(log: &Path, admin: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "log=$1; shift; exec \"$@\" 2> \"$log\"", "sh", text(log)]);
    command.arg(env!("CARGO_BIN_EXE_keyward")).args(arguments);
    clean(&mut command);
    command.env("KEYWARD_SERVER_ADMIN_LISTEN", admin.to_string());
    unlimited(command)
}

/// What stands at a path of this address.
fn at(address: SocketAddr, path: &str) -> (u16, String) {
    let answer = Client::to(address).send("GET", path, &[], b"").unwrap();
    (answer.status, String::from_utf8(answer.body).unwrap())
}

/// Requests, refusals and probes are answered.
fn serves(server: &Server, admin: SocketAddr, requests: usize) {
    let mut client = server.client(&server.admin());
    for _ in 0..requests {
        assert_eq!(client.get("/me").status, 200);
    }
    for _ in 0..200 {
        assert_eq!(client.get("/health").status, 200);
        assert_eq!(client.get("/deals/999999").status, 404);
    }
    assert_eq!(server.client("lev_sk_guess").get("/me").status, 401);
    assert_eq!(at(admin, "/livez"), (200, "ok\n".to_owned()));
    assert_eq!(at(admin, "/readyz"), (200, "ok\n".to_owned()));
}

/// How many log lines a lane has dropped.
fn dropped(admin: SocketAddr, lane: &str) -> u64 {
    let (status, figures) = at(admin, "/metrics");
    assert_eq!(status, 200);
    let name = format!("keyward_log_lines_dropped_total{{lane=\"{lane}\"}} ");
    let value = figures.lines().find_map(|line| line.strip_prefix(name.as_str()));
    value.unwrap_or_else(|| panic!("no {name}: {figures}")).parse().unwrap()
}

#[test]
fn a_log_that_nobody_reads_changes_no_answer_no_probe_and_no_stop() {
    let home = tempfile::tempdir().unwrap();
    let (log, _reader) = stuck(home.path());
    let (admin, data) = (free(), home.path().join("data"));
    let command = logging_to(&log, admin, &Server::demo_arguments(Some(&data)));
    let mut server = Server::demo_by(command);
    // More than the queue holds, and what the writer took out of it before it stopped.
    serves(&server, admin, 9_000);
    assert!(dropped(admin, "routine") > 0);
    assert_eq!(dropped(admin, "severe"), 0, "they have a queue of their own");
    assert!(order(&data, &["key", "list", "--account", "acme-capital"]).as_array().unwrap().len() > 1);
    server.signal("HUP");
    server.terminate();
}

#[test]
fn a_log_on_a_full_disk_changes_no_answer_no_probe_and_no_stop() {
    let admin = free();
    let command = logging_to(Path::new("/dev/full"), admin, &Server::demo_arguments(None));
    let mut server = Server::demo_by(command);
    serves(&server, admin, 100);
    assert!(dropped(admin, "routine") > 0, "what is lost is counted");
    server.terminate();
}

#[test]
fn lines_that_were_dropped_are_reported_in_the_log_once_it_is_read_again() {
    let home = tempfile::tempdir().unwrap();
    let (log, reader) = stuck(home.path());
    let (admin, data) = (free(), home.path().join("data"));
    let mut server = Server::demo_by(logging_to(&log, admin, &Server::demo_arguments(Some(&data))));
    serves(&server, admin, 9_000);
    assert!(dropped(admin, "routine") > 0);
    let mut seen = String::new();
    let reported = (0..3_000).any(|_| {
        let mut some = [0; 64 * 1024];
        match std::io::Read::read(&mut &reader, &mut some) {
            Ok(read) => seen.push_str(&String::from_utf8_lossy(&some[..read])),
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
        seen.contains(" log lines were dropped since ")
    });
    assert!(reported, "{}", &seen[seen.len().saturating_sub(2_000)..]);
    server.terminate();
}

#[test]
fn a_refusal_to_start_ends_also_where_nobody_reads_why() {
    let home = tempfile::tempdir().unwrap();
    let (log, _reader) = stuck(home.path());
    let arguments = ["serve", "--data", text(home.path())];
    assert_eq!(run(&mut logging_to(&log, free(), &arguments)).status.code(), Some(2));
}

#[test]
fn a_demo_whose_credentials_nobody_reads_serves_and_stops() {
    let home = tempfile::tempdir().unwrap();
    let (pipe, _reader) = stuck(home.path());
    let (address, data) = (free(), home.path().join("data"));
    let mut command = Command::new("sh");
    command.args(["-c", "out=$1; shift; exec \"$@\" > \"$out\"", "sh", text(&pipe)]);
    command.arg(env!("CARGO_BIN_EXE_keyward")).args(["demo", "--json", "--data", text(&data)]);
    command.args(["--listen", &address.to_string()]);
    clean(&mut command);
    let mut server = Server::spawn(command);
    let serves = (0..2_000).any(|_| {
        thread::sleep(Duration::from_millis(10));
        TcpStream::connect(address).is_ok() && at(address, "/api/external/v2/health").0 == 200
    });
    assert!(serves, "{}", server.stderr());
    server.terminate();
}

#[test]
fn a_collector_that_accepts_and_never_answers_changes_no_answer_no_probe_and_no_stop() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, admin) = (collector.local_addr().unwrap(), free());
    // The connections are held open and never read.
    thread::spawn(move || collector.incoming().collect::<Vec<_>>());
    let mut command = unlimited(keyward(&Server::demo_arguments(None)));
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"));
    command.env("OTEL_BSP_SCHEDULE_DELAY", "50").env("KEYWARD_SERVER_ADMIN_LISTEN", admin.to_string());
    let mut server = Server::demo_by(command);
    // More spans than its queue holds.
    serves(&server, admin, 3_000);
    server.terminate();
}

#[test]
fn a_systemd_that_takes_nothing_changes_no_answer_and_no_stop() {
    let home = tempfile::tempdir().unwrap();
    let (data, socket) = (home.path().join("data"), home.path().join("notify"));
    Server::demo(Some(&data)).terminate();
    let _systemd = UnixDatagram::bind(&socket).unwrap();
    let filler = UnixDatagram::unbound().unwrap();
    filler.set_nonblocking(true).unwrap();
    while filler.send_to(b"WATCHDOG=1", &socket).is_ok() {}
    let mut command = unlimited(keyward(&["serve", "--listen", "127.0.0.1:0", "--data", text(&data)]));
    command.env("NOTIFY_SOCKET", &socket);
    let mut server = Server::serve_by(command);
    assert_eq!(Client::to(server.address).get("/health").status, 200);
    server.terminate();
    assert!(server.stderr().contains("systemd does not accept notifications"), "{}", server.stderr());
}

#[test]
fn clients_of_the_orders_socket_that_stop_halfway_hold_up_no_order_no_answer_and_no_stop() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let socket = home.path().canonicalize().unwrap().join("keyward.db.sock");
    let held: Vec<UnixStream> = (0..60)
        .map(|number: usize| {
            let mut stream = UnixStream::connect(&socket).unwrap();
            // Nothing, half an order, or a whole one whose answer is not read.
            let sent: &[u8] = [b"".as_slice(), b"{\"key", b"\"key_list\"\n"][number % 3];
            stream.write_all(sent).unwrap();
            stream
        })
        .collect();
    assert!(order(home.path(), &["key", "list", "--account", "acme-capital"]).as_array().unwrap().len() > 1);
    assert_eq!(server.client(&server.admin()).get("/me").status, 200);
    server.terminate();
    drop(held);
}

#[test]
fn scrapers_that_do_not_read_hold_up_no_probe_no_answer_and_no_stop() {
    let admin = free();
    let mut command = unlimited(keyward(&Server::demo_arguments(None)));
    command.env("KEYWARD_SERVER_ADMIN_LISTEN", admin.to_string());
    let mut server = Server::demo_by(command);
    let ask = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200);
    let held: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = connect(admin).unwrap();
            stream.write_all(ask.as_bytes()).unwrap();
            stream
        })
        .collect();
    serves(&server, admin, 50);
    server.terminate();
    drop(held);
}
