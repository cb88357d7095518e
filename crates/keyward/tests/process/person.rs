//! A person with a browser of its own, and the application that it signs in to, over a real socket.

use crate::support::{Answer, Client, Server};
use keyward_core::oauth::pkce;
use keyward_testkit::forms::{Form, fields, form_to};
use serde_json::Value;
use std::collections::BTreeMap;
use url::{Url, form_urlencoded};

pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CALLBACK: &str = "https://app.example/callback";

pub(crate) fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Sends a form without being a browser.
pub(crate) fn send(client: &mut Client, path: &str, pairs: &[(&str, &str)]) -> Answer {
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    client.send("POST", path, &[form], encoded(pairs).as_bytes()).unwrap()
}

/// A browser that keeps its cookies.
pub(crate) struct Person {
    client: Client,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Person {
    pub(crate) fn at(server: &Server) -> Self {
        Self { client: Client::to(server.address), cookies: BTreeMap::new() }
    }

    fn go(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("Accept", "text/html")];
        if !cookies.is_empty() {
            headers.push(("Cookie", cookies.as_str()));
        }
        if method == "POST" {
            headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        }
        let answer = self.client.send(method, path, &headers, body.as_bytes()).unwrap();
        for line in answer.all("set-cookie") {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    pub(crate) fn page(&mut self, path: &str) -> String {
        String::from_utf8(self.go("GET", path, "").body).unwrap()
    }

    /// The form of a page that is sent there.
    pub(crate) fn form(&mut self, path: &str, action: &str) -> Form {
        form_to(&self.page(path), action)
    }

    pub(crate) fn send(&mut self, form: &Form) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.hidden).finish();
        self.go("POST", &form.action, &body)
    }

    /// Signs in; where that leads.
    pub(crate) fn sign_in(&mut self, email: &str, password: &str, next: &str) -> Option<String> {
        let page = format!("/sign-in?{}", encoded(&[("next", next)]));
        let form = self.form(&page, "/sign-in").with("email", email).with("password", password);
        self.send(&form).header("location").map(str::to_owned)
    }

    /// Signs in at a page that an application sends to, and consents; the code.
    pub(crate) fn consents(&mut self, client_id: &str, email: &str, password: &str, scope: &str) -> String {
        let challenge = pkce::challenge(VERIFIER);
        let asked = [
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", CALLBACK),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("scope", scope),
        ];
        let back = self.allows(&format!("/oauth/authorize?{}", encoded(&asked)), email, password);
        back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    }

    /// Signs in at this address of the authorization server, and consents; where that leads.
    pub(crate) fn allows(&mut self, at: &str, email: &str, password: &str) -> Url {
        let to = self.sign_in(email, password, at).unwrap();
        let form = self.form(&to, "/oauth/authorize").with("decision", "allow");
        Url::parse(self.send(&form).header("location").unwrap()).unwrap()
    }
}

/// What an application gets for a code. A public one has no secret.
pub(crate) fn redeemed(server: &Server, client_id: &str, secret: &str, code: &str) -> Value {
    let mut pairs = fields(&[
        ("grant_type", "authorization_code"),
        ("client_id", client_id),
        ("code", code),
        ("code_verifier", VERIFIER),
        ("redirect_uri", CALLBACK),
        ("client_secret", secret),
    ]);
    pairs.retain(|(_, value)| !value.is_empty());
    let pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = send(&mut Client::to(server.address), "/oauth/token", &pairs);
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()
}

/// What a refresh token is answered with.
pub(crate) fn refreshed(server: &Server, client_id: &str, secret: &str, token: &str) -> Answer {
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", client_id),
        ("client_secret", secret),
        ("refresh_token", token),
    ];
    let pairs: Vec<(&str, &str)> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    send(&mut Client::to(server.address), "/oauth/token", &pairs)
}
