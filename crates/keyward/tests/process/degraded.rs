//! What the server does without: root certificates, its orders' socket beside the database, the mode of a secret that others chose.

use crate::operate::{installed, serve};
use crate::support::{Client, Server, clean, keyward, needs, refused, run, text};
use crate::surroundings::copy_program;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

/// A token of this issuer, whose signature nobody has made.
fn token(issuer: &str) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let payload = format!(r#"{{"iss":"{issuer}","aud":"api","sub":"ada","exp":4000000000}}"#);
    let parts = [br#"{"alg":"RS256","kid":"a","typ":"at+jwt"}"#.as_slice(), payload.as_bytes(), &[1; 256]];
    parts.map(encode).join(".")
}

#[test]
fn without_root_certificates_what_is_fetched_by_https_is_answered_503_and_the_rest_is_served() {
    let (home, made) = installed();
    let config = home.path().join("keyward.toml");
    let issuer = "https://issuer.example";
    fs::write(
        &config,
        format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:keyward.db\"\n[secrets]\nfile = \"root-secret\"\n\
             [[issuers]]\nissuer = \"{issuer}\"\naudience = [\"api\"]\n"
        ),
    )
    .unwrap();
    let mut command = keyward(&["serve", "--config", text(&config)]);
    command.env("SSL_CERT_FILE", "/nonexistent/ca.pem").env("SSL_CERT_DIR", "/nonexistent");
    let mut server = Server::serve_by(command);
    let key = made["api_key"]["api_key"].as_str().unwrap();
    assert_eq!(server.client(key).get("/me").status, 200);
    server.client(&token(issuer)).get("/me").is_unavailable();
    let document = "/oauth/authorize?response_type=code&client_id=https%3A%2F%2Fapp.example%2Fclient.json&\
                    redirect_uri=https%3A%2F%2Fapp.example%2Fcallback&code_challenge_method=S256&\
                    code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let page = Client::to(server.address).send("GET", document, &[], b"").unwrap();
    assert_eq!(page.status, 503, "{}", String::from_utf8_lossy(&page.body));
    let log = server.stderr();
    let warnings = log.lines().filter(|line| line.contains("WARN") && line.contains("keyward::outgoing"));
    assert_eq!(warnings.count(), 1, "it is said once: {log}");
    server.terminate();
}

#[test]
fn orders_reach_a_server_at_the_socket_that_is_named_and_are_refused_where_another_is_named() {
    let (home, _) = installed();
    let run_directory = home.path().join("run");
    fs::create_dir(&run_directory).unwrap();
    let socket = run_directory.join("orders.sock");
    let named = |mut command: Command, socket: &Path| {
        command.env("KEYWARD_SERVER_ORDERS_SOCKET", socket);
        command
    };
    let list = || keyward(&["key", "list", "--account", "first-bank", "--data", text(home.path())]);
    let mut server = Server::serve_by(named(serve(home.path()), &socket));
    assert!(socket.exists() && !home.path().join("keyward.db.sock").exists());
    assert!(run(&mut named(list(), &socket)).status.success());
    let line = refused(&mut list());
    assert!(line.contains("or its server.orders_socket is another"), "{line}");
    // A second server leaves the first one its socket, and serves without orders.
    let (other, _) = installed();
    let mut second = Server::serve_by(named(serve(other.path()), &socket));
    assert!(second.stderr().contains("orders cannot be taken"), "{}", second.stderr());
    second.terminate();
    assert!(run(&mut named(list(), &socket)).status.success());
    server.terminate();
    assert!(!socket.exists(), "an orderly end leaves no socket");
    // Where everyone can put one, nobody is given an order.
    fs::set_permissions(&run_directory, Permissions::from_mode(0o777)).unwrap();
    for command in [serve(home.path()), list()] {
        let line = refused(&mut named(command, &socket));
        assert!(line.contains("is world-writable"), "{line}");
    }
}

#[test]
fn a_socket_that_cannot_be_made_is_warned_of_and_made_when_it_can_be_and_a_file_in_its_place_stays() {
    let (home, made) = installed();
    let socket = home.path().join("keyward.db.sock");
    fs::write(&socket, "mine").unwrap();
    fs::set_permissions(&socket, Permissions::from_mode(0o600)).unwrap();
    let mut server = Server::serve_by({
        let mut command = serve(home.path());
        command.env("KEYWARD_SERVER_ADMIN_LISTEN", "127.0.0.1:0");
        command
    });
    let log = server.stderr();
    assert!(log.contains("WARN") && log.contains("orders cannot be taken"), "{log}");
    let key = made["api_key"]["api_key"].as_str().unwrap();
    assert_eq!(server.client(key).get("/me").status, 200);
    let serving = log.lines().find(|line| line.contains("\"serving\"")).unwrap();
    let serving: serde_json::Value = serde_json::from_str(serving).unwrap();
    let admin: SocketAddr = serving["admin"].as_str().unwrap().parse().unwrap();
    let told = Client::to(admin).send("GET", "/metrics", &[], b"").unwrap().body;
    assert!(String::from_utf8(told).unwrap().contains("keyward_degraded{part=\"orders_socket\"} 1"));
    server.terminate();
    assert_eq!(fs::read(&socket).unwrap(), b"mine");
}

#[test]
fn a_root_secret_that_an_orchestrator_gives_to_the_servers_group_is_taken() {
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let has_it = run(Command::new("setpriv").args(nobody).arg("true")).status.success();
    needs(has_it, "give files to another user");
    let (home, _) = installed();
    let given = tempfile::tempdir().unwrap();
    let (secret, program) = (given.path().join("root-secret"), given.path().join("keyward"));
    fs::copy(home.path().join("root-secret"), &secret).unwrap();
    copy_program(&program);
    for path in [given.path(), home.path()] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    for path in [home.path().to_owned(), home.path().join("keyward.db")] {
        chown(&path, Some(65534), Some(65534)).unwrap();
    }
    let journal = home.path().join("keyward.db.revocations");
    if journal.exists() {
        chown(&journal, Some(65534), Some(65534)).unwrap();
    }
    chown(&secret, Some(0), Some(65534)).unwrap();
    let command = || {
        let mut command = Command::new("setpriv");
        command.args(nobody).arg(&program).args(["serve", "--listen", "127.0.0.1:0"]);
        clean(&mut command);
        let database = home.path().join("keyward.db");
        command.env("KEYWARD_STORE_URL", format!("sqlite:{}", text(&database)));
        command.env("KEYWARD_SECRETS_FILE", &secret);
        command
    };
    // `fsGroup` of Kubernetes; `LoadCredential` of systemd.
    for mode in [0o440, 0o640] {
        fs::set_permissions(&secret, Permissions::from_mode(mode)).unwrap();
        Server::serve_by(command()).terminate();
    }
    fs::set_permissions(&secret, Permissions::from_mode(0o444)).unwrap();
    let line = refused(&mut command());
    assert!(line.contains("everyone can read") && line.contains("mode 0440"), "{line}");
    // A file of the server's own is for it alone.
    chown(&secret, Some(65534), Some(65534)).unwrap();
    fs::set_permissions(&secret, Permissions::from_mode(0o440)).unwrap();
    let line = refused(&mut command());
    assert!(line.contains("can be read by others; run chmod 600"), "{line}");
}
