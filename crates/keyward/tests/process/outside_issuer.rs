//! An issuer that is not ours (oidc-provider, over real sockets): found, believed, judged by the doctor.

use crate::issuer::AUDIENCE;
use crate::outside::{Outside, Trusting, claims_of, clients, configured};
use crate::support::{Client, Server, keyward, refused, run, text, unlimited};
use keyward_testkit::issuer::SigningKey;
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::thread::{self, sleep};
use std::time::Duration;

/// Without our own server, the issuer outside is where the metadata of the MCP endpoint send its clients.
#[test]
fn an_mcp_client_signs_in_outside() {
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base = format!("http://{listen}");
    let outside = Outside::of("oidc.mjs", &format!("{base}/mcp"));
    let home = tempfile::tempdir().unwrap();
    let scopes = "mcp_scopes = [\"openid\", \"email\", \"deals:read\", \"deals:write\", \"account:read\", \"pipelines:read\"]";
    let config = configured(&home, &outside.issuer, &format!("link = \"verified_email\"\n{scopes}"));
    let listen = listen.to_string();
    let arguments = ["demo", "--json", "--listen", &listen, "--config", text(&config)];
    let mut command = unlimited(keyward(&arguments));
    command.env("KEYWARD_OAUTH_ENABLED", "false");
    let _server = Server::demo_by(command);
    let mut client = Command::new("node");
    client.arg(clients().join("mcp/outside.mjs")).args([&base, &outside.issuer, "editor"]);
    let judged = client.output().unwrap();
    let told = String::from_utf8_lossy(&judged.stdout).into_owned();
    println!("{told}");
    assert!(judged.status.success(), "{told}{}", String::from_utf8_lossy(&judged.stderr));
}

#[test]
fn beside_our_own_server_an_issuer_outside_is_named_second_and_only_where_its_entry_says_so() {
    let named = |more: &str| {
        let trusting = Trusting::start("http://127.0.0.1:9/", more);
        let path = "/.well-known/oauth-protected-resource/mcp";
        let answer = Client::to(trusting.server.address).send("GET", path, &[], b"").unwrap().json();
        let base = answer["resource"].as_str().unwrap().trim_end_matches("/mcp").to_owned();
        let servers = answer["authorization_servers"].as_array().unwrap();
        servers.iter().map(|server| server.as_str().unwrap().replace(&base, "ours")).collect::<Vec<_>>()
    };
    assert_eq!(named(""), ["ours"]);
    assert_eq!(named("mcp = true"), ["ours", "http://127.0.0.1:9/"]);
    assert_eq!(named("mcp = false"), ["ours"]);
}

#[test]
fn a_real_issuer_is_found_and_its_people_come_in() {
    let outside = Outside::start();
    let trusting = Trusting::start(&outside.issuer, "link = \"verified_email\"");
    let answer = outside.signed_in("admin", "openid email deals:read account:write");
    let token = answer["access_token"].as_str().unwrap();
    let me = trusting.server.client(token).get("/me").data(200);
    assert_eq!(me["user"]["email"], "admin@acme.example");
    assert_eq!(me["platform"]["credential"]["kind"], "jwt");
    assert_eq!(me["platform"]["granted_scopes"], json!(["account:write", "deals:read"]));
    assert_eq!(trusting.status(token), 200);
    // Its other tokens are none for an API.
    assert_eq!(trusting.status(answer["id_token"].as_str().unwrap()), 401);
    // A key that this token makes.
    let made =
        trusting.server.client(token).post("/api-keys", &json!({ "label": "k", "scopes": ["deals:read"] }));
    assert_eq!(trusting.status(made.data(201)["api_key"].as_str().unwrap()), 200);
    // Who is not known, or not verified, stays out.
    for login in ["stranger", "unverified-admin"] {
        assert_eq!(trusting.status(&outside.token(login)), 401, "{login}");
    }
    // Who is invited comes in.
    let mut admin = trusting.server.client(&trusting.server.admin());
    admin.post("/account/team", &json!({ "email": "newcomer@acme.example", "role": "viewer" })).data(201);
    let newcomer = outside.token("newcomer");
    let me = trusting.server.client(&newcomer).get("/me").data(200);
    assert_eq!(me["user"]["role"], "viewer");
    // And goes at once.
    let path = format!("/account/team/{}", me["user"]["id"]);
    assert_eq!(admin.call("DELETE", &path, &[], b"").unwrap().status, 200);
    trusting.server.client(&newcomer).get("/deals").is_refusal(400, "BAD_REQUEST");
    // No token is in the log.
    let log = trusting.server.stderr();
    for secret in [token, &newcomer] {
        assert!(!log.contains(secret) && !log.contains(secret.rsplit('.').next().unwrap()));
    }
}

#[test]
fn an_issuer_that_is_not_there_yet_is_waited_for_and_keys_work_meanwhile() {
    let outside = Outside::start();
    outside.control("POST", "/outage?mode=refuse");
    let trusting = Trusting::start(&outside.issuer, "link = \"verified_email\"");
    let token = outside.token("admin");
    let answer = trusting.server.client(&token).get("/deals");
    answer.is_unavailable();
    assert_eq!(trusting.status(&trusting.server.admin()), 200);
    outside.control("POST", "/outage?mode=none");
    let came = (0..300).any(|_| {
        sleep(Duration::from_millis(100));
        trusting.status(&token) == 200
    });
    assert!(came, "{}", trusting.server.stderr());
}

#[test]
fn a_token_makes_the_server_connect_to_nobody() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let place = format!("http://{}/keys", canary.local_addr().unwrap());
    let outside = Outside::start();
    let trusting = Trusting::start(&outside.issuer, "link = \"verified_email\"");
    let key = SigningKey::rsa(0, "k");
    let claims = claims_of;
    // A subject that is somebody: nothing but the key is wrong with these.
    assert_eq!(trusting.status(&outside.token("admin")), 200);
    let mut sent = 0;
    for issuer in [outside.issuer.as_str(), &place, "http://169.254.169.254/", "file:///etc/passwd"] {
        for name in ["jku", "x5u", "kid", "x"] {
            let mut header = key.header("at+jwt");
            header[name] = json!(place);
            let token = key.token_of(&header.to_string(), &claims(issuer).to_string());
            assert_eq!(trusting.status(&token), 401, "{issuer} {name}");
            sent += 1;
        }
        let embedded = json!({ "alg": "RS256", "typ": "at+jwt", "jwk": key.jwk() }).to_string();
        assert_eq!(trusting.status(&key.token_of(&embedded, &claims(issuer).to_string())), 401);
        sent += 1;
    }
    println!("tokens that name another place: {sent}, connections there: 0");
    assert!(canary.accept().is_err(), "somebody came");
}

#[test]
fn the_doctor_says_what_would_and_would_not_work() {
    let outside = Outside::start();
    let home = tempfile::tempdir().unwrap();
    let ask = |issuer: &str, config: Option<&Path>| {
        let mut arguments = vec!["doctor", "--issuer", issuer];
        arguments.extend(config.map(|config| ["--config", text(config)]).into_iter().flatten());
        let output = run(&mut keyward(&arguments));
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), said + &String::from_utf8(output.stderr).unwrap())
    };
    let issuer = outside.issuer.as_str();
    let (code, said) = ask(issuer, None);
    assert_eq!(code, Some(0), "{said}");
    for line in [
        "note   the configuration has no entry",
        "ok     its metadata are there",
        "can verify RS256",
        "[[issuers]]",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let entry = configured(&home, issuer, "");
    let (code, said) = ask(issuer, Some(&entry));
    assert!(code == Some(0) && said.contains("ok     the configuration has an entry for it"), "{said}");
    // The slash at the end.
    let (code, said) = ask(&format!("{issuer}/"), Some(&entry));
    assert_eq!(code, Some(1));
    assert!(said.contains("WRONG  the configuration has") && said.contains("to the letter"), "{said}");
    assert!(said.contains("tokens of this issuer would not be taken"), "{said}");
    // Keys for another algorithm than the entry allows.
    let ec = configured(&home, issuer, "algorithms = [\"ES256\"]");
    let (code, said) = ask(issuer, Some(&ec));
    assert!(code == Some(1) && said.contains("it has keys for RS256, and algorithms lists ES256"), "{said}");
    // Whatever is wrong with its documents.
    for (mode, why) in [
        ("html", "is not the metadata of an issuer"),
        ("error", "answered 500"),
        ("redirect", "redirects are not followed"),
        ("refuse", "could not be reached"),
        ("empty", "has no key that can be used"),
        ("slow", "no whole answer within 5 s"),
    ] {
        outside.control("POST", &format!("/outage?mode={mode}"));
        let (code, said) = ask(issuer, None);
        assert!(code == Some(1) && said.contains(why), "{mode}: {said}");
    }
    let said = refused(&mut keyward(&["doctor", "--issuer", issuer, "--config", "/nowhere.toml"]));
    assert!(said.contains("cannot be read"), "{said}");
    for bad in ["http://id.example/", "ftp://x", "id.example"] {
        let (code, said) = ask(bad, None);
        assert!(code == Some(1) && said.contains("must be an https URL"), "{said}");
    }
}

#[test]
fn a_long_token_is_read_as_far_as_its_entry_allows() {
    let (key, claims) = (
        SigningKey::rsa(0, "k"),
        |length: usize| json!({ "iss": "http://127.0.0.1:9/", "aud": AUDIENCE, "sub": "x", "padding": "x".repeat(length) }),
    );
    // Nobody is there, so what was read is answered 503, and what was not 401 or 431.
    let entries = [
        ("", 7_900, 9_000, true),
        ("max_token_bytes = 61440", 61_000, 62_500, true),
        // curl sends no longer head than 64 KiB on HTTP/2.
        ("max_token_bytes = 131072", 130_900, 132_000, false),
    ];
    for (more, short, long, on_http2) in entries {
        let trusting = Trusting::start("http://127.0.0.1:9/", more);
        // What hyper does not read at all it answers 431 by itself, or ends its connection of HTTP/2.
        for (bytes, statuses) in [(short, [503, 503]), (long, [401, 401]), (200_000, [431, 0])] {
            let bare = key.token(&claims(0)).len();
            let token = key.token(&claims((bytes - bare) * 3 / 4));
            let answer = trusting.server.client(&token).get("/deals");
            assert_eq!(answer.status, statuses[0], "{more} {bytes}");
            if !on_http2 {
                continue;
            }
            let curl = [
                "--silent",
                "--http2-prior-knowledge",
                "--max-time",
                "20",
                "--output",
                "-",
                "--write-out",
                "%{http_code}",
            ];
            let mut command = Command::new("curl");
            crate::support::clean(&mut command);
            let header = trusting.server.line["url"].as_str().unwrap().to_owned();
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), format!("Authorization: Bearer {token}\nX-Origin-App: tests\n"))
                .unwrap();
            command.args(curl).arg("--header").arg(format!("@{}", text(file.path())));
            command.arg(format!("{header}{}/deals", crate::support::BASE));
            let said = String::from_utf8(run(&mut command).stdout).unwrap();
            assert!(said.ends_with(&format!("{:03}", statuses[1])), "{more} {bytes} over HTTP/2: {said}");
        }
    }
}

/// Answers every connection with this, as long as the test lives.
fn answering(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let _ = stream.write_all(&answer);
        }
    });
    address
}

#[test]
fn documents_that_do_not_end_and_certificates_that_are_not_trusted_are_refused() {
    let say_with = |issuer: &str, variables: &[(&str, &str)], code| {
        let mut command = keyward(&["doctor", "--issuer", issuer]);
        command.envs(variables.iter().copied());
        let output = run(&mut command);
        assert_eq!(output.status.code(), Some(code));
        String::from_utf8(output.stdout).unwrap()
    };
    let say = |issuer: &str, variables: &[(&str, &str)]| say_with(issuer, variables, 1);
    let long = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; 10 * 1024 * 1024]].concat();
    assert!(say(&format!("http://{}", answering(long)), &[]).contains("is longer than 262144 bytes"));
    // A server of our own, which is an issuer: trusted, it is heard, and otherwise not.
    let home = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (home.path().join("cert.pem"), home.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = home.path().join("keyward.toml");
    std::fs::write(&config, format!("[server]\ntls_cert = {:?}\ntls_key = {:?}\n", text(&cert), text(&key)))
        .unwrap();
    let mut arguments = Server::demo_arguments(None);
    arguments.extend(["--config", text(&config)]);
    let server = Server::demo_by(unlimited(keyward(&arguments)));
    let issuer = format!("https://{}", server.address);
    let said = say(&issuer, &[]);
    assert!(said.contains("could not be reached") && said.to_lowercase().contains("certificate"), "{said}");
    let said = say_with(&issuer, &[("SSL_CERT_FILE", text(&cert))], 0);
    assert!(said.contains("RS256") && !said.contains("WRONG"), "{said}");
    // And by a server: that the token names no key of the issuer is known only once its keys have come.
    let token = SigningKey::rsa(0, "not-there").token(&claims_of(&issuer));
    let trusted = [("SSL_CERT_FILE", text(&cert))];
    for (variables, status) in [(trusted.as_slice(), 401), (&[], 503)] {
        assert_eq!(Trusting::start_with(&issuer, "", variables).status(&token), status, "{variables:?}");
    }
}
