//! An authorization request (OAuth 2.1 §4.1.1): first whose it is and where its answer may go, then whether it makes sense.

use super::AuthorizationServer;
use super::clients;
use crate::browser::{Pairs, Visit};
use crate::problem::Problem;
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::oauth::{Asked, Client, Resources, pkce};
use url::Url;

/// The parameters of an application, in the order in which they are handed on from page to page.
const HANDED_ON: &[&str] = &[
    "response_type",
    "client_id",
    "redirect_uri",
    "code_challenge",
    "code_challenge_method",
    "state",
    "scope",
    "resource",
    "nonce",
    "prompt",
    "max_age",
    "login_hint",
    "response_mode",
];
/// The longest of one of them, in bytes.
const LONGEST: usize = 4_000;

/// Whose a request is, and where its answer goes.
pub(super) struct Addressed {
    pub(super) client: Client,
    pub(super) redirect_uri: String,
    state: Option<String>,
}

/// A request that makes sense.
pub(super) struct Request {
    pub(super) asked: Asked,
    pub(super) resources: Resources,
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
    pub(super) prompt: Prompt,
    /// The longest time since the person signed in, in seconds (OpenID Connect Core §3.1.2.1).
    pub(super) max_age: Option<i64>,
}

/// What the application says of asking the person (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Prompt {
    /// Not to.
    pub(super) none: bool,
    /// For the password again.
    pub(super) login: bool,
}

impl Prompt {
    /// Reads `prompt`. A value that is not understood may ask for more care than the others, so it is refused, which OpenID Connect
    /// Core §3.1.2.1 allows. `consent` and `select_account` ask for what happens anyway.
    fn read(text: Option<&str>) -> Result<Self, &'static str> {
        let mut prompt = Self::default();
        let (mut others, names) = (false, text.into_iter().flat_map(|text| text.split(' ')));
        for name in names.filter(|name| !name.is_empty()) {
            match name {
                "none" => prompt.none = true,
                "login" => (prompt.login, others) = (true, true),
                "consent" | "select_account" => others = true,
                // Absent: refused; see above.
                _ => return Err("prompt is none, or of login, consent and select_account"),
            }
        }
        if prompt.none && others { Err("prompt=none stands alone") } else { Ok(prompt) }
    }
}

fn denied(denial: OAuthDenial) -> Problem {
    Denial::OAuth(denial).into()
}

impl Addressed {
    /// Whose request this is. Until this is known nobody is sent anywhere.
    pub(super) async fn read(
        visit: &Visit,
        server: &AuthorizationServer,
        pairs: &Pairs,
    ) -> Result<Self, Problem> {
        for name in ["client_id", "redirect_uri"] {
            if pairs.all(name).count() > 1 {
                return Err(denied(OAuthDenial::RequestMalformed(
                    "client_id and redirect_uri must stand once",
                )));
            }
        }
        let id = pairs.get("client_id").ok_or(denied(OAuthDenial::ClientUnknown))?;
        let client = clients::find_for_page(visit, server, id).await?;
        let redirect_uri = match (pairs.get("redirect_uri"), &*client.redirect_uris) {
            (Some(uri), _) if client.may_redirect(uri) => uri.to_owned(),
            // Where there is only one, and a client did not say which (RFC 6749 §3.1.2.3).
            (None, [only]) if keyward_core::oauth::redirect::loopback(only).is_none() => only.clone(),
            // Absent: of none or several addresses to go back to, none is chosen.
            _ => return Err(denied(OAuthDenial::RedirectUriUnknown)),
        };
        let state = pairs.get("state").map(str::to_owned);
        Ok(Self { client, redirect_uri, state })
    }

    /// Where the browser goes with this answer: these parameters, the state, and who answers (RFC 9207).
    pub(super) fn back(&self, server: &AuthorizationServer, answer: &[(&str, &str)]) -> String {
        let Ok(mut url) = Url::parse(&self.redirect_uri) else { return server.issuer.clone() };
        {
            let mut pairs = url.query_pairs_mut();
            pairs.extend_pairs(answer);
            if let Some(state) = &self.state {
                pairs.append_pair("state", state);
            }
            pairs.append_pair("iss", &server.issuer);
        }
        url.into()
    }
}

impl Request {
    /// What is asked for.
    pub(super) fn read(server: &AuthorizationServer, pairs: &Pairs) -> Result<Self, Problem> {
        let malformed = |what| denied(OAuthDenial::RequestMalformed(what));
        if pairs.is_doubled_but_for(&["resource"]) {
            return Err(malformed("A parameter stands twice"));
        }
        if pairs.iter().any(|(_, value)| value.len() > LONGEST) {
            return Err(malformed("A parameter is too long"));
        }
        for (name, error) in [
            ("request", "request_not_supported"),
            ("request_uri", "request_uri_not_supported"),
            ("registration", "registration_not_supported"),
        ] {
            if pairs.get(name).is_some() {
                return Err(denied(OAuthDenial::ParameterUnsupported(error)));
            }
        }
        if pairs.get("response_type").ok_or(malformed("response_type is missing"))? != "code" {
            return Err(denied(OAuthDenial::ResponseTypeUnsupported));
        }
        if pairs.get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(malformed("response_mode must be query"));
        }
        let challenge = pairs.get("code_challenge").ok_or(denied(OAuthDenial::PkceMissing))?;
        if pairs.get("code_challenge_method") != Some("S256") {
            return Err(denied(OAuthDenial::PkceMethodUnsupported));
        }
        if !pkce::is_challenge(challenge) {
            return Err(malformed("code_challenge must be base64url of 32 bytes"));
        }
        let resources =
            server.resources(pairs.all("resource")).ok_or(denied(OAuthDenial::ResourceUnknown))?;
        let prompt = Prompt::read(pairs.get("prompt")).map_err(malformed)?;
        // Absent: what is no number of seconds is refused.
        let seconds = |text: &str| text.parse().ok().filter(|seconds| *seconds >= 0);
        let max_age = pairs.get("max_age");
        let max_age =
            max_age.map(|text| seconds(text).ok_or(malformed("max_age must be seconds"))).transpose()?;
        Ok(Self {
            max_age,
            asked: Asked::read(pairs.get("scope")).ok_or(denied(OAuthDenial::ScopeUnknown))?,
            // Absent: both (RFC 8707 §2 leaves it to the server), which the person is shown.
            resources: resources.unwrap_or(Resources { api: true, mcp: true }),
            challenge: challenge.to_owned(),
            nonce: pairs.get("nonce").map(str::to_owned),
            prompt,
        })
    }
}

/// The parameters that are handed on from page to page.
pub(super) fn handed_on(pairs: &Pairs) -> Vec<(String, String)> {
    let known = pairs.iter().filter(|(name, _)| HANDED_ON.contains(name));
    known.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::Prompt;

    #[test]
    fn a_prompt_value_that_is_not_known_is_refused_and_never_read_as_none_at_all() {
        let (none, login) = (Prompt { none: true, login: false }, Prompt { none: false, login: true });
        for (text, prompt) in [
            (None, Prompt::default()),
            (Some(""), Prompt::default()),
            (Some("consent"), Prompt::default()),
            (Some("select_account consent"), Prompt::default()),
            (Some("none"), none),
            (Some("none none"), none),
            (Some("login"), login),
            (Some("consent  login"), login),
        ] {
            assert_eq!(Prompt::read(text), Ok(prompt), "{text:?}");
        }
        for text in [
            "LOGIN",
            "Login",
            "create",
            "login,consent",
            "login\tconsent",
            "login force",
            "none login",
            "none consent",
        ] {
            assert!(Prompt::read(Some(text)).is_err(), "{text}");
        }
    }
}
