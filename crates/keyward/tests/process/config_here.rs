//! `config check` sees what a server would find at this machine: addresses, data, the dates of a certificate; and what files of
//! variables, orchestrators and a private network bring with them stops nothing.

use crate::operate::installed;
use crate::support::{Client, Server, clean, keyward, needs, refused, run, text};
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// Behind a proxy, so that addresses of other machines are no mistake by themselves.
fn behind_a_proxy(mut command: Command) -> Command {
    command
        .env("KEYWARD_SERVER_PUBLIC_URL", "https://a.example")
        .env("KEYWARD_SERVER_TRUSTED_PROXIES", "10.0.0.1");
    command
}

fn check(data: &Path, listen: &str) -> Command {
    let mut command = behind_a_proxy(keyward(&["config", "check", "--data", text(data)]));
    command.env("KEYWARD_SERVER_LISTEN", listen);
    command
}

fn warnings(command: &mut Command) -> String {
    let output = run(command);
    assert_eq!(output.stdout, b"the configuration is good\n", "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn an_address_that_a_server_could_not_take_is_a_mistake_unless_the_server_of_these_data_holds_it() {
    let ((ours, _), (others, _)) = (installed(), installed());
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let strange = stranger.local_addr().unwrap().to_string();
    for (listen, words) in [(strange.as_str(), "Address"), ("192.0.2.1:0", "192.0.2.1:0")] {
        let line = refused(&mut check(ours.path(), listen));
        assert!(line.contains("cannot listen on") && line.contains(words), "{line}");
        let serve = ["serve", "--data", text(ours.path()), "--listen", listen];
        assert_eq!(refused(&mut behind_a_proxy(keyward(&serve))), line, "the server says the same");
        warnings(check(ours.path(), listen).arg("--for-another-machine"));
    }
    let mut server = Server::serve(ours.path());
    let held = server.address.to_string();
    assert_eq!(warnings(&mut check(ours.path(), &held)), "");
    let covering = format!("0.0.0.0:{}", server.address.port());
    assert_eq!(warnings(&mut check(ours.path(), &covering)), "", "it covers the address that is held");
    refused(&mut check(others.path(), &held));
    let line = refused(check(ours.path(), &held).env("KEYWARD_SERVER_ADMIN_LISTEN", &strange));
    assert!(line.contains(&strange), "{line}");
    server.terminate();
}

#[test]
fn places_that_a_server_could_not_write_are_mistakes_and_data_need_not_be_there_yet() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    fs::write(at("file"), "").unwrap();
    assert_eq!(warnings(&mut check(&at("not/there/yet"), "127.0.0.1:0")), "");
    let line = refused(&mut check(&at("file/data"), "127.0.0.1:0"));
    assert!(line.contains("file is no directory"), "{line}");
    fs::create_dir(at("open")).unwrap();
    fs::set_permissions(at("open"), Permissions::from_mode(0o777)).unwrap();
    let line = refused(&mut check(&at("open"), "127.0.0.1:0"));
    assert!(line.contains("is world-writable"), "{line}");
    let (data, _) = installed();
    assert_eq!(warnings(&mut check(data.path(), "127.0.0.1:0")), "");
    fs::rename(data.path().join("root-secret"), data.path().join("elsewhere")).unwrap();
    let line = refused(&mut check(data.path(), "127.0.0.1:0"));
    assert!(line.contains("there is no root secret"), "{line}");
    let all = run(check(data.path(), "192.0.2.1:0").env("KEYWARD_LOG_FILE", at("file/log")));
    let all = String::from_utf8(all.stderr).unwrap();
    assert_eq!(all.lines().count(), 3, "every mistake at once: {all}");
}

#[test]
fn a_file_system_that_is_mounted_for_reading_alone_is_a_mistake() {
    let data = tempfile::tempdir().unwrap();
    let mut kinds = ["-m", "-rm"].into_iter();
    let kind = kinds.find(|kind| run(Command::new("unshare").args([kind, "true"])).status.success());
    needs(kind.is_some(), "mount a file system");
    let kind = kind.unwrap();
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o ro,mode=700 none \"$0\" && exec \"$@\"";
    let checking = check(data.path(), "127.0.0.1:0");
    command.args([kind, "sh", "-c", script, text(data.path())]);
    command.arg(checking.get_program()).args(checking.get_args());
    clean(&mut command);
    let line = refused(command.env("KEYWARD_SERVER_LISTEN", "127.0.0.1:0"));
    assert!(line.ends_with("cannot be written: Read-only file system (os error 30)"), "{line}");
}

/// A certificate for 127.0.0.1 and its key, in files.
struct Https(PathBuf);

impl Https {
    fn between(home: &Path, from: i32, to: i32) -> Self {
        let https = Self(home.to_owned());
        https.renew(from, to);
        https
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn renew(&self, from: i32, to: i32) {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "keyward");
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        let key = KeyPair::generate().unwrap();
        fs::write(self.path("cert.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(self.path("key.pem"), key.serialize_pem()).unwrap();
        fs::set_permissions(self.path("key.pem"), Permissions::from_mode(0o600)).unwrap();
    }

    fn with(&self, mut command: Command) -> Command {
        command.env("KEYWARD_SERVER_TLS_CERT", self.path("cert.pem"));
        command.env("KEYWARD_SERVER_TLS_KEY", self.path("key.pem"));
        command
    }
}

#[test]
fn a_certificate_that_clients_refuse_fails_the_check_and_is_served_with_an_error_in_the_log_and_its_end_in_the_metrics()
 {
    let (home, _) = installed();
    let https = Https::between(home.path(), 2020, 2021);
    let refusal = |from, to| {
        https.renew(from, to);
        refused(&mut https.with(check(home.path(), "127.0.0.1:0")))
    };
    assert!(
        refusal(9000, 9001)
            .contains("cert.pem: the certificate is not yet valid: it begins 9000-01-01T00:00:00Z")
    );
    assert!(refusal(2020, 2021).contains("cert.pem: the certificate expired 2021-01-01T00:00:00Z"));
    // Free until a moment ago.
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = https.with(keyward(&["serve", "--listen", "127.0.0.1:0", "--data", text(home.path())]));
    command.env("KEYWARD_SERVER_ADMIN_LISTEN", admin.to_string());
    let mut server = Server::serve_by(command);
    let figure = || {
        let told = Client::to(admin).send("GET", "/metrics", &[], b"").unwrap();
        let told = String::from_utf8(told.body).unwrap();
        let line = told.lines().find_map(|line| line.strip_prefix("keyward_tls_certificate_not_after "));
        line.map(str::to_owned)
    };
    let waits = |what: &dyn Fn() -> bool| {
        (0..2_000).any(|_| {
            what() || {
                sleep(Duration::from_millis(5));
                false
            }
        })
    };
    let logged = || {
        server.stderr().lines().any(|line| line.contains("ERROR") && line.contains("the certificate expired"))
    };
    assert!(waits(&logged), "{}", server.stderr());
    assert_eq!(figure().as_deref(), Some("1609459200"));
    https.renew(2020, 4000);
    server.signal("HUP");
    assert!(waits(&|| figure().as_deref() == Some("64060588800")), "{:?}: {}", figure(), server.stderr());
    server.terminate();
    assert_eq!(warnings(&mut https.with(check(home.path(), "127.0.0.1:0"))), "");
}

#[test]
fn a_file_of_variables_with_carriage_returns_makes_no_file_that_ends_in_one() {
    let home = tempfile::tempdir().unwrap();
    let mut command = keyward(&["init", "--account", "acme", "--email", "you@acme.example"]);
    let data = home.path().join("data");
    command.env("KEYWARD_STORE_URL", format!("sqlite:{}\r", data.join("k.db").display()));
    command.env("KEYWARD_SECRETS_FILE", format!("\"{}\"\r", data.join("root-secret").display()));
    let output = run(&mut command);
    assert!(output.status.success(), "{output:?}");
    let mut made: Vec<String> =
        fs::read_dir(&data).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    made.sort_unstable();
    assert!(made.contains(&"k.db".to_owned()) && made.contains(&"root-secret".to_owned()), "{made:?}");
    assert!(made.iter().all(|name| !name.contains(['\r', '"'])), "{made:?}");
}

#[test]
fn the_root_secret_fits_into_one_line_of_a_file_of_variables() {
    let (home, _) = installed();
    let data = ["--data", text(home.path())];
    assert!(run(keyward(&["secret", "rotate"]).args(data)).status.success());
    let file = fs::read_to_string(home.path().join("root-secret")).unwrap();
    fs::remove_file(home.path().join("root-secret")).unwrap();
    let (on_one, spelled) = (file.trim().replace('\n', " "), file.trim().replace('\n', "\\n"));
    let quoted = format!("\"{}\"\r", file.trim());
    let versions = file.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join(";");
    for form in [file.as_str(), &on_one, &spelled, &quoted, &versions] {
        let output = run(keyward(&["key", "list", "--account", "first-bank"])
            .args(data)
            .env("KEYWARD_ROOT_SECRET", form));
        assert!(output.status.success(), "{form:?}: {output:?}");
    }
}

#[test]
fn what_a_deployment_has_beside_the_server_is_warned_of_and_stops_nothing() {
    let (home, _) = installed();
    let mut command = keyward(&["serve", "--data", text(home.path())]);
    command
        .env("KEYWARD_SERVER_LISTEN", "0.0.0.0:0\r")
        .env("KEYWARD_SERVER_PUBLIC_URL", "\"http://keyward:8080\"")
        .env("KEYWARD_SERVER_ALLOW_PLAIN_HTTP", "True")
        .env("KEYWARD_KEYS_PREFIX", "acme_sk_")
        .env("KEYWARD_IMAGE", "keyward:1")
        .env("KEYWARD_SERVER_PORT", "tcp://10.0.0.1:8080")
        .env("KEYWARD_SERVICE_HOST", "10.0.0.1");
    let mut server = Server::serve_by(command);
    let log = server.stderr();
    let warned = |words: &str| log.lines().any(|line| line.contains("WARN") && line.contains(words));
    for words in
        ["KEYWARD_IMAGE", "http://keyward:8080 is plain http", "begin with another prefix than keys.prefix"]
    {
        assert!(warned(words), "{words}: {log}");
    }
    assert!(!warned("KEYWARD_SERVER_PORT") && !warned("KEYWARD_SERVICE_HOST"), "{log}");
    server.terminate();
}
