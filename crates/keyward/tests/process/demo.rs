//! `keyward demo`.

use crate::support::{Server, contents, keyward, mode, run, text};
use serde_json::{Value, json};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_line_of_demo_json_has_the_documented_shape() {
    let server = Server::demo(None);
    let stdout = server.stdout();
    assert_eq!(stdout.matches('\n').count(), 1, "one line: {stdout}");
    let line = &server.line;
    assert_eq!(members(line), ["url", "accounts", "users", "api_keys"]);
    assert_eq!(line["url"], format!("http://{}", server.address));
    assert!(server.address.ip().is_loopback());

    let accounts = line["accounts"].as_array().unwrap();
    assert!(
        accounts.iter().all(|account| members(account) == ["id", "slug", "tier"] && account["id"].is_u64())
    );
    let tiers: Vec<_> = accounts.iter().map(|account| (&account["slug"], &account["tier"])).collect();
    assert_eq!(
        json!(tiers),
        json!([["acme-capital", "enterprise"], ["harbor-lending", "standard"]]),
        "{line}"
    );

    let users = line["users"].as_array().unwrap();
    assert!(users.iter().all(|user| members(user) == ["id", "email", "password", "accounts"]));
    assert!(users.iter().all(|user| user["id"].is_u64() && user["password"].as_str().unwrap().len() >= 16));
    let roles: Vec<_> = users.iter().map(|user| (&user["email"], &user["accounts"])).collect();
    let in_acme = |role: &str| json!({ "slug": "acme-capital", "role": role });
    let in_harbor = |role: &str| json!({ "slug": "harbor-lending", "role": role });
    assert_eq!(
        json!(roles),
        json!([
            ["admin@acme.example", [in_acme("admin")]],
            ["editor@acme.example", [in_acme("editor")]],
            ["viewer@acme.example", [in_acme("viewer")]],
            ["admin@harbor.example", [in_harbor("admin")]],
            ["both@acme.example", [in_acme("editor"), in_harbor("viewer")]],
        ])
    );

    let keys = line["api_keys"].as_array().unwrap();
    let shape = ["id", "api_key", "permission", "user_email", "account"];
    assert!(keys.iter().all(|key| members(key) == shape && key["id"].is_u64()));
    let mut owners: Vec<String> = keys
        .iter()
        .map(|key| {
            [&key["user_email"], &key["account"], &key["permission"]].map(|v| v.as_str().unwrap()).join(" ")
        })
        .collect();
    owners.sort_unstable();
    assert_eq!(
        owners,
        [
            "admin@acme.example acme-capital full_access",
            "admin@acme.example acme-capital read_only",
            "admin@harbor.example harbor-lending full_access",
            "both@acme.example acme-capital full_access",
            "both@acme.example harbor-lending full_access",
            "editor@acme.example acme-capital full_access",
            "viewer@acme.example acme-capital full_access",
        ]
    );
}

#[test]
fn every_key_works_and_sees_the_promised_number_of_deals() {
    let server = Server::demo(None);
    let role_of = |email: &str, account: &str| {
        let users = server.line["users"].as_array().unwrap();
        let user = users.iter().find(|user| user["email"] == email).unwrap();
        let places = user["accounts"].as_array().unwrap();
        places.iter().find(|place| place["slug"] == account).unwrap()["role"].clone()
    };
    let mut totals = Vec::new();
    for key in server.line["api_keys"].as_array().unwrap() {
        let mut client = server.client(key["api_key"].as_str().unwrap());
        let me = client.get("/me").data(200);
        let (email, account) = (key["user_email"].as_str().unwrap(), key["account"].as_str().unwrap());
        assert_eq!((&me["user"]["email"], &me["account"]["slug"]), (&key["user_email"], &key["account"]));
        assert_eq!(me["user"]["role"], role_of(email, account));
        assert_eq!(me["platform"]["credential"]["id"], key["id"]);
        let writes = me["platform"]["granted_scopes"].to_string().contains("deals:write");
        let may_write = key["permission"] == "full_access" && me["user"]["role"] != "viewer";
        assert_eq!(writes, may_write, "{me}");
        let list = client.get("/deals?limit=1");
        assert_eq!(list.status, 200);
        totals.push((
            email.to_owned(),
            account.to_owned(),
            list.json()["pagination"]["total"].as_u64().unwrap(),
        ));
    }
    totals.sort_unstable();
    totals.dedup();
    let expected = [
        ("admin@acme.example", "acme-capital", 600),
        ("admin@harbor.example", "harbor-lending", 25),
        ("both@acme.example", "acme-capital", 25),
        ("both@acme.example", "harbor-lending", 10),
        ("editor@acme.example", "acme-capital", 40),
        ("viewer@acme.example", "acme-capital", 15),
    ];
    assert_eq!(totals, expected.map(|(email, account, n)| (email.to_owned(), account.to_owned(), n)));
}

#[test]
fn passwords_are_kept_as_argon2id_and_never_as_they_are() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let (mut salts, mut lines) = (Vec::new(), 0);
    for running in [true, false] {
        if !running {
            server.terminate();
        }
        for (path, (_, bytes)) in contents(home.path()) {
            if !text(&path).contains("keyward.db") {
                continue;
            }
            let kept = String::from_utf8_lossy(&bytes).into_owned();
            for found in kept.split("$argon2id$v=19$").skip(1) {
                lines += 1;
                salts.extend(found.split('$').nth(1).map(ToOwned::to_owned));
            }
            for user in server.line["users"].as_array().unwrap() {
                assert!(
                    !kept.contains(user["password"].as_str().unwrap()),
                    "a password is in {}",
                    path.display()
                );
            }
        }
    }
    salts.sort_unstable();
    salts.dedup();
    assert!(lines >= 5 && salts.len() == 5, "five users, each with a salt of its own: {lines} {salts:?}");
}

#[test]
fn the_second_start_on_a_directory_knows_the_same_keys_and_deals() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("new").join("demo");
    let mut first = Server::demo(Some(&data));
    let made =
        first.client(&first.admin()).post("/deals", &json!({ "title": "Made in the first run" })).data(201);
    first.terminate();
    for name in ["root-secret", "demo-credentials.json", "keyward.db"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
    assert_eq!(mode(&data), 0o700);
    let kept: Vec<String> = std::fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("keyward."))
        .collect();
    assert_eq!(kept.len(), 2, "no half-made file is left: {kept:?}");

    let mut second = Server::demo(Some(&data));
    let without_url = |line: &Value| {
        let mut line = line.clone();
        line.as_object_mut().unwrap().remove("url");
        line
    };
    assert_eq!(without_url(&first.line), without_url(&second.line));
    let mut client = second.client(&second.admin());
    let found = client.get(&format!("/deals/{}", made["id"])).data(200);
    assert_eq!(found["title"], "Made in the first run");
    assert_eq!(client.get("/deals?limit=1").json()["pagination"]["total"], 601);
    for file in contents(&data).into_iter().filter(|(path, _)| text(path).contains("keyward.db")) {
        assert_eq!(file.1.0, 0o600, "{}", file.0.display());
    }
    second.terminate();
}

#[test]
fn a_throwaway_demo_leaves_nothing_behind() {
    for signal in ["TERM", "INT"] {
        let home = tempfile::tempdir().unwrap();
        let mut command = keyward(&Server::demo_arguments(None));
        command.env("TMPDIR", home.path());
        let mut server = Server::demo_by(command);
        assert!(!contents(home.path()).is_empty(), "the database is in the directory for temporary files");
        assert_eq!(server.client(&server.admin()).get("/deals").status, 200);
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0), "{signal}");
        let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn the_printed_curl_line_works_as_it_is() {
    let server = Server::spawn(keyward(&["demo", "--listen", "127.0.0.1:0"]));
    let line = (0..6_000).find_map(|_| {
        sleep(Duration::from_millis(5));
        // The list of keys comes last; with it, all is printed.
        let stdout = server.stdout();
        let printed = stdout.matches("lev_sk_").count() >= 8 && stdout.ends_with('\n');
        stdout
            .lines()
            .filter(|_| printed)
            .find(|line| line.trim().starts_with("curl "))
            .map(ToOwned::to_owned)
    });
    let line = line.expect("a curl line is printed");
    let output = run(Command::new("sh").args(["-c", &line]));
    assert!(output.status.success(), "{line}: {output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["data"]["user"]["email"], "admin@acme.example", "{answer}");
}
