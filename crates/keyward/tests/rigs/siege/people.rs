//! Who is honest: a caller of the API, a person with a known browser, one with a new browser, and an application that a third
//! person has connected.

use crate::street::browser::Browser;
use crate::street::http::{Answer, Client, Cut, Way};
use crate::street::server::{Town, text};
use crate::street::{Failure, honest};
use keyward_testkit::forms::forms;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

/// Of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "https://app.example/callback";

/// The person whom floods of passwords are aimed at, and who has a known browser.
pub(crate) const TARGET: &str = "admin@acme.example";
const NEW: &str = "viewer@acme.example";
const CONNECTED: &str = "editor@acme.example";

pub(crate) struct People {
    pub(crate) key: String,
    /// Address and password.
    pub(crate) known: (String, String),
    pub(crate) new: (String, String),
    /// The known person's browser.
    pub(crate) browser: Browser,
    pub(crate) application: Application,
}

impl People {
    /// Signs in whom a browser has to know, and connects the application.
    pub(crate) async fn settle(town: &Town, way: &Way) -> Result<Self, Failure> {
        let of = |email: &str| (email.to_owned(), town.password(email).to_owned());
        let mut browser = Browser::new(way.clone(), honest(10));
        signed_in(&mut browser, &of(TARGET)).await?;
        let application = Application::connect(way, &of(CONNECTED)).await?;
        let key = town.key(TARGET, "full_access").to_owned();
        Ok(Self { key, known: of(TARGET), new: of(NEW), browser, application })
    }
}

async fn signed_in(browser: &mut Browser, (email, password): &(String, String)) -> Result<(), Failure> {
    match browser.sign_in(email, password).await.map_err(said)? {
        answer if answer.status == 303 => Ok(()),
        answer => Err(format!("{email} cannot sign in: {} {}", answer.head, answer.text()).into()),
    }
}

fn said(cut: Cut) -> Failure {
    format!("no answer: {cut:?}").into()
}

/// An application with a refresh token.
pub(crate) struct Application {
    client: String,
    refresh_token: String,
}

impl Application {
    /// A request that registers one.
    pub(crate) fn registration(number: usize) -> Vec<u8> {
        let body = json!({
            "client_name": format!("Honest {number}"), "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        posted("/oauth/register", "application/json", &body.to_string())
    }

    async fn connect(way: &Way, person: &(String, String)) -> Result<Self, Failure> {
        let mut client = Client::new(way.clone(), honest(11));
        let registered = client.ask(&Self::registration(100_000)).await.map_err(said)?;
        let id = text(&serde_json::from_slice(&registered.body)?, "client_id").to_owned();
        let mut browser = Browser::new(way.clone(), honest(12));
        signed_in(&mut browser, person).await?;
        let asked = encoded(&[
            ("response_type", "code"),
            ("client_id", &id),
            ("redirect_uri", CALLBACK),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("scope", "deals:read offline_access"),
        ]);
        let page = browser.page(&format!("/oauth/authorize?{asked}")).await.map_err(said)?;
        let form = forms(&page.text()).into_iter().find(|form| form.action == "/oauth/authorize");
        let form = form.ok_or_else(|| format!("no form of consent: {}", page.head))?;
        let answer = browser.send(&form.with("decision", "allow")).await.map_err(said)?;
        let to = Url::parse(answer.header("location").unwrap_or_default())?;
        let code = to.query_pairs().find(|(name, _)| name == "code").ok_or("no code")?.1.into_owned();
        let redeeming = encoded(&[
            ("grant_type", "authorization_code"),
            ("client_id", &id),
            ("code", &code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", CALLBACK),
        ]);
        let tokens = client.ask(&posted("/oauth/token", FORM, &redeeming)).await.map_err(said)?;
        let mut application = Self { client: id, refresh_token: String::new() };
        application.take(Some(&tokens));
        if application.refresh_token.is_empty() {
            return Err(format!("no refresh token: {} {}", tokens.head, tokens.text()).into());
        }
        Ok(application)
    }

    pub(crate) fn refresh(&self) -> Vec<u8> {
        let body = encoded(&[
            ("grant_type", "refresh_token"),
            ("client_id", &self.client),
            ("refresh_token", &self.refresh_token),
        ]);
        posted("/oauth/token", FORM, &body)
    }

    /// Goes on with the refresh token of an answer, if it has one.
    pub(crate) fn take(&mut self, answer: Option<&Answer>) {
        let body: Value =
            answer.and_then(|answer| serde_json::from_slice(&answer.body).ok()).unwrap_or_default();
        let token = text(&body, "refresh_token");
        if !token.is_empty() {
            self.refresh_token = token.to_owned();
        }
    }
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A POST without a credential.
pub(crate) fn posted(path: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A key that may only read, of another account than the honest caller's.
pub(crate) async fn reading_key(town: &Town, way: &Way) -> Result<String, Failure> {
    let own = town.key("admin@harbor.example", "full_access");
    let body = json!({ "label": "reads", "permission": "read_only" }).to_string();
    let request = super::probe::call("POST", "/api-keys", own, &body);
    let made = Client::new(way.clone(), honest(13)).ask(&request).await.map_err(said)?;
    let body: Value = serde_json::from_slice(&made.body)?;
    let key = body.pointer("/data/api_key").and_then(Value::as_str);
    Ok(key.ok_or_else(|| format!("no key: {} {body}", made.head))?.to_owned())
}
