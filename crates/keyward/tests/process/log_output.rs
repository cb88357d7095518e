//! Where the log goes: a file that is opened again on SIGHUP, and the journal of systemd, with a level on each line.

use crate::support::{Server, clean, keyward, refused, run, text, unlimited};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

/// Waits until the file has this text.
fn awaits(file: &Path, wanted: &str) {
    let comes = (0..1_000).any(|_| {
        sleep(Duration::from_millis(10));
        read(file).contains(wanted)
    });
    assert!(comes, "{wanted:?} is not in {}: {}", file.display(), read(file));
}

fn demo_logging_to(file: &str, folder: &Path) -> Command {
    let mut command = unlimited(keyward(&Server::demo_arguments(None)));
    command.current_dir(folder).env("KEYWARD_LOG_FILE", file).env("KEYWARD_LOG_FORMAT", "json");
    command
}

#[test]
fn a_log_file_that_a_rotation_moved_is_opened_again_on_sighup() {
    let home = tempfile::tempdir().unwrap();
    let (file, moved) = (home.path().join("keyward.log"), home.path().join("keyward.log.1"));
    let mut server = Server::demo_by(demo_logging_to(text(&file), home.path()));
    let mut client = server.client(&server.admin());
    assert_eq!(client.get("/me").status, 200);
    awaits(&file, "\"operation\":\"getMe\"");
    fs::rename(&file, &moved).unwrap();
    assert_eq!(client.get("/deals").status, 200);
    awaits(&moved, "\"operation\":\"getDeals\"");
    assert!(!file.exists());

    server.signal("HUP");
    awaits(&file, "\"message\":\"reloaded\"");
    assert_eq!(client.get("/pipelines").status, 200);
    awaits(&file, "\"operation\":\"getPipelines\"");
    assert!(!read(&moved).contains("reloaded"), "the old file is left alone");

    // What is in the way of a file: the log goes on where it was, and says so there.
    fs::remove_file(&moved).unwrap();
    fs::rename(&file, &moved).unwrap();
    fs::create_dir(&file).unwrap();
    server.signal("HUP");
    awaits(&moved, "the log goes on in the file that was open");
    server.terminate();
    assert!(read(&moved).contains("\"message\":\"stopped\""), "{}", read(&moved));
    assert_eq!(server.stderr(), "", "nothing of it is on standard error");
}

#[test]
fn a_log_file_that_cannot_be_opened_is_refused_at_the_start() {
    let home = tempfile::tempdir().unwrap();
    let nowhere = home.path().join("no").join("keyward.log");
    let mut demo = keyward(&["demo", "--listen", "127.0.0.1:0"]);
    let line = refused(demo.current_dir(home.path()).env("KEYWARD_LOG_FILE", &nowhere));
    assert!(line.contains(text(&nowhere)), "{line}");
}

#[test]
fn lines_for_the_journal_carry_their_level_and_others_do_not() {
    let home = tempfile::tempdir().unwrap();
    for is_journal in [true, false] {
        let log = home.path().join(format!("log-{is_journal}"));
        let own = File::create(&log).unwrap().metadata().unwrap();
        // As systemd names the stream that it gives to a service; a process below may have another.
        let inode = if is_journal { own.ino() } else { own.ino() + 1 };
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec \"$0\" \"$@\" 2>>{}", text(&log)), env!("CARGO_BIN_EXE_keyward")]);
        command.args(Server::demo_arguments(None));
        clean(&mut command);
        command.env("JOURNAL_STREAM", format!("{}:{inode}", own.dev()));
        let mut server = Server::demo_by(unlimited(command));
        assert_eq!(server.client(&server.admin()).get("/me").status, 200);
        let revoked = server
            .client(&server.admin())
            .post("/api-keys", &serde_json::json!({ "label": "gone" }))
            .data(201);
        let id = revoked["id"].as_i64().unwrap();
        assert_eq!(
            server
                .client(&server.admin())
                .call("DELETE", &format!("/api-keys/{id}"), &[], b"")
                .unwrap()
                .status,
            200
        );
        assert_eq!(server.client(revoked["api_key"].as_str().unwrap()).get("/me").status, 401);
        server.terminate();
        let lines = read(&log);
        let of = |word: &str| {
            lines.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{word}: {lines}"))
        };
        for (word, level) in [("operation=\"getMe\"", "<6>"), ("denial=\"key_revoked\"", "<4>")] {
            assert_eq!(of(word).starts_with(level), is_journal, "{lines}");
        }
        assert!(lines.lines().all(|line| line.starts_with('<') == is_journal), "{lines}");
    }
}

#[test]
fn why_a_server_does_not_start_is_an_error_in_the_journal() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("log");
    let own = File::create(&log).unwrap().metadata().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec \"$0\" serve 2>>{}", text(&log)), env!("CARGO_BIN_EXE_keyward")]);
    clean(&mut command);
    command.current_dir(home.path()).env("JOURNAL_STREAM", format!("{}:{}", own.dev(), own.ino()));
    assert_eq!(run(&mut command).status.code(), Some(2));
    assert!(read(&log).starts_with("<3>keyward: "), "{}", read(&log));
}
