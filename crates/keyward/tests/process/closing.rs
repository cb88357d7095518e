//! A connection that the server closes after an answer is announced in that answer (RFC 9112 §9.6), so that no client sends its next
//! request into it; and one that need not be closed goes on.

use crate::support::{Answer, Server, connect, keyward, read_answer};
use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, sleep};
use std::time::Duration;

const JSON: &str = "Content-Type: application/json\r\n";

/// A request line with what every request here has, and these lines besides.
fn head(line: &str, further: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: a\r\nX-Origin-App: closing\r\n{further}\r\n")
}

/// Writes the parts one after the other, as slow clients do; the answer, and the connection behind it.
fn exchange(address: SocketAddr, parts: &[&str]) -> (Answer, BufReader<TcpStream>) {
    let mut stream = connect(address).unwrap();
    for part in parts {
        stream.write_all(part.as_bytes()).unwrap();
        sleep(Duration::from_millis(50));
    }
    let mut reader = BufReader::new(stream);
    let answer = read_answer(&mut reader, false).unwrap_or_else(|error| panic!("{parts:?}: {error}"));
    (answer, reader)
}

/// Whether the server closes it, long before an idle one is let go.
fn closes(reader: &mut BufReader<TcpStream>) -> bool {
    reader.get_ref().set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    match reader.read(&mut [0; 1]) {
        Ok(read) => read == 0,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

#[test]
fn an_answer_behind_which_the_server_closes_says_so_and_no_other_does() {
    let mut command = keyward(&Server::demo_arguments(None));
    command.env("KEYWARD_LIMITS_HEALTH_PER_MINUTE", "100000").env("KEYWARD_LIMITS_VALIDATE_PER_MINUTE", "1");
    let server = Server::demo_by(command);
    let (deals, validate) = ("POST /api/external/v2/deals", "POST /api/external/v2/auth/validate-api-key");
    let nowhere = "POST /api/external/v2/nowhere";
    let key = format!("Authorization: Bearer {}\r\n", server.admin());
    let of = |bytes: usize| format!("{JSON}Content-Length: {bytes}\r\n");
    let body = "{\"title\":\"closing\"}";
    let small = of(body.len());
    let chunked = format!("{JSON}Transfer-Encoding: chunked\r\n");
    let in_chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let long = format!("X-Long: {}\r\n", "l".repeat(60_000));
    // Uses up what an address may validate.
    exchange(server.address, &[&head(validate, &small), body]);
    let cases: Vec<(&str, Vec<String>, u16, bool)> = vec![
        ("an answer", vec![head("GET /api/external/v2/health", "")], 200, false),
        (
            "a client that wants it closed",
            vec![head("GET /api/external/v2/health", "Connection: close\r\n")],
            200,
            true,
        ),
        ("a body that was read", vec![head(deals, &format!("{key}{small}")), body.to_owned()], 201, false),
        ("401, the body with the head", vec![head(deals, &small) + body], 401, false),
        ("401, the body a little later", vec![head(deals, &small), body.to_owned()], 401, false),
        ("401, no body comes", vec![head(deals, &small)], 401, true),
        ("401, a long body", vec![head(deals, &of(200_000))], 401, true),
        (
            "401, before 100 Continue",
            vec![head(deals, &format!("{small}Expect: 100-continue\r\n"))],
            401,
            true,
        ),
        ("401, chunked", vec![head(deals, &chunked), in_chunks.clone()], 401, true),
        ("201, chunked", vec![head(deals, &format!("{key}{chunked}")), in_chunks], 201, true),
        ("404, the body with the head", vec![head(nowhere, &small) + body], 404, false),
        ("404, no body comes", vec![head(nowhere, &small)], 404, true),
        ("405, no body comes", vec![head("PUT /api/external/v2/deals", &small)], 405, true),
        ("413, as declared", vec![head(deals, &format!("{key}{}", of(300_000)))], 413, true),
        (
            "400, a form too long",
            vec![head("POST /oauth/token", &format!("{form}Content-Length: 100000\r\n"))],
            400,
            true,
        ),
        ("415, no body comes", vec![head(deals, &format!("{key}Content-Length: 9\r\n"))], 415, true),
        ("429, the body with the head", vec![head(validate, &small) + body], 429, false),
        ("429, no body comes", vec![head(validate, &small)], 429, true),
        ("401 at MCP, no body comes", vec![head("POST /mcp", &small)], 401, true),
        (
            "303, no form comes",
            vec![head("POST /console/acme-capital/keys", &format!("{form}Content-Length: 9\r\n"))],
            303,
            true,
        ),
        ("two framings", vec![head(deals, &format!("{small}Transfer-Encoding: chunked\r\n"))], 400, true),
        ("no head of HTTP", vec!["GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned()], 400, true),
        ("a head too long", vec![head("GET /api/external/v2/health", &long)], 431, true),
        ("400, half a body", vec![head(deals, &format!("{key}{}", of(100))), "{".to_owned()], 400, true),
    ];
    // Side by side: the last one takes as long as a body may.
    let address = server.address;
    thread::scope(|scope| {
        for (what, parts, status, expected) in &cases {
            scope.spawn(move || {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                let (answer, mut reader) = exchange(address, &parts);
                let told = answer.all("connection").any(|value| value.eq_ignore_ascii_case("close"));
                let closed = closes(&mut reader);
                assert_eq!(
                    (answer.status, told, closed),
                    (*status, *expected, *expected),
                    "{what}: status, told, closed"
                );
                if !closed {
                    let next = head("GET /api/external/v2/health", "");
                    reader.get_mut().write_all(next.as_bytes()).unwrap();
                    assert_eq!(read_answer(&mut reader, false).unwrap().status, 200, "{what}: it goes on");
                }
            });
        }
    });
}

#[test]
fn an_answer_that_is_sent_while_the_server_stops_says_that_its_connection_ends() {
    let server = Server::demo(None);
    let key = format!("Authorization: Bearer {}\r\n", server.admin());
    let mut stream = connect(server.address).unwrap();
    let body = "{\"title\":\"stopping\"}";
    let length = format!("Content-Length: {}\r\nExpect: 100-continue\r\n", body.len());
    stream
        .write_all(head("POST /api/external/v2/deals", &format!("{key}{JSON}{length}")).as_bytes())
        .unwrap();
    // It is being worked on when this comes.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    server.signal("TERM");
    while !server.stderr().contains("stopping") {
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(50));
    stream.write_all(body.as_bytes()).unwrap();
    let answer = read_answer(&mut BufReader::new(stream), false).unwrap();
    assert_eq!((answer.status, answer.header("connection")), (201, Some("close")));
}
