//! The PROXY protocol in front of connections: whose address it gives, and what happens without it.

use crate::support::{Server, connect, keyward, read_answer};
use std::io::{BufReader, Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

/// A server that trusts these proxies, where an address may ask for `/health` once a minute: whose bucket a request is charged to shows
/// whose address it has.
fn server(trusted: &str) -> Server {
    let mut command = keyward(&Server::demo_arguments(None));
    command.env("KEYWARD_SERVER_PROXY_PROTOCOL", "true").env("KEYWARD_SERVER_TRUSTED_PROXIES", trusted);
    command.env("KEYWARD_LIMITS_HEALTH_PER_MINUTE", "1");
    Server::demo_by(command)
}

/// The status of `GET /health` behind these bytes; `None`: the connection is closed without an answer.
fn health(address: SocketAddr, header: &[u8], further: &str) -> Option<u16> {
    let mut stream = connect(address).unwrap();
    let get = format!("GET /api/external/v2/health HTTP/1.1\r\nHost: a\r\n{further}\r\n");
    stream.write_all(&[header, get.as_bytes()].concat()).unwrap();
    read_answer(&mut BufReader::new(stream), false).ok().map(|answer| answer.status)
}

/// Version 2, of this IPv4 address, with an extension behind the addresses.
fn version_2(command: u8, source: [u8; 4]) -> Vec<u8> {
    let addresses = [&source[..], &[127, 0, 0, 1, 0x12, 0x34, 0, 80, 4, 0, 1, 0]].concat();
    let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
    [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, 0x11], &length, &addresses].concat()
}

fn version_1(source: &str) -> Vec<u8> {
    format!("PROXY TCP4 {source} 127.0.0.1 4711 80\r\n").into_bytes()
}

#[test]
fn a_trusted_proxy_names_the_client_in_front_of_each_connection_and_must() {
    let server = server("127.0.0.0/8, 192.0.2.0/24");
    let address = server.address;
    let forwarded = "X-Forwarded-For: 198.51.100.7\r\n";
    for (what, header, further, expected) in [
        ("version 1", version_1("203.0.113.1"), "", Some(200)),
        ("the same client", version_1("203.0.113.1"), "", Some(429)),
        ("the same client by version 2", version_2(0x21, [203, 0, 113, 1]), "", Some(429)),
        ("what a client writes itself is not read", version_1("203.0.113.1"), forwarded, Some(429)),
        ("another client by version 2", version_2(0x21, [203, 0, 113, 2]), "", Some(200)),
        ("another trusted proxy: its header is read", version_1("192.0.2.9"), forwarded, Some(200)),
        ("the client that it names", version_1("198.51.100.7"), "", Some(429)),
        ("no address", b"PROXY UNKNOWN\r\n".to_vec(), forwarded, Some(200)),
        ("a probe of the proxy itself is not limited", version_2(0x20, [203, 0, 113, 3]), "", Some(200)),
        ("no header", Vec::new(), "", None),
        ("a header that cannot be read", b"PROXY TCP4 203.0.113.4 x 1 2\r\n".to_vec(), "", None),
    ] {
        assert_eq!(health(address, &header, further), expected, "{what}");
    }
    thread::scope(|scope| {
        for half in [&b""[..], b"PROXY TCP4 203.0.1", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c"] {
            scope.spawn(move || {
                let mut stream = connect(address).unwrap();
                stream.write_all(half).unwrap();
                #[expect(clippy::disallowed_methods, reason = "a test measures its own patience")]
                let begun = Instant::now();
                assert!(matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_)), "{half:?}");
                let waited = begun.elapsed();
                assert!(waited < Duration::from_secs(14), "half a header holds it for {waited:?}");
            });
        }
    });
}

#[test]
fn a_client_that_is_no_trusted_proxy_is_its_own_address_and_writes_no_such_header() {
    let server = server("10.0.0.0/8");
    assert_eq!(health(server.address, &version_1("203.0.113.1"), ""), Some(400), "it is no HTTP");
    assert_eq!(health(server.address, &version_2(0x21, [203, 0, 113, 1]), ""), Some(400));
    assert_eq!(health(server.address, b"", "X-Forwarded-For: 203.0.113.1\r\n"), Some(200));
    assert_eq!(health(server.address, b"", "X-Forwarded-For: 203.0.113.2\r\n"), Some(429));
}
