//! Who reports success has looked: copies, restores and empty files.
//!
//! | what was reported, and was not so | test |
//! |---|---|
//! | a copy in a directory that is another one for the operator | `a_copy_lies_where_the_operator_looks_whatever_the_server_sees_there` |
//! | a copy without what lies in a log that was removed | `a_copy_that_lacks_what_was_written_is_refused` |
//! | a new installation, where an empty file lies | `an_empty_database_is_never_served_as_a_new_installation` |
//! | a restore of a damaged copy | `a_damaged_copy_is_not_restored_and_the_refusal_says_so` |
//! | a restore beside a server that goes on with other files | `nothing_is_put_beside_a_server_that_listens` |
//! | that a copy can be restored, which nobody has tried | `a_drill_says_what_a_copy_is_and_changes_nothing`, `a_drill_fails_where_a_restore_would` |
//! | a hard link as a copy | `a_hard_linked_snapshot_does_not_stop_the_start_and_is_warned_of` |

use crate::operate::{init, installed, refused_without_change, serve};
use crate::orders::{order, refusal};
use crate::support::{Server, contents, keyward, needs, refused, run, settle, text};
use keyward_sqlite::faults::{make_database, number, spoil};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A demo that has stopped, beside a copy of it.
fn demo_and_copy() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let copy = home.path().join("copy.db");
    order(home.path(), &["backup", text(&copy)]);
    server.terminate();
    settle(home.path());
    (home, copy)
}

/// A directory for a restore, with the root secret and the journal alone.
fn drill(home: &Path) -> TempDir {
    let drill = tempfile::tempdir().unwrap();
    for name in ["root-secret", "keyward.db.revocations"] {
        fs::copy(home.join(name), drill.path().join(name)).unwrap();
    }
    drill
}

/// A server for which another file system lies over this directory, as `PrivateTmp` makes one. `None`: this user cannot make one.
fn serve_elsewhere(data: &Path, over: &Path) -> Option<Server> {
    let namespaces = ["-m", "-rm"].into_iter();
    let mut allowed =
        namespaces.filter(|flags| run(Command::new("unshare").args([*flags, "true"])).status.success());
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs none \"$0\" && exec \"$@\"";
    command.args([allowed.next()?, "sh", "-c", script, text(over)]);
    let serve = serve(data);
    command.arg(serve.get_program()).args(serve.get_args());
    crate::support::clean(&mut command);
    Some(Server::serve_by(command))
}

#[test]
fn a_copy_lies_where_the_operator_looks_whatever_the_server_sees_there() {
    let (home, _) = installed();
    let over = tempfile::tempdir().unwrap();
    let server = serve_elsewhere(home.path(), over.path());
    needs(server.is_some(), "mount a folder over another");
    let copy = over.path().join("copy.db");
    let made = order(home.path(), &["backup", text(&copy)]);
    assert_eq!(made["file"], json!(copy));
    assert_eq!(number(&copy, "SELECT count(*) FROM users").unwrap(), 1);
}

#[test]
fn a_copy_that_lacks_what_was_written_is_refused() {
    let (home, first) = installed();
    let server = Server::serve(home.path());
    let mut client = server.client(first["api_key"]["api_key"].as_str().unwrap());
    client.post("/deals", &json!({ "title": "in the log alone" })).data(201);
    for name in ["keyward.db-wal", "keyward.db-shm"] {
        fs::remove_file(home.path().join(name)).unwrap();
    }
    let copy = home.path().join("copy.db");
    // Some connections of the server cannot read any more, and it cannot even say what it has written.
    let said = refusal(home.path(), &["backup", text(&copy)]);
    let why = ["lacks what the server has written", "disk I/O error"];
    assert!(why.iter().any(|why| said.contains(why)) && !copy.exists(), "{said}");
}

#[test]
fn an_empty_database_is_never_served_as_a_new_installation() {
    let (home, _) = installed();
    let (at, database) = (home.path(), home.path().join("keyward.db"));
    for (logs, sql) in
        [(&[][..], None), (&["-wal", "-shm"], None), (&[], Some("CREATE TABLE a (b); DROP TABLE a"))]
    {
        fs::remove_file(&database).unwrap();
        match sql {
            Some(sql) => make_database(&database, sql).unwrap(),
            None => fs::write(&database, "").unwrap(),
        }
        let files: Vec<PathBuf> = logs.iter().map(|log| at.join(format!("keyward.db{log}"))).collect();
        files.iter().for_each(|file| fs::write(file, "").unwrap());
        for file in files.iter().chain([&database]) {
            fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
        }
        let copy = at.join("copy.db");
        for command in [
            &mut serve(at),
            &mut keyward(&["account", "create", "other", "--data", text(at)]),
            &mut keyward(&["backup", text(&copy), "--data", text(at)]),
        ] {
            refused_without_change(at, command, &["keyward.db is empty", "keyward restore", "keyward init"]);
        }
        files.iter().for_each(|file| fs::remove_file(file).unwrap());
    }
    assert!(refused(&mut init(at, &[])).contains("exists already"), "nor is it made one by init");
}

/// Ways to damage a copy, and what the refusal says.
type Damage = (&'static str, fn(&mut Vec<u8>), &'static str);

const PAGE: usize = 4096;

const DAMAGES: [Damage; 6] = [
    ("cut in half", |copy| copy.truncate(copy.len() / 2 / PAGE * PAGE), "is damaged: "),
    ("cut by a page", |copy| copy.truncate(copy.len() - PAGE), "is damaged: "),
    (
        "a page of zeros",
        |copy| {
            let end = copy.len() - 2 * PAGE;
            copy[end - PAGE..end].fill(0)
        },
        "is damaged: ",
    ),
    ("overwritten", |copy| copy[PAGE..].fill(0xff), "is damaged: "),
    ("empty", Vec::clear, "is empty, and no copy of a database"),
    ("another file", |copy| copy.fill(b'x'), "is no copy of a database"),
];

#[test]
fn a_damaged_copy_is_not_restored_and_the_refusal_says_so() {
    let (home, copy) = demo_and_copy();
    let whole = fs::read(&copy).unwrap();
    let drill = drill(home.path());
    for (what, damage, words) in DAMAGES {
        let mut bytes = whole.clone();
        damage(&mut bytes);
        fs::write(&copy, bytes).unwrap();
        for check in [&[][..], &["--check"], &["--without-journal"]] {
            let mut command =
                keyward(&[&["restore", text(&copy), "--data", text(drill.path())], check].concat());
            refused_without_change(drill.path(), &mut command, &["copy.db", words]);
            assert!(!drill.path().join("keyward.db").exists(), "{what}");
        }
    }
}

#[test]
fn nothing_is_put_beside_a_server_that_listens() {
    let (home, _) = installed();
    let (copy, away) = (home.path().join("copy.db"), home.path().join("away"));
    let server = Server::serve(home.path());
    order(home.path(), &["backup", text(&copy)]);
    fs::create_dir(&away).unwrap();
    for name in ["keyward.db", "keyward.db-wal", "keyward.db-shm"] {
        fs::rename(home.path().join(name), away.join(name)).unwrap();
    }
    for mut command in
        [keyward(&["restore", text(&copy), "--data", text(home.path())]), init(home.path(), &[])]
    {
        let said = refused(&mut command);
        assert!(said.contains("a server runs and listens at") && said.contains("stop it first"), "{said}");
    }
    assert!(!home.path().join("keyward.db").exists());
    drop(server);
    run(&mut keyward(&["restore", text(&copy), "--data", text(home.path())]));
    assert!(home.path().join("keyward.db").exists(), "what it left behind is in nobody's way");
}

fn checked(data: &Path, copy: &Path, more: &[&str]) -> (bool, Value, String) {
    let arguments = ["restore", text(copy), "--check", "--json", "--data", text(data)];
    let output = run(&mut keyward(&[&arguments[..], more].concat()));
    let (stdout, stderr) = (output.stdout, String::from_utf8(output.stderr).unwrap());
    (output.status.success(), serde_json::from_slice(&stdout).unwrap_or_default(), stderr)
}

#[test]
fn a_drill_says_what_a_copy_is_and_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (server, copy) = (Server::demo(Some(home.path())), home.path().join("copy.db"));
    order(home.path(), &["backup", text(&copy)]);
    order(home.path(), &["key", "revoke", "1"]);
    let before = fs::read(&copy).unwrap();
    let (good, found, said) = checked(home.path(), &copy, &[]);
    assert!(good && said.is_empty(), "{said}");
    assert_eq!(found["bytes"], json!(before.len()));
    assert_eq!(found["root_secret_versions"], json!([1]));
    assert_eq!((&found["older_schema"], &found["faults"]), (&json!(false), &json!([])));
    assert!(found["schema"]["keyward"].is_i64() && found["schema"]["lev-deals"].is_i64(), "{found}");
    assert_eq!((&found["journal_complete"], &found["to_end_again"]), (&json!(true), &json!(1)));
    assert!(found["api_keys"].as_i64().unwrap() > 1, "{found}");
    assert!((0..60).contains(&found["age_seconds"].as_i64().unwrap()), "{found}");
    assert_eq!(fs::read(&copy).unwrap(), before);
    assert!(!home.path().join("copy.db-wal").exists() && !home.path().join("keyward.db.restoring").exists());
    // The restore itself, for programs.
    drop(server);
    let drill = drill(home.path());
    let restored = order(drill.path(), &["restore", text(&copy)]);
    assert_eq!((&restored["journal_complete"], &restored["not_ended"]), (&json!(true), &json!([])));
    assert_eq!(restored["ended"].as_array().unwrap().len(), 1, "{restored}");
    let keys = restored["api_keys"].as_array().unwrap();
    assert_eq!(json!(keys.len() + 1), found["api_keys"], "one ended again");
    assert!(keys.iter().all(|key| key["user_email"].is_string() && key["id"] != 1), "{restored}");
}

#[test]
fn a_drill_fails_where_a_restore_would() {
    let (home, copy) = demo_and_copy();
    let place = drill(home.path());
    let journal = place.path().join("keyward.db.revocations");
    let before = contents(place.path());
    assert!(checked(place.path(), &copy, &[]).0);
    assert_eq!(contents(place.path()), before);
    fs::rename(&journal, place.path().join("aside")).unwrap();
    let (good, found, said) = checked(place.path(), &copy, &[]);
    assert!(!good && said.contains("it is missing") && said.contains("--without-journal"), "{said}");
    assert_eq!(found["journal_why_not"], "it is missing");
    assert!(checked(place.path(), &copy, &["--journal", text(&place.path().join("aside"))]).0);
    assert!(checked(place.path(), &copy, &["--without-journal"]).0);
    fs::rename(place.path().join("aside"), &journal).unwrap();
    let (foreign, _) = installed();
    fs::copy(foreign.path().join("root-secret"), place.path().join("root-secret")).unwrap();
    let (good, _, said) = checked(place.path(), &copy, &[]);
    assert!(!good && said.contains("the root secret is not the one"), "{said}");
    fs::copy(home.path().join("root-secret"), place.path().join("root-secret")).unwrap();
    spoil(&copy, "users", "UPDATE users SET created_at = 'then' WHERE id = 1").unwrap();
    let (good, found, said) = checked(place.path(), &copy, &[]);
    assert!(!good && said.contains("It can be restored"), "{said}");
    assert!(found["faults"][0].as_str().unwrap().contains("users.created_at"), "{found}");
    let restored = order(place.path(), &["restore", text(&copy)]);
    assert_eq!(restored["faults"], found["faults"], "which it says");
}

#[test]
fn a_hard_linked_snapshot_does_not_stop_the_start_and_is_warned_of() {
    let (home, _) = installed();
    let [snapshot, later] = ["snapshot.db", "later.db"].map(|name| home.path().join(name));
    let database = home.path().join("keyward.db");
    let mut server = Server::serve(home.path());
    fs::hard_link(&database, &snapshot).unwrap();
    let warned = |server: &Server| {
        let warns = || server.stderr().contains("another hard link, which is no copy");
        (0..200).any(|_| {
            warns() || {
                std::thread::sleep(std::time::Duration::from_millis(20));
                false
            }
        })
    };
    assert!(warned(&server), "{}", server.stderr());
    server.kill();
    fs::hard_link(&database, &later).unwrap();
    let mut server = Server::serve(home.path());
    assert!(warned(&server), "also after a crash, at the start: {}", server.stderr());
    server.terminate();
    let mut other = keyward(&["serve", "--listen", "127.0.0.1:0"]);
    other.env("KEYWARD_STORE_URL", format!("sqlite:{}", snapshot.display()));
    other.env("KEYWARD_SECRETS_FILE", home.path().join("root-secret"));
    let said = refused(&mut other);
    assert!(said.contains("was not served under this name last"), "{said}");
    Server::serve(home.path()).terminate();
}
