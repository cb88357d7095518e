//! The secrets of signing in: passwords, links, sessions, codes, tokens, clients' secrets, the signing key.

use crate::orders::order;
use crate::person::{self, CALLBACK, Person, VERIFIER, encoded, redeemed, refreshed};
use crate::search::Needles;
use crate::secrets::MARKER;
use crate::support::{Client, Server};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::path::Path;

/// A password that a person chooses.
const CHOSEN: &str = "Tj4 wenn die Glocke sechs schlaegt";

/// Signs in as people and applications do, and loses nothing of it: every secret that came of it.
pub(crate) fn signed_in(server: &Server, data: &Path) -> Needles {
    let mut needles = Needles::new();
    let reset = order(data, &["user", "reset-password", "viewer@acme.example"]);
    let link = reset["link"].as_str().unwrap().to_owned();
    let path = link.split_once("//").unwrap().1.split_once('/').unwrap().1;
    let mut person = Person::at(server);
    let form = person.form(&format!("/{path}"), "/welcome").with("password", CHOSEN);
    assert_eq!(person.send(&form).status, 303);
    assert_eq!(person.send(&form).status, 404, "a link is good once");
    needles.add("chosen password", CHOSEN.as_bytes());
    needles.add("link", after(&link, "kw_link_").as_bytes());

    let client = ["client", "create", "Confidential", "--redirect-uri", CALLBACK, "--confidential"];
    let client = order(data, &client);
    let text = |value: &Value, name: &str| {
        value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
    };
    let (id, secret) = (text(&client, "client_id"), text(&client, "client_secret"));
    needles.add("client secret", after(&secret, "kw_client_").as_bytes());
    let register = json!({ "redirect_uris": [CALLBACK], "client_name": "Registered",
        "token_endpoint_auth_method": "client_secret_basic" });
    let json = ("Content-Type", "application/json");
    let mut plain = Client::to(server.address);
    let registered = plain.send("POST", "/oauth/register", &[json], register.to_string().as_bytes()).unwrap();
    let registered = text(&registered.json(), "client_secret");
    needles.add("registered client's secret", after(&registered, "kw_client_").as_bytes());

    let mut person = Person::at(server);
    let code = person.consents(&id, "viewer@acme.example", CHOSEN, "openid email offline_access deals:read");
    needles.add("code", after(&code, "kw_code_").as_bytes());
    needles.add("verifier", VERIFIER.as_bytes());
    let first = redeemed(server, &id, &secret, &code);
    let second = refreshed(server, &id, &secret, &text(&first, "refresh_token")).json();
    assert!(first["id_token"].is_string() && second["refresh_token"].is_string());
    for tokens in [&first, &second] {
        assert_eq!(server.client(&text(tokens, "access_token")).get("/deals").status, 200);
        for name in ["access_token", "id_token", "refresh_token"] {
            // The rest of a token is read by whoever has it; this is what makes it one.
            if let Some(token) = tokens[name].as_str() {
                needles.add(name, token.rsplit('.').next().unwrap().as_bytes());
            }
        }
    }
    for (name, value) in &person.cookies {
        let token = if name == "keyward_session" { after(value, "kw_session_") } else { value };
        needles.add(&format!("cookie {name}"), token.as_bytes());
    }
    assert_eq!(person.cookies.len(), 3, "{:?}", person.cookies);
    // Wherever a private key stood in the clear, its public half would stand beside it.
    let keys = plain.send("GET", "/oauth/jwks", &[], b"").unwrap().json();
    needles.add("signing key", &URL_SAFE_NO_PAD.decode(text(&keys["keys"][0], "n")).unwrap());

    clumsy_sign_ins(server, [&id, &secret, &code]);
    for (tokens, status) in [(&first, 401), (&second, 401)] {
        let status_of = server.client(&text(tokens, "access_token")).get("/me").status;
        assert_eq!(status_of, status, "the code was replayed");
    }
    needles
}

/// What follows a token's beginning, which everyone may see.
fn after<'t>(token: &'t str, beginning: &str) -> &'t str {
    token.split_once(beginning).unwrap().1
}

/// Secrets where they do not belong, in the hands of clumsy people and applications.
fn clumsy_sign_ins(server: &Server, [id, secret, code]: [&str; 3]) {
    let mut person = Person::at(server);
    let form = person.form("/sign-in", "/sign-in");
    for (email, password) in
        [(MARKER, MARKER), ("viewer@acme.example", MARKER), (CHOSEN, "viewer@acme.example"), (secret, code)]
    {
        let status = person.send(&form.with("email", email).with("password", password)).status;
        assert!((400..500).contains(&status), "{status}");
    }
    assert_eq!(person.send(&form.with("form", MARKER)).status, 403);
    let mut plain = Client::to(server.address);
    for lost in [MARKER, secret, code] {
        for path in ["/oauth/authorize", "/sign-in", "/welcome", "/console", "/oauth/token", "/oauth/jwks"] {
            let pairs = [
                ("client_id", id),
                ("redirect_uri", lost),
                ("state", lost),
                ("token", lost),
                ("next", lost),
                ("login_hint", lost),
                (lost, lost),
            ];
            let target = format!("{path}?{}", encoded(&pairs));
            plain.send("GET", &target, &[("Accept", "text/html")], b"").unwrap();
            plain.send("GET", &format!("{target}&client_id={lost}"), &[], b"").unwrap();
            plain.send("GET", &format!("{path}/{lost}"), &[], b"").unwrap();
        }
        let grants = [
            vec![("grant_type", lost)],
            vec![("grant_type", "authorization_code"), ("code", lost), ("code_verifier", lost)],
            vec![("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)],
            vec![("grant_type", "refresh_token"), ("refresh_token", lost), ("scope", lost)],
        ];
        for (name, authentication) in grants
            .iter()
            .flat_map(|grant| [(grant, (id, secret)), (grant, (lost, secret)), (grant, (id, lost))])
        {
            let pairs =
                [name.as_slice(), &[("client_id", authentication.0), ("client_secret", authentication.1)]];
            let status = person::send(&mut plain, "/oauth/token", &pairs.concat()).status;
            assert!((400..500).contains(&status), "{status} {pairs:?}");
        }
        let basic = format!("Basic {lost}");
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        let body = encoded(&[("token", lost)]);
        plain.send("POST", "/oauth/revoke", &[form, ("Authorization", &basic)], body.as_bytes()).unwrap();
        let json = ("Content-Type", "application/json");
        for body in [
            json!({ "redirect_uris": [lost], "client_name": lost }),
            json!({ "redirect_uris": [CALLBACK], "client_name": "Clumsy", "software_statement": lost }),
            json!({ lost: lost, "redirect_uris": [] }),
            json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": lost, "client_secret": lost }),
        ] {
            plain.send("POST", "/oauth/register", &[json], body.to_string().as_bytes()).unwrap();
        }
    }
}
