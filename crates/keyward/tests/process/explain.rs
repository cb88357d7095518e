//! `keyward explain`: who it was, by which credential, which check refused, what to do.

use crate::orders::{order, refusal};
use crate::support::{Client, Server, keyward, run, text};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyward_core::clock::{Clock, SystemClock};
use keyward_testkit::issuer::{SigningKey, key_set};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

/// The id of the request that this answer is to.
fn id_of(answer: &crate::support::Answer) -> String {
    answer.header("x-request-id").unwrap().to_owned()
}

#[test]
fn a_refused_request_is_explained_by_the_running_server() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::demo(Some(home.path()));
    let explained = |id: &str| order(home.path(), &["explain", id]);
    let viewer = server.key("viewer@acme.example", "acme-capital", "full_access");
    let forbidden = id_of(&server.client(&viewer).post("/deals", &json!({ "title": "x" })));
    let told = explained(&forbidden);
    assert_eq!((&told["request"], &told["answer"]), (&json!("POST postDeals"), &json!("403 scope_missing")));
    assert!(told["user"].as_str().unwrap().starts_with("viewer@acme.example (id "), "{told}");
    assert!(told["account"].as_str().unwrap().starts_with("acme-capital (id 1, active)"), "{told}");
    assert!(told["credential"].as_str().unwrap().ends_with("(live)"), "{told}");
    assert!(told["why"].as_str().unwrap().contains("scopes"), "{told}");
    assert_eq!(told["from"], "127.0.0.1 as process-test");

    // A revoked key is recognised although it opens nothing.
    order(home.path(), &["key", "revoke", "4"]);
    let revoked = id_of(&server.client(&viewer).get("/me"));
    let told = explained(&revoked);
    assert_eq!(told["answer"], "401 key_revoked");
    assert!(told["credential"].as_str().unwrap().starts_with("api_key 4 "), "{told}");
    assert!(told["credential"].as_str().unwrap().contains("(revoked 20"), "{told}");
    assert!(told["user"].as_str().unwrap().starts_with("viewer@acme.example"), "{told}");

    // A guess is nobody's.
    let guess = id_of(&server.client("lev_sk_guess").get("/me"));
    let told = explained(&guess);
    assert_eq!((&told["answer"], &told["user"]), (&json!("401 key_malformed"), &Value::Null));

    // What succeeded and changed something stands in the audit trail.
    let made = server.client(&server.admin()).post("/deals", &json!({ "title": "made" }));
    let told = explained(&id_of(&made));
    assert_eq!((&told["found_in"], &told["why"]), (&json!("the audit trail"), &json!("it was not refused")));
    assert_eq!(told["changes"], json!([format!("deal.create deal {}", made.json()["data"]["id"])]));
    assert!(told["user"].as_str().unwrap().starts_with("admin@acme.example"), "{told}");

    // For people it is a line for each thing.
    let words = run(&mut keyward(&["explain", &forbidden, "--data", text(home.path())]));
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(
        words.lines().any(|line| line.starts_with("answer") && line.ends_with("403 scope_missing")),
        "{words}"
    );

    let nothing = "00000000-0000-4000-8000-000000000000";
    assert!(refusal(home.path(), &["explain", nothing]).contains("--log FILE"));
    assert!(!run(&mut keyward(&["explain", "not-an-id", "--data", text(home.path())])).status.success());
}

#[test]
fn a_refused_token_is_explained_by_its_claims_and_the_log_has_its_subject_by_the_setting() {
    let encode = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let claims =
        json!({ "iss": "https://login.example/", "aud": ["https://api.example"], "sub": "auth0|ada" });
    let head = encode(json!({ "alg": "RS256", "typ": "JWT", "kid": "1" }));
    let token = format!("{head}.{}.{}", encode(claims), URL_SAFE_NO_PAD.encode([7; 256]));
    for setting in ["hash", "plain"] {
        let home = tempfile::tempdir().unwrap();
        let mut command = keyward(&Server::demo_arguments(Some(home.path())));
        command.env("KEYWARD_LOG_FORMAT", "json").env("KEYWARD_LOG_SUBJECT", setting);
        let mut server = Server::demo_by(command);
        let id = id_of(&server.client(&token).get("/me"));
        let told = order(home.path(), &["explain", &id]);
        assert_eq!(told["answer"], "401 token_issuer");
        let found = &told["token"];
        assert_eq!((&found["iss"], &found["sub"]), (&json!("https://login.example/"), &json!("auth0|ada")));
        assert_eq!((&found["typ"], &found["alg"]), (&json!("JWT"), &json!("RS256")));
        assert_eq!(found["aud"], "https://api.example");

        let log = server.stderr();
        let line = log.lines().find(|line| line.contains(&id)).unwrap();
        assert!(line.contains("\"token_iss\":\"https://login.example/\""), "{line}");
        assert_eq!(line.contains("auth0|ada"), setting == "plain", "{line}");
        assert_eq!(line.contains("token_sub_hash"), setting == "hash", "{line}");
        assert!(!line.contains(&token[head.len()..head.len() + 40]), "nothing of the token itself: {line}");
        let kept = home.path().join("log");
        std::fs::write(&kept, line).unwrap();
        server.kill();
        let told = order(home.path(), &["explain", &id, "--log", text(&kept)]);
        assert_eq!(told["token"].get("sub").is_some(), setting == "plain", "{told}");
        assert_eq!(told["token"].get("sub_hash").is_some(), setting == "hash", "{told}");
    }
}

/// Serves this key set on every path, for as long as the process lives; its URL.
fn serving(keys: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length";
            let _ = stream.write_all(format!("{head}: {}\r\n\r\n", keys.len()).as_bytes());
            let _ = stream.write_all(&keys);
        }
    });
    url
}

#[test]
fn the_command_that_links_a_subject_is_whole_in_explain_and_without_the_subject_in_the_log() {
    let key = SigningKey::rsa(0, "k");
    let issuer = serving(key_set(&[&key]));
    let now = SystemClock::default().now().unix();
    let claims = json!({ "iss": issuer, "aud": "x", "sub": "auth0|grace", "iat": now, "exp": now + 300, "client_id": "c" });
    for format in ["json", "text"] {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("keyward.toml");
        let entry =
            format!("[[issuers]]\nissuer = {issuer:?}\naudience = [\"x\"]\njwks_uri = \"{issuer}jwks\"\n");
        std::fs::write(&config, entry).unwrap();
        let data = home.path().join("data");
        let mut arguments = Server::demo_arguments(Some(&data));
        arguments.extend(["--config", text(&config)]);
        let mut command = keyward(&arguments);
        command.env("KEYWARD_LOG_FORMAT", format).env("KEYWARD_LOG_SUBJECT", "hash");
        let mut server = Server::demo_by(command);
        let token = key.token(&claims);
        let answer = || server.client(&token).get("/deals/1");
        // The keys may not have been fetched yet.
        let tries = std::iter::repeat_with(|| (sleep(Duration::from_millis(100)), answer()).1);
        let refused = tries.take(100).find(|answer| answer.status != 503).unwrap();
        let id = id_of(&refused);
        let told = order(&data, &["explain", &id]);
        assert_eq!(told["answer"], "401 token_unlinked");
        let advice = told["token"]["advice"].as_str().unwrap();
        assert!(advice.ends_with("--subject 'auth0|grace'."), "{advice}");

        server.terminate();
        let log = server.stderr();
        assert!(!log.contains("grace"), "{log}");
        let kept = home.path().join("log");
        std::fs::write(&kept, &log).unwrap();
        let told = order(&data, &["explain", &id, "--log", text(&kept)]);
        assert_eq!((&told["found_in"], &told["answer"]), (&json!("the log"), &json!("401 token_unlinked")));
        let advice = told["token"]["advice"].as_str().unwrap();
        assert!(advice.ends_with("--subject SUBJECT."), "{advice}");
    }
}

#[test]
fn a_request_whose_token_lacks_a_scope_is_explained_by_what_narrows_the_token() {
    let key = SigningKey::rsa(0, "k");
    let issuer = serving(key_set(&[&key]));
    let now = SystemClock::default().now().unix();
    let claims = json!({
        "iss": issuer, "aud": "x", "sub": "ada", "iat": now, "exp": now + 300, "client_id": "c",
        "email": "admin@acme.example", "email_verified": true, "scp": ["Deals.Read"],
    });
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("keyward.toml");
    let more = format!("jwks_uri = \"{issuer}jwks\"\nlink = \"verified_email\"\n");
    std::fs::write(&config, format!("[[issuers]]\nissuer = {issuer:?}\naudience = [\"x\"]\n{more}")).unwrap();
    let data = home.path().join("data");
    let mut arguments = Server::demo_arguments(Some(&data));
    arguments.extend(["--config", text(&config)]);
    let mut server = Server::demo_by(keyward(&arguments));
    let token = key.token(&claims);
    let tries = std::iter::repeat_with(|| {
        sleep(Duration::from_millis(100));
        server.client(&token).get("/deals")
    });
    let refused = tries.take(100).find(|answer| answer.status != 503).unwrap();
    assert_eq!(refused.status, 403);
    let scopes = "scp narrows it to nothing but /me. Not scopes of this API: \"Deals.Read\"; scope_prefix and scope_map translate names.";
    let told = order(&data, &["explain", &id_of(&refused)]);
    assert_eq!(
        (&told["answer"], &told["token"]),
        (&json!("403 scope_missing"), &json!({ "scopes": scopes }))
    );
    server.terminate();
    let kept = home.path().join("log");
    std::fs::write(&kept, server.stderr()).unwrap();
    let told = order(&data, &["explain", &id_of(&refused), "--log", text(&kept)]);
    assert_eq!((&told["found_in"], &told["token"]["scopes"]), (&json!("the log"), &json!(scopes)));
}

#[test]
fn a_request_of_before_is_explained_from_the_log() {
    for format in ["json", "text"] {
        let home = tempfile::tempdir().unwrap();
        let mut command = keyward(&Server::demo_arguments(Some(home.path())));
        command.env("KEYWARD_LOG_FORMAT", format);
        let mut server = Server::demo_by(command);
        let both = server.key("both@acme.example", "harbor-lending", "full_access");
        let answer =
            server.client(&both).call("GET", "/me", &[("X-Active-Account", "acme-capital")], b"").unwrap();
        let read = id_of(&server.client(&both).get("/me"));
        let with_template = id_of(&server.client(&both).get("/deals/1"));
        server.terminate();
        let log = home.path().join("log");
        std::fs::write(&log, server.stderr()).unwrap();
        let at = |id: &str, log: &str| order(home.path(), &["explain", id, "--log", log]);
        let told = at(&id_of(&answer), text(&log));
        assert_eq!((&told["found_in"], &told["answer"]), (&json!("the log"), &json!("403 account_foreign")));
        assert!(told["user"].as_str().unwrap().starts_with("both@acme.example"), "{told}");
        assert!(told["at"].as_str().unwrap().ends_with('Z'), "{told}");
        let told = at(&read, text(&log));
        assert_eq!((&told["request"], &told["answer"]), (&json!("GET getMe"), &json!("200")));

        let told = at(&with_template, text(&log));
        assert!(told["route"].as_str().unwrap().ends_with("/deals/{deal_id}"), "{told}");

        // From a pipe.
        let mut command = keyward(&["explain", &read, "--json", "--log", "-", "--data", text(home.path())]);
        command.stdin(Stdio::from(std::fs::File::open(&log).unwrap()));
        let told: Value = serde_json::from_slice(&run(&mut command).stdout).unwrap();
        assert_eq!(told["answer"], "200");
    }
}

#[test]
fn an_address_that_a_key_may_not_be_used_from_is_told() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::demo(Some(home.path()));
    let wanted = json!({ "label": "office", "allowed_ips": ["203.0.113.0/24"] });
    let made = server.client(&server.admin()).post("/api-keys", &wanted).data(201);
    let mut client: Client = server.client(made["api_key"].as_str().unwrap());
    let told = order(home.path(), &["explain", &id_of(&client.get("/me"))]);
    assert_eq!(told["answer"], "401 address_not_allowed");
    assert!(told["credential"].as_str().unwrap().contains("\"office\" (live)"), "{told}");
    assert!(told["why"].as_str().unwrap().contains("trusted_proxies"), "{told}");
}
