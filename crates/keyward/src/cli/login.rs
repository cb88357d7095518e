//! `keyward login`: a person signs in with the browser, and the access token is printed.

use super::CliError;
use super::written::{unwritten, write_to_somebody};
use crate::outgoing::client_for;
use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use clap::Args;
use http::Uri;
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
    /// What is asked for, in one text, such as "deals:read deals:write"; without it, to read deals.
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
        // A code goes to the server that was named, and nowhere else.
        let alone = || reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let web = client_for(issuer, || alone().timeout(Duration::from_secs(10))).map_err(said)?;
        let metadata = metadata(&web, issuer).await?;
        let endpoint = |name: &str| {
            let url = metadata.get(name).and_then(Value::as_str);
            url.and_then(is_reachable).ok_or_else(|| {
                CliError::Said(format!("{issuer} does not say its {name}, or none that is safe"))
            })
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let redirect = format!("http://{}/callback", listener.local_addr()?);
        let (verifier, state) = (base62(&OsRandom, 64).map_err(said)?, base62(&OsRandom, 32).map_err(said)?);
        let (mut to, token_endpoint) = (endpoint("authorization_endpoint")?, endpoint("token_endpoint")?);
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
        let answer = answer(listener, state).await?;
        let code = code(&answer, issuer)?;
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("grant_type", "authorization_code"),
                ("client_id", KEYWARD_CLI),
                ("code", code),
                ("redirect_uri", &redirect),
                ("code_verifier", &verifier),
            ])
            .finish();
        let request = web.post(token_endpoint).header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(body).send().await.map_err(said)?;
        let token: Value = serde_json::from_slice(&response.bytes().await.map_err(said)?).map_err(said)?;
        // As RFC 6750 §2.1 writes a token: nothing in it that means something to a terminal.
        let is_token = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let Some(access) = token.get("access_token").and_then(Value::as_str).filter(is_token) else {
            let why = token.get("error_description").and_then(Value::as_str).unwrap_or("no token was given");
            return Err(CliError::Said(plain(why)));
        };
        let Err(error) = write_to_somebody(&format!("{access}\n")) else { return Ok(()) };
        let back = match give_up(&web, endpoint("revocation_endpoint")?, access).await {
            Ok(()) => "the sign-in is taken back".to_owned(),
            Err(why) => format!("the sign-in could not be taken back ({why}); disconnect it in the console"),
        };
        Err(unwritten(&error, &back))
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
        writeln!(out, "{how}\n\n  {url}\n").map_err(|error| {
            said(format!("standard error cannot be written ({error}), so nobody can sign in"))
        })
    }
}

/// Gives a token up that nobody has, and with it what it was issued for (RFC 7009).
async fn give_up(web: &reqwest::Client, to: Url, token: &str) -> Result<(), CliError> {
    let pairs = [("client_id", KEYWARD_CLI), ("token", token)];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let request = web.post(to).header("content-type", "application/x-www-form-urlencoded").body(body);
    let answer = request.send().await.and_then(reqwest::Response::error_for_status);
    answer.map(drop).map_err(said)
}

/// The server, or the way to it, fails.
fn said(error: impl std::fmt::Display) -> CliError {
    CliError::unavailable(error.to_string())
}

/// What a server or a browser has said, as it can be printed: on one line.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(200).collect()
}

/// A URL of a server that is spoken to: https, or http on loopback.
fn is_reachable(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    (url.scheme() == "https" || url.scheme() == "http" && loopback).then_some(url)
}

/// What the server says of itself. It must say that it is the one that was asked (RFC 8414 §3.3).
async fn metadata(web: &reqwest::Client, issuer: &str) -> Result<Value, CliError> {
    Url::parse(issuer).map_err(|_| CliError::usage(format!("{issuer} is no URL")))?;
    let Some(url) = is_reachable(issuer) else {
        return Err(CliError::usage("a server is reached by https, or by http on loopback"));
    };
    let path = url.path().trim_end_matches('/').to_owned();
    let mut at = url;
    at.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    let response = web.get(at.as_str()).send().await.map_err(|error| {
        CliError::unavailable(format!("{issuer} could not be reached: {}", error.without_url()))
    })?;
    if !response.status().is_success() {
        return Err(CliError::Said(format!("{issuer} has no authorization server ({})", response.status())));
    }
    let document: Value = serde_json::from_slice(&response.bytes().await.map_err(said)?).map_err(said)?;
    let named = document.get("issuer").and_then(Value::as_str).unwrap_or_default();
    if named != issuer {
        let named = plain(named);
        return Err(CliError::Said(format!("the server at {issuer} says that it is {named}: log in there")));
    }
    Ok(document)
}

/// What the page says when the browser came back.
const DONE: &str = "You can close this page and go back to the terminal.";
const NOT_OURS: &str = "This answers no sign-in that waits here. Nothing was done with it.";

/// A sign-in that waits for its answer.
struct Waits {
    state: String,
    told: Mutex<Option<oneshot::Sender<Answer>>>,
}

/// Waits for the browser to come back with this `state`. Whatever else comes is not an answer to this request: any page can send a
/// browser here, so it must not end the wait (RFC 6749 §10.12).
async fn answer(listener: TcpListener, state: String) -> Result<Answer, CliError> {
    let (told, hears) = oneshot::channel();
    let waits = Arc::new(Waits { state, told: Mutex::new(Some(told)) });
    let callback = get(async |State(waits): State<Arc<Waits>>, uri: Uri| {
        let ours = read(uri.query().unwrap_or_default()).filter(|own| own.get("state") == Some(&waits.state));
        let said = match ours {
            Some(answer) => {
                if let Some(told) = waits.told.lock().await.take() {
                    let _ = told.send(answer);
                }
                DONE
            }
            None => NOT_OURS,
        };
        Html(format!("<!DOCTYPE html><html lang=\"en\"><title>Keyward</title><p>{said}</p></html>"))
    });
    let router = Router::new().route("/callback", callback).with_state(waits);
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let answer = tokio::time::timeout(PATIENCE, hears).await;
    // So that the page is sent before the program ends.
    tokio::time::sleep(Duration::from_millis(200)).await;
    serving.abort();
    let answer = answer.map_err(|_| CliError::unavailable("nobody has signed in within 10 minutes"))?;
    answer.map_err(said)
}

/// The parameters of an answer; `None` if one stands twice (RFC 6749 §3.1).
fn read(query: &str) -> Option<Answer> {
    let mut answer = Answer::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if answer.insert(name.into_owned(), value.into_owned()).is_some() {
            return None;
        }
    }
    Some(answer)
}

/// The code, from an answer of this server (RFC 9207).
fn code<'a>(answer: &'a Answer, issuer: &str) -> Result<&'a str, CliError> {
    let get = |name: &str| answer.get(name).map(String::as_str);
    if get("iss") != Some(issuer) {
        let text = "another server has answered this sign-in; nothing was done with its answer";
        return Err(CliError::Said(text.to_owned()));
    }
    match (get("code"), get("error")) {
        (Some(code), None) => Ok(code),
        (_, error) => {
            let why = get("error_description").or(error).unwrap_or("there was no code in the answer");
            Err(CliError::Said(format!("you are not signed in: {}", plain(why))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, code, read};

    const ISSUER: &str = "https://api.example";

    fn answered(query: &str) -> Option<Answer> {
        read(query)
    }

    #[test]
    fn only_the_server_that_was_asked_answers_to_the_letter() {
        let good = answered("code=c&state=s&iss=https%3A%2F%2Fapi.example").unwrap();
        assert_eq!(code(&good, ISSUER).unwrap(), "c");
        for other in [
            "",
            "&iss=",
            "&iss=https%3A%2F%2Fapi.example%2F",
            "&iss=https%3A%2F%2FAPI.example",
            "&iss=HTTPS%3A%2F%2Fapi.example",
            "&iss=https%3A%2F%2Fapi.example%3A443",
            "&iss=https%3A%2F%2Fapi.exampl%2565",
            "&iss=http%3A%2F%2Fapi.example",
            "&iss=https%3A%2F%2Fother.example",
        ] {
            let answer = answered(&format!("code=c&state=s{other}")).unwrap();
            assert!(code(&answer, ISSUER).is_err(), "{other}");
        }
        assert!(
            code(&answered("code=c&error=access_denied&iss=https://api.example").unwrap(), ISSUER).is_err()
        );
        for doubled in ["code=c&code=c", "iss=a&iss=a", "state=s&state=s"] {
            assert!(answered(doubled).is_none(), "{doubled}");
        }
    }
}
