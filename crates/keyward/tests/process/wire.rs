//! What a client can write on a socket and no client library would: one request is one answer, and what could be read in
//! two ways is answered once at most, with the connection closed behind it.

use crate::support::{Server, connect, read_answer};
use std::io::{BufReader, Read, Write};
use std::net::SocketAddr;

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
fn a_request_with_two_framings_is_answered_once_at_most() {
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
        let found = statuses(server.address, &raw, true);
        assert_eq!(found.len(), 1, "{further:?}: {found:?}");
    }
    // Two plain requests in one write are two.
    let both = format!("{smuggled}{}", request(&server, ME, "Connection: close\r\n"));
    assert_eq!(statuses(server.address, &both, true), [200, 200]);
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
