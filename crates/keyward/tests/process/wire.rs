//! What a client can write on a socket and no client library would: one request is one answer, and what could be read in
//! two ways is answered once at most, with the connection closed behind it.

use crate::support::{Server, connect, read_answer, resident};
use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

/// Writes these bytes and reads every answer until the server closes or has nothing more to say after `answers` of them.
fn statuses(address: SocketAddr, raw: &str, until_closed: bool) -> Vec<u16> {
    let mut stream = connect(address).unwrap();
    stream.write_all(raw.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut found = Vec::new();
    while let Ok(answer) = read_answer(&mut reader, false) {
        found.push(answer.status);
        if !until_closed {
            break;
        }
    }
    found
}

/// A request of the admin's, with these further lines.
fn request(server: &Server, line: &str, further: &str) -> String {
    let key = server.admin();
    format!(
        "{line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nX-Origin-App: wire\r\n{further}\r\n"
    )
}

const ME: &str = "GET /api/external/v2/me";
const DEALS: &str = "POST /api/external/v2/deals";

#[test]
fn a_head_that_could_be_read_in_two_ways_is_refused() {
    let server = Server::demo(None);
    let whole = |raw: String| statuses(server.address, &raw, false);
    assert_eq!(whole(request(&server, ME, "")), [200]);
    for (further, status) in [
        ("Host: b\r\n", 400),
        ("Authorization: Bearer x\r\n", 400),
        ("X_Forwarded_For: 10.0.0.1\r\n", 400),
        ("Content-Length: 1\r\nContent-Length: 2\r\n", 400),
        ("Content-Length: +4\r\n", 400),
        ("Transfer-Encoding: chunked, identity\r\n", 400),
        ("Transfer-Encoding: xchunked\r\n", 400),
        ("Transfer-Encoding: gzip, chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
        ("X-A: a\r\n folded\r\n", 400),
        ("X-Nul: a\0b\r\n", 400),
    ] {
        assert_eq!(whole(request(&server, ME, further)), [status], "{further:?}");
    }
    assert_eq!(whole(format!("{ME} HTTP/1.1\r\n\r\n")), [400], "no Host");
    assert_eq!(whole("GET http://b/api/external/v2/me HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()), [400]);
    assert_eq!(whole(format!("{ME} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")), [400]);
}

#[test]
fn odd_lines_and_paths_have_one_answer_and_no_second_reading() {
    let server = Server::demo(None);
    let whole = |raw: String| statuses(server.address, &raw, false);
    for (further, status) in [
        ("Content-Length: 0x10\r\n", 400),
        ("Content-Length: 1e3\r\n", 400),
        ("Content-Length: -1\r\n", 400),
        ("Content-Length: 5, 5\r\n", 400),
        ("Content-Length: 5;5\r\n", 400),
        ("Content-Length:\r\n", 400),
        ("Content-Length: 99999999999999999999\r\n", 400),
        ("Content-Length: 0\r\nContent-Length: 0\r\n", 200),
        ("Content-Length : 5\r\n", 400),
        ("Transfer-Encoding : chunked\r\n", 400),
        ("Transfer-Encoding: \u{b}chunked\r\n", 400),
        ("Transfer-Encoding: chunked, chunked\r\n", 400),
        ("Transfer-Encoding: \"chunked\"\r\n", 400),
        ("Transfer-Encoding:\r\n", 400),
        ("Transfer_Encoding: chunked\r\n", 400),
        ("Content_Length: 5\r\n", 400),
        (" X-Leading: space\r\n", 400),
        ("X(Name): odd\r\n", 400),
        (": no name\r\n", 400),
        ("no colon\r\n", 400),
        ("X-Delete: a\u{7f}b\r\n", 400),
        ("Connection: close, X-Origin-App\r\n", 200),
        ("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", 200),
    ] {
        assert_eq!(whole(request(&server, ME, further)), [status], "{further:?}");
    }
    for (path, status) in [
        ("/api/external/v2//me", 400),
        ("//api/external/v2/me", 400),
        ("/api/external/v2/./me", 400),
        ("/api/external/v2/deals/../me", 400),
        ("/api/external/v2/deals/%2e%2e/me", 400),
        ("/api/external/v2%2fme", 400),
        ("/api/external/v2/me%5c", 400),
        ("/api/external/v2/me%00", 400),
        ("/api/external/v2/me%0d%0aX:y", 400),
        ("/api/external/v2/me%", 400),
        ("/api/external/v2/%ff", 400),
        ("/api/external/v2/%6de", 404),
        ("/api/external/v2/me;x=1", 404),
        ("/api/external/v2/ME", 404),
        ("/api/external/v2/me/", 404),
        ("api/external/v2/me", 400),
        ("http://a/api/external/v2/me", 200),
        ("http://b@a/api/external/v2/me", 400),
    ] {
        assert_eq!(whole(request(&server, &format!("GET {path}"), "")), [status], "{path}");
    }
    for line in [
        "GET /api/external/v2/me HTTP/1.2",
        "GET /api/external/v2/me http/1.1",
        "GET  /api/external/v2/me HTTP/1.1",
        "GET /api/external/v2/me",
    ] {
        assert_eq!(whole(format!("{line}\r\nHost: a\r\n\r\n")), [400], "{line}");
    }
}

#[test]
fn a_request_with_two_framings_is_refused_and_nothing_behind_it_is_read() {
    let server = Server::demo(None);
    let smuggled = request(&server, ME, "");
    for (line, further, body) in [
        (ME, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        (ME, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
        (
            DEALS,
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n",
            "0\r\n\r\n",
        ),
        (ME, "Content-Length: 6\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
    ] {
        let raw = format!("{}{body}{smuggled}", request(&server, line, further));
        assert_eq!(statuses(server.address, &raw, true), [400], "{further:?}");
    }
    // A line feed alone ends no line.
    for raw in [smuggled.replace("\r\n", "\n"), smuggled.replacen("\r\n", "\n", 2)] {
        assert_eq!(statuses(server.address, &format!("{raw}{smuggled}"), true), [400]);
    }
    // Two plain requests in one write are two.
    let both = format!("{smuggled}{}", request(&server, ME, "Connection: close\r\n"));
    assert_eq!(statuses(server.address, &both, true), [200, 200]);
}

/// Framings that one reader could take for another: each stands in front of a second request, which must never be answered.
const AMBIGUOUS: &[(&str, &str)] = &[
    ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
    ("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("Content-Length: 5\r\nTransfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"),
    ("content-length: 5\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"),
    ("Content-Length: 5\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"),
    ("Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
    ("Content-Length: 5\r\nTransfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
    ("Content-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
    ("Content-Length: 5\r\nTransfer-Encoding:\r\n", "0\r\n\r\n"),
    ("Content-Length: 5\r\nTransfer-Encoding : chunked\r\n", "0\r\n\r\n"),
    ("Content-Length: 5\r\n Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("Content-Length: 5\r\nTransfer-Encoding:\tchunked\r\n", "0\r\n\r\n"),
    ("Content-Length: 5\r\nTransfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"),
    ("Content-Length: 5\r\nTransfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"),
    ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"),
    ("Content-Length: 5\r\nContent-Length: 6\r\n", "0\r\n\r\n"),
    ("Content-Length: 6\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
    ("Content-Length: 0\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
    ("Content-Length: 5, 6\r\n", "0\r\n\r\n"),
    ("Content-Length: 5, 5\r\n", "0\r\n\r\n"),
    ("Content-Length: 5;6\r\n", "0\r\n\r\n"),
    ("Content-Length: +5\r\n", "0\r\n\r\n"),
    ("Content-Length: -5\r\n", "0\r\n\r\n"),
    ("Content-Length: 0x5\r\n", "0\r\n\r\n"),
    ("Content-Length: 5e0\r\n", "0\r\n\r\n"),
    ("Content-Length: 5.0\r\n", "0\r\n\r\n"),
    ("Content-Length: 5 \u{b}\r\n", "0\r\n\r\n"),
    ("Content-Length: \"5\"\r\n", "0\r\n\r\n"),
    ("Content-Length:\r\n", "0\r\n\r\n"),
    ("Content-Length: 18446744073709551621\r\n", "0\r\n\r\n"),
    ("Content-Length : 5\r\n", "0\r\n\r\n"),
    (" Content-Length: 5\r\n", "0\r\n\r\n"),
    ("X-A: b\r\n Content-Length: 5\r\n", "0\r\n\r\n"),
    ("X-A: b\rContent-Length: 5\r\n", "0\r\n\r\n"),
    ("X-A: b\nContent-Length: 5\r\n", "0\r\n\r\n"),
    ("X-A: b\0\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: \u{b}chunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding:\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "0\n\n"),
    ("Transfer-Encoding: chunked\r\n", "-0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "0x0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "0;a=\"\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "00000000000000000\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "1\r\nxy\r\n0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "ffffffffffffffff1\r\n\r\n"),
];

#[test]
fn a_second_request_behind_an_ambiguous_framing_is_never_answered() {
    let server = Server::demo(None);
    assert!(AMBIGUOUS.len() >= 40);
    let smuggled = request(&server, ME, "");
    for (further, body) in AMBIGUOUS {
        // A route that takes a body, and one that does not.
        for line in [DEALS, ME] {
            let json = if line == DEALS { "Content-Type: application/json\r\n" } else { "" };
            let raw = format!("{}{body}{smuggled}", request(&server, line, &format!("{further}{json}")));
            let answers = statuses(server.address, &raw, true);
            let refused = matches!(answers.as_slice(), [400 | 415 | 501]);
            // Where one framing alone is at work, the first request may be answered as it is; then the connection ends.
            let answered_once =
                !further.contains("Content-Length") && matches!(answers.as_slice(), [200 | 400]);
            assert!(refused || answered_once, "{line} {further:?} {body:?}: {answers:?}");
        }
    }
}

#[test]
fn a_chunked_body_is_read_and_measured() {
    let server = Server::demo(None);
    let head = request(&server, DEALS, "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n");
    let body = "{\"title\":\"in chunks\"}";
    let (one, two) = body.split_at(7);
    let raw = format!("{head}{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n", one.len(), two.len());
    assert_eq!(statuses(server.address, &raw, true), [201]);
    // One byte more than is read, and its end never said.
    let padding = " ".repeat(256 * 1024 + 1 - body.len());
    let raw = format!("{head}{:x}\r\n{body}{padding}\r\n", body.len() + padding.len());
    assert_eq!(statuses(server.address, &raw, true), [413]);
}

#[test]
fn no_body_is_asked_for_before_the_credential_was_good() {
    let server = Server::demo(None);
    let expecting = "Content-Length: 20\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n";
    let stranger = format!("{DEALS} HTTP/1.1\r\nHost: a\r\nX-Origin-App: wire\r\n{expecting}\r\n");
    assert_eq!(statuses(server.address, &stranger, false), [401]);
    let mut stream = connect(server.address).unwrap();
    stream.write_all(request(&server, DEALS, expecting).as_bytes()).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{\"title\":\"expected\"}").unwrap();
    assert_eq!(read_answer(&mut BufReader::new(stream), false).unwrap().status, 201);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let server = Server::demo(None);
    // A public operation: nobody needs to be known to try this.
    let raw = "POST /api/external/v2/auth/validate-api-key HTTP/1.1\r\nHost: a\r\nX-Origin-App: wire\r\n\
               Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";
    assert_eq!(statuses(server.address, raw, true), [400], "answered and closed within the read timeout");
}

/// What a hostile client writes at first, and then again and again.
const SHAPES: &[(&str, &[u8], &[u8])] = &[
    ("silent", b"", b""),
    ("a dripping head", b"GET / HTTP/1.1\r\nHost: a\r\nX-Drip: ", b"d"),
    (
        "a head without end",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        b"X-More: 0123456789012345678901234567890123456789\r\n",
    ),
    ("half a preface of HTTP/2", b"PRI * HT", b""),
    ("half a hello of TLS", b"\x16\x03\x01\x02\x00\x01", b""),
];

#[test]
fn nobody_holds_a_connection_open_by_saying_nothing_or_little() {
    let server = Server::demo(None);
    let mut client = server.client(&server.admin());
    assert_eq!(client.get("/deals?limit=200").status, 200);
    let before = resident(server.id()).unwrap();
    let mut held: Vec<_> = SHAPES
        .iter()
        .flat_map(|shape| std::iter::repeat_n(shape, 60))
        .map(|shape| {
            let mut stream = connect(server.address).unwrap();
            stream.write_all(shape.1).unwrap();
            stream.set_nonblocking(true).unwrap();
            (shape, stream)
        })
        .collect();
    let (all, mut peak) = (held.len() as u64, 0);
    // 10 s is the deadline, 15 s what is promised.
    for _ in 0..150 {
        thread::sleep(Duration::from_millis(100));
        peak = peak.max(resident(server.id()).unwrap());
        held.retain_mut(|((.., again), stream)| {
            let written = stream.write(again);
            let closed = match stream.read(&mut [0; 512]) {
                Ok(read) => read == 0,
                Err(error) => error.kind() != ErrorKind::WouldBlock,
            };
            !closed && (again.is_empty() || written.is_ok() || held_back(&written))
        });
        assert_eq!(client.get("/health").status, 200, "an honest client is answered all the while");
        if held.is_empty() {
            let each = peak.saturating_sub(before) / all;
            assert!(each <= 16 * 1024, "{each} bytes each");
            return;
        }
    }
    let left: Vec<&str> = held.iter().map(|((name, ..), _)| *name).collect();
    panic!("{} connections are still open: {left:?}", left.len());
}

#[test]
fn a_connection_that_has_asked_for_nothing_holds_no_stop_up() {
    for half in ["G", "GET / HTTP/1.1\r\nHost: a\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut server = Server::demo(None);
        let mut stream = connect(server.address).unwrap();
        stream.write_all(half.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(100));
        server.signal("TERM");
        for _ in 0..40 {
            thread::sleep(Duration::from_millis(100));
            if server.has_ended() {
                break;
            }
        }
        assert!(server.has_ended(), "4 s are enough: {half:?}");
        assert!(!server.stderr().contains("still busy"), "{half:?}: {}", server.stderr());
    }
}

/// Whether a write only has to wait.
fn held_back(written: &std::io::Result<usize>) -> bool {
    written.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn a_client_that_does_not_take_its_answers_is_not_waited_for() {
    let server = Server::demo(None);
    let mut stream = connect(server.address).unwrap();
    // Far more answers than the system's buffers hold, and none is read.
    let list = request(&server, "GET /api/external/v2/deals?limit=200", "");
    // Some 40 MB of questions at most; the buffers of both sides are full before.
    let refused =
        (0..200_000).find_map(|_| stream.write_all(list.as_bytes()).err()).map(|error| error.kind());
    let closed = matches!(refused, Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe));
    assert!(closed, "the server closes before the client's own patience of 20 s ends: {refused:?}");
    assert_eq!(server.client(&server.admin()).get("/me").status, 200);
}
