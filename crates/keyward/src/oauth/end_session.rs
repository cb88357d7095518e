//! `/oauth/end-session` (OpenID Connect RP-Initiated Logout 1.0): a client sends its user here to sign out of this server too.
//!
//! What ends is the session of this browser. The grant of the client stays: a client that gives it up revokes its token. With an ID
//! token of the user who is signed in, the client has shown that it signed this user in, and the session ends at once; else the
//! user is asked.

use super::AuthorizationServer;
use super::clients;
use super::server::LONGEST_TOKEN;
use crate::browser::views::{EndSession as Page, Frame};
use crate::browser::{Pairs, Visit};
use crate::problem::Problem;
use axum::body::Body;
use http::Response;
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::jwt::IdToken;
use keyward_core::oauth::Client;
use keyward_core::permit::{EndSignIns, check};
use keyward_core::principal::{Caller, Principal};
use keyward_core::rate_limit::Purpose;
use keyward_core::write::session::EndSession;
use url::{Url, form_urlencoded};

const HERE: &str = "/oauth/end-session";
/// What a client may say here.
const HANDED_ON: [&str; 4] = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"];

/// Whom it is about, and where the browser goes afterwards.
struct Request {
    client: Option<Client>,
    /// The subject of the ID token.
    subject: Option<String>,
    back: Option<String>,
}

/// `GET`, as clients send their users here.
pub(super) async fn show(visit: Visit) -> Response<Body> {
    let outcome = async {
        visit.charge_page(Purpose::Forms)?;
        steps(&visit).await
    };
    visit.respond(outcome.await)
}

async fn steps(visit: &Visit) -> Result<Response<Body>, Problem> {
    let server = visit.oauth().ok_or(Denial::RouteUnknown)?;
    let request = Request::read(visit, server, &visit.query).await?;
    let Some(caller) = &visit.session else { return Ok(left(visit, &request)) };
    let own = {
        let live = visit.shared.directory.read();
        live.user(caller.user).is_some_and(|user| request.subject.as_ref() == Some(&user.uuid))
    };
    if !own {
        return ask(visit, &request);
    }
    end(visit, caller).await?;
    Ok(left(visit, &request))
}

/// `POST`: the answer to our own form. A client's form is sent on as the query that it could have been.
pub(super) async fn answer(mut visit: Visit) -> Response<Body> {
    let outcome = async {
        let charged = visit.charge_form(Purpose::Forms)?;
        visit.read_form(charged).await?;
        answered(&visit).await
    };
    let outcome = outcome.await;
    visit.respond(outcome)
}

async fn answered(visit: &Visit) -> Result<Response<Body>, Problem> {
    if visit.form.get("decision") != Some("sign_out") {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(handed_on(&visit.form));
        return Ok(visit.to(&format!("{HERE}?{}", query.finish())));
    }
    let server = visit.oauth().ok_or(Denial::RouteUnknown)?;
    let request = Request::read(visit, server, &visit.form).await?;
    if let Some(caller) = &visit.session {
        visit.form_number(HERE)?;
        end(visit, caller).await?;
    }
    Ok(left(visit, &request))
}

impl Request {
    async fn read(visit: &Visit, server: &AuthorizationServer, pairs: &Pairs) -> Result<Self, Problem> {
        let malformed = |what| Problem::from(Denial::OAuth(OAuthDenial::RequestMalformed(what)));
        let keys = server.signer.keys();
        // Absent: an ID token that is none of ours shows nothing.
        let hint = pairs.get("id_token_hint").zip(keys.as_deref());
        let hint = hint.and_then(|(token, keys)| IdToken::read(token, LONGEST_TOKEN, &server.issuer, keys));
        let named = pairs.get("client_id");
        if let (Some(hint), Some(named)) = (&hint, named)
            && hint.client != named
        {
            return Err(malformed("id_token_hint and client_id are of two clients"));
        }
        let uri = pairs.get("post_logout_redirect_uri");
        let client = match hint.as_ref().map(|hint| hint.client.as_str()).or(named) {
            Some(id) => match clients::find_for_page(visit, server, id).await {
                Ok(client) => Some(client),
                // A user whose client is gone can sign out too.
                Err(_) if uri.is_none() => None,
                Err(problem) => return Err(problem),
            },
            None => None,
        };
        let back = match (uri, &client) {
            (None, _) => None,
            (Some(_), None) => {
                return Err(malformed("post_logout_redirect_uri needs id_token_hint or client_id"));
            }
            // A client that made itself known is known to nobody but its users: for everybody else the address is a link to
            // wherever a stranger likes, under our name (RFC 9700 §4.11.2). Anyone can have such a client, and a token of their own.
            (Some(_), Some(client)) if client.is_by_itself() && !is_of(visit, hint.as_ref()) => None,
            (Some(uri), Some(client)) => Some(back(client, uri, pairs.get("state"))?),
        };
        Ok(Self { client, subject: hint.map(|hint| hint.subject), back })
    }
}

/// Whether an ID token is of the user who is signed in.
fn is_of(visit: &Visit, hint: Option<&IdToken>) -> bool {
    let (Some(caller), Some(hint)) = (&visit.session, hint) else { return false };
    visit.shared.directory.read().user(caller.user).is_some_and(|user| user.uuid == hint.subject)
}

/// Where the browser goes afterwards.
fn back(client: &Client, uri: &str, state: Option<&str>) -> Result<String, Problem> {
    let text = "post_logout_redirect_uri must be a redirect URI of the client, or lie on the origin of one";
    let unknown = || Problem::from(Denial::OAuth(OAuthDenial::RequestMalformed(text)));
    if !client.may_return_to(uri) {
        return Err(unknown());
    }
    let mut url = Url::parse(uri).map_err(|_| unknown())?;
    if let Some(state) = state {
        url.query_pairs_mut().append_pair("state", state);
    }
    Ok(url.into())
}

fn handed_on(pairs: &Pairs) -> Vec<(String, String)> {
    let known = HANDED_ON.iter().filter_map(|name| Some((*name, pairs.get(name)?)));
    known.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn ask(visit: &Visit, request: &Request) -> Result<Response<Body>, Problem> {
    let page = Page {
        frame: Frame::new("Sign out", visit)?,
        client: request.client.as_ref().map(|client| client.name.clone()),
        fields: handed_on(&visit.query),
        form: visit.form_token(HERE)?,
    };
    let mut response = visit.page(200, &page)?;
    if let Some((scheme, _)) = request.back.as_deref().and_then(|back| back.split_once(':')) {
        visit.allow_form_to(&mut response, scheme);
    }
    Ok(response)
}

async fn end(visit: &Visit, caller: &Caller) -> Result<(), Problem> {
    let permit = check::<EndSignIns>(Principal::of(caller.clone()))?;
    visit.commit(EndSession, permit).await?;
    Ok(())
}

/// On to where the client wants its user, or to our own sign-in page; the browser keeps no session.
fn left(visit: &Visit, request: &Request) -> Response<Body> {
    let response = match &request.back {
        Some(back) => visit.elsewhere(back, "signed_out"),
        None => visit.to("/sign-in"),
    };
    if visit.has_session_cookie() { visit.with_session(response, None) } else { response }
}
