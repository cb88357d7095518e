//! What stands in front has clocks of its own: how long a connection may be idle, and how long the server serves on after a signal to
//! stop.
//!
//! | mistake | the test that catches it |
//! | --- | --- |
//! | a request that is sent at the last moment meets a connection that is closed | `an_idle_connection_is_closed_a_second_later_than_announced` |
//! | a proxy is let go before it lets go | `each_kind_of_client_is_announced_its_own_idle_time` |
//! | a load balancer is refused before it has noticed | `after_an_order_to_stop_requests_are_served_for_the_delay_and_readyz_is_503` |
//! | a server that hangs in its delay cannot be stopped | `a_second_order_ends_the_delay` |

use crate::frames::now;
use crate::support::{BASE, Client, Server, asked_to_go_on, connect, keyward, read_answer, unlimited};
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A demo with these settings.
fn with(settings: &[(&str, &str)]) -> Server {
    let mut command = unlimited(keyward(&Server::demo_arguments(None)));
    command.envs(settings.iter().copied());
    Server::demo_by(command)
}

/// `Connection` and `Keep-Alive` of an answer to a request with this first line's version and these headers.
fn said(server: &Server, version: &str, headers: &str) -> (Option<String>, Option<String>) {
    let mut stream = connect(server.address).unwrap();
    let head = format!("GET {BASE}/health HTTP/{version}\r\nHost: {}\r\n{headers}\r\n", server.address);
    stream.write_all(head.as_bytes()).unwrap();
    let answer = read_answer(&mut BufReader::new(stream), false).unwrap();
    assert_eq!(answer.status, 200);
    ["connection", "keep-alive"].map(|name| answer.header(name).map(str::to_owned)).into()
}

#[test]
fn each_kind_of_client_is_announced_its_own_idle_time() {
    let announced = |seconds: &str| (Some("keep-alive".to_owned()), Some(format!("timeout={seconds}")));
    let proxies = ("KEYWARD_SERVER_TRUSTED_PROXIES", "127.0.0.1");
    let table: [(&[(&str, &str)], &str); 4] = [
        (&[], "15"),
        (&[proxies], "650"),
        (&[("KEYWARD_SERVER_IDLE_TIMEOUT", "70")], "70"),
        (&[proxies, ("KEYWARD_SERVER_IDLE_TIMEOUT", "70")], "70"),
    ];
    for (settings, seconds) in table {
        let server = with(settings);
        assert_eq!(said(&server, "1.1", ""), announced(seconds), "{settings:?}");
        // A connection that ends has no idle time.
        assert_eq!(said(&server, "1.1", "Connection: close\r\n"), (Some("close".to_owned()), None));
        assert_eq!(said(&server, "1.0", "").1, None);
    }
}

#[test]
fn an_idle_connection_is_closed_a_second_later_than_announced() {
    let server = with(&[("KEYWARD_SERVER_IDLE_TIMEOUT", "1")]);
    let mut stream = BufReader::new(connect(server.address).unwrap());
    let head = format!("GET {BASE}/health HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    for pause in [0, 1_000, 1_300] {
        sleep(Duration::from_millis(pause));
        stream.get_mut().write_all(head.as_bytes()).unwrap();
        assert_eq!(read_answer(&mut stream, false).unwrap().status, 200, "after {pause} ms");
    }
    let idle = now();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "it is closed without a word");
    let idle = idle.elapsed();
    assert!(idle > Duration::from_millis(1_500) && idle < Duration::from_secs(8), "{idle:?}");
}

/// A demo whose delay is so long, and where its probes are.
fn delayed(seconds: &str) -> (Server, SocketAddr) {
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings =
        [("KEYWARD_SERVER_SHUTDOWN_DELAY", seconds), ("KEYWARD_SERVER_ADMIN_LISTEN", &admin.to_string())];
    (with(&settings), admin)
}

/// Waits until `/readyz` says that it stops.
fn until_not_ready(admin: SocketAddr) {
    let is_ready = || Client::to(admin).send("GET", "/readyz", &[], b"").unwrap().status == 200;
    assert!((0..200).any(|_| {
        sleep(Duration::from_millis(10));
        !is_ready()
    }));
}

#[test]
fn after_an_order_to_stop_requests_are_served_for_the_delay_and_readyz_is_503() {
    let (mut server, admin) = delayed("3");
    let mut kept = server.client(&server.admin());
    assert_eq!(kept.get("/me").header("connection"), Some("keep-alive"));
    let ordered = now();
    server.signal("TERM");
    until_not_ready(admin);
    // On the connection that is open, and on new ones; each is asked to go elsewhere.
    let mut other = server.client(&server.admin());
    let served = serve_until(&mut [&mut kept, &mut other], ordered + Duration::from_millis(2_500));
    assert!(served >= 20, "{served}");
    // What has begun by then still ends.
    let (mut running, body) = (connect(server.address).unwrap(), br#"{"title":"Late"}"#);
    let head = format!(
        "POST {BASE}/deals HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nX-Origin-App: process-test\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        server.address,
        server.admin(),
        body.len()
    );
    running.write_all(head.as_bytes()).unwrap();
    asked_to_go_on(&mut running);
    assert!((0..500).any(|_| {
        sleep(Duration::from_millis(10));
        TcpStream::connect(server.address).is_err()
    }));
    assert!(ordered.elapsed() >= Duration::from_secs(3));
    running.write_all(body).unwrap();
    assert_eq!(read_answer(&mut BufReader::new(running), false).unwrap().status, 201);
    assert_eq!(server.wait().code(), Some(0), "{}", server.stderr());
}

/// Asks by these clients in turn until then; how often.
fn serve_until(clients: &mut [&mut Client], end: Instant) -> usize {
    let mut served = 0;
    while now() < end {
        for client in clients.iter_mut() {
            let answer = client.get("/me");
            assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
            served += 1;
        }
        sleep(Duration::from_millis(20));
    }
    served
}

#[test]
fn a_second_order_ends_the_delay() {
    let (mut server, admin) = delayed("600");
    let ordered = now();
    server.signal("TERM");
    until_not_ready(admin);
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0), "{}", server.stderr());
    assert!(ordered.elapsed() < Duration::from_secs(12), "{:?}", ordered.elapsed());
}
