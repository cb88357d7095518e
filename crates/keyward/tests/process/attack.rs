//! Bodies, lengths, hosts and headers that lie; names that would move the operator's cursor; first starts that are unsafe.

use crate::frames::{ask, block, fields, only_waits};
use crate::support::{
    Answer, Client, Server, clean, connect, contents, keyward, mode, read_answer, refused, run, text,
    unlimited,
};
use keyward_sqlite::faults::{change_by_force, number};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{BufReader, Read, Write};
use std::iter::from_fn;
use std::net::{Shutdown, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

const ME: &str = "GET /api/external/v2/me HTTP/1.1";
const DEALS: &str = "POST /api/external/v2/deals HTTP/1.1";
const JSON: &str = "Content-Type: application/json\r\n";
const CHUNKED: &str = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
const DEAL: &str = "{\"title\":\"x\"}";
/// What a hostile client may cost.
const MEMORY: u64 = 16 * 1024 * 1024;

/// A head by this key, with these further lines.
fn head(key: &str, line: &str, further: &str) -> String {
    format!("{line}\r\nHost: a\r\nAuthorization: Bearer {key}\r\nX-Origin-App: attack\r\n{further}\r\n")
}

/// Writes these bytes, reads as many answers at most, and then to the end: nothing may follow them.
fn answers(server: &Server, bytes: &str, most: usize) -> Vec<Answer> {
    let mut stream = connect(server.address).unwrap();
    // The server need not wait for all of it.
    let _ = stream.write_all(bytes.as_bytes());
    let mut reader = BufReader::new(stream);
    let answers = from_fn(|| read_answer(&mut reader, false).ok()).take(most).collect();
    let _ = reader.get_ref().shutdown(Shutdown::Write);
    let mut rest = Vec::new();
    let _ = reader.read_to_end(&mut rest);
    assert!(rest.is_empty(), "more came: {}", String::from_utf8_lossy(&rest));
    answers
}

fn statuses(server: &Server, bytes: &str, most: usize) -> Vec<u16> {
    answers(server, bytes, most).iter().map(|answer| answer.status).collect()
}

/// The memory that the server holds.
fn resident(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

fn total(server: &Server) -> Value {
    server.client(&server.admin()).get("/deals?limit=1").json()["pagination"]["total"].clone()
}

fn with(variables: &[(&str, &str)]) -> Server {
    let mut command = keyward(&Server::demo_arguments(None));
    command.envs(variables.iter().copied());
    Server::demo_by(unlimited(command))
}

#[test]
fn a_body_without_end_is_refused_at_the_limit_and_kept_nowhere() {
    let server = Server::demo(None);
    let (before, key, memory) = (total(&server), server.admin(), resident(&server));
    let spaces = " ".repeat(64 * 1024);
    let chunk = format!("10000\r\n{spaces}\r\n");
    let byte = "1\r\n \r\n".repeat(10_000);
    let (extended, trailer) =
        (format!("1;{}\r\n \r\n", "e".repeat(1_000)), format!("X-T: {}\r\n", "t".repeat(1_000)));
    let declared = format!("{JSON}Content-Length: 10737418240\r\n");
    let (bomb, form) = (format!("{CHUNKED}Content-Encoding: gzip\r\n"), CHUNKED.replace("json", "xml"));
    for (further, first, again, status) in [
        (CHUNKED, "", &chunk, 413),
        (CHUNKED, "280000000\r\n", &spaces, 413),
        (CHUNKED, "", &byte, 413),
        (CHUNKED, "", &extended, 400),
        (CHUNKED, "0\r\n", &trailer, 400),
        (&declared, "", &spaces, 413),
        (&bomb, "", &chunk, 415),
        (&form, "", &chunk, 415),
    ] {
        let what = format!("{further}{first}{again:.20}");
        let mut stream = connect(server.address).unwrap();
        stream.write_all(format!("{}{first}", head(&key, DEALS, further)).as_bytes()).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let answered = thread::spawn(move || read_answer(&mut reader, false).map(|answer| answer.status));
        let most = 32 * 1024 * 1024 / again.len();
        let taken = (0..most).take_while(|_| stream.write_all(again.as_bytes()).is_ok()).count();
        assert!(taken < most, "32 MB were taken: {what}");
        assert_eq!(answered.join().unwrap().unwrap(), status, "{what}");
        let grown = resident(&server).saturating_sub(memory);
        assert!(grown < MEMORY, "it has grown by {} KiB: {what}", grown / 1024);
        assert_eq!(total(&server), before, "{what}");
    }
    // Up to the limit, chunks of a byte are a body like any other.
    for (length, status) in [(256 * 1024, 201), (256 * 1024 + 1, 413)] {
        let body = format!("{DEAL}{}", " ".repeat(length - DEAL.len()));
        let chunks: String = body.chars().map(|byte| format!("1\r\n{byte}\r\n")).collect();
        let whole = format!("{}{chunks}0\r\n\r\n", head(&key, DEALS, CHUNKED));
        assert_eq!(statuses(&server, &whole, 1), [status], "{length}");
    }
}

#[test]
fn a_length_that_lies_reaches_no_further_than_its_own_request() {
    let server = Server::demo(None);
    let (before, key) = (total(&server), server.admin());
    let nobody =
        format!("{DEALS}\r\nHost: a\r\nX-Origin-App: attack\r\n{JSON}Content-Length: 13\r\n\r\n{DEAL}");
    let whole = |length: usize, body: &str| {
        format!("{}{body}", head(&key, DEALS, &format!("{JSON}Content-Length: {length}\r\n")))
    };
    for (length, body, expected) in [
        (262_145, DEAL, &[413][..]),
        (5, DEAL, &[400, 400]),
        (2, &format!("{{}}{DEAL}"), &[422, 400]),
        // What follows is a request of its own, by nobody.
        (2, &format!("{{}}{nobody}"), &[422, 401]),
        (0, &nobody, &[400, 401]),
    ] {
        assert_eq!(statuses(&server, &whole(length, body), expected.len()), expected, "{length} {body}");
    }
    for length in [DEAL.len() + 1, 100, 262_144] {
        let mut stream = connect(server.address).unwrap();
        stream.write_all(whole(length, DEAL).as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = read_answer(&mut BufReader::new(stream), false).unwrap();
        assert_eq!(answer.status, 400, "{length}, and no more");
    }
    assert_eq!(total(&server), before);
}

#[test]
fn nothing_is_promised_switched_or_passed_on_before_it_was_looked_at() {
    let server = Server::demo(None);
    let (key, viewer) = (server.admin(), server.key("viewer@acme.example", "acme-capital", "full_access"));
    let expecting = |key: &str, length: usize, further: &str| {
        head(key, DEALS, &format!("Expect: 100-continue\r\nContent-Length: {length}\r\n{further}"))
    };
    let all = format!("{}{DEAL}", expecting(&key, DEAL.len(), JSON));
    for (bytes, expected) in [
        (expecting("lev_sk_no", 13, JSON), &[401][..]),
        (expecting(&viewer, 13, JSON), &[403]),
        (expecting(&key, 13, ""), &[415]),
        (expecting(&key, 13, &format!("{JSON}Content-Encoding: br\r\n")), &[415]),
        (expecting(&key, 262_145, JSON), &[413]),
        (all.replace("HTTP/1.1", "HTTP/1.0"), &[201]),
        (all, &[100, 201]),
    ] {
        let got = statuses(&server, &bytes, expected.len());
        // Who does not wait need not be told to go on.
        assert!(got == expected || (expected.len() == 2 && got == [201]), "{got:?}: {bytes}");
    }
    let nobody = format!("{ME}\r\nHost: a\r\nConnection: close\r\n\r\n");
    let connect = |further: &str| {
        head(&key, "CONNECT a:443 HTTP/1.1", further).replace("Host: a\r\n", "Host: a:443\r\n")
    };
    let socket =
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n";
    let h2c = "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMA\r\n";
    for (first, status) in [
        (head(&key, ME, socket), 200),
        (head(&key, ME, &socket.replace("websocket", "TLS/1.3")), 200),
        (head(&key, ME, h2c), 200),
        (connect(""), 404),
        (connect(socket), 404),
    ] {
        for (early, second) in [
            (nobody.as_str(), 401),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", 400),
            ("\x16\x03\x01\x02\0\x01\0", 400),
            ("SSH-2.0-x\r\n", 400),
        ] {
            let got = statuses(&server, &format!("{first}{early}"), 2);
            // Bytes that are no HTTP/1.1 may also be met by silence.
            let silent = second == 400 && got == [status];
            assert!(silent || got == [status, second], "{got:?}: {first}{early:?}");
        }
    }
    for coding in ["chunked", "Chunked", "gzip, chunked", "identity"] {
        let old = head(&key, &DEALS.replace("1.1", "1.0"), &format!("{JSON}Transfer-Encoding: {coding}\r\n"));
        let smuggled = format!("{old}d\r\n{DEAL}\r\n0\r\n\r\n{}", head(&key, ME, ""));
        assert_eq!(statuses(&server, &smuggled, 2), [400], "HTTP/1.0 {coding}");
    }
}

/// What becomes of requests with these targets and hosts (`target|host`, or `:authority|host` on HTTP/2).
fn wrong_about(server: &Server, cases: &str, good: u16) -> Vec<String> {
    let url = server.line["url"].as_str().unwrap();
    let mut wrong = Vec::new();
    for case in cases.split(';').map(str::trim) {
        let (target, host) = case.split_once('|').unwrap();
        let line = format!("POST {target}/api/external/v2/deals HTTP/1.1");
        let head = head(&server.admin(), &line, &format!("{JSON}Content-Length: 13\r\n"));
        let head = head.replace("Host: a\r\n", &format!("Host: {host}\r\n"));
        let answer = &answers(server, &format!("{head}{DEAL}"), 1)[0];
        let told = answer.header("location").unwrap_or(url).starts_with(url);
        if answer.status != good || !told {
            wrong.push(format!("{case}: {}", answer.status));
        }
    }
    wrong
}

fn wrong_about_http_2(server: &Server, cases: &str, good: bool) -> Vec<String> {
    let bearer = format!("Bearer {}", server.admin());
    let mut wrong = Vec::new();
    for case in cases.split(';').map(str::trim) {
        let (authority, host) = case.split_once('|').unwrap();
        let both = [(":authority", authority), ("host", host)];
        let further = if host.is_empty() { &both[..1] } else { &both };
        let request = fields(("GET", "/api/external/v2/me"), &bearer, &[":authority"], further);
        let wire = ask(server, &block(&request), b"");
        if (wire.fates[&1].status == Some(200)) != good || wire.is_refused(1) == good {
            wrong.push(format!("HTTP/2 {case}: {:?}", wire.fates[&1].status));
        }
    }
    wrong
}

#[test]
fn a_request_names_one_host_and_it_is_never_believed() {
    let server = Server::demo(None);
    let good =
        "|a; |a:80; |[::1]:8080; |evil.example; |A.Example:1; http://a|a; http://A|a; http://a:80|a:80";
    let bad = "http://a:80|a:81; http://a:80|a; http://b|a; http://x@a|a; |; |a b; |a/b; |x@a; |a:80:80; |[::1; |http://a; \
               |a#b; |a?b; |a\\b; |a\r\nHost: a; |a\r\nHost: b; |\u{e4}";
    let wrong = [
        wrong_about(&server, good, 201),
        wrong_about(&server, bad, 400),
        wrong_about_http_2(&server, "a:80|; a:80|a:80; A|a", true),
        wrong_about_http_2(&server, "a:80|a; a|a:80; a:80|a:81; a:80|b:80; x@a|; a b|", false),
    ];
    assert!(wrong.concat().is_empty(), "{:#?}", wrong.concat());
}

#[test]
fn a_host_without_a_name_or_with_a_port_that_is_none_is_refused() {
    let server = Server::demo(None);
    let wrong = wrong_about(&server, "|a:b; |a:99999; |:80; http://a:b|a:b", 400);
    let wrong = [wrong, wrong_about_http_2(&server, "a:b|; a:99999|; a:b|a:b", false)];
    assert!(wrong.concat().is_empty(), "{:#?}", wrong.concat());
}

const SPOOFS: &str = "X-Forwarded-For X-Real-IP X-Client-IP X-Cluster-Client-IP True-Client-IP CF-Connecting-IP Fastly-Client-IP \
                      X-Forwarded X-Original-Forwarded-For X-ProxyUser-IP Via Forwarded X-User-Id X-Account-Id X-Remote-User \
                      Remote-User X-Auth-Request-User X-Forwarded-User X-Scopes X-Role X-Tenant X-Api-Key X-SSL-Client-Verify";

#[test]
fn no_header_makes_a_request_anothers_or_brings_it_from_elsewhere() {
    for trusted in ["", "127.0.0.0/8"] {
        let server = with(&[("KEYWARD_SERVER_TRUSTED_PROXIES", trusted), ("KEYWARD_LOG_FORMAT", "json")]);
        let office = json!({ "label": "office", "allowed_ips": ["203.0.113.0/24"] });
        let office = server.client(&server.admin()).post("/api-keys", &office).data(201);
        let mut office = server.client(office["api_key"].as_str().unwrap());
        let mut viewer = server.client(&server.key("viewer@acme.example", "acme-capital", "full_access"));
        let me = viewer.get("/me").data(200);
        // The one header that a trusted proxy is believed by.
        let names = SPOOFS.split_whitespace().filter(|name| trusted.is_empty() || *name != "X-Forwarded-For");
        let values = ["203.0.113.9", "1", "for=203.0.113.9;host=evil.example"];
        for (name, value) in names.flat_map(|name| values.map(|value| (name, value))) {
            let twin = name.replace('-', "_");
            for name in BTreeSet::from([name, &twin]) {
                let plain = !name.contains('_');
                let further = [
                    (name, value),
                    (name, value),
                    ("Connection", "authorization, x-user-id"),
                    ("Content-Type", "application/json"),
                ];
                let answer = viewer.call("GET", "/me", &further, b"").unwrap();
                assert_eq!(answer.status, if plain { 200 } else { 400 }, "{name}: {value}");
                assert!(!plain || answer.data(200) == me, "{name}: {value}");
                let refused = office.call("GET", "/me", &further, b"").unwrap();
                assert_eq!(refused.status, if plain { 401 } else { 400 }, "{name}: {value}");
                let write = viewer.call("POST", "/deals", &further, DEAL.as_bytes()).unwrap();
                assert_eq!(write.status, if plain { 403 } else { 400 }, "{name}: {value}");
            }
        }
        let log = server.stderr();
        let requests = log.lines().filter(|line| line.contains("\"target\":\"keyward::request\""));
        // A trusted proxy that names no address in the header that is read lends none.
        let own = if trusted.is_empty() { r#""address":"127.0.0.1""# } else { r#""address":"unknown""# };
        let (here, elsewhere): (Vec<_>, Vec<_>) = requests.partition(|line| line.contains(own));
        // Of the refusals that anybody could cause a sample is logged.
        assert!(here.len() > 250 && elsewhere.is_empty(), "{elsewhere:?}");
    }
}

#[test]
fn neither_listener_serves_what_is_the_others_and_no_verb_changes_that() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = with(&[("KEYWARD_SERVER_ADMIN_LISTEN", &free.to_string())]);
    let bearer = format!("Bearer {}", server.admin());
    let caller = [("Authorization", bearer.as_str()), ("X-Origin-App", "attack")];
    let (mut admin, mut api) = (Client::to(free), Client::to(server.address));
    for row in keyward::routes::table() {
        let path = format!("/api/external/v2{}", row.path).replace("{deal_id}", "1").replace("{key_id}", "1");
        let answer = admin.send(row.method.as_str(), &path, &caller, b"").unwrap();
        assert_eq!((answer.status, answer.body.len()), (404, 0), "{row:?}");
    }
    for path in ["/metrics", "/livez", "/readyz"] {
        for verb in ["POST", "PUT", "DELETE", "TRACE", "PATCH"] {
            assert_eq!(admin.send(verb, path, &[], b"").unwrap().status, 405, "{verb} {path}");
        }
        for base in ["", "/api/external/v2", "/admin", "/platform"] {
            api.send("GET", &format!("{base}{path}"), &caller, b"").unwrap().is_refusal(404, "NOT_FOUND");
        }
    }
    // The next answer on the same connection begins where an answer to HEAD ends.
    for (path, status) in
        [("/me", 200), ("//me", 400), ("/nowhere", 404), ("/deals/0", 404), ("/deals?limit=0", 400)]
    {
        let path = format!("/api/external/v2{path}");
        let get = api.send("GET", &path, &caller, b"").unwrap();
        let head = api.send("HEAD", &path, &caller, b"").unwrap();
        assert_eq!((get.status, head.status), (status, status), "{path}");
        for name in ["content-type", "content-length", "cache-control", "x-content-type-options", "link"] {
            assert_eq!(get.header(name), head.header(name), "{name} of {path}");
        }
    }
    for (line, status) in [
        ("TRACE /api/external/v2/me", 405),
        ("TRACE /", 405),
        ("TRACE /nowhere", 404),
        ("CONNECT a", 404),
        ("OPTIONS *", 204),
    ] {
        let answer = &answers(&server, &head(&server.admin(), &format!("{line} HTTP/1.1"), ""), 1)[0];
        assert_eq!(answer.status, status, "{line}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("lev_sk_"), "{line}");
    }
}

#[test]
fn a_head_of_too_much_is_refused_and_costs_nothing() {
    let server = Server::demo(None);
    let (key, memory) = (server.admin(), resident(&server));
    let tiny = |count: usize| (0..count).map(|n| format!("X-{n}: v\r\n")).collect::<String>();
    let large = |length: usize| format!("X-Large: {}\r\n", "l".repeat(length));
    // Three fields stand there already. Of what nobody reads to its end, the answer may be lost with the connection.
    let (few, many) = ([(tiny(97), 200), (tiny(98), 431)], [tiny(9_997), large(400_000), large(1 << 20)]);
    for (further, status) in few.into_iter().chain([(large(31_000), 200), (large(33_000), 431)]) {
        let answer = &answers(&server, &head(&key, ME, &further), 1)[0];
        assert_eq!((answer.status, answer.json()["request_id"].is_string()), (status, true), "{further:.50}");
    }
    for further in many.iter().flat_map(|further| [further; 20]) {
        let got = statuses(&server, &head(&key, ME, further), 1);
        assert!(got.is_empty() || got == [431], "{got:?} {further:.50}");
    }
    let grown = resident(&server).saturating_sub(memory);
    assert!(grown < MEMORY, "it has grown by {} KiB", grown / 1024);
    assert_eq!(statuses(&server, &head(&key, ME, ""), 1), [200]);
}

#[test]
fn a_client_that_drips_its_body_or_asks_for_nothing_more_is_let_go() {
    let server = Server::demo(None);
    let begun = head(&server.admin(), DEALS, &format!("{JSON}Content-Length: 1000\r\n"));
    let held = [(begun, &b"{"[..]), (head(&server.admin(), ME, ""), b"")].map(|(first, again)| {
        let mut stream = connect(server.address).unwrap();
        stream.write_all(first.as_bytes()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        // 25 s at most.
        let is_over = move |_| {
            let read = stream.write_all(again).and_then(|()| stream.read(&mut [0; 4_096]));
            read.map_or_else(|error| !only_waits(&error), |read| read == 0)
        };
        thread::spawn(move || (0..250).any(is_over))
    });
    assert!(held.into_iter().all(|held| held.join().unwrap()));
}

fn words(data: &Path, order: &[&str]) -> String {
    let output = run(keyward(order).args(["--data", text(data)]));
    assert!(output.status.success(), "{order:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What the operator reads after a client has named keys and deals like this: orders in words, and both logs. What of it
/// would change how a terminal shows the rest.
fn shown_of(names: &[&str]) -> BTreeSet<String> {
    let home = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    for format in ["json", "text"] {
        let mut command = keyward(&Server::demo_arguments(Some(home.path())));
        command.env("KEYWARD_LOG_FORMAT", format).env("KEYWARD_LOG_LEVEL", "debug");
        let mut server = Server::demo_by(unlimited(command));
        let mut admin = server.client(&server.admin());
        for name in names {
            let made = admin.post("/api-keys", &json!({ "label": format!("k{name}k") })).data(201);
            admin.post("/deals", &json!({ "title": format!("d{name}d") })).data(201);
            let refused = server.client(made["api_key"].as_str().unwrap()).get("/deals/0");
            told.push(("explain", words(home.path(), &["explain", refused.header("x-request-id").unwrap()])));
            for header in ["User-Agent", "Referer", "X-Request-Id", "X-Origin-App", "Traceparent"] {
                // Some of these are no HTTP.
                let _ = Client::again(&admin).call("GET", "/me", &[(header, name)], b"");
            }
        }
        let count = |sql| usize::try_from(number(&home.path().join("keyward.db"), sql).unwrap()).unwrap();
        let trail = words(home.path(), &["audit"]);
        assert_eq!(trail.lines().count(), count("SELECT count(*) FROM audit"), "{trail}");
        let keys = words(home.path(), &["key", "list", "--account", "acme-capital"]);
        assert_eq!(
            keys.lines().count(),
            count("SELECT count(*) FROM api_keys WHERE account_id = 1"),
            "{keys}"
        );
        server.terminate();
        told.extend([("key list", keys), ("audit", trail), (format, server.stderr())]);
    }
    // Controls; what is not seen, separators and marks of direction.
    let moves = |c: &char| {
        c.is_control()
            || matches!(*c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let found = told.iter().flat_map(|(place, told)| {
        let found = told.chars().filter(|c| *c != '\n').filter(moves);
        found.map(move |c| format!("{} in {place}", c.escape_unicode()))
    });
    found.collect()
}

#[test]
fn a_name_with_control_characters_stays_one_line_and_moves_no_cursor() {
    let long = "evil ".repeat(50);
    let names =
        ["\r\nevil", "\u{1b}[31mevil\u{1b}]0;evil\u{7}", "\u{7f}\u{8}\u{9b}31m\u{85}", "\tevil", &long];
    assert_eq!(shown_of(&names), BTreeSet::new());
}

#[test]
fn a_name_with_marks_of_direction_does_not_reorder_what_the_operator_reads() {
    let names = ["\u{202e}evil\u{202c}", "\u{2066}\u{200f}evil", "\u{2028}\u{feff}\u{200b}evil"];
    assert_eq!(shown_of(&names), BTreeSet::new());
}

#[test]
fn hostile_bytes_leave_one_line_of_json_for_each_answer() {
    let mut server = with(&[("KEYWARD_LOG_FORMAT", "json"), ("KEYWARD_LOG_LEVEL", "trace")]);
    let (key, long) = (server.admin(), "evil".repeat(1 << 18));
    let mut answered = BTreeSet::new();
    for hostile in
        ["evil\u{1b}[31m", "evil\u{202e}", "evil\revil", "evil\nevil: x", "evil\0", "\u{85}evil", &long]
    {
        for raw in [
            format!("{hostile}\r\n\r\n"),
            head(&key, &format!("GET /api/external/v2/{hostile} HTTP/1.1"), ""),
            head(&key, &format!("GET /api/external/v2/me?{hostile} HTTP/1.1"), ""),
            head(&key, &format!("{hostile} /api/external/v2/me HTTP/1.1"), ""),
            head(&key, &format!("GET /api/external/v2/me {hostile}"), ""),
            head(&key, ME, &format!("User-Agent: {hostile}\r\n")),
            head(&key, ME, &format!("X-{hostile}: x\r\n")),
            head(hostile, ME, ""),
            format!("{ME}\r\nHost: {hostile}\r\n\r\n"),
        ] {
            let got = answers(&server, &raw, 1);
            answered
                .extend(got.iter().filter_map(|answer| answer.header("x-request-id").map(ToOwned::to_owned)));
        }
    }
    server.terminate();
    let log = server.stderr();
    let plain = |line: &str| line.len() < 1_000 && line.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    assert!(log.lines().all(plain), "{log}");
    let events = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ids =
        events.filter_map(|event| event["request_id"].as_str().map(ToOwned::to_owned)).collect::<Vec<_>>();
    assert!(
        ids.len() >= 12 && ids.len() == answered.len() && ids.iter().all(|id| answered.contains(id)),
        "{ids:?}"
    );
}

#[test]
fn ten_times_the_rows_of_every_policy_table_change_nobodys_rights() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let keys: Vec<String> = server.line["api_keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["api_key"].as_str().unwrap().to_owned())
        .collect();
    let rights = |server: &Server| -> Vec<Value> {
        keys.iter()
            .map(|key| server.client(key).get("/me").json()["data"]["platform"]["granted_scopes"].clone())
            .collect()
    };
    let before = rights(&server);
    server.terminate();
    let database = home.path().join("keyward.db");
    let nine = "(VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9))";
    let more = format!(
        "INSERT INTO accounts (slug, name, tier, created_at) SELECT slug || column1, name, tier, 0 FROM accounts, {nine};
         INSERT INTO users (uuid, email, first_name, last_name, created_at)
         SELECT uuid || column1, column1 || email, first_name, last_name, 0 FROM users, {nine};
         INSERT INTO memberships (account_id, user_id, role, created_at)
         SELECT a.id, u.id, 'admin', 0 FROM accounts a, users u WHERE a.id > 2 AND u.id > 5 LIMIT 60;
         INSERT INTO api_keys (account_id, user_id, label, prefix, permission, scopes, created_at)
         SELECT account_id, user_id, label, prefix, permission, scopes, 0 FROM api_keys, {nine};
         INSERT INTO api_key_secrets (digest, key_id, pepper_version, created_at)
         SELECT randomblob(32), id, 1, 0 FROM api_keys WHERE id > {};",
        keys.len()
    );
    change_by_force(&database, &more).unwrap();
    assert_eq!(number(&database, "SELECT count(*) FROM api_key_secrets").unwrap(), 70);
    let server = Server::demo(Some(home.path()));
    assert_eq!(rights(&server), before);
    let log = server.stderr();
    assert!(!log.contains("left out") && !log.contains("panicked"), "{log}");
}

fn init(data: &Path) -> Command {
    keyward(&["init", "--json", "--account", "bank", "--email", "ada@bank.example", "--data", text(data)])
}

#[test]
fn no_two_first_starts_make_the_same_secret() {
    let mut secrets = Vec::new();
    for _ in 0..2 {
        let (bank, show) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let made: Value = serde_json::from_slice(&run(&mut init(bank.path())).stdout).unwrap();
        let mut server = Server::demo(Some(show.path()));
        server.terminate();
        let keys = server.line["api_keys"].as_array().unwrap().iter().map(|key| &key["api_key"]);
        let users = server.line["users"].as_array().unwrap().iter().map(|user| &user["password"]);
        let all = keys.chain(users).chain([&made["api_key"]["api_key"], &made["user"]["password"]]);
        secrets.extend(all.map(|secret| secret.as_str().unwrap().to_owned()));
        secrets.extend([&bank, &show].map(|home| root_secret(home.path())));
    }
    assert_eq!(secrets.len(), 2 * (7 + 5 + 2 + 2));
    assert!(secrets.iter().all(|secret| secret.len() >= 24), "{secrets:?}");
    assert_eq!(
        secrets.iter().collect::<BTreeSet<_>>().len(),
        secrets.len(),
        "one is there twice: {secrets:?}"
    );
}

fn root_secret(data: &Path) -> String {
    let file = fs::read_to_string(data.join("root-secret")).unwrap();
    file.lines().find_map(|line| line.strip_prefix("1 ")).unwrap().trim().to_owned()
}

#[test]
fn whatever_the_umask_says_everything_is_made_for_its_user_alone() {
    let home = tempfile::tempdir().unwrap();
    let open = |command: &Command| {
        let mut open = Command::new("sh");
        open.args(["-c", "umask 000; exec \"$0\" \"$@\""])
            .arg(command.get_program())
            .args(command.get_args());
        clean(&mut open);
        open
    };
    let (bank, show) = (home.path().join("a/bank"), home.path().join("b/show"));
    assert!(run(&mut open(&init(&bank))).status.success());
    let mut server = Server::demo_by(open(&keyward(&Server::demo_arguments(Some(&show)))));
    assert_eq!(server.client(&server.admin()).post("/deals", &json!({ "title": "x" })).status, 201);
    let copy = show.join("copy.db");
    for order in [&["backup", text(&copy)][..], &["secret", "rotate"]] {
        assert!(run(open(&keyward(order)).args(["--data", text(&show)])).status.success(), "{order:?}");
    }
    let made: Vec<_> = contents(home.path()).into_keys().chain([show.join("keyward.db.sock")]).collect();
    assert!(made.iter().any(|path| text(path).ends_with("-wal")) && made.contains(&copy), "{made:?}");
    for path in made {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    for directory in ["a", "a/bank", "b", "b/show"] {
        assert_eq!(mode(&home.path().join(directory)), 0o700, "{directory}");
    }
    server.terminate();
}

#[test]
fn a_port_that_is_none_is_refused_in_every_setting_that_is_a_url() {
    let mut taken = Vec::new();
    let check = ["config", "check", "--for-another-machine"];
    for (variable, host) in
        [("KEYWARD_SERVER_PUBLIC_URL", "api.example"), ("KEYWARD_CORS_ORIGINS", "app.example")]
    {
        for port in ["port", "99999"] {
            let output = run(keyward(&check).env(variable, format!("https://{host}:{port}")));
            if output.status.code() != Some(2) {
                taken.push(format!("{variable}=https://{host}:{port}"));
            }
        }
        assert!(run(keyward(&check).env(variable, format!("https://{host}:8443"))).status.success());
    }
    assert!(taken.is_empty(), "{taken:?}");
}

const PAGES: &str = "|demo|serve|init|key create|key list|key revoke|key rotate|user|user create|account|account create|secret|\
                     secret rotate|secret status|explain|audit|backup|restore|config|config show|config check|config schema";

#[test]
fn an_unsafe_start_is_refused_and_no_refusal_and_no_help_shows_a_secret() {
    let home = tempfile::tempdir().unwrap();
    let (data, config) = (home.path().join("data"), home.path().join("keyward.toml"));
    assert!(run(&mut init(&data)).status.success());
    let secret = root_secret(&data);
    let pair = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (cert, pem) = (pair.cert.pem(), pair.signing_key.serialize_pem());
    fs::write(home.path().join("cert.pem"), cert).unwrap();
    fs::write(home.path().join("key.pem"), &pem).unwrap();
    fs::set_permissions(home.path().join("key.pem"), Permissions::from_mode(0o604)).unwrap();
    let hidden = [&secret[..20], pem.lines().nth(1).unwrap(), "zQ9marker7"];
    let hides = |said: &str| !hidden.iter().any(|hidden| said.contains(hidden));
    let serve = |listen: &str| keyward(&["serve", "--listen", listen, "--data", text(&data)]);
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80", "[::ffff:192.0.2.1]:80", "[2001:db8::1]:80"] {
        for mut command in [serve(listen), keyward(&["demo", "--listen", listen])] {
            let said = refused(&mut command);
            assert!(said.contains("server.public_url is missing"), "{said}");
        }
    }
    for (variable, value) in [
        ("KEYWARD_ROOT_SECRETS", secret.as_str()),
        ("KEYWARD_ROOTSECRET", &secret),
        ("KEYWARD_SECRET", &secret),
        ("KEYWARD_SECRETS_FILES", &secret),
        ("KEYWARD_SERVER_TLSKEY", &pem),
        ("KEYWARD_ROOT_SECRET", &secret),
        ("KEYWARD_ROOT_SECRET", &format!("1 {secret} {secret}")),
        ("KEYWARD_SERVER_PUBLIC_URL", "https://user:zQ9marker7@a.example"),
        ("KEYWARD_SERVER_PUBLIC_URL", "http://api.example"),
    ] {
        let said = refused(serve("127.0.0.1:0").env(variable, value));
        assert!(said.contains(variable) && hides(&said), "{variable}: {said}");
    }
    for (written, expected) in [
        ("[server]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n", "chmod o="),
        (&format!("[secrets]\nroot = \"{secret}\"\n"), "there is no root in [secrets]"),
        (&format!("[secrets]\n{secret}\n"), "keyward.toml:2"),
        (&format!("[secrets]\nfile = {secret}\n"), "keyward.toml:2"),
        (&format!("1 {secret}\n"), "keyward.toml:1"),
        (&pem, "keyward.toml:1"),
    ] {
        fs::write(&config, written).unwrap();
        let output = run(serve("127.0.0.1:0").args(["--config", text(&config)]));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && output.stdout.is_empty(), "{said}");
        assert!(said.contains(expected) && hides(&said), "{expected}: {said}");
    }
    for page in PAGES.split('|') {
        for help in [true, false] {
            // Orders without their arguments say what is missing; a server would start.
            let more = help.then_some("--help").or((page == "demo").then_some("--help"));
            let mut command = keyward(&page.split_whitespace().chain(more).collect::<Vec<_>>());
            command
                .env("KEYWARD_ROOT_SECRET", format!("1 {secret}"))
                .env("RUST_LOG", "trace")
                .current_dir(home.path());
            let output = run(&mut command);
            let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
            assert!(!said.is_empty() && hides(&said), "{page}: {said}");
        }
    }
}
