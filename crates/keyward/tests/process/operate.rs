//! `init`, `serve`, signals, and every refusal to start.

use crate::support::{
    Client, Server, asked_to_go_on, clean, connect, contents, keyward, mode, read_answer, refused, run,
    settle, text,
};
use keyward_sqlite::faults::{make_database, set_schema_version};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

pub(crate) fn init(data: &Path, more: &[&str]) -> Command {
    let arguments = ["init", "--data", text(data), "--account", "first-bank", "--email", "Ada@bank.example"];
    keyward(&[&arguments, more].concat())
}

pub(crate) fn serve(data: &Path) -> Command {
    keyward(&["serve", "--listen", "127.0.0.1:0", "--data", text(data)])
}

pub(crate) fn demo(data: &Path) -> Command {
    keyward(&Server::demo_arguments(Some(data)))
}

/// A directory after `init --json`, and what that printed.
pub(crate) fn installed() -> (TempDir, Value) {
    let home = tempfile::tempdir().unwrap();
    let output = run(&mut init(home.path(), &["--json"]));
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    settle(home.path());
    (home, serde_json::from_slice(&output.stdout).unwrap())
}

/// A directory after a demo that has ended.
fn demonstrated() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    Server::demo(Some(home.path())).terminate();
    settle(home.path());
    home
}

/// The command is refused with these words and changes no file below the directory.
pub(crate) fn refused_without_change(home: &Path, command: &mut Command, words: &[&str]) {
    let before = contents(home);
    let line = refused(command);
    for word in words {
        assert!(line.contains(word), "{word:?} is missing: {line}");
    }
    let after = contents(home);
    let names = |files: &std::collections::BTreeMap<_, _>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after), "{line}");
    for (path, kept) in &before {
        assert!(after.get(path) == Some(kept), "{} was changed: {line}", path.display());
    }
}

#[test]
fn init_prints_a_key_that_works_once_the_server_runs() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("new");
    let output = run(&mut init(&data, &["--tier", "free", "--first-name", "Ada", "--last-name", "Byron"]));
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let keys: Vec<&str> = said.split_whitespace().filter(|word| word.starts_with("lev_sk_")).collect();
    assert_eq!(keys.len(), 1, "{said}");
    for name in ["root-secret", "keyward.db"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }

    let mut server = Server::serve(&data);
    assert!(server.stdout().is_empty());
    let me = server.client(keys[0]).get("/me").data(200);
    assert_eq!(me["user"]["email"], "ada@bank.example");
    assert_eq!((&me["user"]["full_name"], &me["user"]["role"]), (&json!("Ada Byron"), &json!("admin")));
    assert_eq!((&me["account"]["slug"], &me["platform"]["api_tier"]), (&json!("first-bank"), &json!("free")));
    server.terminate();
    assert!(!server.stderr().contains(keys[0]));
}

#[test]
fn init_json_has_one_line_of_the_documented_shape() {
    let (home, line) = installed();
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&line), ["account", "user", "api_key"]);
    assert_eq!(line["account"], json!({ "id": 1, "slug": "first-bank", "tier": "standard" }));
    assert_eq!(members(&line["user"]), ["id", "email", "password"]);
    assert_eq!(members(&line["api_key"]), ["id", "api_key"]);
    let server = Server::serve(home.path());
    let me = server.client(line["api_key"]["api_key"].as_str().unwrap()).get("/me").data(200);
    assert_eq!(
        (&me["user"]["id"], &me["platform"]["credential"]["id"]),
        (&line["user"]["id"], &line["api_key"]["id"])
    );
}

#[test]
fn a_second_init_is_refused_and_changes_nothing() {
    let (home, line) = installed();
    refused_without_change(home.path(), &mut init(home.path(), &[]), &["exists already"]);
    let server = Server::serve(home.path());
    assert_eq!(server.client(line["api_key"]["api_key"].as_str().unwrap()).get("/me").status, 200);
}

#[test]
fn init_refuses_bad_names_before_it_makes_anything() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("new");
    let named = |account: &str, email: &str| {
        keyward(&["init", "--data", text(&data), "--account", account, "--email", email])
    };
    refused_without_change(home.path(), &mut named("First Bank", "a@b.example"), &["--account"]);
    refused_without_change(home.path(), &mut named("bank", "nobody"), &["--email"]);
    assert!(!data.exists());
}

#[test]
fn init_uses_a_root_secret_that_is_there() {
    let (old, _) = installed();
    let home = tempfile::tempdir().unwrap();
    let kept = home.path().join("root-secret");
    fs::copy(old.path().join("root-secret"), &kept).unwrap();
    let before = fs::read(&kept).unwrap();
    assert!(run(&mut init(home.path(), &[])).status.success());
    assert_eq!(fs::read(&kept).unwrap(), before);
}

#[test]
fn the_root_secret_may_come_from_the_environment() {
    let (home, line) = installed();
    let file = home.path().join("root-secret");
    let secret = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    refused_without_change(home.path(), &mut serve(home.path()), &["root-secret"]);
    let mut command = serve(home.path());
    command.env("KEYWARD_ROOT_SECRET", &secret);
    let server = Server::serve_by(command);
    assert_eq!(server.client(line["api_key"]["api_key"].as_str().unwrap()).get("/me").status, 200);
}

#[test]
fn a_configuration_file_says_where_things_are() {
    let (home, line) = installed();
    let config = home.path().join("keyward.toml");
    let text_of_it = "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://api.bank.example\"\n\
                      [store]\nurl = \"sqlite:keyward.db\"\n[secrets]\nfile = \"root-secret\"\n";
    fs::write(&config, text_of_it).unwrap();
    let server = Server::serve_by(keyward(&["serve", "--config", text(&config)]));
    let mut client = server.client(line["api_key"]["api_key"].as_str().unwrap());
    let made = client.post("/deals", &json!({ "title": "Where am I" }));
    let location = made.header("location").unwrap();
    assert!(location.starts_with("https://api.bank.example/api/external/v2/deals/"), "{location}");
}

#[test]
fn a_port_in_use_is_refused_before_anything_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("demo");
    let mut command = keyward(&["demo", "--json", "--listen", &address, "--data", text(&data)]);
    refused_without_change(home.path(), &mut command, &[&address]);
    assert!(!data.exists());
    let (home, _) = installed();
    let mut command = keyward(&["serve", "--listen", &address, "--data", text(home.path())]);
    refused_without_change(home.path(), &mut command, &[&address]);
}

#[test]
fn a_data_directory_that_cannot_be_one_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "not a directory").unwrap();
    // A superuser may write anywhere, but not below these.
    let nowhere = Path::new("/proc/keyward-data");
    for data in [file.as_path(), &file.join("below"), nowhere] {
        for mut command in [demo(data), init(data, &[]), serve(data)] {
            let before = fs::read(&file).unwrap();
            let line = refused(&mut command);
            assert!(line.contains(text(data)), "it names the directory: {line}");
            assert_eq!(fs::read(&file).unwrap(), before);
        }
    }
}

#[test]
fn a_data_directory_without_the_right_to_write_is_refused() {
    // As somebody else, since a superuser may write here too.
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    if !run(Command::new("setpriv").args(nobody).arg("true")).status.success() {
        println!("not run: only a superuser can become somebody else");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
    // The program itself must be within reach of that user.
    let program = home.path().join("keyward");
    fs::copy(env!("CARGO_BIN_EXE_keyward"), &program).unwrap();
    let data = home.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
    for arguments in [
        Server::demo_arguments(Some(&data)),
        vec!["init", "--account", "a", "--email", "a@b", "--data", text(&data)],
    ] {
        let mut command = Command::new("setpriv");
        command.args(nobody).arg(&program).args(arguments);
        clean(&mut command);
        let line = refused(&mut command);
        assert!(line.contains(text(&data)) && line.contains("ermission denied"), "{line}");
    }
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
}

#[test]
fn serve_without_a_database_is_refused_and_says_what_to_do() {
    let (home, _) = installed();
    fs::remove_file(home.path().join("keyward.db")).unwrap();
    refused_without_change(home.path(), &mut serve(home.path()), &["there is no database", "keyward init"]);
    assert!(!home.path().join("keyward.db").exists());
}

#[test]
fn a_database_is_served_by_one_process() {
    let (home, line) = installed();
    let key = line["api_key"]["api_key"].as_str().unwrap();
    let mut first = Server::serve(home.path());
    let said = refused(&mut serve(home.path()));
    assert!(said.contains("in use by another process"), "{said}");
    assert_eq!(first.client(key).get("/me").status, 200, "the first one is not disturbed");
    first.kill();
    // The lock dies with its owner.
    let second = Server::serve(home.path());
    assert_eq!(second.client(key).get("/me").status, 200);

    let kept = tempfile::tempdir().unwrap();
    let first = Server::demo(Some(kept.path()));
    let said = refused(&mut demo(kept.path()));
    assert!(said.contains("in use by another process"), "{said}");
    assert_eq!(first.client(&first.admin()).get("/me").status, 200);
}

#[test]
fn a_database_is_owned_once_by_whatever_name() {
    let (home, line) = installed();
    let key = line["api_key"]["api_key"].as_str().unwrap();
    let first = Server::serve(home.path());
    let other = tempfile::tempdir().unwrap();
    fs::copy(home.path().join("root-secret"), other.path().join("root-secret")).unwrap();
    std::os::unix::fs::symlink(home.path().join("keyward.db"), other.path().join("keyward.db")).unwrap();
    let said = refused(&mut serve(other.path()));
    assert!(said.contains("in use by another process"), "{said}");
    fs::remove_file(other.path().join("keyward.db")).unwrap();
    drop(first);
    // A link to a database that is not there yet is no other database either.
    let new = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(new.path().join("keyward.db"), other.path().join("keyward.db")).unwrap();
    fs::remove_file(other.path().join("root-secret")).unwrap();
    let linked = Server::demo(Some(other.path()));
    fs::copy(other.path().join("root-secret"), new.path().join("root-secret")).unwrap();
    let said = refused(&mut serve(new.path()));
    assert!(said.contains("in use by another process"), "{said}");
    drop(linked);
    fs::remove_file(other.path().join("keyward.db")).unwrap();
    let first = Server::serve(home.path());
    fs::hard_link(home.path().join("keyward.db"), other.path().join("keyward.db")).unwrap();
    let said = refused(&mut serve(other.path()));
    assert!(said.contains("in use by another process"), "{said}");
    assert_eq!(first.client(key).get("/me").status, 200, "the owner is not disturbed");
    drop(first);
    let said = refused(&mut serve(other.path()));
    assert!(said.contains("another hard link"), "{said}");
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    for (component, version) in [("keyward", 1_000), ("lev-deals", 1_000), ("lev-loans", 1)] {
        let (home, _) = installed();
        set_schema_version(&home.path().join("keyward.db"), component, version).unwrap();
        let words = ["newer version", component, &version.to_string()];
        refused_without_change(home.path(), &mut serve(home.path()), &words);
    }
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let (home, _) = installed();
    let database = home.path().join("keyward.db");
    fs::remove_file(&database).unwrap();
    make_database(&database, "CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('A')").unwrap();
    fs::set_permissions(&database, Permissions::from_mode(0o640)).unwrap();
    refused_without_change(home.path(), &mut serve(home.path()), &["another program"]);
    fs::remove_file(home.path().join("root-secret")).unwrap();
    refused_without_change(home.path(), &mut demo(home.path()), &["no finished demo"]);
    refused_without_change(home.path(), &mut init(home.path(), &[]), &["exists already"]);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let (home, _) = installed();
    let database = home.path().join("keyward.db");
    fs::write(&database, "This is a letter, and longer than the header of a database. ".repeat(40)).unwrap();
    refused_without_change(home.path(), &mut serve(home.path()), &["not a database"]);
    fs::remove_file(&database).unwrap();
    fs::create_dir(&database).unwrap();
    refused_without_change(home.path(), &mut serve(home.path()), &["keyward.db"]);
}

#[test]
fn a_database_that_only_looks_like_ours_is_refused_in_one_line() {
    let (home, _) = installed();
    let database = home.path().join("keyward.db");
    fs::remove_file(&database).unwrap();
    // Our mark, and a table in the way of the first migration.
    make_database(&database, "PRAGMA application_id = 0x4B455957; CREATE TABLE accounts (id INTEGER)")
        .unwrap();
    fs::set_permissions(&database, Permissions::from_mode(0o600)).unwrap();
    refused(&mut serve(home.path()));
}

#[test]
fn a_bad_configuration_is_refused_with_the_place_of_the_mistake() {
    let (home, _) = installed();
    let config = home.path().join("keyward.toml");
    for (text_of_it, words) in [
        ("[server]\n\nlisen = \"127.0.0.1:0\"\n", ["keyward.toml:3:", "lisen"]),
        ("[server]\nlisten = \"nowhere\"\n", ["keyward.toml:2:", ""]),
        ("[log]\nformat = \"xml\"\n", ["keyward.toml:2:", "xml"]),
        ("[server\n", ["keyward.toml:1:", ""]),
        ("[store]\nurl = \"postgres://db.example/\"\n", ["store.url", "sqlite:"]),
        ("[server]\npublic_url = \"ftp://x.example\"\n", ["server.public_url", ""]),
        ("[keys]\nprefix = \"no good\"\n", ["keys.prefix", ""]),
    ] {
        // What the file leaves out would be at the usual place, which is not here.
        let rest = if text_of_it.contains("[store]") { "" } else { "[store]\nurl = \"sqlite:keyward.db\"\n" };
        let whole = format!("{text_of_it}{rest}[secrets]\nfile = \"root-secret\"\n");
        fs::write(&config, whole).unwrap();
        let mut command = keyward(&["serve", "--config", text(&config)]);
        command.env("KEYWARD_SERVER_LISTEN", "127.0.0.1:0");
        refused_without_change(home.path(), &mut command, &words);
    }
    let missing = home.path().join("missing.toml");
    let mut command = keyward(&["serve", "--config", text(&missing)]);
    refused_without_change(home.path(), &mut command, &["missing.toml"]);
    for (name, value) in [
        ("KEYWARD_SERVER_LISTEN", "nowhere"),
        ("KEYWARD_LOG_FORMAT", "xml"),
        ("KEYWARD_ROOT_SECRET", "1 short"),
    ] {
        let mut command = keyward(&["serve", "--data", text(home.path())]);
        if name != "KEYWARD_SERVER_LISTEN" {
            command.env("KEYWARD_SERVER_LISTEN", "127.0.0.1:0");
        }
        refused_without_change(home.path(), command.env(name, value), &[name]);
    }
}

#[test]
fn a_root_secret_that_others_can_read_is_refused() {
    let (home, _) = installed();
    let secret = home.path().join("root-secret");
    for bits in [0o640, 0o604, 0o660] {
        fs::set_permissions(&secret, Permissions::from_mode(bits)).unwrap();
        refused_without_change(home.path(), &mut serve(home.path()), &["root-secret", "chmod 600"]);
    }
    let home = demonstrated();
    let credentials = home.path().join("demo-credentials.json");
    fs::set_permissions(&credentials, Permissions::from_mode(0o644)).unwrap();
    refused_without_change(home.path(), &mut demo(home.path()), &["demo-credentials.json", "chmod 600"]);
}

#[test]
fn a_wrong_or_spoilt_root_secret_is_refused_and_never_shown() {
    let (home, line) = installed();
    let (other, _) = installed();
    let secret = home.path().join("root-secret");
    let right = fs::read(&secret).unwrap();
    fs::copy(other.path().join("root-secret"), &secret).unwrap();
    refused_without_change(home.path(), &mut serve(home.path()), &["root secret", "version 1"]);
    for spoilt in ["", "1 MARKERMARKERMARKER", "MARKER", "1\u{0}MARKER"] {
        fs::write(&secret, spoilt).unwrap();
        let line = refused(&mut serve(home.path()));
        assert!(line.contains("root secret") && !line.contains("MARKER"), "{line}");
    }
    fs::remove_file(&secret).unwrap();
    refused_without_change(home.path(), &mut serve(home.path()), &["root-secret"]);
    fs::write(&secret, right).unwrap();
    fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    let server = Server::serve(home.path());
    assert_eq!(server.client(line["api_key"]["api_key"].as_str().unwrap()).get("/me").status, 200);
}

#[test]
fn a_directory_of_half_a_demo_is_refused_and_left_alone() {
    // Each is what a first start leaves behind that is killed at another moment.
    let home = demonstrated();
    fs::remove_file(home.path().join("demo-credentials.json")).unwrap();
    refused_without_change(home.path(), &mut demo(home.path()), &["no finished demo"]);
    fs::write(home.path().join("demo-credentials.json"), "{").unwrap();
    let credentials = home.path().join("demo-credentials.json");
    fs::set_permissions(&credentials, Permissions::from_mode(0o600)).unwrap();
    refused_without_change(home.path(), &mut demo(home.path()), &["not a demo's credentials"]);
}

#[test]
fn a_demo_does_not_touch_a_root_secret_that_is_not_its_own() {
    let (old, _) = installed();
    let home = tempfile::tempdir().unwrap();
    fs::copy(old.path().join("root-secret"), home.path().join("root-secret")).unwrap();
    refused_without_change(home.path(), &mut demo(home.path()), &["root-secret"]);
}

#[test]
fn a_demo_whose_database_is_gone_is_refused() {
    let home = demonstrated();
    fs::remove_file(home.path().join("keyward.db")).unwrap();
    // With a new, empty database the line would be the same and no key in it would work.
    refused_without_change(home.path(), &mut demo(home.path()), &["keyward.db"]);
}

#[test]
fn an_orderly_stop_writes_when_keys_were_last_used() {
    for signal in ["TERM", "INT"] {
        let home = tempfile::tempdir().unwrap();
        let mut server = Server::demo(Some(home.path()));
        let viewer = server.key("viewer@acme.example", "acme-capital", "full_access");
        assert_eq!(server.client(&viewer).get("/me").status, 200);
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0), "{signal}: {}", server.stderr());

        let server = Server::demo(Some(home.path()));
        let keys = server.client(&server.admin()).get("/api-keys?all=true").data(200);
        let owner = |email: &str| {
            let users = server.line["users"].as_array().unwrap();
            users.iter().find(|user| user["email"] == email).unwrap()["id"].clone()
        };
        let of =
            |email: &str| keys.as_array().unwrap().iter().find(|key| key["user_id"] == owner(email)).unwrap();
        let used = &of("viewer@acme.example")["last_used_at"];
        assert!(
            used.as_str().is_some_and(|used| used.len() == 20 && used.ends_with('Z')),
            "{signal}: {keys}"
        );
        assert_eq!(of("editor@acme.example")["last_used_at"], Value::Null, "never used");
    }
}

#[test]
fn an_orderly_end_leaves_the_whole_database_in_one_file() {
    let (home, log) = (tempfile::tempdir().unwrap(), "keyward.db-wal");
    assert!(run(&mut init(home.path(), &[])).status.success());
    assert!(!home.path().join(log).exists(), "after init");
    Server::serve(home.path()).terminate();
    assert!(!home.path().join(log).exists(), "after serve");
    let home = tempfile::tempdir().unwrap();
    Server::demo(Some(home.path())).terminate();
    assert!(!home.path().join(log).exists(), "after demo");
}

#[test]
fn what_has_begun_when_the_server_stops_is_answered() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let key = server.admin();
    // A connection without a request must not hold the end up.
    let _idle = connect(server.address).unwrap();
    let body = json!({ "title": "Begun before the end" }).to_string();
    let (first, second) = body.split_at(10);
    let mut stream = BufReader::new(connect(server.address).unwrap());
    let head = format!(
        "POST /api/external/v2/deals HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {key}\r\nX-Origin-App: test\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        server.address,
        body.len()
    );
    stream.get_mut().write_all(head.as_bytes()).unwrap();
    asked_to_go_on(&mut stream);
    stream.get_mut().write_all(first.as_bytes()).unwrap();
    server.signal("TERM");
    let stopping = (0..1_000).any(|_| {
        sleep(Duration::from_millis(5));
        server.stderr().contains("stopping")
    });
    assert!(stopping, "{}", server.stderr());
    stream.get_mut().write_all(second.as_bytes()).unwrap();
    let made = read_answer(&mut stream, false).unwrap().data(201);
    assert_eq!(server.wait().code(), Some(0), "{}", server.stderr());

    let server = Server::demo(Some(home.path()));
    let found = server.client(&server.admin()).get(&format!("/deals/{}", made["id"])).data(200);
    assert_eq!(found["title"], "Begun before the end");
}

#[test]
fn every_mistake_of_a_configuration_is_told_at_once() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("keyward.toml");
    fs::write(&file, "[server]\nlisten = 1\nlisen = 2\n\n[log]\nformat = \"xml\"\n").unwrap();
    for arguments in [["config", "check"], ["config", "show"]] {
        let output = run(keyward(&arguments).args(["--config", text(&file)]).env("KEYWARD_KEYS_PREFIX", "X"));
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), 4, "{said}");
        for (line, place) in lines.iter().zip([
            "keyward.toml:2: ",
            "keyward.toml:3: ",
            "keyward.toml:6: ",
            "KEYWARD_KEYS_PREFIX: ",
        ]) {
            assert!(line.starts_with("keyward: ") && line.contains(place), "{line}");
        }
    }
    let check = ["config", "check", "--for-another-machine"];
    let good = run(&mut keyward(&check));
    assert!(good.status.success() && good.stdout == b"the configuration is good\n", "{good:?}");
    // What is shown, and the commented sample, can be started with.
    for arguments in [&["config", "show"][..], &["config", "show", "--defaults"]] {
        fs::write(&file, run(&mut keyward(arguments)).stdout).unwrap();
        assert!(run(keyward(&check).args(["--config", text(&file)])).status.success());
    }
    let schema = run(&mut keyward(&["config", "schema"])).stdout;
    let schema: serde_json::Value = serde_json::from_slice(&schema).unwrap();
    assert_eq!(schema["properties"]["log"]["properties"]["format"]["enum"], json!(["text", "json"]));
}

#[test]
fn a_trusted_proxy_is_believed_about_its_clients_and_nobody_else_is() {
    let allowed = json!({ "label": "office", "allowed_ips": ["203.0.113.0/24"] });
    for (trusted, through, expected) in [
        ("127.0.0.0/8", "203.0.113.9", 200),
        ("127.0.0.0/8", "203.0.113.9, 198.51.100.7", 401),
        ("127.0.0.0/8", "198.51.100.7, 203.0.113.9, 127.0.0.1", 200),
        ("10.0.0.0/8", "203.0.113.9", 401),
    ] {
        let mut command = keyward(&Server::demo_arguments(None));
        command.env("KEYWARD_SERVER_TRUSTED_PROXIES", trusted);
        let server = Server::demo_by(command);
        let made = server.client(&server.admin()).post("/api-keys", &allowed).data(201);
        let mut client = server.client(made["api_key"].as_str().unwrap());
        let answer = client.call("GET", "/me", &[("X-Forwarded-For", through)], b"");
        assert_eq!(answer.unwrap().status, expected, "{trusted} {through}");
    }
}

#[test]
fn what_is_over_a_limit_is_counted_whether_it_is_refused_or_not() {
    for (shadow, statuses) in [("false", [200, 429, 429]), ("true", [200, 200, 200])] {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = keyward(&Server::demo_arguments(None));
        command.env("KEYWARD_SERVER_ADMIN_LISTEN", free.to_string());
        command.env("KEYWARD_LIMITS_HEALTH_PER_MINUTE", "1").env("KEYWARD_LIMITS_SHADOW", shadow);
        let server = Server::demo_by(command);
        let mut client = server.client(&server.admin());
        assert_eq!([(); 3].map(|()| client.get("/health").status), statuses);
        let figures = Client::to(free).send("GET", "/metrics", &[], b"").unwrap();
        let figures = String::from_utf8(figures.body).unwrap();
        let refused = if shadow == "true" { "false" } else { "true" };
        let line = format!("keyward_limited_total{{limit=\"health\",refused=\"{refused}\"}} 2");
        assert!(figures.lines().any(|told| told == line), "{line} is missing:\n{figures}");
    }
}

#[test]
fn the_operator_can_watch_on_an_address_of_its_own() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = keyward(&Server::demo_arguments(None));
    command.env("KEYWARD_SERVER_ADMIN_LISTEN", free.to_string());
    let server = Server::demo_by(command);
    let mut client = server.client(&server.admin());
    assert_eq!(client.get("/me").status, 200);
    assert_eq!(server.client("lev_sk_guess").get("/me").status, 401);
    for path in ["/one", "/two", "/three"] {
        assert_eq!(client.get(path).status, 404);
    }
    let mut admin = Client::to(free);
    let mut ask = |path: &str| {
        let answer = admin.send("GET", path, &[], b"").unwrap();
        (answer.status, String::from_utf8(answer.body).unwrap())
    };
    assert_eq!(ask("/livez"), (200, "ok\n".to_owned()));
    assert_eq!(ask("/readyz"), (200, "ok\n".to_owned()));
    let (status, figures) = ask("/metrics");
    assert_eq!(status, 200);
    for line in [
        "keyward_requests_total{operation=\"getMe\",status=\"200\",denial=\"\"} 1",
        "keyward_requests_total{operation=\"getMe\",status=\"401\",denial=\"key_malformed\"} 1",
        "keyward_requests_total{operation=\"none\",status=\"404\",denial=\"route_unknown\"} 3",
        "keyward_request_duration_seconds_count{operation=\"getMe\"} 2",
        "keyward_connections_refused_total 0",
        "keyward_keys 7",
    ] {
        assert!(figures.lines().any(|told| told == line), "{line} is missing:\n{figures}");
    }
    assert!(figures.contains("keyward_connections ") && !figures.contains("/two"), "{figures}");
    // Clients do not reach it.
    assert_eq!(client.send("GET", "/metrics", &[], b"").unwrap().status, 404);
    let mut second = keyward(&Server::demo_arguments(None));
    second.env("KEYWARD_SERVER_ADMIN_LISTEN", free.to_string());
    assert!(refused(&mut second).contains(&free.to_string()), "an address in use is told in one line");
}

#[test]
fn an_init_that_was_cut_short_can_be_repeated() {
    let home = tempfile::tempdir().unwrap();
    for cut in 0..20 {
        let mut child = init(home.path(), &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(cut * 3));
        child.kill().unwrap();
        child.wait().unwrap();
        if home.path().join("keyward.db").exists() {
            break;
        }
    }
    if !home.path().join("keyward.db").exists() {
        assert!(run(&mut init(home.path(), &[])).status.success(), "the one that is let be ends well");
    }
    // Whatever was cut short, the database is whole: account, admin, key.
    let database = home.path().join("keyward.db");
    let count = |table: &str| {
        keyward_sqlite::faults::number(&database, &format!("SELECT count(*) FROM {table}")).unwrap()
    };
    assert_eq!((count("accounts"), count("users"), count("memberships"), count("api_keys")), (1, 1, 1, 1));
}
