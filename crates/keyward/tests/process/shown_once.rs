//! Secrets that a command shows once: either they reach somebody, or they open nothing and the exit code says so.

use crate::operate::init;
use crate::orders::{order, refusal};
use crate::person::{CALLBACK, Person};
use crate::support::{Client, Server, clean, contents, for_people, keyward, run, settle, text};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Outputs that take nothing.
const NOWHERE: [&str; 4] = ["full", "closed pipe", "null", "closed"];

/// Runs a command whose standard output takes nothing; it must refuse. Its last line.
fn into_nothing(mut command: Command, output: &str) -> String {
    // A demo does not start; of what would have been made, nothing is.
    let code = if command.get_args().next().is_some_and(|first| first == "demo") { 2 } else { 3 };
    if output == "closed" {
        let program = command.get_program().to_owned();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        command = Command::new("sh");
        command.args(["-c", "exec \"$@\" >&-", "sh"]).arg(program).args(arguments);
        clean(&mut command);
    }
    let out = match output {
        "closed pipe" => {
            let (ours, theirs) = UnixStream::pair().unwrap();
            drop(ours);
            Stdio::from(OwnedFd::from(theirs))
        }
        "full" => Stdio::from(File::options().write(true).open("/dev/full").unwrap()),
        _ => Stdio::null(),
    };
    let ended = command.stdout(out).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(code), "{output}: {said}");
    // A server has a log before its last word.
    let line = said.lines().last().unwrap_or_else(|| panic!("{output}: nothing is said"));
    let line = for_people(line);
    assert!(line.starts_with("keyward: "), "{output}: {said:?}");
    assert!(line.contains("standard output cannot be written"), "{output}: {said}");
    assert!(!line.contains("lev_sk_") && !line.contains("token="), "{output}: {said}");
    line
}

fn at(data: &Path, arguments: &[&str]) -> Command {
    let mut command = keyward(arguments);
    command.args(["--data", text(data)]);
    command
}

const CREATE: [&str; 10] = [
    "key",
    "create",
    "--account",
    "acme-capital",
    "--user",
    "admin@acme.example",
    "--label",
    "lost",
    "--permission",
    "full_access",
];

fn keys(data: &Path) -> Value {
    order(data, &["key", "list", "--account", "acme-capital"])
}

/// The actions of the audit trail about a key, oldest first.
fn trail(data: &Path, key: i64) -> Vec<String> {
    let audit = run(&mut at(data, &["audit", "--json"]));
    let rows = String::from_utf8(audit.stdout).unwrap();
    let rows = rows.lines().map(|row| serde_json::from_str::<Value>(row).unwrap());
    let own = rows.filter(|row| row["subject_kind"] == "api_key" && row["subject_id"] == key);
    own.map(|row| row["action"].as_str().unwrap().to_owned()).collect()
}

/// O-7: else a script that repeats the command leaves one more live key each time, which nobody has.
#[test]
fn a_key_that_cannot_be_written_out_is_revoked_and_the_exit_code_says_so() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let before = keys(home.path());
    let mut next = before.as_array().unwrap().iter().map(|key| key["id"].as_i64().unwrap()).max().unwrap();
    next = next.max(7);
    for running in [true, false] {
        if !running {
            server.terminate();
            settle(home.path());
        }
        for output in NOWHERE {
            let said = into_nothing(at(home.path(), &CREATE), output);
            next += 1;
            assert!(said.ends_with(&format!("nobody has the secret: key {next} is revoked")), "{said}");
            assert_eq!(trail(home.path(), next), ["api_key.create", "api_key.revoke"], "{output}");
        }
        assert_eq!(keys(home.path()), before, "no key is left that nobody has");
        // Nothing else is wrong with the command.
        let made = order(home.path(), &CREATE);
        next += 1;
        assert_eq!(made["id"], next);
        assert_eq!(trail(home.path(), next), ["api_key.create", "api_key.activate"]);
        if running {
            assert_eq!(server.client(made["api_key"].as_str().unwrap()).get("/me").status, 200);
        }
        order(home.path(), &["key", "revoke", &next.to_string()]);
    }
}

#[test]
fn a_rotation_that_cannot_be_written_out_leaves_the_old_secret_and_no_new_one() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let id = server.line["api_keys"][0]["id"].to_string();
    let old = server.line["api_keys"][0]["api_key"].as_str().unwrap().to_owned();
    let before = keys(home.path());
    for running in [true, false] {
        if !running {
            server.terminate();
            settle(home.path());
        }
        for output in NOWHERE {
            for grace in ["0", "60"] {
                let said =
                    into_nothing(at(home.path(), &["key", "rotate", &id, "--grace-seconds", grace]), output);
                assert!(said.ends_with(&format!("key {id} keeps the secret that it has")), "{said}");
            }
        }
        assert_eq!(keys(home.path())[0]["key_prefix"], before[0]["key_prefix"]);
        if running {
            assert_eq!(server.client(&old).get("/me").status, 200);
        }
    }
    let server = Server::demo(Some(home.path()));
    assert_eq!(server.client(&old).get("/me").status, 200, "also after a restart");
    let rotated = order(home.path(), &["key", "rotate", &id]);
    assert_eq!(server.client(&old).get("/me").status, 401);
    assert_eq!(server.client(rotated["api_key"].as_str().unwrap()).get("/me").status, 200);
    assert!(refusal(home.path(), &["key", "rotate", "999"]).contains("999"), "what is wrong is said first");
}

#[test]
fn an_application_a_user_and_a_link_that_cannot_be_written_out_are_not_made() {
    let home = tempfile::tempdir().unwrap();
    let (server, data) = (Server::demo(Some(home.path())), home.path());
    let clients = order(data, &["client", "list"]);
    let reset = order(data, &["user", "reset-password", "editor@acme.example"]);
    let path = |link: &Value| format!("/{}", link["link"].as_str().unwrap().splitn(4, '/').nth(3).unwrap());
    let confidential = ["client", "create", "Lost", "--redirect-uri", CALLBACK, "--confidential"];
    let user = [
        "user",
        "create",
        "lost@acme.example",
        "--first-name",
        "Lo",
        "--account",
        "acme-capital",
        "--role",
        "admin",
    ];
    let invite = ["user", "invite", "late@acme.example", "--account", "acme-capital", "--role", "admin"];
    let again = ["user", "reset-password", "editor@acme.example"];
    for output in NOWHERE {
        let said = into_nothing(at(data, &confidential), output);
        assert!(said.ends_with("the application is not made known"), "{said}");
        let said = into_nothing(at(data, &user), output);
        assert!(said.ends_with("lost@acme.example is not made a user"), "{said}");
        assert!(
            refusal(data, &["user", "enable", "lost@acme.example"]).contains("there is no user"),
            "{output}"
        );
        let said = into_nothing(at(data, &invite), output);
        assert!(said.ends_with("the invitation stands without a link"), "{said}");
        let said = into_nothing(at(data, &again), output);
        assert!(said.ends_with("no link is made"), "{said}");
    }
    assert_eq!(order(data, &["client", "list"]), clients);
    // The link before was not replaced by one that nobody has.
    assert!(Person::at(&server).page(&path(&reset)).contains("editor@acme.example"));
    // Each can be given again.
    let made = order(data, &user);
    let password = made["password"].as_str().unwrap();
    assert!(Person::at(&server).sign_in("lost@acme.example", password, "/console").is_some());
    assert!(Person::at(&server).page(&path(&order(data, &invite))).contains("late@acme.example"));
    assert!(order(data, &confidential)["client_secret"].is_string());
    assert!(!Person::at(&server).page(&path(&order(data, &again))).is_empty());
    assert!(
        !Person::at(&server).page(&path(&reset)).contains("editor@acme.example"),
        "this one did replace it"
    );
}

/// One connection to the server's socket, as a command has it.
struct Orders(BufReader<UnixStream>);

impl Orders {
    fn to(data: &Path) -> Self {
        let stream = UnixStream::connect(data.join("keyward.db.sock")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, line: &Value) -> Value {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        self.0.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer:?}"))
    }
}

fn create(user: &str) -> Value {
    json!({
        "order": "key_create", "account": "acme-capital", "user": user, "label": "shown", "permission": "full_access",
        "scopes": [],
    })
}

#[test]
fn a_secret_counts_when_the_command_says_that_it_is_written_out_and_not_before() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    let shown_once = json!({ "order": "shown_once", "of": create("admin@acme.example") });
    let secret =
        |answer: &Value| answer["shows"]["api_key"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    let status = |server: &Server, secret: &str| server.client(secret).get("/me").status;
    let before = keys(home.path());

    let mut orders = Orders::to(home.path());
    let first = secret(&orders.say(&shown_once));
    assert_eq!(status(&server, &first), 401, "nobody has said that anybody has it");
    assert_eq!(orders.say(&json!("written")), json!({ "done": null }));
    assert_eq!(status(&server, &first), 200);

    // Ended before, by whatever: the server takes the key back by itself.
    for last_words in ["", "\"written", "\"printed\"\n", "written\n"] {
        let mut orders = Orders::to(home.path());
        let lost = secret(&orders.say(&shown_once));
        orders.0.get_mut().write_all(last_words.as_bytes()).unwrap();
        drop(orders);
        let taken_back = (0..600).any(|_| {
            sleep(Duration::from_millis(50));
            keys(home.path()).as_array().unwrap().len() == before.as_array().unwrap().len() + 1
        });
        assert!(taken_back, "{last_words:?}: {}", server.stderr());
        assert_eq!(status(&server, &lost), 401);
    }

    // The server ends before it has heard: then it does not count either.
    let mut orders = Orders::to(home.path());
    let lost = secret(&orders.say(&shown_once));
    let user = json!({
        "order": "user_create", "email": "lost@acme.example", "first_name": "Lo", "last_name": "", "member": null,
    });
    let mut others = Orders::to(home.path());
    assert!(others.say(&json!({ "order": "shown_once", "of": user }))["shows"]["id"].is_i64());
    server.kill();
    let server = Server::demo(Some(home.path()));
    assert_eq!((status(&server, &lost), status(&server, &first)), (401, 200));
    let there = refusal(home.path(), &["user", "enable", "lost@acme.example"]);
    assert!(there.contains("there is no user"), "nor is a user made: {there}");
    assert!(!server.stderr().contains("lev_sk_"));

    // What is wrong is said before anything is shown.
    let mut orders = Orders::to(home.path());
    let refused = orders.say(&json!({ "order": "shown_once", "of": create("nobody@acme.example") }));
    let error = &refused["error"];
    assert!(error["text"].as_str().unwrap().contains("nobody@acme.example"), "{refused}");
    assert_eq!(error["exit"], "not_found");
    let other = json!({ "order": "shown_once", "of": { "order": "client_list" } });
    assert!(Orders::to(home.path()).say(&other)["error"].is_string());
}

#[test]
fn a_command_of_an_earlier_version_says_nothing_of_the_secret_and_has_it_count_at_once() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::demo(Some(home.path()));
    let made = Orders::to(home.path()).say(&create("admin@acme.example"));
    let mut client = server.client(made["done"]["api_key"].as_str().unwrap());
    assert_eq!(client.get("/me").status, 200);
    let rotate = json!({ "order": "key_rotate", "key": made["done"]["id"], "grace_seconds": 0 });
    let rotated = Orders::to(home.path()).say(&rotate);
    assert_eq!(client.get("/me").status, 401);
    assert_eq!(server.client(rotated["done"]["api_key"].as_str().unwrap()).get("/me").status, 200);
}

#[test]
fn an_init_that_cannot_print_leaves_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("new").join("data");
    for output in ["full", "closed pipe"] {
        let said = into_nothing(init(&data, &["--json"]), output);
        assert!(said.ends_with("nothing is made"), "{said}");
        assert!(!home.path().join("new").exists(), "{output}: {:?}", contents(home.path()).keys());
    }
    // What was there before stays.
    std::fs::create_dir_all(&data).unwrap();
    std::fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::write(data.join("notes"), "mine").unwrap();
    into_nothing(init(&data, &[]), "full");
    assert_eq!(contents(home.path()).len(), 1, "{:?}", contents(home.path()).keys());
    let made = run(&mut init(&data, &["--json"]));
    assert!(made.status.success(), "{made:?}");
    let secret = std::fs::read(data.join("root-secret")).unwrap();
    std::fs::remove_file(data.join("keyward.db")).unwrap();
    let _ = std::fs::remove_file(data.join("keyward.db.revocations"));
    into_nothing(init(&data, &[]), "full");
    assert_eq!(std::fs::read(data.join("root-secret")).unwrap(), secret, "also a root secret");
    assert!(run(&mut init(&data, &[])).status.success());
}

#[test]
fn a_demo_that_cannot_print_its_keys_does_not_stay() {
    let home = tempfile::tempdir().unwrap();
    for output in ["full", "closed pipe"] {
        let mut command = keyward(&Server::demo_arguments(None));
        command.env("TMPDIR", home.path());
        into_nothing(command, output);
        let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
        assert!(left.is_empty(), "{output}: {left:?}");
    }
    // Where its data stays, its keys are in a file.
    let said = into_nothing(keyward(&Server::demo_arguments(Some(home.path()))), "full");
    assert!(said.ends_with("demo-credentials.json"), "{said}");
    let server = Server::demo(Some(home.path()));
    assert_eq!(server.client(&server.admin()).get("/me").status, 200);
}

#[test]
fn a_sign_in_whose_token_cannot_be_written_out_is_taken_back() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::demo(Some(home.path()));
    let users = server.line["users"].as_array().unwrap();
    let user = users.iter().find(|user| user["email"] == "admin@acme.example").unwrap();
    let password = user["password"].as_str().unwrap();
    let mut login = keyward(&["login", server.line["url"].as_str().unwrap(), "--no-browser"]);
    login.stdout(File::options().write(true).open("/dev/full").unwrap()).stderr(Stdio::piped());
    let mut login = login.spawn().unwrap();
    let mut said = BufReader::new(login.stderr.take().unwrap());
    let mut line = String::new();
    while !line.trim().starts_with("http") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended without an address");
    }
    let mut person = Person::at(&server);
    let asked = &line.trim()[line.trim().find("/oauth/").unwrap()..];
    let back = person.allows(asked, "admin@acme.example", password);
    let path = &back[url::Position::BeforePath..];
    let there = back.socket_addrs(|| None).unwrap()[0];
    assert_eq!(Client::to(there).send("GET", path, &[], b"").unwrap().status, 200);
    assert_eq!(login.wait().unwrap().code(), Some(3));
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(rest.trim_end().ends_with("nobody has the secret: the sign-in is taken back"), "{rest}");
    assert!(!person.page("/console/acme-capital/applications").contains("keyward login"), "no grant is left");
}
