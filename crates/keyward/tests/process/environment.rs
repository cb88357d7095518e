//! Variables that are empty or not text, and addresses that other machines reach: what is refused and what is warned of.

use crate::operate::{installed, serve};
use crate::support::{Server, keyward, refused, run, text};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

#[test]
fn a_root_secret_that_is_not_text_is_refused_and_the_file_is_not_taken_instead() {
    let (home, _) = installed();
    let not_text = OsStr::from_bytes(b"1 \xFF\xFE");
    for arguments in
        [&["serve"][..], &["key", "list", "--account", "acme"], &["secret", "status"], &["backup", "copy.db"]]
    {
        let mut command = keyward(&[arguments, &["--data", text(home.path())]].concat());
        let line = refused(command.env("KEYWARD_ROOT_SECRET", not_text));
        assert_eq!(line, "keyward: KEYWARD_ROOT_SECRET: it must be text in UTF-8", "{arguments:?}");
    }
    let line = refused(keyward(&["config", "check"]).env("KEYWARD_CORS_ORIGINS", not_text));
    assert_eq!(line, "keyward: KEYWARD_CORS_ORIGINS: it must be text in UTF-8");
}

#[test]
fn what_is_warned_of_stands_in_the_log_and_in_what_config_check_and_show_say() {
    let (home, _) = installed();
    let with = |mut command: std::process::Command| {
        command
            .env("KEYWARD_SERVER_PUBLIC_URL", "https://api.example.com")
            .env("KEYWARD_SERVER_LISTEN", "0.0.0.0:0")
            .env("KEYWARD_SERVER_ADMIN_LISTEN", "0.0.0.0:0")
            .env("KEYWARD_LOG_LEVEL", "")
            .env("KEYWARD_ROOT_SECRET", "");
        command
    };
    let expected = [
        ("KEYWARD_LOG_LEVEL", "it is set and empty, and counts as not set"),
        ("KEYWARD_ROOT_SECRET", "it is set and empty, and counts as not set"),
        ("KEYWARD_SERVER_LISTEN", "plain HTTP at 0.0.0.0:0"),
        ("KEYWARD_SERVER_ADMIN_LISTEN", "server.admin_listen 0.0.0.0:0 is reached from other machines"),
    ];
    for what in ["check", "show"] {
        let output = run(&mut with(keyward(&["config", what])));
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.lines().count(), expected.len(), "{said}");
        for (place, words) in expected {
            assert!(said.contains(&format!("keyward: warning: {place}: {words}")), "{said}");
        }
    }
    let mut command = with(serve(home.path()));
    command.env("KEYWARD_SERVER_TRUSTED_PROXIES", "127.0.0.1");
    let mut server = Server::serve_by(command);
    let log = server.stderr();
    for (place, words) in expected {
        let warned =
            log.lines().any(|line| line.contains("WARN") && line.contains(place) && line.contains(words));
        // `--listen` is on loopback, and a proxy is named.
        assert_eq!(warned, place != "KEYWARD_SERVER_LISTEN", "{place}: {log}");
    }
    server.terminate();
}
