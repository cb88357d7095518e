//! HTTP/2: the answers of HTTP/1.1, the same refusal of what can be read in two ways, and what a hostile client can do
//! with frames (CVE-2023-44487, CVE-2025-8671, CVE-2024-27316, RUSTSEC-2026-0258 and their kin).

use crate::frames::{
    CONTINUATION, DATA, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, PING, PREFACE,
    PRIORITY, RST_STREAM, WINDOW_UPDATE, Wire, ask, bearer, block, field, fields, frame, headers, now,
    only_waits, request, secs, settings,
};
use crate::support::{Server, connect, resident};
use serde_json::json;
use std::io::{Read, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

const ME: &str = "/api/external/v2/me";
const DEALS: &str = "/api/external/v2/deals";
/// What a hostile client may cost.
const MEMORY: u64 = 32 * 1024 * 1024;

/// An honest client of HTTP/1.1 is answered.
fn is_well(server: &Server) {
    assert_eq!(server.client(&server.admin()).get("/me").status, 200);
}

/// Watches the server's memory during an attack, and that it is well behind it.
fn withstands<T>(server: &Server, attack: impl FnOnce() -> T) -> T {
    // What is set up once is no growth.
    ask(server, &request("GET", "/api/external/v2/deals?limit=50", &bearer(server)), b"");
    is_well(server);
    let id = server.id();
    let before = resident(id).unwrap();
    let (stop, stopped) = channel::<()>();
    let (result, peak) = thread::scope(|scope| {
        let watching = scope.spawn(move || {
            let mut peak = 0;
            while stopped.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
                peak = peak.max(resident(id).unwrap_or_default());
            }
            peak
        });
        let result = attack();
        drop(stop);
        (result, watching.join().unwrap())
    });
    is_well(server);
    let grown = peak.max(resident(id).unwrap()).saturating_sub(before);
    assert!(grown < MEMORY, "it has grown by {} KiB", grown / 1024);
    result
}

#[test]
fn a_client_of_http_2_gets_the_answers_of_the_api() {
    let server = Server::demo(None);
    let (key, wrong) = (bearer(&server), format!("Bearer lev_sk_{}", "x".repeat(49)));
    let me = &ask(&server, &request("GET", ME, &key), b"").fates[&1];
    assert_eq!(me.status, Some(200), "{me:?}");
    assert_eq!(me.json()["data"]["user"]["email"], "admin@acme.example");
    let stranger = &ask(&server, &request("GET", ME, &wrong), b"").fates[&1];
    assert_eq!(stranger.status, Some(401), "{stranger:?}");
    let envelope = stranger.json();
    assert_eq!(envelope["error"]["code"], "UNAUTHORIZED", "{envelope}");
    assert!(envelope["request_id"].is_string() && envelope["error"]["message"].is_string(), "{envelope}");
    let body = json!({ "title": "by HTTP/2" }).to_string();
    let created = &ask(&server, &request("POST", DEALS, &key), body.as_bytes()).fates[&1];
    assert_eq!(created.status, Some(201), "{created:?}");
    assert_eq!(created.json()["data"]["title"], "by HTTP/2");
    is_well(&server);
}

#[test]
fn requests_on_one_connection_each_get_their_own_answer() {
    let server = Server::demo(None);
    let key = bearer(&server);
    let mut wire = Wire::open(server.address, &[]);
    let posts: Vec<(u32, String)> = (1..20)
        .step_by(2)
        .map(|stream| (stream, json!({ "title": format!("of {stream}") }).to_string()))
        .collect();
    for (stream, body) in &posts {
        wire.write(&headers(*stream, 0, &request("POST", DEALS, &key))).unwrap();
        wire.write(&frame(DATA, 0, *stream, &body.as_bytes()[..4])).unwrap();
    }
    wire.write(&headers(21, END_STREAM, &request("GET", ME, &key))).unwrap();
    wire.write(&headers(23, END_STREAM, &request("GET", "/api/external/v2/nothing", &key))).unwrap();
    assert!(wire.until(secs(10), |wire| wire.is_over(21) && wire.is_over(23)), "they wait: {wire:?}");
    assert_eq!(wire.fates[&21].json()["data"]["user"]["email"], "admin@acme.example");
    assert_eq!(wire.fates[&23].status, Some(404));
    for (stream, body) in posts.iter().rev() {
        wire.write(&frame(DATA, END_STREAM, *stream, &body.as_bytes()[4..])).unwrap();
    }
    assert!(wire.until(secs(10), |wire| posts.iter().all(|(stream, _)| wire.is_over(*stream))), "{wire:?}");
    for (stream, _) in &posts {
        let fate = &wire.fates[stream];
        assert_eq!(fate.status, Some(201), "{fate:?}");
        assert_eq!(fate.json()["data"]["title"], format!("of {stream}"));
    }
    is_well(&server);
}

#[test]
fn a_head_of_http_2_that_could_be_read_in_two_ways_is_refused() {
    let server = Server::demo(None);
    let key = bearer(&server);
    let asked = |without: &[&str], further: &[(&str, &str)], status| {
        let wire = ask(&server, &block(&fields(("GET", ME), &key, without, further)), b"");
        assert_eq!(wire.fates[&1].status, Some(status), "{without:?} {further:?} {wire:?}");
        assert!(status == 200 || wire.fates[&1].json()["error"]["code"].is_string(), "no envelope: {wire:?}");
    };
    asked(&[], &[("host", "a")], 200);
    asked(&[":authority"], &[("host", "a")], 200);
    asked(&[], &[("host", "b")], 400);
    asked(&[], &[("host", "a:1")], 400);
    asked(&[], &[("host", "a"), ("host", "a")], 400);
    asked(&[":authority"], &[("host", "a"), ("host", "b")], 400);
    asked(&[], &[("authorization", "Bearer x")], 400);
    asked(&[], &[("x-origin-app", "other")], 400);
    asked(&[], &[("x_forwarded_for", "10.0.0.1")], 400);
    asked(&[":path"], &[(":path", "/api/external/v2/deals/../me")], 400);
    is_well(&server);
}

#[test]
fn what_http_2_forbids_is_never_served() {
    let server = Server::demo(None);
    let key = bearer(&server);
    let mut served = Vec::new();
    for (without, further) in [
        (&[][..], &[("connection", "close")][..]),
        (&[], &[("keep-alive", "timeout=5")]),
        (&[], &[("proxy-connection", "keep-alive")]),
        (&[], &[("transfer-encoding", "chunked")]),
        (&[], &[("upgrade", "h2c")]),
        (&[], &[("te", "gzip")]),
        (&[], &[("X-Upper", "a")]),
        (&[], &[("", "no name")]),
        (&[], &[("x-line", "a\r\nx-other: b")]),
        (&[], &[("x-nul", "a\0b")]),
        (&[], &[(":path", ME)]),
        (&[], &[(":authority", "a")]),
        (&[], &[(":status", "200")]),
        (&[], &[(":unknown", "a")]),
        (&[":method"], &[]),
        (&[":path"], &[]),
        (&[":path"], &[(":path", "")]),
        (&[":path"], &[(":path", "api/external/v2/me")]),
        (&[":authority"], &[(":authority", "b@a")]),
        (&[":method", ":scheme", ":path"], &[(":method", "CONNECT")]),
        (&[], &[("content-length", "1")]),
        (&[], &[("content-length", "0"), ("content-length", "1")]),
    ] {
        let wire = ask(&server, &block(&fields(("GET", ME), &key, without, further)), b"");
        if !wire.is_refused(1) {
            served.push(format!("{without:?} {further:?}: {:?}", wire.fates[&1].status));
        }
    }
    for length in ["5", "500"] {
        let post = block(&fields(("POST", DEALS), &key, &[], &[("content-length", length)]));
        let wire = ask(&server, &post, b"{\"title\":\"of another length\"}");
        if !wire.is_refused(1) {
            served.push(format!("content-length: {length}: {:?}", wire.fates[&1].status));
        }
    }
    assert!(served.is_empty(), "{served:#?}");
    is_well(&server);
}

#[test]
fn streams_that_are_opened_only_to_be_reset_end_the_connection() {
    let server = Server::demo(None);
    let get = request("GET", ME, &bearer(&server));
    // By the client itself, or by a window that overflows, which makes the server do it.
    for (kind, value) in [(RST_STREAM, 8), (WINDOW_UPDATE, u32::MAX >> 1)] {
        let pair = |stream: u32| {
            [headers(stream, END_STREAM, &get), frame(kind, 0, stream, &value.to_be_bytes())].concat()
        };
        let bursts = withstands(&server, || {
            let mut wire = Wire::open(server.address, &[]);
            wire.flood(secs(5), 200, Wire::is_ended, |burst| {
                (0..50).flat_map(|number| pair(100 * burst + 2 * number + 1)).collect()
            })
        });
        assert!(bursts.is_some_and(|bursts| bursts < 100), "by {kind}: {bursts:?} bursts of 50 were taken");
    }
}

#[test]
fn a_head_that_does_not_end_ends_the_connection() {
    let server = Server::demo(None);
    let get = request("GET", ME, &bearer(&server));
    for more in [field(0, "x-more", &"m".repeat(40)), Vec::new()] {
        let burst = frame(CONTINUATION, 0, 1, &more).repeat(100);
        let bursts = withstands(&server, || {
            let mut wire = Wire::open(server.address, &[]);
            wire.write(&frame(HEADERS, END_STREAM, 1, &get)).unwrap();
            // Less than 2 MB.
            wire.flood(secs(5), 300, Wire::is_ended, |_| burst.clone())
        });
        assert!(bursts.is_some(), "{} bytes were taken", 300 * burst.len());
    }
}

#[test]
fn a_body_of_empty_frames_is_not_waited_for() {
    let server = Server::demo(None);
    let post = request("POST", DEALS, &bearer(&server));
    withstands(&server, || {
        let mut wire = Wire::open(server.address, &[]);
        wire.write(&headers(1, 0, &post)).unwrap();
        let nothing = frame(DATA, 0, 1, b"").repeat(1_000);
        let bursts = wire.flood(secs(20), u32::MAX, |wire| wire.is_over(1), |_| nothing.clone());
        assert!(bursts.is_some() && wire.is_refused(1), "after {bursts:?} bursts: {:?}", wire.fates);
    });
}

#[test]
fn acknowledgements_that_nobody_takes_are_not_piled_up() {
    let server = Server::demo(None);
    for one in [frame(PING, 0, 0, &[0; 8]), settings(&[(INITIAL_WINDOW_SIZE, 65_535)])] {
        let burst = one.repeat(64 * 1024 / one.len());
        withstands(&server, || {
            let mut wire = Wire::open(server.address, &[]);
            let started = now();
            let stopped = (0..1_024).find_map(|_| {
                assert!(started.elapsed() < secs(20), "frames like {one:02x?} are still taken");
                wire.write(&burst).err()
            });
            assert!(stopped.is_some(), "64 MB of {one:02x?} were taken");
        });
    }
}

#[test]
fn frames_that_ask_for_nothing_end_the_connection_at_once_whether_it_has_asked_before_or_not() {
    let server = Server::demo(None);
    let get = request("GET", ME, &bearer(&server));
    let one: u32 = 1;
    for (what, one) in [
        ("PING", frame(PING, 0, 0, &[0; 8])),
        ("SETTINGS", settings(&[(INITIAL_WINDOW_SIZE, 65_535)])),
        ("WINDOW_UPDATE", frame(WINDOW_UPDATE, 0, 0, &one.to_be_bytes())),
        ("PRIORITY", frame(PRIORITY, 0, 5, &[0, 0, 0, 3, 1])),
        ("an unknown type", frame(0x77, 0, 0, &[0; 16])),
    ] {
        for asks_first in [false, true] {
            let bursts = withstands(&server, || {
                let mut wire = Wire::open(server.address, &[]);
                if asks_first {
                    wire.write(&headers(1, END_STREAM, &get)).unwrap();
                    assert!(wire.until(secs(5), |wire| wire.is_over(1)), "{wire:?}");
                }
                wire.flood(secs(5), 10_000, Wire::is_ended, |_| one.repeat(100))
            });
            assert!(bursts.is_some(), "{what}, asks first: {asks_first}: it is borne");
        }
    }
}

#[test]
fn a_client_that_pings_beside_its_requests_is_served_and_one_that_only_pings_is_let_go() {
    let server = Server::demo(None);
    let key = bearer(&server);
    let ping = frame(PING, 0, 0, &[0; 8]);
    let mut wire = Wire::open(server.address, &[]);
    // As many answers as fit into the window that is never opened.
    for stream in (1..40).step_by(2) {
        let get = headers(stream, END_STREAM, &request("GET", ME, &key));
        wire.write(&[ping.repeat(20), get].concat()).unwrap();
        assert!(wire.until(secs(10), |wire| wire.is_over(stream)), "{stream} waits");
        assert_eq!(wire.fates[&stream].status, Some(200));
    }
    wire.write(&headers(41, 0, &request("POST", DEALS, &key))).unwrap();
    wire.write(&ping.repeat(300)).unwrap();
    wire.write(&frame(DATA, END_STREAM, 41, b"{\"title\":\"after pings\"}")).unwrap();
    assert!(wire.until(secs(10), |wire| wire.is_over(41)), "the last one waits");
    assert_eq!(wire.fates[&41].status, Some(201));
    // So few that only the deadlines end it: of the first request, and of idle connections.
    for (asks_first, within) in [(false, 13), (true, 19)] {
        let mut wire = Wire::open(server.address, &[]);
        if asks_first {
            wire.write(&headers(1, END_STREAM, &request("GET", ME, &key))).unwrap();
        }
        let begun = now();
        while !wire.is_ended() && begun.elapsed() < secs(25) {
            let _ = wire.write(&ping);
            wire.read(Duration::from_millis(50));
        }
        assert!(begun.elapsed() < secs(within), "{:?}", begun.elapsed());
    }
}

#[test]
fn a_head_that_is_large_or_grows_in_the_reading_is_refused() {
    let server = Server::demo(None);
    let get = request("GET", ME, &bearer(&server));
    for (what, first, then) in [
        ("36 KB", vec![], field(0, "x-large", &"l".repeat(4_000)).repeat(9)),
        ("1 MB", vec![], field(0, "x-huge", &"h".repeat(1 << 20))),
        ("101 fields", vec![], field(0, "x-small", "s").repeat(101)),
        ("10,000 fields", vec![], field(0, "x", "").repeat(10_000)),
        // The field of the first request is the newest in the dynamic table, at index 62: one byte for 4 KB.
        ("64 MB by reference", field(0x40, "x-bomb", &"b".repeat(3_900)), vec![0x80 | 62; 16_000]),
    ] {
        withstands(&server, || {
            let mut wire = Wire::open(server.address, &[]);
            wire.write(&headers(1, END_STREAM, &[get.as_slice(), &first].concat())).unwrap();
            wire.until(secs(10), |wire| wire.is_over(1));
            assert_eq!(wire.fates[&1].status, Some(200), "{what}: {wire:?}");
            for stream in (3..40).step_by(2) {
                if wire.is_ended() {
                    break;
                }
                // It may be refused before it has been taken.
                let _ = wire.write(&headers(stream, END_STREAM, &[get.as_slice(), &then].concat()));
                wire.until(secs(10), |wire| wire.is_over(stream));
                assert!(wire.is_refused(stream), "{what}: {:?}", wire.fates);
            }
        });
    }
}

#[test]
fn a_client_that_opens_no_window_is_not_waited_for() {
    let server = Server::demo(None);
    let list = request("GET", "/api/external/v2/deals?limit=200", &bearer(&server));
    withstands(&server, || {
        let mut wire = Wire::open(server.address, &[(INITIAL_WINDOW_SIZE, 0)]);
        wire.write(
            &(1..200).step_by(2).flat_map(|stream| headers(stream, END_STREAM, &list)).collect::<Vec<_>>(),
        )
        .unwrap();
        let closed = (0..40).any(|_| {
            let _ = wire.write(&frame(PING, 0, 0, &[0; 8]));
            wire.until(secs(1), |wire| wire.closed)
        });
        assert!(closed, "it is open after 40 s, goaway {:?}", wire.goaway);
    });
}

#[test]
fn answers_that_are_not_taken_are_not_kept_alive_by_others_that_are() {
    let server = Server::demo(None);
    let key = bearer(&server);
    let list = request("GET", "/api/external/v2/deals?limit=200", &key);
    withstands(&server, || {
        // A window for small answers and not for large ones.
        let mut wire = Wire::open(server.address, &[(INITIAL_WINDOW_SIZE, 1_000)]);
        wire.write(
            &(1..80).step_by(2).flat_map(|stream| headers(stream, END_STREAM, &list)).collect::<Vec<_>>(),
        )
        .unwrap();
        let health = request("GET", "/api/external/v2/health", &key);
        let closed = (101..).step_by(2).take(25).any(|stream| {
            let _ = wire.write(&headers(stream, END_STREAM, &health));
            wire.until(secs(1), |wire| wire.closed)
        });
        assert!(closed, "it is open after 25 s: {:?}", wire.fates.keys());
    });
}

#[test]
fn bodies_that_do_not_end_take_no_memory_without_end() {
    let server = Server::demo(None);
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/api/external/v2/auth/validate-api-key"),
        (":authority", "a"),
        ("x-origin-app", "frames"),
        ("content-type", "application/json"),
    ];
    let head = block(&fields);
    withstands(&server, || {
        // 20 connections of 60 streams of up to 250 KB would be 300 MB.
        let mut wires: Vec<Wire> = (0..20).map(|_| Wire::open(server.address, &[])).collect();
        for wire in &mut wires {
            let _ = wire
                .write(&(1..120).step_by(2).flat_map(|stream| headers(stream, 0, &head)).collect::<Vec<_>>());
        }
        for _ in 0..25 {
            for wire in &mut wires {
                // In turns, as far as the windows go.
                for stream in (1..120).step_by(2) {
                    let _ = wire.write(&frame(DATA, 0, stream, &[b' '; 1_000]));
                }
                wire.read(Duration::from_millis(1));
            }
        }
        let refused =
            wires.iter().flat_map(|wire| wire.fates.values()).filter(|fate| fate.status == Some(503)).count();
        println!("{refused} were told to come back later");
    });
}

#[test]
fn nobody_holds_a_connection_of_http_2_open_by_saying_nothing_or_little() {
    let server = Server::demo(None);
    let get = request("GET", ME, &bearer(&server));
    let begun = [PREFACE, &settings(&[])].concat();
    let drip = [get.as_slice(), &field(0, "x-drip", &"d".repeat(1_000))[..20]].concat();
    let shapes = [
        ("half a preface", PREFACE[..12].to_vec(), vec![]),
        ("a preface alone", PREFACE.to_vec(), vec![]),
        ("no request", begun.clone(), vec![]),
        ("one request", [begun.as_slice(), &headers(1, END_STREAM, &get)].concat(), vec![]),
        (
            "a dripping head",
            [begun.as_slice(), &frame(HEADERS, END_STREAM, 1, &drip)].concat(),
            frame(CONTINUATION, 0, 1, b"d"),
        ),
    ];
    let opened = shapes.iter().flat_map(|shape| std::iter::repeat_n(shape, 5)).map(|(what, first, again)| {
        let mut stream = connect(server.address).unwrap();
        stream.write_all(first).unwrap();
        stream.set_nonblocking(true).unwrap();
        (*what, again, stream, Vec::new())
    });
    let mut held: Vec<_> = opened.collect();
    let mut client = server.client(&server.admin());
    for tick in 0..200 {
        thread::sleep(Duration::from_millis(100));
        held.retain_mut(|(what, again, stream, got)| {
            let written = if tick % 10 == 0 { stream.write_all(again) } else { Ok(()) };
            let mut bytes = [0; 4_096];
            let open = match stream.read(&mut bytes) {
                Ok(read) => {
                    got.extend_from_slice(&bytes[..read]);
                    read > 0
                }
                Err(error) => only_waits(&error),
            } && written.map_or_else(|error| only_waits(&error), |()| true);
            let answered = String::from_utf8_lossy(got).contains("admin@acme.example");
            assert!(open || answered == (*what == "one request"), "{what}: {got:?}");
            open
        });
        assert_eq!(client.get("/health").status, 200, "an honest client is answered all the while");
        if held.is_empty() {
            return;
        }
    }
    panic!("still open: {:?}", held.iter().map(|held| held.0).collect::<Vec<_>>());
}

#[test]
fn more_streams_than_allowed_are_refused_and_bodies_that_do_not_come_are_not_waited_for() {
    let server = Server::demo(None);
    let post = request("POST", DEALS, &bearer(&server));
    withstands(&server, || {
        let mut wire = Wire::open(server.address, &[]);
        wire.until(secs(5), |wire| wire.settings.contains_key(&MAX_CONCURRENT_STREAMS));
        let most = wire.settings[&MAX_CONCURRENT_STREAMS] as usize;
        assert!((1..=1_000).contains(&most), "{most} streams at once");
        let streams: Vec<u32> = (1..).step_by(2).take(most + 50).collect();
        wire.write(&streams.iter().flat_map(|stream| headers(*stream, 0, &post)).collect::<Vec<_>>())
            .unwrap();
        let over = |wire: &Wire| streams.iter().filter(|stream| wire.is_over(**stream)).count();
        assert!(wire.until(secs(5), |wire| over(wire) >= 50), "only {} were refused", over(&wire));
        let reset = wire.fates.values().filter(|fate| fate.reset.is_some() && fate.status.is_none()).count();
        assert!(wire.is_ended() || reset > 0, "none was refused: {:?}", wire.fates);
        assert!(wire.until(secs(20), |wire| over(wire) == streams.len()), "{} are over", over(&wire));
        assert!(streams.iter().all(|stream| wire.is_refused(*stream)), "{:?}", wire.fates);
    });
}
