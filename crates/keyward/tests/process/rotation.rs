//! `keyward secret`: the rotation of the root secret, beside a running server and without one.

use crate::orders::{order, refusal};
use crate::support::{Server, keyward, mode, refused, settle, text};
use serde_json::json;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// The versions that the secret's file holds.
fn versions(home: &Path) -> Vec<u32> {
    let text = std::fs::read_to_string(home.join("root-secret")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect()
}

fn is_admitted(server: &Server, key: &str) -> bool {
    server.client(key).get("/me").status == 200
}

#[test]
fn a_rotation_beside_a_running_server_holds_when_the_command_returns() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let mut server = Server::demo(Some(at));
    let (admin, viewer) = (server.admin(), server.key("viewer@acme.example", "acme-capital", "full_access"));
    assert_eq!(order(at, &["secret", "status"]), json!({ "version": 1, "unmoved_keys": 0 }));
    let cursor = |server: &Server| -> String {
        let page = server.client(&admin).get("/deals?limit=1").json();
        page["pagination"]["next_cursor"].as_str().unwrap().to_owned()
    };
    let of_first = cursor(&server);

    let rotated = order(at, &["secret", "rotate"]);
    assert_eq!(rotated, json!({ "version": 2, "older": 1, "revoked_keys": [], "unmoved_keys": 7 }));
    assert_eq!((versions(at), mode(&at.join("root-secret"))), (vec![1, 2], 0o600));
    assert!(is_admitted(&server, &admin) && is_admitted(&server, &viewer), "every key is good as before");
    assert_eq!(server.client(&admin).get(&format!("/deals?limit=1&cursor={of_first}")).status, 200);
    let made = server.client(&admin).post("/api-keys", &json!({ "label": "new" })).data(201);
    assert!(is_admitted(&server, made["api_key"].as_str().unwrap()));

    // The two that were used have moved, or move now; the others hold the next rotation up.
    let said = refusal(at, &["secret", "rotate"]);
    assert!(said.contains("5 keys have not been used since") && said.contains("--revoke-unmoved"), "{said}");
    assert_eq!(versions(at), [1, 2], "nothing was changed");
    assert_eq!(order(at, &["secret", "status"]), json!({ "version": 2, "unmoved_keys": 5 }));

    // A restart in between changes nothing of it.
    server.terminate();
    let server = Server::demo(Some(at));
    let rotated = order(at, &["secret", "rotate", "--revoke-unmoved"]);
    assert_eq!((&rotated["version"], &rotated["older"]), (&json!(3), &json!(2)));
    assert_eq!(rotated["revoked_keys"].as_array().unwrap().len(), 5);
    assert_eq!(versions(at), [2, 3]);
    assert!(is_admitted(&server, &admin) && is_admitted(&server, &viewer));
    assert!(!is_admitted(&server, &server.key("editor@acme.example", "acme-capital", "full_access")));
    assert_eq!(
        server.client(&admin).get(&format!("/deals?limit=1&cursor={of_first}")).status,
        400,
        "a cursor lives no longer than its version"
    );
    assert_eq!(server.client(&admin).get(&format!("/deals?limit=1&cursor={}", cursor(&server))).status, 200);
}

#[test]
fn a_key_moves_by_being_used_and_a_restart_finds_it_moved() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let admin = server.admin();
    order(home.path(), &["secret", "rotate"]);
    assert!(is_admitted(&server, &admin));
    // Whoever validates a key does not use it.
    let viewer = server.key("viewer@acme.example", "acme-capital", "full_access");
    let valid = server.client("").post("/auth/validate-api-key", &json!({ "api_key": viewer })).data(200);
    assert_eq!(valid["valid"], true);
    let moved = (0..400).any(|_| {
        sleep(Duration::from_millis(50));
        order(home.path(), &["secret", "status"])["unmoved_keys"] == 6
    });
    assert!(moved, "it is moved within seconds");
    server.kill();
    let server = Server::demo(Some(home.path()));
    assert_eq!(order(home.path(), &["secret", "status"]), json!({ "version": 2, "unmoved_keys": 6 }));
    assert!(is_admitted(&server, &admin) && is_admitted(&server, &viewer));
}

#[test]
fn requests_go_on_while_the_secret_is_rotated() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::demo(Some(home.path()));
    let keys: Vec<String> = server.line["api_keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["api_key"].as_str().unwrap().to_owned())
        .collect();
    let (stop, asked) = (AtomicBool::new(false), keys.iter().map(|_| AtomicU64::new(0)).collect::<Vec<_>>());
    std::thread::scope(|scope| {
        let clients: Vec<_> = keys
            .iter()
            .zip(&asked)
            .map(|(key, asked)| {
                let (mut client, stop) = (server.client(key), &stop);
                scope.spawn(move || {
                    let mut refused = 0;
                    while !stop.load(Ordering::SeqCst) {
                        refused += usize::from(client.get("/me").status != 200);
                        asked.fetch_add(1, Ordering::SeqCst);
                    }
                    refused
                })
            })
            .collect();
        for round in 0..6 {
            // Two answers later every key has been used since the rotation before.
            let before: Vec<u64> = asked.iter().map(|asked| asked.load(Ordering::SeqCst)).collect();
            while asked.iter().zip(&before).any(|(asked, before)| asked.load(Ordering::SeqCst) < before + 2) {
                sleep(Duration::from_millis(1));
            }
            let rotated = order(home.path(), &["secret", "rotate"]);
            assert_eq!(rotated["version"], json!(round + 2), "every key is in use, so every one has moved");
        }
        stop.store(true, Ordering::SeqCst);
        let refused: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
        assert_eq!(refused, 0, "nobody noticed");
    });
    for key in &keys {
        assert!(is_admitted(&server, key));
    }
    order(home.path(), &["secret", "rotate"]);
    let unmoved = order(home.path(), &["secret", "status"])["unmoved_keys"].clone();
    assert_eq!(unmoved, 7, "and it is known which have to move");
}

#[test]
fn a_rotation_that_was_cut_short_between_two_steps_leaves_a_server_that_starts() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let mut server = Server::demo(Some(at));
    let admin = server.admin();
    server.terminate();
    settle(at);
    let first = std::fs::read(at.join("root-secret")).unwrap();
    order(at, &["secret", "rotate"]);
    let second = std::fs::read(at.join("root-secret")).unwrap();
    // The file was replaced, and the store did not hear of it.
    let forget = |version: u32| {
        let sql = format!("DELETE FROM root_secret_versions WHERE version = {version}");
        keyward_sqlite::faults::change_by_force(&at.join("keyward.db"), &sql).unwrap();
    };
    forget(2);
    let mut server = Server::demo(Some(at));
    assert!(is_admitted(&server, &admin));
    assert_eq!(order(at, &["secret", "status"])["version"], 2);
    server.terminate();
    // The store gave the older version up, and the file was not replaced.
    settle(at);
    forget(1);
    let mut server = Server::demo(Some(at));
    assert!(is_admitted(&server, &admin));
    server.terminate();
    // A file of before the rotation is another secret.
    std::fs::write(at.join("root-secret"), first).unwrap();
    let said = refused(&mut keyward(&Server::demo_arguments(Some(at))));
    assert!(said.contains("the root secret is not the one"), "{said}");
    std::fs::write(at.join("root-secret"), second).unwrap();
    assert!(is_admitted(&Server::demo(Some(at)), &admin));
}

#[test]
fn a_secret_in_a_variable_is_not_rotated() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    server.terminate();
    let secret = std::fs::read_to_string(home.path().join("root-secret")).unwrap();
    let arguments = ["secret", "rotate", "--data", text(home.path())];
    let mut command = keyward(&arguments);
    command.env("KEYWARD_ROOT_SECRET", secret);
    assert!(refused(&mut command).contains("keep it in a file"));
    assert_eq!(versions(home.path()), [1]);
}
