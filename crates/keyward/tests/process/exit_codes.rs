//! How commands end: the table of exit codes, errors for programs, and what becomes of an order whose output nobody takes.
//!
//! | mistake | the test that catches it |
//! | --- | --- |
//! | two kinds of failure share a code, or one of them repeats what was done | `each_kind_of_end_…` |
//! | a server that is gone counts as "nothing was done" | `an_order_without_an_answer_…` |
//! | an order that is done says that it failed, or one that is not says nothing | `where_the_disk_is_full_…` |
//! | `head` makes a command fail | `a_reader_that_leaves_…` |
//! | a command needs a terminal, a locale or an open standard input | `without_terminal_…` |
//! | a provisioning script cannot be run again | `what_is_there_already_…`, `init_…` |
//! | data that everyone can open, or no root secret, are a refusal of `init` and `restore` | `an_installation_that_does_not_fit_…` |
//! | a closed terminal leaves a demo behind | `a_demo_ends_with_its_terminal` |

use crate::orders::{order, refusal};
use crate::support::{Server, clean, keyward, run, settle, text, unlimited};
use serde_json::{Value, json};
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

const LIST: [&str; 4] = ["key", "list", "--account", "acme-capital"];

fn at(data: &Path, arguments: &[&str]) -> Command {
    let mut command = keyward(arguments);
    command.args(["--data", text(data)]);
    command
}

/// Asserts how a command ends, for people and for programs.
fn ends(data: &Path, arguments: &[&str], (number, code): (i32, &str)) {
    let people = run(&mut at(data, arguments));
    let said = String::from_utf8(people.stderr).unwrap();
    assert_eq!(people.status.code(), Some(number), "{arguments:?}: {said}");
    assert!(said.starts_with("keyward: ") || said.starts_with("error: "), "{arguments:?}: {said}");
    let programs = run(at(data, arguments).arg("--json"));
    let said = String::from_utf8(programs.stderr).unwrap();
    assert_eq!((programs.status.code(), programs.stdout.len()), (Some(number), 0), "{arguments:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
    let error = serde_json::from_str::<Value>(&said).unwrap()["error"].take();
    assert_eq!(
        (&error["code"], &error["exit_code"]),
        (&json!(code), &json!(number)),
        "{arguments:?}: {said}"
    );
    let message = error["message"].as_str().unwrap();
    assert!(!message.is_empty() && !message.contains("Usage:"), "{arguments:?}: {said}");
}

#[test]
fn each_kind_of_end_has_its_exit_code_beside_a_server_and_without_one() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let (refused, not_found, usage) = ((1, "refused"), (1, "not_found"), (2, "usage"));
    let nowhere = tempfile::tempdir().unwrap();
    let (unheard, file) = (format!("http://{}", server.address), home.path().join("there"));
    fs::write(&file, "").unwrap();
    for running in [true, false] {
        if !running {
            server.terminate();
            settle(home.path());
        }
        let ends = |arguments: &[&str], end| ends(home.path(), arguments, end);
        // What ends something ends with 0 also the second time.
        for _ in 0..2 {
            order(home.path(), &["key", "revoke", "2"]);
            order(home.path(), &["user", "disable", "viewer@acme.example"]);
        }
        ends(&["key", "revoke", "999"], not_found);
        ends(&["key", "rotate", "999"], not_found);
        ends(&["key", "list", "--account", "nowhere"], not_found);
        ends(&["user", "disable", "nobody@a.example"], not_found);
        ends(&["explain", "00000000-0000-4000-8000-000000000000"], not_found);
        ends(&["account", "create", "Bad Slug"], refused);
        ends(&["account", "limits", "acme-capital", "--reads", "0"], refused);
        ends(&["account", "create", "acme-capital"], (1, "already_exists"));
        ends(&["user", "create", "admin@acme.example"], (1, "already_exists"));
        ends(&["init", "--account", "a", "--email", "a@a.example"], (1, "already_exists"));
        ends(&["key", "lst"], usage);
        ends(&["key", "rotate"], usage);
        ends(&["account", "tier", "acme-capital", "gold"], usage);
        ends(&["key", "create", "--account", "a", "--user", "u@a", "--label", "l"], usage);
        ends(&["key", "list", "--account", "a", "--config", "/nowhere.toml"], usage);
        let copy = run(&mut at(home.path(), &["backup", text(&file)]));
        assert_eq!(copy.status.code(), Some(1), "{copy:?}");
    }
    ends(nowhere.path(), &LIST, usage);
    for (arguments, number) in [
        (&["serve", "--listen", "127.0.0.1:0", "--data", text(nowhere.path())][..], 2),
        (&["demo", "--listen", "192.0.2.1:1"], 2),
        (&["config", "check", "--config", "/nowhere.toml"], 2),
        (&[], 2),
        (&["login", "ftp://a.example"], 2),
        (&["login", &unheard, "--no-browser"], 3),
        (&["doctor", "--mcp", &unheard], 1),
        (&["--help"], 0),
        (&["help", "key"], 0),
    ] {
        let output = run(&mut keyward(arguments));
        assert_eq!(output.status.code(), Some(number), "{arguments:?}: {output:?}");
    }
}

/// A server that takes an order and goes.
fn vanishing(data: &Path) -> UnixListener {
    fs::write(data.join("keyward.db"), "").unwrap();
    let listener = UnixListener::bind(data.join("keyward.db.sock")).unwrap();
    for file in ["keyward.db", "keyward.db.sock"] {
        fs::set_permissions(data.join(file), Permissions::from_mode(0o600)).unwrap();
    }
    listener
}

#[test]
fn an_order_without_an_answer_may_have_been_carried_out_unless_it_only_looks() {
    let home = tempfile::tempdir().unwrap();
    let listener = vanishing(home.path());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut line = String::new();
            let _ = BufReader::new(stream.unwrap()).read_line(&mut line);
        }
    });
    ends(home.path(), &["account", "create", "acme"], (4, "unknown"));
    ends(home.path(), &["key", "revoke", "7"], (4, "unknown"));
    ends(home.path(), &LIST, (3, "unavailable"));
}

/// The exit code and what standard error has, where standard output is this.
fn into(mut command: Command, out: Stdio) -> (Option<i32>, String) {
    let ended = command.stdout(out).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

fn full() -> Stdio {
    Stdio::from(File::options().write(true).open("/dev/full").unwrap())
}

fn left() -> Stdio {
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(ours);
    Stdio::from(OwnedFd::from(theirs))
}

#[test]
fn where_the_disk_is_full_what_was_looked_at_failed_and_what_was_done_is_in_doubt() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    for running in [true, false] {
        if !running {
            server.terminate();
            settle(home.path());
        }
        for looks in
            [&LIST[..], &["audit"], &["audit", "--json"], &["client", "list"], &["doctor", "--database"]]
        {
            let (code, said) = into(at(home.path(), looks), full());
            assert!(code == Some(3) && said.contains("No space left"), "{looks:?}: {code:?} {said}");
        }
        let slug = if running { "first" } else { "second" };
        let (code, said) = into(at(home.path(), &["account", "create", slug]), full());
        assert_eq!(code, Some(4), "{said}");
        assert!(said.contains("it is done, but standard output cannot be written"), "{said}");
        assert!(refusal(home.path(), &["account", "create", slug]).contains("already"), "it is done");
    }
    for looks in [&["--version"][..], &["--help"], &["config", "show"], &["config", "schema"]] {
        assert_eq!(into(keyward(looks), full()).0, Some(3), "{looks:?}");
    }
}

/// O-7c.
#[test]
fn a_reader_that_leaves_ends_a_command_with_0_and_no_word() {
    let home = tempfile::tempdir().unwrap();
    let _server = Server::demo(Some(home.path()));
    let made = ["account", "create", "third"];
    for arguments in [&LIST[..], &["audit"], &["audit", "--json"], &["client", "list"], &made] {
        assert_eq!(into(at(home.path(), arguments), left()), (Some(0), String::new()), "{arguments:?}");
    }
    assert!(refusal(home.path(), &made).contains("already"), "it is done");
    for arguments in [&["--version"][..], &["help"], &["config", "show"], &["config", "check"]] {
        assert_eq!(into(keyward(arguments), left()), (Some(0), String::new()), "{arguments:?}");
    }
}

#[test]
fn without_terminal_locale_and_standard_input_a_command_does_the_same() {
    let home = tempfile::tempdir().unwrap();
    let _server = Server::demo(Some(home.path()));
    let label = "日本語 キー é";
    let user = ["--account", "acme-capital", "--user", "admin@acme.example", "--label", label];
    order(home.path(), &[&["key", "create", "--permission", "read_only"][..], &user].concat());
    let detached = |closed: &str| {
        let mut command = Command::new("setsid");
        command.args([
            "-w",
            "sh",
            "-c",
            &format!("exec \"$@\" {closed}"),
            "sh",
            env!("CARGO_BIN_EXE_keyward"),
        ]);
        command.args(LIST).args(["--data", text(home.path())]);
        clean(&mut command);
        command.env("LC_ALL", "C").env("LANG", "C");
        run(&mut command)
    };
    let output = detached("<&-");
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains(label));
    assert_eq!(detached("<&- >&- 2>&-").status.code(), Some(0));
}

/// O-24b.
#[test]
fn a_text_that_is_too_long_is_refused_by_its_own_rule_beside_a_server_and_without_one() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let long = "\u{7f}".repeat(120_000);
    for running in [true, false] {
        if !running {
            server.terminate();
            settle(home.path());
        }
        let key = ["key", "create", "--account", "acme-capital", "--user", "admin@acme.example"];
        let said =
            refusal(home.path(), &[&key[..], &["--permission", "read_only", "--label", &long]].concat());
        assert!(said.contains("a label has 1 to 255 characters") && said.len() < 300, "{}", said.len());
        let said = refusal(home.path(), &["account", "create", "long", "--name", &long]);
        assert!(said.contains("a name has 1 to 255 characters"), "{}", said.len());
    }
}

#[test]
fn what_is_there_already_as_it_was_asked_for_is_no_failure_and_is_not_changed() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let key = ["key", "create", "--account", "shop", "--user", "ops@shop.example", "--label", "deploy"];
    let app = ["client", "create", "Shop", "--redirect-uri", "https://shop.example/back"];
    let table = [
        (&["account", "create", "shop", "--tier", "free"][..], &[][..], &["--tier", "enterprise"][..]),
        (
            &["user", "create", "Ops@shop.example", "--account", "shop"],
            &["--role", "editor"],
            &["--role", "admin"],
        ),
        (&key, &["--scope", "deals:read"], &["--permission", "full_access"]),
        (&app, &[], &["--confidential"]),
    ];
    for (command, asked, otherwise) in table {
        let absent = [command, asked, &["--if-absent"]].concat();
        let made = order(home.path(), &absent);
        assert_eq!(made["created"], true, "{made}");
        for running in [true, false] {
            if !running {
                server.terminate();
            }
            let there = order(home.path(), &absent);
            assert_eq!(there["created"], false, "{there}");
            for same in ["id", "client_id"] {
                assert_eq!(there.get(same), made.get(same), "{there}");
            }
            for secret in ["password", "api_key", "client_secret"] {
                assert_eq!(there.get(secret), None, "{there}");
            }
        }
        if command[1..] != ["create", "shop", "--tier", "free"] {
            ends(home.path(), &[command, otherwise, &["--if-absent"]].concat(), (1, "already_exists"));
        }
        server = Server::demo(Some(home.path()));
    }
    let any = order(home.path(), &["account", "create", "shop", "--if-absent"]);
    assert_eq!((&any["created"], &any["tier"]), (&json!(false), &json!("free")), "the tier that it has");
    ends(
        home.path(),
        &["account", "create", "shop", "--tier", "enterprise", "--if-absent"],
        (1, "already_exists"),
    );
    // A key that is over is not there.
    let listed = order(home.path(), &["key", "list", "--account", "shop"]);
    order(home.path(), &["key", "revoke", &listed[0]["id"].to_string()]);
    let absent = [&key[..], &["--scope", "deals:read", "--if-absent"]].concat();
    let again = order(home.path(), &absent);
    assert!(again["created"] == true && again["api_key"].is_string(), "{again}");
    // One of what is disabled opens nothing.
    for (kind, name) in [("user", "ops@shop.example"), ("account", "shop")] {
        order(home.path(), &[kind, "disable", name]);
        ends(home.path(), &absent, (1, "already_exists"));
        order(home.path(), &[kind, "enable", name]);
    }
    assert_eq!(order(home.path(), &absent)["created"], false);
}

#[test]
fn init_where_an_installation_is_there_already_looks_at_it_and_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let init = ["init", "--account", "acme", "--email", "you@acme.example", "--if-absent"];
    assert!(order(&data, &init)["api_key"]["api_key"].is_string());
    assert_eq!(order(&data, &init)["created"], false);
    let server = Server::serve(&data);
    assert_eq!(order(&data, &init)["created"], false, "beside a server");
    drop(server);
    let root = data.join("root-secret");
    fs::rename(&root, home.path().join("away")).unwrap();
    ends(&data, &init, (2, "usage"));
    fs::rename(home.path().join("away"), &root).unwrap();
    for file in ["keyward.db", "keyward.db-wal", "keyward.db-shm"] {
        let _ = fs::remove_file(data.join(file));
    }
    let empty = File::create(data.join("keyward.db")).unwrap();
    ends(&data, &init, (1, "refused"));
    assert_eq!(empty.metadata().unwrap().len(), 0, "it is made into nothing");
    let said = run(at(&data, &init).arg("--json").env("KEYWARD_IMAGE", "keyward:1")).stderr;
    let said = String::from_utf8(said).unwrap();
    assert!(said.lines().count() == 1 && said.starts_with('{'), "for programs an error is alone: {said}");
}

#[test]
fn an_installation_that_does_not_fit_is_a_mistake_of_the_configuration_for_init_and_restore_too() {
    let home = tempfile::tempdir().unwrap();
    let (data, other, copy) =
        (home.path().join("data"), home.path().join("other"), home.path().join("copy.db"));
    let set = |path: &Path, bits| fs::set_permissions(path, Permissions::from_mode(bits)).unwrap();
    let (usage, init) = ((2, "usage"), ["init", "--account", "a", "--email", "a@a.example"]);
    order(&data, &init);
    order(&data, &["backup", text(&copy)]);
    let restore = ["restore", text(&copy)];
    ends(&other, &restore, usage);
    fs::create_dir(&other).unwrap();
    let root = other.join("root-secret");
    fs::copy(data.join("root-secret"), &root).unwrap();
    set(&other, 0o777);
    ends(&other, &restore, usage);
    ends(&other, &init, usage);
    set(&other, 0o700);
    set(&root, 0o644);
    ends(&other, &init, usage);
    set(&root, 0o600);
    order(&other, &["restore", text(&copy), "--without-journal"]);
}

/// It is a failure no longer, since it is done: who comes with an outside issuer's token is let in by it.
#[test]
fn an_invitation_without_a_link_is_done_where_nobody_signs_in() {
    let home = tempfile::tempdir().unwrap();
    let mut command = unlimited(keyward(&Server::demo_arguments(Some(home.path()))));
    command.env("KEYWARD_OAUTH_ENABLED", "false");
    let _server = Server::demo_by(command);
    let role = ["--account", "acme-capital", "--role", "viewer"];
    let invited = order(home.path(), &[&["user", "invite", "new@x.example"][..], &role].concat());
    assert_eq!((&invited["role"], invited.get("link")), (&json!("viewer"), None), "{invited}");
    ends(home.path(), &["user", "reset-password", "admin@acme.example"], (1, "refused"));
}

#[test]
fn the_version_says_what_it_is_built_from() {
    let output = run(&mut keyward(&["--version"]));
    let said = String::from_utf8(output.stdout).unwrap();
    let built_from = said.strip_prefix(concat!("keyward ", env!("CARGO_PKG_VERSION"), " (")).unwrap();
    let built_from = built_from.strip_suffix(")\n").unwrap();
    let commit = |word: &str| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let named = built_from.split_once(' ').is_some_and(|(name, _)| commit(name));
    assert!(named || built_from == "debug build" || built_from == "commit unknown", "{said}");
}

/// Starts a demo in a terminal of its own and closes that; prints the exit code.
const TERMINAL: &str = r#"
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said = b""
while b"\n" not in said:
    said += os.read(terminal, 4096)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

/// O-10.
#[test]
fn a_demo_ends_with_its_terminal() {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new("python3");
    command.args(["-c", TERMINAL, env!("CARGO_BIN_EXE_keyward")]).args(Server::demo_arguments(None));
    clean(&mut command);
    let ended = run(command.env("TMPDIR", home.path()));
    assert_eq!(ended.stdout, b"0\n", "{ended:?}");
    let left: Vec<_> = fs::read_dir(home.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Without a terminal SIGHUP is for the configuration, as under a supervisor.
#[test]
fn a_demo_without_a_terminal_goes_on_after_sighup() {
    let server = Server::demo(None);
    server.signal("HUP");
    let reloaded = (0..500).any(|_| {
        thread::sleep(std::time::Duration::from_millis(10));
        server.stderr().contains("reload")
    });
    assert!(reloaded, "{}", server.stderr());
    assert_eq!(server.client(&server.admin()).get("/me").status, 200);
}
