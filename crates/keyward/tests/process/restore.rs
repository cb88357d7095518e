//! Yesterday's copy is restored: nothing that ended since comes back to life.
//!
//! | what ended since the copy | test |
//! |---|---|
//! | a key | `a_revoked_key_does_not_come_back` |
//! | what an application was allowed, by its person, by itself, by the operator | `a_disconnected_application_does_not_come_back` |
//! | a place in an account, an admin's role, a user | `a_removed_demoted_or_disabled_member_does_not_come_back` |
//! | a password, the link by which another was chosen | `an_old_password_and_the_link_that_replaced_it_do_not_come_back` |
//! | an invitation, used or withdrawn | `a_used_invitation_does_not_come_back` |
//! | a key's secret | `the_old_secret_of_a_rotated_key_does_not_come_back` |
//! | a version of the root secret | `a_root_secret_that_was_given_up_comes_back_only_by_hand_and_is_named` |
//! | a key whose id comes again | `an_id_that_comes_again_is_another_key` |
//!
//! | how a restore goes wrong | test |
//! |---|---|
//! | it is killed, and a server takes the copy as it is | `a_restore_that_is_killed_leaves_nothing_that_a_server_takes` |
//! | its journal is older than what was revoked last | `a_restore_says_how_new_its_journal_is_and_lists_the_keys` |
//! | something could not be ended again | `a_restore_fails_where_something_cannot_be_ended_again` |
//!
//! And where the journal cannot say: `without_a_whole_journal_nothing_is_restored_unless_that_is_asked_for`,
//! `what_is_damaged_before_the_copy_was_made_is_not_needed`, `a_copy_that_was_put_there_by_hand_learns_it_at_the_start`.

use crate::orders::{order, refusal};
use crate::person::{CALLBACK, Person, redeemed, refreshed};
use crate::support::{Server, keyward, mode, run, settle, text};
use keyward_sqlite::faults::change_by_force;
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const ADMIN: &str = "admin@acme.example";
const ANA: &str = "ana@acme.example";
const WORDS: &str = "five quiet herons at dawn";

/// A demo, and its directory.
struct Yesterday {
    home: TempDir,
    server: Server,
}

impl Yesterday {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let server = Server::demo(Some(home.path()));
        Self { home, server }
    }

    fn at(&self) -> &Path {
        self.home.path()
    }

    fn order(&self, arguments: &[&str]) -> Value {
        order(self.at(), arguments)
    }

    fn copy(&self) -> PathBuf {
        self.at().join("copy.db")
    }

    fn journal(&self) -> PathBuf {
        self.at().join("keyward.db.revocations")
    }

    /// Makes the copy.
    fn passes(&self) {
        self.order(&["backup", text(&self.copy())]);
    }

    /// Stops the server and takes the database away, but not its journal.
    fn loses_its_database(&mut self) {
        self.server.terminate();
        settle(self.at());
        fs::remove_file(self.at().join("keyward.db")).unwrap();
    }

    /// Restores the copy and starts the server again; what `restore` said.
    fn comes_back(&mut self) -> String {
        self.loses_its_database();
        let said = restored(self.at(), &self.copy(), &[]);
        self.server = Server::demo(Some(self.at()));
        said
    }

    fn made(&self, user: &str) -> (Value, String) {
        let key = ["key", "create", "--account", "acme-capital", "--user", user, "--label", "made"];
        let key = self.order(&[&key[..], &["--permission", "full_access"]].concat());
        (key["id"].clone(), key["api_key"].as_str().unwrap().to_owned())
    }

    fn status(&self, key: &str) -> u16 {
        self.server.client(key).get("/me").status
    }

    fn password(&self, email: &str) -> String {
        let users = self.server.line["users"].as_array().unwrap();
        let user = users.iter().find(|user| user["email"] == email).unwrap();
        user["password"].as_str().unwrap().to_owned()
    }

    /// A user with a password that was chosen by a link.
    fn joined(&self, email: &str, role: &str) {
        let invited = self.order(&["user", "invite", email, "--account", "acme-capital", "--role", role]);
        self.chooses(&invited["link"], WORDS);
    }

    fn chooses(&self, link: &Value, password: &str) {
        let mut person = Person::at(&self.server);
        let form = person.form(&path(link), "/welcome");
        assert_eq!(person.send(&form.with("password", password)).status, 303);
    }

    fn opens(&self, link: &Value) -> bool {
        Person::at(&self.server).page(&path(link)).contains("<form method=\"post\" action=\"/welcome\"")
    }

    fn signs_in(&self, email: &str, password: &str) -> Option<Person> {
        let mut person = Person::at(&self.server);
        person.sign_in(email, password, "/console").map(|_| person)
    }
}

fn restored(at: &Path, copy: &Path, more: &[&str]) -> String {
    let restore = [&["restore", text(copy), "--data", text(at)][..], more].concat();
    let output = run(&mut keyward(&restore));
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn path(link: &Value) -> String {
    format!("/{}", link.as_str().unwrap().splitn(4, '/').nth(3).unwrap())
}

#[test]
fn a_revoked_key_does_not_come_back() {
    let mut then = Yesterday::new();
    let ((id, leaked), (_, good)) = (then.made(ADMIN), then.made(ADMIN));
    then.passes();
    then.order(&["key", "revoke", &id.to_string()]);
    let said = then.comes_back();
    assert_eq!((then.status(&leaked), then.status(&good)), (401, 200), "{said}");
    assert!(said.contains(&format!("API key {id} (")) && said.contains(": revoked"), "{said}");
    assert!(said.contains("back to life: ") && !said.contains("NOT KNOWN"), "{said}");
    assert_eq!(mode(&then.journal()), 0o600);
    let journal = fs::read_to_string(then.journal()).unwrap();
    assert!(!journal.contains(&leaked) && !journal.contains("made"), "ids and digests alone: {journal}");
    then.server.terminate();
    then.server = Server::demo(Some(then.at()));
    assert_eq!(then.status(&leaked), 401, "nor after the next start");
}

#[test]
fn a_disconnected_application_does_not_come_back() {
    let mut then = Yesterday::new();
    let make = ["client", "create", "Night report", "--redirect-uri", CALLBACK, "--confidential"];
    let apps = [(); 3].map(|()| {
        let made = then.order(&make);
        let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
        let scope = "deals:read offline_access";
        let code = Person::at(&then.server).consents(id, ADMIN, &then.password(ADMIN), scope);
        (id.to_owned(), secret.to_owned(), redeemed(&then.server, id, secret, &code))
    });
    let mut browser = then.signs_in(ADMIN, &then.password(ADMIN)).unwrap();
    then.passes();
    let page = "/console/acme-capital/applications";
    let form = browser.form(page, &format!("{page}/disconnect"));
    assert_eq!(browser.send(&form.with("client", &apps[0].0)).status, 303);
    then.order(&["client", "delete", &apps[1].0]);
    let said = then.comes_back();
    assert!(said.contains("1 grants of applications") && said.contains("4 sessions"), "{said}");
    assert!(said.contains(&format!("application {}: deleted", apps[1].0)), "{said}");
    for (id, secret, tokens) in &apps {
        assert_eq!(then.status(tokens["access_token"].as_str().unwrap()), 401, "{id}");
        let answer = refreshed(&then.server, id, secret, tokens["refresh_token"].as_str().unwrap());
        assert_ne!(answer.status, 200, "{id}");
    }
    let mut again = Person::at(&then.server);
    again.cookies = browser.cookies;
    assert!(!again.page(page).contains("Connected applications"), "who was signed in signs in again");
}

#[test]
fn a_removed_demoted_or_disabled_member_does_not_come_back() {
    let mut then = Yesterday::new();
    let people = [ANA, "ben@acme.example", "cleo@acme.example", "dan@acme.example"];
    people.iter().for_each(|email| then.joined(email, "admin"));
    let keys = people.map(|email| then.made(email).1);
    then.passes();
    let role =
        |email, role| then.order(&["user", "role", email, "--account", "acme-capital", "--role", role]);
    then.order(&["user", "remove", people[0], "--account", "acme-capital"]);
    role(people[1], "viewer");
    then.order(&["user", "disable", people[2]]);
    role(people[3], "viewer");
    role(people[3], "admin");
    then.order(&["user", "disable", people[3]]);
    then.order(&["user", "enable", people[3]]);
    let said = then.comes_back();
    let invites = |key: &str| {
        let body = json!({ "email": "new@acme.example", "role": "viewer" });
        then.server.client(key).post("/account/team", &body).status
    };
    assert_eq!((then.status(&keys[0]), then.status(&keys[2])), (401, 401), "{said}");
    assert_eq!((then.status(&keys[1]), invites(&keys[1])), (200, 403), "a viewer: {said}");
    assert_eq!(
        (then.status(&keys[3]), invites(&keys[3])),
        (200, 201),
        "what was taken back is not done: {said}"
    );
    let mut removed = then.signs_in(people[0], WORDS).unwrap();
    assert!(!removed.page("/console/acme-capital/keys").contains("API keys"), "no member");
    assert!(then.signs_in(people[2], WORDS).is_none());
    for line in
        ["ana@acme.example in acme-capital: removed", "viewer and no more", "cleo@acme.example: disabled"]
    {
        assert!(said.contains(line), "{said}");
    }
}

#[test]
fn an_old_password_and_the_link_that_replaced_it_do_not_come_back() {
    let mut then = Yesterday::new();
    then.joined(ANA, "editor");
    then.joined("ben@acme.example", "editor");
    let used = then.order(&["user", "reset-password", ANA]);
    let open = then.order(&["user", "reset-password", "ben@acme.example"]);
    then.passes();
    then.chooses(&used["link"], "six quiet herons at dawn");
    let said = then.comes_back();
    assert!(said.contains("keyward user reset-password ana@acme.example makes a link"), "{said}");
    assert!(then.signs_in(ANA, WORDS).is_none(), "the old one");
    assert!(
        then.signs_in(ANA, "six quiet herons at dawn").is_none(),
        "nor the new one, which the copy does not have"
    );
    assert!(then.signs_in("ben@acme.example", WORDS).is_some(), "nobody else's");
    assert_eq!(
        (then.opens(&used["link"]), then.opens(&open["link"])),
        (false, true),
        "a link that was not used lives"
    );
    let link = then.order(&["user", "reset-password", ANA]);
    then.chooses(&link["link"], "seven quiet herons at dawn");
    assert!(then.signs_in(ANA, "seven quiet herons at dawn").is_some());
}

#[test]
fn a_used_invitation_does_not_come_back() {
    let mut then = Yesterday::new();
    let invite =
        |email| then.order(&["user", "invite", email, "--account", "acme-capital", "--role", "editor"]);
    let (used, open) = (invite(ANA), invite("ben@acme.example"));
    let eve = |role| ["user", "invite", "eve@acme.example", "--account", "acme-capital", "--role", role];
    then.order(&eve("admin"));
    let known = then.signs_in("editor@acme.example", &then.password("editor@acme.example"));
    assert!(known.is_some());
    then.order(&["user", "invite", "editor@acme.example", "--account", "harbor-lending", "--role", "viewer"]);
    then.passes();
    then.chooses(&used["link"], WORDS);
    then.order(&["user", "remove", ANA, "--account", "acme-capital"]);
    then.order(&eve("viewer"));
    let accept = "/console/invitations/harbor-lending/accept";
    let mut browser = then.signs_in("editor@acme.example", &then.password("editor@acme.example")).unwrap();
    let form = browser.form("/console/acme-capital/keys", accept);
    assert_eq!(browser.send(&form).status, 303);
    then.order(&["user", "remove", "editor@acme.example", "--account", "harbor-lending"]);
    let said = then.comes_back();
    assert!(said.contains("the invitation of ana@acme.example into acme-capital: used"), "{said}");
    assert!(
        said.contains("the invitation of eve@acme.example into acme-capital: viewer and no more"),
        "{said}"
    );
    assert_eq!((then.opens(&used["link"]), then.opens(&open["link"])), (false, true), "{said}");
    let mut browser = then.signs_in("editor@acme.example", &then.password("editor@acme.example")).unwrap();
    assert!(!browser.page("/console/acme-capital/keys").contains(accept), "{said}");
    // By a link of her own she joins nothing by the way.
    let link = then.order(&["user", "reset-password", ANA]);
    then.chooses(&link["link"], WORDS);
    let mut ana = then.signs_in(ANA, WORDS).unwrap();
    assert!(!ana.page("/console/acme-capital/keys").contains("API keys"));
}

#[test]
fn the_old_secret_of_a_rotated_key_does_not_come_back() {
    let mut then = Yesterday::new();
    let ((id, old), (in_grace, older)) = (then.made(ADMIN), then.made(ADMIN));
    then.passes();
    let new = then.order(&["key", "rotate", &id.to_string()]);
    then.order(&["key", "rotate", &in_grace.to_string(), "--grace-seconds", "3600"]);
    let said = then.comes_back();
    assert_eq!((then.status(&old), then.status(&older)), (401, 200), "its grace period goes on: {said}");
    assert_eq!(then.status(new["api_key"].as_str().unwrap()), 401, "the copy does not have the new one");
    assert!(said.contains(&format!("API key {id} (")) && said.contains("rotate it again"), "{said}");
    let again = then.order(&["key", "rotate", &id.to_string()]);
    assert_eq!((then.status(&old), then.status(again["api_key"].as_str().unwrap())), (401, 200));
}

#[test]
fn a_root_secret_that_was_given_up_comes_back_only_by_hand_and_is_named() {
    let mut then = Yesterday::new();
    let (_, key) = then.made(ADMIN);
    let kept = then.at().join("kept-apart");
    let file = then.at().join("root-secret");
    fs::copy(&file, &kept).unwrap();
    then.passes();
    then.order(&["secret", "rotate"]);
    then.order(&["secret", "rotate", "--revoke-unmoved"]);
    then.loses_its_database();
    let copy = then.copy();
    let restore = ["restore", text(&copy)];
    assert!(refusal(then.at(), &restore).contains("the root secret is not the one"));
    assert!(!then.at().join("keyward.db").exists());
    fs::copy(&kept, &file).unwrap();
    let said = restored(then.at(), &then.copy(), &[]);
    assert!(said.contains("version 1 of the root secret was given up since and is back"), "{said}");
    then.server = Server::demo(Some(then.at()));
    assert_eq!(then.status(&key), 401, "it had not moved, and was revoked with the version: {said}");
}

#[test]
fn an_id_that_comes_again_is_another_key() {
    let mut then = Yesterday::new();
    then.passes();
    let (leaked, _) = then.made(ADMIN);
    then.order(&["key", "revoke", &leaked.to_string()]);
    then.comes_back();
    let (id, good) = then.made(ADMIN);
    assert!(id.as_i64().unwrap() > leaked.as_i64().unwrap() + 1_000, "{id} is not given twice");
    let deal = then.server.client(&good).post("/deals", &json!({ "title": "after" })).data(201);
    assert!(deal["id"].as_i64().unwrap() > 1_000_000, "nor is an ETag: {deal}");
    let (_, later) = then.made(ADMIN);
    // Another copy, of this time: what ended in the time before is none of its own.
    fs::remove_file(then.copy()).unwrap();
    then.passes();
    then.comes_back();
    assert_eq!((then.status(&good), then.status(&later)), (200, 200));
    then.order(&["key", "revoke", &id.to_string()]);
    then.comes_back();
    assert_eq!((then.status(&good), then.status(&later)), (401, 200), "the same copy once more");
}

#[test]
fn without_a_whole_journal_nothing_is_restored_unless_that_is_asked_for() {
    let mut then = Yesterday::new();
    let ((id, leaked), (_, other)) = (then.made(ADMIN), then.made(ADMIN));
    let invite = ["user", "invite", ANA, "--account", "acme-capital", "--role", "editor"];
    let invited = then.order(&invite);
    then.passes();
    then.order(&["key", "revoke", &id.to_string()]);
    then.order(&["user", "disable", "both@acme.example"]);
    then.loses_its_database();
    let whole = fs::read(then.journal()).unwrap();
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let without = |left_out: usize| {
        let lines = lines.iter().enumerate().filter(|(index, _)| *index != left_out);
        lines.flat_map(|(_, line)| line.to_vec()).collect::<Vec<u8>>()
    };
    let mut changed = whole.clone();
    *changed.iter_mut().rev().nth(5).unwrap() ^= 1;
    let (copy, aside) = (then.copy(), then.at().join("aside"));
    let restore = ["restore", text(&copy)];
    for (damaged, why) in [
        (None, "it is missing"),
        (Some(Vec::new()), "its first line is damaged"),
        (Some(without(0)), "its first line is damaged"),
        (Some(without(lines.len() - 2)), "some of its lines are damaged or missing"),
        (Some(changed), "some of its lines are damaged or missing"),
        (Some(lines[0].to_vec()), "it ends before the copy was made"),
        (
            Some(String::from_utf8(whole.clone()).unwrap().replacen("journal", "jOurnal", 1).into_bytes()),
            "its first line is damaged",
        ),
    ] {
        let _ = fs::remove_file(then.journal());
        if let Some(damaged) = &damaged {
            fs::write(then.journal(), damaged).unwrap();
            fs::set_permissions(then.journal(), Permissions::from_mode(0o600)).unwrap();
        }
        let said = refusal(then.at(), &restore);
        assert!(said.contains(why) && said.contains("--without-journal"), "{why}: {said}");
        assert!(said.contains("API keys come back to life"), "{said}");
        assert!(!then.at().join("keyward.db").exists(), "nothing is restored");
        assert_eq!(fs::read(then.journal()).ok(), damaged, "the journal is as it was");
    }
    // One that was moved away with the directory is named.
    let _ = fs::remove_file(then.journal());
    fs::write(&aside, &whole).unwrap();
    restored(then.at(), &copy, &["--journal", text(&aside)]);
    then.server = Server::demo(Some(then.at()));
    assert_eq!((then.status(&leaked), then.status(&other), then.opens(&invited["link"])), (401, 200, true));
    then.loses_its_database();
    fs::remove_file(then.journal()).unwrap();
    let said = restored(then.at(), &copy, &["--without-journal"]);
    assert!(said.contains("WHAT WAS REVOKED SINCE THE COPY IS NOT KNOWN"), "{said}");
    assert!(said.contains(&format!("  API key {id} (")), "each of them is named: {said}");
    then.server = Server::demo(Some(then.at()));
    assert_eq!((then.status(&leaked), then.opens(&invited["link"])), (200, false), "it said so: {said}");
    // From now on there is a journal again, and copies of before are not taken for its own.
    then.order(&["key", "revoke", &id.to_string()]);
    then.loses_its_database();
    assert!(refusal(then.at(), &restore).contains("it is another database's"));
}

#[test]
fn a_restore_that_is_killed_leaves_nothing_that_a_server_takes() {
    let mut then = Yesterday::new();
    let ((id, leaked), (_, good)) = (then.made(ADMIN), then.made(ADMIN));
    then.passes();
    then.order(&["key", "revoke", &id.to_string()]);
    then.loses_its_database();
    let copy = then.copy();
    let mut restore = keyward(&["restore", text(&copy), "--data", text(then.at())]);
    let killed = run(restore.env("KEYWARD_FAIL_AT", "restore"));
    assert!(!killed.status.success() && killed.stdout.is_empty(), "{killed:?}");
    assert!(then.at().join("keyward.db.restoring").exists(), "it had begun");
    assert!(!then.at().join("keyward.db").exists());
    let serve = run(&mut keyward(&["serve", "--listen", "127.0.0.1:0", "--data", text(then.at())]));
    let said = String::from_utf8(serve.stderr).unwrap();
    assert!(!serve.status.success() && said.contains("there is no database"), "{said}");
    restored(then.at(), &copy, &[]);
    assert!(!then.at().join("keyward.db.restoring").exists());
    then.server = Server::demo(Some(then.at()));
    assert_eq!((then.status(&leaked), then.status(&good)), (401, 200));
}

#[test]
fn a_restore_says_how_new_its_journal_is_and_lists_the_keys() {
    let mut then = Yesterday::new();
    let ((first, _), (second, leaked)) = (then.made(ADMIN), then.made(ADMIN));
    then.passes();
    then.order(&["key", "revoke", &first.to_string()]);
    let kept = then.at().join("kept-last-night");
    fs::copy(then.journal(), &kept).unwrap();
    then.order(&["key", "revoke", &second.to_string()]);
    then.loses_its_database();
    fs::remove_file(then.journal()).unwrap();
    let said = restored(then.at(), &then.copy(), &["--journal", text(&kept)]);
    assert!(said.contains("last entry of the journal of revocations: 20"), "{said}");
    let listed = said.split("these keys open the API:").nth(1).unwrap();
    assert!(listed.contains(&format!("API key {second} (")), "{said}");
    assert!(!listed.contains(&format!("API key {first} (")), "{said}");
    then.server = Server::demo(Some(then.at()));
    assert_eq!(then.status(&leaked), 200, "which is why it is said");
}

#[test]
fn a_restore_fails_where_something_cannot_be_ended_again() {
    let mut then = Yesterday::new();
    let (id, leaked) = then.made(ADMIN);
    then.passes();
    then.order(&["key", "revoke", &id.to_string()]);
    then.loses_its_database();
    let copy = then.copy();
    for what in ["UPDATE", "DELETE"] {
        let name = format!("stops_{what}");
        let body = format!("WHEN old.id = {id} BEGIN SELECT raise(ABORT, 'no'); END");
        change_by_force(&copy, &format!("CREATE TRIGGER {name} BEFORE {what} ON api_keys {body}")).unwrap();
    }
    let output = run(&mut keyward(&["restore", text(&copy), "--data", text(then.at())]));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && said.contains("1 entries of the journal could not be done"),
        "{said}"
    );
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(
        report.contains("COULD NOT BE ENDED AGAIN") && report.contains(&format!("{{\"key\":[{id},")),
        "{report}"
    );
    then.server = Server::demo(Some(then.at()));
    assert_eq!(then.status(&leaked), 401, "it holds in memory, from the first start on");
}

#[test]
fn what_is_damaged_before_the_copy_was_made_is_not_needed() {
    let mut then = Yesterday::new();
    let ((first, _), (second, leaked)) = (then.made(ADMIN), then.made(ADMIN));
    then.order(&["key", "revoke", &first.to_string()]);
    then.passes();
    then.order(&["key", "revoke", &second.to_string()]);
    then.server.terminate();
    let damaged =
        fs::read_to_string(then.journal()).unwrap().replace(&format!("\"key\":[{first},"), "\"key\":[0,");
    fs::write(then.journal(), damaged).unwrap();
    then.server = Server::demo(Some(then.at()));
    assert!(
        then.server.stderr().contains("lines of the journal of revocations cannot be read"),
        "and is said"
    );
    then.comes_back();
    assert_eq!(then.status(&leaked), 401);
}

#[test]
fn a_copy_that_was_put_there_by_hand_learns_it_at_the_start() {
    let mut then = Yesterday::new();
    let ((id, leaked), (_, good)) = (then.made(ADMIN), then.made(ADMIN));
    then.passes();
    then.order(&["key", "revoke", &id.to_string()]);
    then.loses_its_database();
    fs::copy(then.copy(), then.at().join("keyward.db")).unwrap();
    then.server = Server::demo(Some(then.at()));
    assert_eq!((then.status(&leaked), then.status(&good)), (401, 200));
    assert!(then.server.stderr().contains("the journal of revocations did"), "{}", then.server.stderr());
    let audit = run(keyward(&["audit", "--json"]).args(["--data", text(then.at())]));
    assert!(audit.status.success());
}
