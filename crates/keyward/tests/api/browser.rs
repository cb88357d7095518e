//! A person's browser, and an application that sends people to sign in.

use crate::support::{Answer, PASSWORD, TestApp};
use http::Method;
use keyward_core::header_text;
use keyward_core::oauth::pkce;
pub(crate) use keyward_testkit::forms::{Fields, Form, fields, form_to, forms};
use serde_json::Value;
use std::collections::BTreeMap;
use url::{Url, form_urlencoded};

pub(crate) const ORIGIN: &str = "http://keyward.test";
pub(crate) const CALLBACK: &str = "https://app.example/callback";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

pub(crate) fn encoded(fields: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Keeps cookies.
pub(crate) struct Browser<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(app: &'a TestApp) -> Self {
        Self { app, cookies: BTreeMap::new() }
    }

    fn take(&mut self, answer: &Answer) {
        for line in answer.headers.get_all("set-cookie") {
            let line = header_text::text(line).unwrap();
            assert!(
                line.contains("HttpOnly") && line.contains("SameSite=Lax") && line.contains("Path=/"),
                "{line}"
            );
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    pub(crate) fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let path = path.strip_prefix(ORIGIN).unwrap_or(path);
        let mut ask = self.app.request(Method::GET, path).header("accept", "text/html");
        if !self.cookies.is_empty() {
            ask = ask.header("cookie", &self.cookie());
        }
        let answer = ask.send().await;
        self.take(&answer);
        answer
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(String, String)]) -> Answer {
        self.post_with(path, fields, &[]).await
    }

    pub(crate) async fn post_with(
        &mut self,
        path: &str,
        fields: &[(String, String)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut ask = self.app.request(Method::POST, path).header("accept", "text/html");
        if !self.cookies.is_empty() {
            ask = ask.header("cookie", &self.cookie());
        }
        for (name, value) in headers {
            ask = ask.header(name, value);
        }
        let answer =
            ask.header("content-type", "application/x-www-form-urlencoded").raw(encoded(fields)).send().await;
        self.take(&answer);
        answer
    }

    pub(crate) async fn send(&mut self, form: &Form) -> Answer {
        self.post(&form.action, &form.hidden).await
    }

    /// Signs in; where it leads.
    pub(crate) async fn sign_in(&mut self, name: &str, next: &str) -> Answer {
        let page = self.get(&format!("/sign-in?{}", encoded(&fields(&[("next", next)])))).await;
        let form = form_to(&page.text(), "/sign-in")
            .with("email", &format!("{name}@acme.example"))
            .with("password", PASSWORD);
        self.send(&form).await
    }
}

/// The parameters of an application's request, with these in the place of the usual ones; an empty value leaves one out.
pub(crate) fn request(other: &[(&str, &str)]) -> Fields {
    let challenge = pkce::challenge(VERIFIER);
    let mut all = fields(&[
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("state", "the state"),
    ]);
    for (name, value) in other {
        all.retain(|(own, _)| own != name);
        if !value.is_empty() {
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    all
}

pub(crate) fn authorize(other: &[(&str, &str)]) -> String {
    format!("/oauth/authorize?{}", encoded(&request(other)))
}

/// What an answer to the application says.
pub(crate) fn said(answer: &Answer) -> BTreeMap<String, String> {
    assert_eq!(answer.status, 303, "{}", answer.text());
    let url = Url::parse(answer.header("location").unwrap()).unwrap();
    url.query_pairs().into_owned().collect()
}

/// The consent page of a person, signed in, with these parameters.
pub(crate) async fn consent_page(browser: &mut Browser<'_>, name: &str, other: &[(&str, &str)]) -> Form {
    let to = browser.sign_in(name, &authorize(other)).await;
    assert_eq!(to.status, 303, "{}", to.text());
    let page = browser.get(to.header("location").unwrap()).await;
    assert_eq!(page.status, 200, "{}", page.text());
    form_to(&page.text(), "/oauth/authorize")
}

/// Signs in and consents; the code.
pub(crate) async fn code(app: &TestApp, name: &str, other: &[(&str, &str)]) -> String {
    let mut browser = Browser::new(app);
    let form = consent_page(&mut browser, name, other).await;
    said(&browser.send(&form.with("decision", "allow")).await).remove("code").unwrap()
}

/// `POST /oauth/token` and its neighbours.
pub(crate) async fn call(app: &TestApp, path: &str, pairs: &[(&str, &str)]) -> Answer {
    let ask = app.request(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
    ask.raw(encoded(&fields(pairs))).send().await
}

pub(crate) async fn redeem(app: &TestApp, code: &str) -> Answer {
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    call(app, "/oauth/token", &pairs).await
}

pub(crate) async fn refresh(app: &TestApp, token: &str) -> Answer {
    call(
        app,
        "/oauth/token",
        &[("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", token)],
    )
    .await
}

/// What a person who signs in gets.
pub(crate) async fn tokens(app: &TestApp, name: &str, other: &[(&str, &str)]) -> Value {
    let code = code(app, name, other).await;
    let answer = redeem(app, &code).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}

pub(crate) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}
