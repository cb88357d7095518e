//! Walks the discovery of an MCP endpoint as its clients do, each in its order, and says which of them would fail.

use super::Findings;
use crate::cli::CliError;
use crate::cli::login::plain;
use crate::outgoing::client_for;
use http::header::WWW_AUTHENTICATE;
use keyward_core::header_text::text;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use url::{Host, Url};

/// Who was looked at. Some run on the machines of whoever makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    ClaudeHosted,
    ClaudeCode,
    Cursor,
    VsCode,
    ChatGpt,
    Codex,
}

impl Who {
    const ALL: [Self; 6] =
        [Self::ClaudeHosted, Self::ClaudeCode, Self::Cursor, Self::VsCode, Self::ChatGpt, Self::Codex];
    /// Those that sign in as people do here: all.
    const HOSTED: [Self; 2] = [Self::ClaudeHosted, Self::ChatGpt];

    const fn name(self) -> &'static str {
        match self {
            Self::ClaudeHosted => "claude.ai and Claude Desktop's connectors",
            Self::ClaudeCode => "Claude Code",
            Self::Cursor => "Cursor",
            Self::VsCode => "VS Code",
            Self::ChatGpt => "ChatGPT",
            Self::Codex => "Codex",
        }
    }
}

/// The walk, and who fails at what.
struct Walk {
    web: Client,
    findings: Findings,
    failing: Vec<(Who, String)>,
}

/// Looks at the endpoint.
pub(super) async fn examine(url: &str) -> Result<Findings, CliError> {
    let web = client_for(url, || Client::builder().timeout(Duration::from_secs(10)).redirect(Policy::none()));
    let web = web.map_err(|error| CliError::Said(error.to_string()))?;
    let mut walk = Walk { web, findings: Findings::default(), failing: Vec::new() };
    if let Ok(at) = Url::parse(url) {
        walk.place(&at);
        if let Some((document, named)) = walk.challenge(url).await {
            walk.resource(url, &document, named).await;
        }
    } else {
        walk.findings.wrong("it must be a URL, such as https://api.example.com/mcp");
        walk.fails(&Who::ALL, "the address is no URL");
    }
    walk.verdicts();
    Ok(walk.findings)
}

/// Its challenges, of which there may be several (RFC 9110 §11.6.1).
fn challenges(response: &Response) -> String {
    let all = response.headers().get_all(WWW_AUTHENTICATE).into_iter();
    all.filter_map(text).collect::<Vec<_>>().join(", ")
}

/// The value of a parameter of a challenge.
fn parameter<'c>(challenge: &'c str, name: &str) -> Option<&'c str> {
    let mut found = challenge.match_indices(name);
    found.find_map(|(at, name)| {
        let whole = challenge.get(..at)?.chars().next_back().is_none_or(|before| matches!(before, ' ' | ','));
        let value = challenge.get(at + name.len()..)?.strip_prefix("=\"")?;
        if whole { value.split('"').next() } else { None }
    })
}

impl Walk {
    fn fails(&mut self, who: &[Who], why: &str) {
        self.failing.extend(who.iter().map(|who| (*who, why.to_owned())));
    }

    fn wrong(&mut self, who: &[Who], finding: &str) {
        self.findings.wrong(finding);
        self.fails(who, finding);
    }

    /// From where it can be reached at all.
    fn place(&mut self, at: &Url) {
        let private = match at.host() {
            Some(Host::Domain(name)) => name == "localhost" || !name.contains('.'),
            Some(Host::Ipv4(address)) => {
                address.is_loopback() || address.is_private() || address.is_link_local()
            }
            Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unique_local(),
            None => true,
        };
        if private || at.scheme() != "https" {
            let text = "it is not a public https address: hosted clients do not reach it, programs on this machine do";
            self.findings.note(text);
            self.fails(&Who::HOSTED, "it is not a public https address");
        }
        if at.path() != "/mcp" {
            self.findings.note("some clients fail where the path is not exactly /mcp");
        }
        if at.query().is_some() || at.fragment().is_some() {
            self.wrong(&Who::ALL, "the address has a query or a fragment");
        }
    }

    async fn ask(&mut self, method: Method, url: &str, body: Option<&Value>) -> Option<Response> {
        let mut request =
            self.web.request(method, url).header("accept", "application/json, text/event-stream");
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        match request.send().await {
            Ok(response) => Some(response),
            Err(error) => {
                let text =
                    format!("{} does not answer: {}", plain(url), plain(&error.without_url().to_string()));
                self.wrong(&Who::ALL, &text);
                None
            }
        }
    }

    /// What it says to somebody without a credential; where its metadata are, and whether it has said so.
    async fn challenge(&mut self, url: &str) -> Option<(String, bool)> {
        let begin = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2025-11-25",
            "capabilities": {}, "clientInfo": { "name": "keyward-doctor", "version": env!("CARGO_PKG_VERSION") } } });
        let mut found = None;
        // Codex begins with a GET, the others with a POST.
        for (method, body, who) in
            [(Method::POST, Some(&begin), &Who::ALL[..]), (Method::GET, None, &[Who::Codex][..])]
        {
            let response = self.ask(method.clone(), url, body).await?;
            let challenge = challenges(&response);
            match response.status() {
                StatusCode::UNAUTHORIZED => {}
                status if status.is_redirection() => {
                    self.wrong(who, &format!("{method} is redirected ({status}); clients do not follow"));
                    continue;
                }
                status if status.is_success() => {
                    self.findings
                        .note(&format!("{method} is answered without a credential: nobody has to sign in"));
                    continue;
                }
                status => {
                    self.wrong(
                        who,
                        &format!("{method} without a credential is answered {status} instead of 401"),
                    );
                    continue;
                }
            }
            match parameter(&challenge, "resource_metadata") {
                Some(document) if Url::parse(document).is_ok() => {
                    self.findings.ok(&format!(
                        "{method} without a credential is answered 401, and told where to sign in"
                    ));
                    found = found.or_else(|| Some(document.to_owned()));
                }
                Some(_) => self
                    .wrong(who, &format!("the 401 to {method} names resource_metadata by no absolute URL")),
                None => {
                    let text =
                        format!("the 401 to {method} has no resource_metadata: clients guess, or take a key");
                    self.findings.note(&text);
                }
            }
            if parameter(&challenge, "error").is_some() {
                self.findings.note(&format!(
                    "the 401 to {method} has an error although nothing was sent (RFC 6750 §3.1)"
                ));
            }
        }
        let guessed = || Some((well_known(url, "oauth-protected-resource")?, false));
        found.map(|found| (found, true)).or_else(guessed)
    }

    async fn json(&mut self, url: &str) -> Option<Value> {
        let response = self.ask(Method::GET, url, None).await?;
        if response.status() != StatusCode::OK {
            return None;
        }
        serde_json::from_slice(&response.bytes().await.ok()?).ok()
    }

    /// Whether metadata that were found by guessing are this endpoint's.
    fn is_of(&mut self, found: &Value, url: &str, document: &str) -> bool {
        let named = found.get("resource").and_then(Value::as_str).unwrap_or_default();
        if named != url {
            let text = format!(
                "{} names {}: a client whose key is refused here may begin a sign-in there, which does not help it",
                plain(document),
                plain(named)
            );
            self.findings.note(&text);
        }
        named == url
    }

    /// What its metadata say, and where they are.
    async fn resource(&mut self, url: &str, document: &str, named: bool) {
        let (mut document, mut found) = (document.to_owned(), self.json(document).await);
        if found.is_none() && named {
            return self.wrong(&Who::ALL, &format!("{} is not there, or no JSON", plain(&document)));
        }
        // Whoever is told nothing guesses twice.
        if let (None, Some(root)) = (&found, root(url, "oauth-protected-resource")) {
            found = self.json(&root).await.filter(|found| self.is_of(found, url, &root));
            document = root;
        }
        let Some(found) = found else {
            self.findings.note("it does not say where to sign in: clients need an API key for it");
            return self.fails(&Who::HOSTED, "it takes keys alone, and they have none");
        };
        let document = document.as_str();
        let host = |url: &str| Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        if host(document) != host(url) {
            self.wrong(&[Who::ClaudeHosted, Who::ClaudeCode], "its metadata are on another host than it is");
        }
        let named = found.get("resource").and_then(Value::as_str).unwrap_or_default();
        if named == url {
            self.findings.ok("its metadata name it to the letter");
        } else {
            let text = format!("its metadata name {}, and clients asked for {}", plain(named), plain(url));
            self.wrong(&Who::ALL, &text);
        }
        for place in [well_known(url, "oauth-protected-resource"), root(url, "oauth-protected-resource")] {
            let Some(place) = place.filter(|place| place != document) else { continue };
            match self.json(&place).await {
                Some(same) if same.get("resource") == found.get("resource") => {
                    self.findings.ok(&format!("the same at {place}"));
                }
                Some(_) => self.wrong(&[Who::ClaudeCode], &format!("{place} names another resource")),
                None => self.findings.note(&format!("not at {place}, where some clients look first")),
            }
        }
        let unknown = root(url, "keyward-doctor-asks-for-nothing").unwrap_or_default();
        if let Some(response) = self.ask(Method::GET, &unknown, None).await
            && response.status() != StatusCode::NOT_FOUND
        {
            let text = format!(
                "what is not there under /.well-known/ is answered {} instead of 404",
                response.status()
            );
            self.wrong(&[Who::ClaudeCode], &text);
        }
        let servers: Vec<String> = found
            .get("authorization_servers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|server| server.as_str().map(str::to_owned))
            .collect();
        match servers.first() {
            Some(first) => self.server(first).await,
            None => self.wrong(&Who::ALL, "its metadata name no authorization server"),
        }
        for other in servers.iter().skip(1) {
            self.findings.note(&format!("{} is named too; clients take the first", plain(other)));
        }
    }

    /// The authorization server.
    async fn server(&mut self, issuer: &str) {
        let said = plain(issuer);
        let mut metadata = None;
        for place in [
            well_known(issuer, "oauth-authorization-server"),
            well_known(issuer, "openid-configuration"),
            Some(format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))),
        ] {
            let Some(place) = place else { continue };
            metadata = self.json(&place).await;
            if metadata.is_some() {
                self.findings
                    .ok(&format!("the authorization server {said} has metadata at {}", plain(&place)));
                break;
            }
        }
        let Some(metadata) = metadata else {
            return self.wrong(&Who::ALL, &format!("the authorization server {said} has no metadata"));
        };
        if metadata.get("issuer").and_then(Value::as_str) != Some(issuer) {
            self.wrong(
                &Who::ALL,
                &format!("its metadata name another issuer than {said}, the slash at the end counts"),
            );
        }
        let has = |name: &str, value: &str| {
            let values = metadata.get(name).and_then(Value::as_array);
            values.is_some_and(|values| values.iter().any(|own| own == value))
        };
        if has("code_challenge_methods_supported", "S256") {
            self.findings.ok("it does PKCE with S256, and says so");
        } else {
            self.wrong(&Who::ALL, "it does not say that it does PKCE with S256");
        }
        let documents = metadata.get("client_id_metadata_document_supported") == Some(&json!(true));
        let public = has("token_endpoint_auth_methods_supported", "none");
        let registers = metadata.get("registration_endpoint").is_some();
        if documents && public {
            self.findings.ok("it knows clients by their documents (CIMD)");
        } else {
            self.findings.note(
                "it does not know public clients by their documents (CIMD); they register, if they can",
            );
        }
        if registers {
            self.findings.ok("clients can register (RFC 7591)");
        } else if documents && public {
            self.wrong(&[Who::Cursor, Who::VsCode, Who::Codex], "clients cannot register");
        } else {
            self.wrong(
                &Who::ALL,
                "clients can make themselves known neither by a document nor by registering",
            );
        }
        if metadata.get("authorization_response_iss_parameter_supported") != Some(&json!(true)) {
            self.findings.note("it does not put iss into its answers (RFC 9207)");
        }
        if let Some(token) = metadata.get("token_endpoint").and_then(Value::as_str) {
            let form = [
                ("grant_type", "refresh_token"),
                ("refresh_token", "x"),
                ("client_id", "keyward-doctor-is-no-client"),
            ];
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            let request =
                self.web.post(token).header("content-type", "application/x-www-form-urlencoded").body(body);
            if let Ok(response) = request.send().await {
                let status = response.status();
                let body: Value = response
                    .bytes()
                    .await
                    .ok()
                    .and_then(|body| serde_json::from_slice(&body).ok())
                    .unwrap_or_default();
                if status == StatusCode::UNAUTHORIZED && body.get("error") == Some(&json!("invalid_client")) {
                    self.findings.ok("a client that it does not know any more is told to register again");
                } else {
                    let text = format!(
                        "an unknown client is answered {status} instead of 401 invalid_client: it will not register again"
                    );
                    self.findings.note(&text);
                }
            }
        }
    }

    fn verdicts(&mut self) {
        self.findings.text.push('\n');
        for who in Who::ALL {
            let why: Vec<&str> = self
                .failing
                .iter()
                .filter(|(failing, _)| *failing == who)
                .map(|(_, why)| why.as_str())
                .collect();
            let line = match why.as_slice() {
                [] => format!("{} would connect", who.name()),
                why => format!("{} would not: {}", who.name(), why.join("; ")),
            };
            self.findings.line(if why.is_empty() { "ok" } else { "no" }, &line);
        }
    }
}

/// The well-known place of a URL with a path: between host and path (RFC 8414 §3.1, RFC 9728 §3.1).
fn well_known(url: &str, name: &str) -> Option<String> {
    let mut at = Url::parse(url).ok()?;
    let path = at.path().trim_end_matches('/').to_owned();
    at.set_path(&format!("/.well-known/{name}{path}"));
    Some(at.to_string())
}

/// The well-known place of its host.
fn root(url: &str, name: &str) -> Option<String> {
    let mut at = Url::parse(url).ok()?;
    at.set_path(&format!("/.well-known/{name}"));
    Some(at.to_string())
}
