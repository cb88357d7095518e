//! The program as a service: what it tells systemd, what it sends to a trace collector, and how it stops.

use crate::support::{Server, asked_to_go_on, connect, keyward, run, settle, text};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
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
    let (good, bad) = (std::fs::read_to_string(&config).unwrap(), "[server]\nnothing = 1\n");
    for (text, status) in [
        (good.as_str(), "READY=1\nSTATUS="),
        (bad, "READY=1\nSTATUS=The configuration was not reloaded; the log says why."),
        (good.as_str(), "READY=1\nSTATUS="),
    ] {
        std::fs::write(&config, text).unwrap();
        server.signal("HUP");
        // systemd waits for both under `Type=notify-reload`.
        let begun = next();
        let time = begun.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{begun}"));
        assert!(time.parse::<u64>().unwrap() > 0);
        assert_eq!(next(), status);
    }
    assert!(server.stderr().contains("reloaded"), "{}", server.stderr());
    server.terminate();
    assert_eq!(next(), "STOPPING=1");
}

#[test]
fn systemd_is_told_at_an_abstract_socket_too_and_one_that_is_not_there_ends_no_start() {
    let home = tempfile::tempdir().unwrap();
    let name = format!("keyward-test-{}", std::process::id());
    let address = <SocketAddr as SocketAddrExt>::from_abstract_name(&name).unwrap();
    let systemd = UnixDatagram::bind_addr(&address).unwrap();
    systemd.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    for (socket, is_there) in
        [(format!("@{name}"), true), ("/nowhere/notify".to_owned(), false), ("vsock:2:1".to_owned(), false)]
    {
        let mut command = keyward(&Server::demo_arguments(Some(&home.path().join("data"))));
        command.env("NOTIFY_SOCKET", &socket);
        let mut server = Server::demo_by(command);
        assert_eq!(server.client(&server.admin()).get("/me").status, 200);
        server.terminate();
        let mut message = [0; 256];
        for told in ["READY=1\n", "STOPPING=1\n"].into_iter().filter(|_| is_there) {
            let length = systemd.recv(&mut message).unwrap();
            assert_eq!(&message[..length], told.as_bytes());
        }
        let log = server.stderr();
        assert_eq!(log.matches("systemd cannot be notified").count(), usize::from(!is_there), "{log}");
    }
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
fn a_variable_of_opentelemetry_that_is_not_known_is_warned_of_and_ends_no_start() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://user:secret@"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "9999999999"),
    ];
    let with = |mut command: std::process::Command| {
        command.envs(variables).env("KEYWARD_SERVER_ADMIN_LISTEN", "127.0.0.1:0");
        command.env("KEYWARD_LOG_FORMAT", "json");
        command
    };
    let mut server = Server::demo_by(with(keyward(&Server::demo_arguments(None))));
    assert_eq!(server.client(&server.admin()).get("/me").status, 200);
    let log = server.stderr();
    let check = run(&mut with(keyward(&["config", "check"])));
    let said = String::from_utf8(check.stderr).unwrap();
    assert!(check.status.success(), "{said}");
    for (variable, _) in variables {
        let warned = |line: &&str| line.contains("WARN") && line.contains(&format!("\"{variable}\""));
        assert_eq!(log.lines().filter(warned).count(), 1, "{variable}: {log}");
        assert!(said.contains(&format!("keyward: warning: {variable}: ")), "{said}");
    }
    assert!(!log.contains("secret@") && !said.contains("secret"), "{log} {said}");
    server.terminate();
}
