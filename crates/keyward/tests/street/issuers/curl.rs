//! A person with a browser, and what an operator sends to an issuer's admin API: requests by curl, with a jar of cookies.

use crate::clients::{program, succeeds};
use serde_json::Value;
use std::path::Path;
use std::process::Child;
use std::thread::sleep;
use std::time::Duration;
use tempfile::NamedTempFile;
use url::Url;

/// The example of RFC 7636, appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Nothing listens there: the code is read from the redirect.
pub(super) const CALLBACK: &str = "http://127.0.0.1:1/callback";

/// An answer.
pub(super) struct Page {
    pub(super) status: u16,
    /// Where it redirects to.
    pub(super) location: Option<String>,
    pub(super) body: String,
}

impl Page {
    /// A parameter of the address that it redirects to.
    pub(super) fn parameter(&self, name: &str) -> String {
        let to = self.location.as_deref().unwrap_or_else(|| panic!("{}: {}", self.status, self.body));
        let url = Url::parse(to).unwrap();
        let found = url.query_pairs().find(|(own, _)| own == name);
        found.unwrap_or_else(|| panic!("no {name} in {to}")).1.into_owned()
    }

    pub(super) fn json(&self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.body);
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A browser. Its cookies go with it.
pub(super) struct Browser(NamedTempFile);

impl Browser {
    pub(super) fn new() -> Self {
        Self(NamedTempFile::new().unwrap())
    }

    pub(super) fn get(&self, url: &str) -> Page {
        self.sent(&[url])
    }

    pub(super) fn form(&self, url: &str, fields: &[(&str, &str)]) -> Page {
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut arguments = vec![url];
        arguments.extend(fields.iter().flat_map(|field| ["--data-urlencode", field.as_str()]));
        self.sent(&arguments)
    }

    /// A request with a body of JSON, or with none where it is null.
    pub(super) fn json(&self, method: &str, url: &str, token: Option<&str>, body: &Value) -> Page {
        let (json, token) = (body.to_string(), token.map(|token| format!("Authorization: Bearer {token}")));
        let mut arguments = vec!["--request", method, url];
        if !body.is_null() {
            arguments.extend(["--header", "Content-Type: application/json", "--data", &json]);
        }
        arguments.extend(token.iter().flat_map(|token| ["--header", token.as_str()]));
        self.sent(&arguments)
    }

    fn sent(&self, arguments: &[&str]) -> Page {
        let jar = self.0.path().to_str().unwrap();
        let mut curl = program("curl");
        curl.args(["--silent", "--show-error", "--max-time", "30", "--cookie", jar, "--cookie-jar", jar]);
        curl.args(["--write-out", "\n%{http_code} %{redirect_url}"]).args(arguments);
        let printed = succeeds(&mut curl, Duration::from_secs(40));
        let (body, last) = printed.rsplit_once('\n').unwrap();
        let (status, location) = last.split_once(' ').unwrap();
        let location = Some(location.to_owned()).filter(|location| !location.is_empty());
        Page { status: status.parse().unwrap(), location, body: body.to_owned() }
    }
}

/// Waits until a program answers there, within ten minutes: on a busy machine Keycloak takes three. One that has ended fails the test with its log.
pub(super) fn serving(child: &mut Child, url: &str, log: &Path) {
    let said = || std::fs::read_to_string(log).unwrap();
    for _ in 0..3_000 {
        let mut curl = program("curl");
        curl.args(["--silent", "--fail", "--max-time", "5", "--output", "/dev/null", url]);
        if curl.status().unwrap().success() {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "it has ended: {}", said());
        sleep(Duration::from_millis(200));
    }
    panic!("{url} is not served: {}", said());
}

/// What an authorization request asks for.
pub(super) fn authorization(endpoint: &str, scope: &str, more: &[(&str, &str)]) -> String {
    let usual = [
        ("response_type", "code"),
        ("client_id", "spa"),
        ("redirect_uri", CALLBACK),
        ("scope", scope),
        ("state", "the-state-of-the-test"),
        ("nonce", "the-nonce-of-the-test"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    Url::parse_with_params(endpoint, usual.iter().chain(more)).unwrap().into()
}

/// The access token for a code.
pub(super) fn redeemed(browser: &Browser, endpoint: &str, code: &str) -> String {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "spa"),
        ("redirect_uri", CALLBACK),
        ("code", code),
        ("code_verifier", VERIFIER),
    ];
    browser.form(endpoint, &fields).json()["access_token"].as_str().unwrap().to_owned()
}
