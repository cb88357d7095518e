//! No secret is in the database, in its log files or in anything that the program prints, but where it belongs.

use crate::search::{Needles, key_like};
use crate::secrets_of_sign_in::signed_in;
use crate::support::{BASE, Client, Server, connect, keyward, run, text, unlimited};
use keyward_sqlite::faults::WriteLock;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

/// What no client's mistake may bring into a file.
pub(crate) const MARKER: &str = "zQ9marker7Vx2sesame5Lk";
/// UUIDs that a client sends as Idempotency-Key: secrets too.
const UUIDS: [&str; 2] = ["5e5a3e17-0bad-4cab-9a7e-00c0ffee1234", "5e5a3e17-0bad-4cab-9a7e-00c0ffee1235"];

/// What the requests here are refused for, at every step on the way.
const DENIALS: [&str; 32] = [
    "account_foreign",
    "body_too_large",
    "body_unreadable",
    "client_secret_wrong",
    "client_unknown",
    "code_replayed",
    "code_unknown",
    "content_type_unsupported",
    "credential_malformed",
    "credential_unknown_kind",
    "form_unusable",
    "header_malformed",
    "headers_too_large",
    "idempotency_key_malformed",
    "idempotency_key_reused",
    "invalid",
    "json_malformed",
    "key_malformed",
    "key_revoked",
    "key_unknown",
    "link_unusable",
    "metadata_unfit",
    "method_not_allowed",
    "not_found",
    "oauth_request_malformed",
    "password_wrong",
    "path_ambiguous",
    "query_malformed",
    "redirect_uri_unknown",
    "refresh_unknown",
    "route_unknown",
    "store_unavailable",
];

/// An operator who wants to see all.
fn talkative(mut command: Command, format: &str) -> Command {
    command.env("KEYWARD_LOG_LEVEL", "trace").env("KEYWARD_LOG_FORMAT", format);
    command
}

/// Every file of the data directory but those that hold secrets by their purpose, and all that was printed.
fn places(data: &Path, server: &Server) -> Vec<(String, Vec<u8>)> {
    let mut places: Vec<(String, Vec<u8>)> = fs::read_dir(data)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        // The operator's socket holds nothing.
        .filter(|path| path.is_file())
        .filter(|path| {
            !["root-secret", "demo-credentials.json"].contains(&path.file_name().unwrap().to_str().unwrap())
        })
        .map(|path| (text(&path).to_owned(), fs::read(&path).unwrap()))
        .collect();
    let stdout = server.stdout();
    let after_the_line = stdout.split_once('\n').map_or("", |(_, rest)| rest);
    places.push(("stdout after the first line".to_owned(), after_the_line.as_bytes().to_vec()));
    places.push(("stderr".to_owned(), server.stderr().into_bytes()));
    places
}

fn assert_clean(places: &[(String, Vec<u8>)], needles: &Needles) {
    for (place, bytes) in places {
        assert_eq!(needles.found_in(bytes), [""; 0], "in {place}");
        assert_eq!(key_like(bytes), None, "in {place}");
    }
}

/// The search is not blind: what must be there is found there.
fn assert_found(places: &[(String, Vec<u8>)], place: &str, what: &str) {
    let mut control = Needles::new();
    control.add("control", what.as_bytes());
    let found = places
        .iter()
        .filter(|(name, _)| name.contains(place))
        .any(|(_, bytes)| !control.found_in(bytes).is_empty());
    assert!(found, "{what} is not in {place}");
}

/// The bytes of the root secret and its text.
fn add_root_secret(needles: &mut Needles, file: &str) {
    let line = file.lines().find(|line| line.starts_with("1 ")).unwrap();
    let encoded = line.strip_prefix("1 ").unwrap().trim();
    needles.add("root secret's text", encoded.as_bytes());
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = encoded
        .bytes()
        .filter_map(|character| alphabet.iter().position(|known| *known == character))
        .flat_map(|value| (0..6).rev().map(move |bit| u8::from((value >> bit) & 1 == 1)))
        .collect();
    let bytes: Vec<u8> =
        bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| byte * 2 + bit)).collect();
    assert_eq!(bytes.len(), 32);
    needles.add("root secret", &bytes);
}

/// The demo's keys and passwords, from its line.
fn add_credentials(needles: &mut Needles, line: &Value) {
    for key in line["api_keys"].as_array().unwrap() {
        needles.add_key(&format!("key {}", key["id"]), key["api_key"].as_str().unwrap());
    }
    for user in line["users"].as_array().unwrap() {
        needles.add(&format!("password of {}", user["email"]), user["password"].as_str().unwrap().as_bytes());
    }
}

/// A well-formed key that nobody has: another installation's.
fn stranger() -> String {
    let server = Server::demo(None);
    server.admin()
}

/// A request without the client's own headers, whatever comes of it. Each comes from an address of its own: of one address
/// the log has a sample of what is refused, and here every line is searched.
fn odd(client: &mut Client, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
    client.at_another_address().send(method, target, headers, body).unwrap().status
}

/// Secrets where they do not belong, in the hands of a clumsy client with a good key.
fn clumsy_requests(client: &mut Client, key: &str) {
    let bearer = format!("Bearer {key}");
    let usual = [("Authorization", bearer.as_str()), ("X-Origin-App", "clumsy")];
    let json = ("Content-Type", "application/json");
    let me = format!("{BASE}/me");
    let deals = format!("{BASE}/deals");
    for secret in [MARKER, key] {
        for (name, value) in [
            ("Authorization", format!("Bearer {secret}")),
            ("Authorization", format!("bearer  {secret}")),
            ("Authorization", format!("Basic {secret}")),
            ("Authorization", secret.to_owned()),
            ("Authorization", format!("Bearer {secret}.{secret}.{secret}")),
            ("Authorization", format!("Bearer {key}{secret}")),
            ("Cookie", format!("session={secret}")),
        ] {
            odd(client, "GET", &me, &[(name, &value), ("X-Origin-App", "clumsy")], b"");
        }
        for target in [
            format!("{me}?api_key={secret}"),
            format!("{me}?access_token={secret}&{secret}={secret}"),
            format!("{deals}?cursor={secret}"),
            format!("{deals}?limit={secret}"),
            format!("{deals}?filter[{secret}]={secret}"),
            format!("{deals}/{secret}"),
            format!("{BASE}/api-keys/{secret}"),
            format!("{BASE}/{secret}"),
            format!("/{secret}?{secret}"),
            format!("{deals}//{secret}"),
            format!("{deals}/%2e%2e/{secret}"),
        ] {
            for method in ["GET", "HEAD", "DELETE", "OPTIONS", "PUT", MARKER] {
                if method == "HEAD" || method == "OPTIONS" || method == MARKER {
                    // On connections of their own: the answers have no body.
                    let mut own = Client::again(client);
                    odd(&mut own, method, &target, &usual, b"");
                } else {
                    odd(client, method, &target, &usual, b"");
                }
            }
        }
        let rotate = format!("{BASE}/api-keys/{secret}/rotate");
        odd(client, "POST", &rotate, &usual, b"");
        let member = format!("{{\"{secret}\":\"{secret}\"}}");
        let broken = format!("{{\"title\":\"{secret}\",");
        let doubled = format!("{{\"{secret}\":1,\"{secret}\":2}}");
        let wrong =
            json!({ "title": [secret], "loan_type": secret, "loan_amount": secret, "close_date": secret });
        let deep = format!("{}\"{secret}\"{}", "[".repeat(100), "]".repeat(100));
        let label =
            json!({ "label": "ok", "scopes": [secret], "allowed_ips": [secret], "expires_at": secret });
        let bodies = [member, broken, doubled, wrong.to_string(), deep, label.to_string(), secret.to_owned()];
        for path in ["/deals", "/api-keys", "/auth/validate-api-key"] {
            for body in &bodies {
                let status = odd(
                    client,
                    "POST",
                    &format!("{BASE}{path}"),
                    &[usual[0], usual[1], json],
                    body.as_bytes(),
                );
                assert!((400..500).contains(&status), "{status} {path} {body}");
            }
        }
        odd(
            client,
            "PATCH",
            &format!("{BASE}/me/active-account"),
            &[usual[0], usual[1], json],
            format!("{{\"slug\":\"{secret}\"}}").as_bytes(),
        );
        for header in [
            ("X-Active-Account", secret.to_owned()),
            ("X-Origin-App", format!("my app {secret}")),
            ("Content-Type", format!("text/{secret}")),
            ("If-Match", format!("\"{secret}\"")),
            ("Idempotency-Key", secret.to_owned()),
            ("X_Key", secret.to_owned()),
            ("X-Forwarded-For", secret.to_owned()),
            ("X-Request-Id", secret.to_owned()),
            ("X-Long", secret.repeat(1_600)),
        ] {
            for (method, target, body) in
                [("GET", me.clone(), &b""[..]), ("PATCH", format!("{deals}/1"), b"{}")]
            {
                let mut own = Client::again(client);
                let mut headers = vec![usual[0], usual[1], json];
                headers.retain(|(name, _)| *name != header.0);
                headers.push((header.0, &header.1));
                odd(&mut own, method, &target, &headers, body);
            }
        }
        let validate = format!("{BASE}/auth/validate-api-key");
        for body in [
            json!({ "api_key": secret }),
            json!({ "api_key": { "key": secret } }),
            json!({ "api_key": format!("{key}{secret}") }),
        ] {
            odd(client, "POST", &validate, &[usual[1], json], body.to_string().as_bytes());
        }
        odd(client, "POST", &validate, &usual, b"");
    }
}

/// What is too long, with secrets in it.
fn long_requests(client: &Client, key: &str) {
    let bearer = format!("Bearer {key}");
    let usual =
        [("Authorization", bearer.as_str()), ("X-Origin-App", "long"), ("Content-Type", "application/json")];
    for secret in [MARKER, key] {
        let long = format!("{{\"title\":\"{}\"}}", secret.repeat(60_000));
        // The server need not wait for all of it.
        let _ = Client::again(client).at_another_address().send(
            "POST",
            &format!("{BASE}/deals"),
            &usual,
            long.as_bytes(),
        );
        let header = secret.repeat(1_600);
        odd(
            &mut Client::again(client),
            "GET",
            &format!("{BASE}/me"),
            &[usual[0], usual[1], ("X-Long", &header)],
            b"",
        );
    }
}

/// What is no HTTP, or ends in the middle.
fn broken_requests(server: &Server, key: &str) {
    for bytes in [
        format!("{MARKER}\r\n\r\n"),
        format!("GET /{MARKER} {MARKER}\r\n\r\n"),
        format!("GET {BASE}/me HTTP/1.1\r\nHost: x\r\n{MARKER}\r\n\r\n"),
        format!("GET {BASE}/me HTTP/1.1\r\nHost: {MARKER}\r\nAuthorization: Bearer\u{1}{key}\r\n\r\n"),
        format!(
            "POST {BASE}/deals HTTP/1.1\r\nHost: x\r\nContent-Length: {MARKER}\r\nAuthorization: Bearer {key}\r\n\r\n"
        ),
        format!(
            "POST {BASE}/deals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nX-Origin-App: a\r\n\
             Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{MARKER}\r\n"
        ),
        format!(
            "POST {BASE}/deals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nX-Origin-App: a\r\n\
             Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{{\"title\":\"{MARKER}"
        ),
    ] {
        let mut stream = connect(server.address).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        // The server answers or closes; both are fine.
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

/// Makes and rotates keys, and uses them; every secret that came of it.
fn made_keys(server: &Server, admin: &mut Client) -> Vec<String> {
    let label = json!({ "label": "made for the search", "permission": "full_access" });
    let made = admin.post("/api-keys", &label).data(201);
    let rotate = format!("/api-keys/{}/rotate", made["id"]);
    let rotated = admin.post(&rotate, &json!({ "grace_seconds": 3_600 })).data(200);
    let keys: Vec<String> =
        [made, rotated].iter().map(|answer| answer["api_key"].as_str().unwrap().to_owned()).collect();
    for key in &keys {
        assert_eq!(server.client(key).get("/me").status, 200);
    }
    // A key that ends itself, and is used afterwards.
    let mut last = server.client(&keys[1]);
    let id = last.get("/me").data(200)["platform"]["credential"]["id"].clone();
    assert_eq!(last.call("DELETE", &format!("/api-keys/{id}"), &[], b"").unwrap().status, 200);
    assert_eq!(last.get("/me").status, 401);
    keys
}

/// Makes a key as an assistant would, and says secrets where they do not belong; every secret that came of it.
fn by_tools(admin: &mut Client, key: &str) -> Vec<String> {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Accept", "application/json, text/event-stream"),
        ("Content-Type", "application/json"),
    ];
    let call = |admin: &mut Client, name: &str, arguments: &Value| {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": name, "arguments": arguments,
            "_meta": { "io.modelcontextprotocol/clientInfo": { "name": key, "version": "1" } } } });
        let answer = admin.send("POST", "/mcp", &headers, message.to_string().as_bytes()).unwrap();
        assert_eq!(answer.status, 200);
        let text = answer.json()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
        // A refusal is a sentence.
        serde_json::from_str::<Value>(&text).unwrap_or_default()
    };
    let made = call(admin, "create_api_key", &json!({ "label": "by a tool" }));
    let secret = made["api_key"]["api_key"].as_str().unwrap().to_owned();
    let validated = call(admin, "validate_api_key", &json!({ "api_key": secret }));
    assert_eq!(validated["validation"]["valid"], true);
    for lost in [MARKER, key] {
        for (name, arguments) in [
            ("get_deal", json!({ "deal_id": lost })),
            ("list_deals", json!({ "cursor": lost, lost: lost })),
            ("create_deal", json!({ "title": [lost], "idempotency_key": lost })),
            ("validate_api_key", json!({ "api_key": format!("{key}{lost}") })),
        ] {
            call(admin, name, &arguments);
        }
        let odd = json!({ "jsonrpc": "2.0", "id": lost, "method": lost, "params": { lost: lost } });
        admin.send("POST", "/mcp", &headers, odd.to_string().as_bytes()).unwrap();
        admin.send("POST", &format!("/mcp?token={lost}"), &headers, lost.as_bytes()).unwrap();
    }
    vec![secret]
}

fn no_secret_anywhere(format: &str) {
    let home = tempfile::tempdir().unwrap();
    let data = home.path();
    let mut server =
        Server::demo_by(unlimited(talkative(keyward(&Server::demo_arguments(Some(data))), format)));
    let mut needles = Needles::new();
    needles.add("marker", MARKER.as_bytes());
    for uuid in UUIDS {
        needles.add("idempotency key", uuid.as_bytes());
        let digits = uuid.replace('-', "");
        needles.add("idempotency key without hyphens", digits.as_bytes());
        let byte = |at: usize| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).unwrap();
        needles.add("idempotency key in binary", &(0..16).map(byte).collect::<Vec<u8>>());
    }
    add_credentials(&mut needles, &server.line);
    add_root_secret(&mut needles, &fs::read_to_string(data.join("root-secret")).unwrap());
    let stranger = stranger();
    needles.add_key("stranger", &stranger);

    let key = server.admin();
    let mut admin = server.client(&key);
    let by_tools = by_tools(&mut admin, &key);
    for (number, key) in made_keys(&server, &mut admin).iter().chain(&by_tools).enumerate() {
        needles.add_key(&format!("made key {number}"), key);
    }
    for key in server.line["api_keys"].as_array().unwrap() {
        let key = key["api_key"].as_str().unwrap();
        let mut client = server.client(key);
        assert_eq!(client.get("/me").status, 200);
        let asked = client.post("/auth/validate-api-key", &json!({ "api_key": key }));
        assert_eq!(asked.data(200)["valid"], true);
        assert_eq!(client.call("POST", "/auth/validate-api-key", &[], b"").unwrap().data(200)["valid"], true);
    }
    assert_eq!(server.client(&stranger).get("/me").status, 401);
    let asked = admin.post("/auth/validate-api-key", &json!({ "api_key": stranger }));
    assert_eq!(asked.data(200)["valid"], false);
    // Twice, for what is stored of the first answer; a key that is shown again was kept sealed.
    let mut once = |uuid: &str, path: &str, body: &[u8]| {
        let idempotent = [("Idempotency-Key", uuid), ("Content-Type", "application/json")];
        let [first, again] = [(); 2].map(|()| admin.call("POST", path, &idempotent, body).unwrap().data(201));
        assert_eq!(first, again, "{path}");
        first
    };
    once(UUIDS[0], "/deals", b"{\"title\":\"Once\"}");
    let other = json!({ "label": "another write" }).to_string();
    let shown_twice = once(UUIDS[1], "/api-keys", b"{\"label\":\"shown twice\"}");
    let reused = [("Idempotency-Key", UUIDS[1]), ("Content-Type", "application/json")];
    assert_eq!(admin.call("POST", "/api-keys", &reused, other.as_bytes()).unwrap().status, 409);
    needles.add_key("shown twice", shown_twice["api_key"].as_str().unwrap());
    let control = "a title that may be kept";
    let made = admin.post("/deals", &json!({ "title": control })).data(201);
    let patched = admin.call(
        "PATCH",
        &format!("/deals/{}", made["id"]),
        &[("Content-Type", "application/json")],
        b"{\"loan_amount\":1}",
    );
    assert_eq!(patched.unwrap().status, 200);
    assert_eq!(admin.call("DELETE", &format!("/deals/{}", made["id"]), &[], b"").unwrap().status, 200);
    for path in ["/health", "/me/accounts", "/account/team", "/api-keys?all=true", "/deals?limit=200"] {
        assert_eq!(admin.get(path).status, 200, "{path}");
    }

    // First what only a few requests are refused for: of the many that come after them, the log has a sample.
    long_requests(&admin, &key);
    broken_requests(&server, &key);
    let of_sign_in = signed_in(&server, data);
    clumsy_requests(&mut admin, &key);
    // A failing store is talked about in the log more than a working one.
    let lock = WriteLock::take(&data.join("keyward.db")).unwrap();
    admin.post("/api-keys", &json!({ "label": "while it is locked" })).is_unavailable();
    drop(lock);

    let answer = admin.get("/me");
    let request_id = answer.header("x-request-id").unwrap().to_owned();
    let running = places(data, &server);
    assert!(
        running.iter().any(|(place, bytes)| place.ends_with("-wal") && !bytes.is_empty()),
        "the log is searched too"
    );
    assert_clean(&running, &needles);
    assert_clean(&running, &of_sign_in);
    assert_found(&running, "keyward.db", control);
    server.terminate();
    let stopped = places(data, &server);
    assert_clean(&stopped, &needles);
    assert_clean(&stopped, &of_sign_in);
    assert_found(&stopped, "keyward.db", control);
    assert_found(&stopped, "stderr", &request_id);
    let log = server.stderr();
    assert!(log.contains("DEBUG") || log.contains("TRACE"), "the log is talkative");
    let missing: Vec<&str> = DENIALS.into_iter().filter(|denial| !log.contains(denial)).collect();
    assert_eq!(missing, [""; 0], "no line of a request that was refused so");
}

#[test]
fn no_secret_is_in_the_database_or_the_text_log() {
    no_secret_anywhere("text");
}

#[test]
fn no_secret_is_in_the_database_or_the_json_log() {
    no_secret_anywhere("json");
}

#[test]
fn what_init_shows_once_is_nowhere_else() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path();
    let arguments =
        ["init", "--json", "--account", "bank", "--email", "ada@bank.example", "--data", text(data)];
    let output = run(&mut talkative(keyward(&arguments), "json"));
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    let key = line["api_key"]["api_key"].as_str().unwrap();
    let mut needles = Needles::new();
    needles.add_key("first key", key);
    needles.add("password", line["user"]["password"].as_str().unwrap().as_bytes());
    let root = fs::read_to_string(data.join("root-secret")).unwrap();
    add_root_secret(&mut needles, &root);
    assert_eq!(needles.found_in(&output.stderr), [""; 0]);

    // The root secret comes by the environment, where a crash report or a log of variables would show it.
    fs::remove_file(data.join("root-secret")).unwrap();
    let mut command = keyward(&["serve", "--listen", "127.0.0.1:0", "--data", text(data)]);
    command.env("KEYWARD_ROOT_SECRET", &root).env("KEYWARD_LOG_LEVEL", "trace");
    let mut server = Server::serve_by(command);
    assert_eq!(server.client(key).get("/me").status, 200);
    assert_clean(&places(data, &server), &needles);
    server.terminate();
    let stopped = places(data, &server);
    assert_clean(&stopped, &needles);
    assert_found(&stopped, "keyward.db", "ada@bank.example");
    assert_found(&stopped, "stderr", "\"message\":\"serving\"");
}
