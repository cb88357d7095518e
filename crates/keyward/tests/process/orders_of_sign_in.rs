//! The operator's orders about signing in, beside a running server: people, applications, signing keys, the root secret.

use crate::orders::{order, refusal};
use crate::person::{CALLBACK, Person, redeemed, refreshed};
use crate::support::{Client, Server, keyward, run, text as text_of, unlimited};
use serde_json::{Value, json};
use std::path::Path;

const WORDS: &str = "five quiet herons at dawn";
const ADMIN: &str = "admin@acme.example";

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

/// The path of a link.
fn path(link: &str) -> String {
    format!("/{}", link.splitn(4, '/').nth(3).unwrap())
}

fn password(server: &Server, email: &str) -> String {
    let users = server.line["users"].as_array().unwrap();
    text(users.iter().find(|user| user["email"] == email).unwrap(), "password")
}

fn status(server: &Server, token: &str) -> u16 {
    server.client(token).get("/me").status
}

/// A confidential application, and the tokens that the admin's consent gave it.
pub(crate) fn application(server: &Server, at: &Path) -> (String, String, Value) {
    let made = order(at, &["client", "create", "Night report", "--redirect-uri", CALLBACK, "--confidential"]);
    let (id, secret) = (text(&made, "client_id"), text(&made, "client_secret"));
    let code = Person::at(server).consents(&id, ADMIN, &password(server, ADMIN), "deals:read offline_access");
    let tokens = redeemed(server, &id, &secret, &code);
    (id, secret, tokens)
}

#[test]
fn who_is_invited_comes_by_the_link_and_a_reset_shuts_others_out() {
    let home = tempfile::tempdir().unwrap();
    let (server, at) = (Server::demo(Some(home.path())), home.path());
    let invite =
        |email| order(at, &["user", "invite", email, "--account", "acme-capital", "--role", "editor"]);
    let invited = invite("New@Acme.example");
    assert_eq!((&invited["email"], &invited["role"]), (&json!("new@acme.example"), &json!("editor")));
    let link = text(&invited, "link");
    let mut person = Person::at(&server);
    let page = person.page(&path(&link));
    assert!(
        page.contains("new@acme.example") && page.contains("Acme Capital") && page.contains("editor"),
        "{page}"
    );
    let form = person.form(&path(&link), "/welcome");
    assert_eq!(person.send(&form.with("password", "too short")).status, 422, "and the link stays good");
    assert_eq!(person.send(&form.with("password", WORDS)).status, 303);
    assert!(person.sign_in("new@acme.example", WORDS, "/console").is_some());
    assert!(person.page("/console/acme-capital/keys").contains("API keys"), "a member");

    // Whoever has a password is sent no link that would replace it.
    let known = ["user", "invite", "editor@acme.example", "--account", "harbor-lending", "--role", "viewer"];
    let known = order(at, &known);
    assert!(known.get("link").is_none() || known["link"].is_null(), "{known}");

    let reset = order(at, &["user", "reset-password", "new@acme.example"]);
    assert!(person.page("/console/acme-capital/keys").contains("API keys"), "until it is used, nothing ends");
    let mut elsewhere = Person::at(&server);
    let form = elsewhere.form(&path(&text(&reset, "link")), "/welcome");
    assert_eq!(elsewhere.send(&form.with("password", "six quiet herons at dawn")).status, 303);
    assert!(!person.page("/console/acme-capital/keys").contains("API keys"), "the one before is signed out");
    let mut late = Person::at(&server);
    assert_eq!(late.sign_in("new@acme.example", WORDS, "/console"), None, "by the old password nobody");
    assert!(refusal(at, &["user", "reset-password", "nobody@acme.example"]).contains("nobody@acme.example"));
}

#[test]
fn an_application_that_is_deleted_is_dead_at_once() {
    let home = tempfile::tempdir().unwrap();
    let (server, at) = (Server::demo(Some(home.path())), home.path());
    let (id, secret, tokens) = application(&server, at);
    let access = text(&tokens, "access_token");
    assert_eq!(status(&server, &access), 200);
    let listed = order(at, &["client", "list"]);
    let own = listed.as_array().unwrap().iter().find(|client| client["client_id"] == *id).unwrap();
    assert_eq!((&own["name"], &own["confidential"]), (&json!("Night report"), &json!(true)));
    assert!(!listed.to_string().contains(&secret));
    assert_eq!(order(at, &["client", "delete", &id])["grants_ended"], 1);
    assert_eq!(status(&server, &access), 401);
    let answer = refreshed(&server, &id, &secret, &text(&tokens, "refresh_token"));
    assert_eq!((answer.status, &answer.json()["error"]), (401, &json!("invalid_client")));
    assert!(refusal(at, &["client", "delete", &id]).contains(&id));
    for (uri, word) in [("http://app.example/back", "https"), ("javascript:alert(1)", "https")] {
        let said = refusal(at, &["client", "create", "Unfit", "--redirect-uri", uri]);
        assert!(said.contains(uri) && said.contains(word), "{said}");
    }
}

/// The server that runs knows the setting; a command that is given to it says what it said.
#[test]
fn the_operator_makes_clients_of_the_schemes_that_the_configuration_names() {
    let home = tempfile::tempdir().unwrap();
    let mut demo = keyward(&Server::demo_arguments(Some(home.path())));
    demo.env("KEYWARD_OAUTH_REDIRECT_SCHEMES", "myapp");
    let (_server, at) = (Server::demo_by(demo), home.path());
    let made = order(at, &["client", "create", "Mine", "--redirect-uri", "myapp://callback"]);
    assert_eq!(made["redirect_uris"], json!(["myapp://callback"]));
    for (uri, way_out) in [
        ("other://callback", "[oauth] redirect_schemes"),
        ("https://app.example/*", "compared to the letter"),
    ] {
        let said = refusal(at, &["client", "create", "Unfit", "--redirect-uri", uri]);
        assert!(said.contains(uri) && said.contains(way_out), "{said}");
    }
}

#[test]
fn a_leaked_signing_key_goes_with_every_token_that_it_signed() {
    let home = tempfile::tempdir().unwrap();
    let (server, at) = (Server::demo(Some(home.path())), home.path());
    let (id, secret, tokens) = application(&server, at);
    let access = text(&tokens, "access_token");
    let kids = || {
        let set = Client::to(server.address).send("GET", "/oauth/jwks", &[], b"").unwrap().json();
        set["keys"].as_array().unwrap().iter().map(|key| text(key, "kid")).collect::<Vec<_>>()
    };
    let states = |listed: &Value| -> Vec<String> {
        listed.as_array().unwrap().iter().map(|key| text(key, "state")).collect()
    };
    assert_eq!(states(&order(at, &["signing-key", "list"])), ["signs"]);
    let rotated = order(at, &["signing-key", "rotate"]);
    assert_eq!(states(&rotated), ["signs", "published"], "known before it signs");
    assert_eq!((kids().len(), status(&server, &access)), (2, 200));
    assert!(refusal(at, &["signing-key", "rotate"]).contains("published already"));
    let rotated = order(at, &["signing-key", "rotate", "--now"]);
    assert_eq!(states(&rotated), ["signs"]);
    assert_eq!(kids(), [text(&rotated[0], "kid")]);
    assert_eq!(status(&server, &access), 401, "at once");
    let next = refreshed(&server, &id, &secret, &text(&tokens, "refresh_token"));
    assert_eq!(status(&server, &text(&next.json(), "access_token")), 200, "a grant lives on");
    let audit = run(keyward(&["audit", "--json"]).args(["--data", text_of(at)]));
    let audit = String::from_utf8(audit.stdout).unwrap();
    let rows: Vec<Value> = audit.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    let by = |who| {
        rows.iter().filter(|row| row["action"] == "signing_key.add" && row["credential_kind"] == who).count()
    };
    assert_eq!((by("background"), by("operator")), (1, 2), "{audit}");
}

#[test]
fn a_rotation_of_the_root_secret_signs_nobody_out() {
    let home = tempfile::tempdir().unwrap();
    let (mut server, at) = (Server::demo(Some(home.path())), home.path());
    let (id, secret, first) = application(&server, at);
    let refresh = |server: &Server, tokens: &Value| {
        let answer = refreshed(server, &id, &secret, &text(tokens, "refresh_token"));
        assert_eq!(answer.status, 200, "{}", answer.json());
        let tokens = answer.json();
        assert_eq!(status(server, &text(&tokens, "access_token")), 200);
        tokens
    };
    let mut person = Person::at(&server);
    person.sign_in(ADMIN, &password(&server, ADMIN), "/console");
    order(at, &["secret", "rotate"]);
    assert_eq!(status(&server, &text(&first, "access_token")), 200);
    let second = refresh(&server, &first);
    assert_eq!(
        refresh(&server, &first)["refresh_token"],
        second["refresh_token"],
        "the same successor again"
    );
    server.terminate();
    // At the same address: it is the issuer's name.
    let listen = server.address.to_string();
    let mut again = Server::demo_arguments(Some(at));
    again.retain(|argument| *argument != "127.0.0.1:0");
    let position = again.iter().position(|argument| *argument == "--listen").unwrap();
    again.insert(position + 1, &listen);
    let server = Server::demo_by(unlimited(keyward(&again)));
    assert_eq!(status(&server, &text(&first, "access_token")), 200, "its key was sealed again");
    let third = refresh(&server, &second);
    order(at, &["secret", "rotate", "--revoke-unmoved"]);
    let fourth = refresh(&server, &third);
    assert_eq!(status(&server, &text(&fourth, "access_token")), 200);
    let mut again = Person::at(&server);
    again.cookies = person.cookies;
    assert!(again.page("/console/acme-capital/keys").contains("API keys"), "nor a browser");
}
