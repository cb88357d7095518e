//! `keyward login`: a person signs in with the browser, and the access token is printed.

use super::CliError;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Html;
use axum::routing::get;
use clap::Args;
use keyward_core::api_key::base62;
use keyward_core::oauth::{KEYWARD_CLI, pkce};
use keyward_core::random::OsRandom;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};
use url::{Url, form_urlencoded};

/// A person may take so long.
const PATIENCE: Duration = Duration::from_secs(600);

/// Signs you in with the browser, and prints the access token.
#[derive(Debug, Args)]
pub(super) struct Login {
    /// The server, as it is reached: https, or http on loopback.
    url: String,
    /// What is asked for, in one text; without it, to work with deals.
    #[arg(long)]
    scope: Option<String>,
    /// Does not open a browser; the address is printed to open it elsewhere on this machine.
    #[arg(long)]
    no_browser: bool,
}

type Answer = BTreeMap<String, String>;

impl Login {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let issuer = self.url.trim_end_matches('/');
        let web = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().map_err(said)?;
        let metadata = metadata(&web, issuer).await?;
        let endpoint = |name: &str| {
            let url = metadata.get(name).and_then(Value::as_str);
            url.map(str::to_owned).ok_or_else(|| CliError::Said(format!("{issuer} does not say its {name}")))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let redirect = format!("http://{}/callback", listener.local_addr()?);
        let (verifier, state) = (base62(&OsRandom, 64).map_err(said)?, base62(&OsRandom, 32).map_err(said)?);
        let mut to = Url::parse(&endpoint("authorization_endpoint")?).map_err(said)?;
        to.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", KEYWARD_CLI)
            .append_pair("redirect_uri", &redirect)
            .append_pair("code_challenge", &pkce::challenge(&verifier))
            .append_pair("code_challenge_method", "S256")
            .append_pair("state", &state);
        if let Some(scope) = &self.scope {
            to.query_pairs_mut().append_pair("scope", scope);
        }
        self.send_there(to.as_str())?;
        let answer = answer(listener).await?;
        let code = code(&answer, &state, issuer)?;
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("grant_type", "authorization_code"),
                ("client_id", KEYWARD_CLI),
                ("code", code),
                ("redirect_uri", &redirect),
                ("code_verifier", &verifier),
            ])
            .finish();
        let request =
            web.post(endpoint("token_endpoint")?).header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(body).send().await.map_err(said)?;
        let token: Value = serde_json::from_slice(&response.bytes().await.map_err(said)?).map_err(said)?;
        let Some(access) = token.get("access_token").and_then(Value::as_str) else {
            let why = token.get("error_description").and_then(Value::as_str).unwrap_or("no token was given");
            return Err(CliError::Said(why.to_owned()));
        };
        Ok(writeln!(std::io::stdout(), "{access}")?)
    }

    /// Opens the browser; or else the person does. What is printed is for people: the token alone is on standard output.
    fn send_there(&self, url: &str) -> Result<(), CliError> {
        let mut out = std::io::stderr();
        let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        let quiet = || Stdio::null();
        let opened = !self.no_browser
            && Command::new(opener).arg(url).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn().is_ok();
        let how = if opened {
            "Sign in with the browser. If it has not opened, open"
        } else {
            "Open this to sign in:"
        };
        writeln!(out, "{how}\n\n  {url}\n")?;
        Ok(())
    }
}

fn said(error: impl std::fmt::Display) -> CliError {
    CliError::Said(error.to_string())
}

/// What the server says of itself. It must say that it is the one that was asked (RFC 8414 §3.3).
async fn metadata(web: &reqwest::Client, issuer: &str) -> Result<Value, CliError> {
    let url = Url::parse(issuer).map_err(|_| CliError::Said(format!("{issuer} is no URL")))?;
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return Err(CliError::Said("a server is reached by https, or by http on loopback".to_owned()));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    let mut at = url;
    at.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    let response =
        web.get(at.as_str()).send().await.map_err(|error| {
            CliError::Said(format!("{issuer} could not be reached: {}", error.without_url()))
        })?;
    if !response.status().is_success() {
        return Err(CliError::Said(format!("{issuer} has no authorization server ({})", response.status())));
    }
    let document: Value = serde_json::from_slice(&response.bytes().await.map_err(said)?).map_err(said)?;
    let named = document.get("issuer").and_then(Value::as_str).unwrap_or_default();
    if named != issuer {
        return Err(CliError::Said(format!("the server at {issuer} says that it is {named}: log in there")));
    }
    Ok(document)
}

/// Waits for the browser to come back.
async fn answer(listener: TcpListener) -> Result<Answer, CliError> {
    let (told, hears) = oneshot::channel();
    let told = Arc::new(Mutex::new(Some(told)));
    let callback = get(
        async |State(told): State<Arc<Mutex<Option<oneshot::Sender<Answer>>>>>,
               Query(answer): Query<Answer>| {
            if let Some(told) = told.lock().await.take() {
                let _ = told.send(answer);
            }
            Html(
                "<!DOCTYPE html><html lang=\"en\"><title>Keyward</title><p>You can close this page and go back to the terminal.</p></html>",
            )
        },
    );
    let router = Router::new().route("/callback", callback).with_state(told);
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let answer = tokio::time::timeout(PATIENCE, hears).await;
    // So that the page is sent before the program ends.
    tokio::time::sleep(Duration::from_millis(200)).await;
    serving.abort();
    let answer = answer.map_err(|_| CliError::Said("nobody has signed in within 10 minutes".to_owned()))?;
    answer.map_err(said)
}

/// The code, from an answer that is to this request and from this server (RFC 9207).
fn code<'a>(answer: &'a Answer, state: &str, issuer: &str) -> Result<&'a str, CliError> {
    let get = |name: &str| answer.get(name).map(String::as_str);
    if get("state") != Some(state) || get("iss") != Some(issuer) {
        return Err(CliError::Said("the answer is not to this sign-in; nothing was done with it".to_owned()));
    }
    match (get("code"), get("error")) {
        (Some(code), None) => Ok(code),
        (_, error) => {
            let why = get("error_description").or(error).unwrap_or("there was no code in the answer");
            Err(CliError::Said(format!("you are not signed in: {why}")))
        }
    }
}
