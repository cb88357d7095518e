//! The program as a service: what it tells systemd, what it sends to a trace collector, and how it stops.

use crate::support::{Server, asked_to_go_on, connect, keyward, run, settle, text};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// The unit that the project ships.
fn unit() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/systemd/keyward.service");
    std::fs::read_to_string(file).unwrap()
}

/// A setting of the unit.
fn setting<'u>(unit: &'u str, name: &str) -> &'u str {
    let mut lines = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let first = lines.next().unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(lines.next(), None, "{name} stands once");
    first
}

#[test]
fn the_unit_starts_the_server_which_says_when_it_is_ready_and_when_it_stops() {
    let unit = unit();
    assert_eq!(setting(&unit, "Type"), "notify");
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("keyward.toml");
    std::fs::write(&config, "[server]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    let made = ["init", "--account", "acme", "--email", "a@b.example", "--config", text(&config)];
    assert!(run(&mut keyward(&made)).status.success());

    let told = UnixDatagram::bind(home.path().join("notify")).unwrap();
    told.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let line = setting(&unit, "ExecStart").replace("/etc/keyward/keyward.toml", text(&config));
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(words[0], "/usr/local/bin/keyward");
    let mut command = keyward(&words[1..]);
    command.env("NOTIFY_SOCKET", home.path().join("notify"));
    let mut server = Server::serve_by(command);
    let next = || {
        let mut message = [0; 256];
        let length = told.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).trim().to_owned()
    };
    assert_eq!(next(), "READY=1");
    connect(server.address).unwrap();
    assert_eq!(setting(&unit, "ExecReload"), "/bin/kill -HUP $MAINPID");
    server.signal("HUP");
    let reloaded = (0..1_000).any(|_| {
        thread::sleep(Duration::from_millis(5));
        server.stderr().contains("reloaded")
    });
    assert!(reloaded, "{}", server.stderr());
    server.terminate();
    assert_eq!(next(), "STOPPING=1");
}

#[test]
fn a_second_order_to_stop_is_carried_out_at_once() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    // A request whose body does not come keeps the first order waiting.
    let mut stream = connect(server.address).unwrap();
    let head = format!(
        "POST /api/external/v2/deals HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nX-Origin-App: test\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n",
        server.admin()
    );
    stream.write_all(head.as_bytes()).unwrap();
    asked_to_go_on(&mut stream);
    server.signal("INT");
    let stopping = (0..1_000).any(|_| {
        thread::sleep(Duration::from_millis(5));
        server.stderr().contains("stopping")
    });
    assert!(stopping, "{}", server.stderr());
    connect(server.address).unwrap_err();
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(0));
    assert!(server.stderr().contains("told to stop again"), "{}", server.stderr());
    settle(home.path());
}

/// Takes one POST and says what it was.
fn collect(listener: &TcpListener) -> (String, Vec<u8>) {
    let (mut stream, _): (TcpStream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut all = Vec::new();
    let (mut head, mut length) = (None, 0);
    loop {
        let mut some = [0; 4096];
        let read = stream.read(&mut some).unwrap();
        all.extend_from_slice(&some[..read]);
        if head.is_none()
            && let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let text = String::from_utf8_lossy(&all[..end]).to_lowercase();
            length =
                text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap();
            all.drain(..end + 4);
            head = Some(text);
        }
        if let Some(head) = &head
            && all.len() >= length
        {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            return (head.clone(), all);
        }
    }
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|some| some == wanted)
}

#[test]
fn a_request_is_a_span_at_the_collector_that_the_environment_names() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = keyward(&Server::demo_arguments(None));
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.local_addr().unwrap()));
    command.env("OTEL_BSP_SCHEDULE_DELAY", "50");
    command.env("KEYWARD_SERVER_TRUSTED_PROXIES", "127.0.0.1");
    let mut server = Server::demo_by(command);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let mut client = server.client(&server.admin());
    let answer = client.call("GET", "/deals/7", &[("traceparent", &parent)], b"").unwrap();
    assert_eq!(answer.status, 200);
    let (head, span) = collect(&collector);
    assert!(head.starts_with("post /v1/traces ") && head.contains("application/x-protobuf"), "{head}");
    let id = answer.header("x-request-id").unwrap();
    for text in [
        "GET /api/external/v2/deals/{deal_id}",
        "http.route",
        "getDealsDealId",
        "keyward.request_id",
        id,
        "service.name",
    ] {
        assert!(holds(&span, text.as_bytes()), "{text} is missing");
    }
    let trace: Vec<u8> =
        (0..16).map(|at| u8::from_str_radix(&trace[2 * at..2 * at + 2], 16).unwrap()).collect();
    assert!(holds(&span, &trace), "it is a part of the caller's trace");
    assert!(
        !holds(&span, server.admin().as_bytes()) && !holds(&span, b"/deals/7"),
        "nothing of what was sent"
    );

    // What is left is sent at the end.
    assert_eq!(client.get("/nowhere").status, 404);
    let last = thread::scope(|scope| {
        let last = scope.spawn(|| collect(&collector).1);
        server.terminate();
        last.join().unwrap()
    });
    assert!(holds(&last, b"route_unknown") && !holds(&last, b"nowhere"));
}

#[test]
fn a_stranger_does_not_join_a_trace_and_a_collector_that_is_away_holds_nobody_up() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = collector.local_addr().unwrap();
    let mut command = keyward(&Server::demo_arguments(None));
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"));
    command.env("OTEL_BSP_SCHEDULE_DELAY", "50").env("OTEL_EXPORTER_OTLP_TIMEOUT", "500");
    let mut server = Server::demo_by(command);
    let mut client = server.client(&server.admin());
    let hidden = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    assert_eq!(client.call("GET", "/me", &[("traceparent", hidden)], b"").unwrap().status, 200);
    let (_, span) = collect(&collector);
    assert!(holds(&span, b"getMe") && !holds(&span, &[0x4b, 0xf9, 0x2f, 0x35, 0x77]), "a trace of its own");
    drop(collector);
    for _ in 0..50 {
        assert_eq!(client.get("/me").status, 200);
    }
    server.terminate();
    assert_eq!(
        server.stderr().matches("the trace collector does not take spans").count(),
        1,
        "{}",
        server.stderr()
    );
}

#[test]
fn a_collector_that_cannot_be_spoken_to_is_refused_at_the_start() {
    for endpoint in ["https://collector.example", "collector:4318"] {
        let mut command = keyward(&Server::demo_arguments(None));
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        assert!(crate::support::refused(&mut command).contains("must be a URL that begins with http://"));
    }
}
