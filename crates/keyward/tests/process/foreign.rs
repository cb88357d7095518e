//! Bytes that are no HTTP on a plain port, of TLS above all: answered 400 at once, closed, and in the log.

use crate::support::{Server, clean, connect, run};
use std::io::{Read, Write};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A client's first flight of TLS 1.2, as far as it matters: a record of a handshake.
const HELLO: &[u8] = b"\x16\x03\x01\x00\x31\x01\x00\x00\x2d\x03\x03";

/// Whether the log comes to say this, within ten seconds.
pub(crate) fn is_logged(server: &Server, text: &str) -> bool {
    (0..100).any(|_| {
        let has = server.stderr().contains(text);
        if !has {
            sleep(Duration::from_millis(100));
        }
        has
    })
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test measures its own patience")]
fn bytes_that_are_no_http_end_at_once_with_a_line_in_the_log() {
    let server = Server::demo(None);
    for (sent, line) in [
        (HELLO, "spoke TLS to a port without it"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "sent bytes that are no HTTP"),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "header of the PROXY protocol"),
    ] {
        let mut stream = connect(server.address).unwrap();
        let begun = Instant::now();
        stream.write_all(sent).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(2), "{line}: {:?}", begun.elapsed());
        assert!(answer.starts_with("HTTP/1.1 400 "), "{line}: {answer}");
        drop(stream);
        assert!(is_logged(&server, line), "{line}: {}", server.stderr());
    }
    server.client(&server.admin()).get("/me").data(200);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test measures its own patience")]
fn a_client_that_is_given_https_by_mistake_ends_at_once() {
    let server = Server::demo(None);
    let mut command = Command::new("curl");
    let url = format!("https://{}/api/external/v2/health", server.address);
    command.args(["--silent", "--show-error", "--insecure", "--max-time", "20", &url]);
    clean(&mut command);
    let begun = Instant::now();
    let said = run(&mut command);
    assert_eq!(said.status.code(), Some(35), "curl says that the handshake failed: {said:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
