//! `POST /oauth/register` (RFC 7591): an application makes itself known. Open to whoever asks, within a limit by address; a
//! client that nobody uses goes after a day.

use super::answer::{json, refuse};
use super::client_metadata::Members;
use crate::browser::Visit;
use crate::problem::Problem;
use axum::body::Body;
use http::{Response, StatusCode};
use keyward_core::api_key::base62;
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::json::{self as strict, Json};
use keyward_core::oauth::redirect::{self, Schemes};
use keyward_core::oauth::{Client, ClientOrigin, is_client_name};
use keyward_core::opaque::{TokenDigest, TokenKind, mint};
use keyward_core::permit;
use keyward_core::rate_limit::Purpose;
use keyward_core::write::client::RegisterClient;
use serde_json::{Value, json as value};

/// The most registered clients there are at a time.
const MOST: u32 = 10_000;
/// The most of one network that nobody has used yet: an assistant's servers register for all of their users.
const SHARE: u32 = 1_000;
/// The most bytes of what a client says of itself.
const LONGEST: usize = 16 * 1024;
/// The most redirect URIs of one.
const MOST_URIS: usize = 20;
/// The most bytes of all of them together.
const LONGEST_URIS: usize = 8_000;

pub(super) async fn handle(visit: Visit) -> Response<Body> {
    let mut visit = visit;
    match respond(&mut visit).await {
        Ok(body) => json(StatusCode::CREATED, &body),
        Err(problem) => refuse(&visit, problem),
    }
}

fn unfit(what: &'static str) -> Problem {
    Denial::OAuth(OAuthDenial::MetadataUnfit(what)).into()
}

/// What a client says of itself, as far as it is used. Unknown members are none of our business (RFC 7591 §2).
struct Metadata {
    name: String,
    uris: Vec<String>,
    method: &'static str,
    grants: Vec<&'static str>,
}

async fn respond(visit: &mut Visit) -> Result<Value, Problem> {
    let charged = visit.charge_client(Purpose::Register)?;
    let bytes = visit.read_body(charged, LONGEST).await?;
    let body = strict::parse(&bytes).map_err(|_| unfit("the body must be a JSON object"))?;
    let server = visit.oauth().ok_or(Denial::RouteUnknown)?;
    let Metadata { name, uris, method, grants } = read(&body, &server.settings.redirect_schemes)?;
    let shared = &visit.shared;
    let secret = (method != "none").then(|| mint(TokenKind::ClientSecret, &*shared.random));
    let (secret, digest) = secret.transpose()?.unzip();
    // A public client that says the same again is the same: some register anew each time they connect.
    let same = secret.is_none().then(|| TokenDigest::of(&value!([name, uris, grants]).to_string()));
    let client = Client {
        id: format!("kw_app_{}", base62(&*shared.random, 22)?).into(),
        name,
        redirect_uris: uris.into(),
        origin: ClientOrigin::Registered,
        secret: digest,
        refreshes: grants.contains(&"refresh_token"),
        created_at: shared.clock.now(),
    };
    let effect = RegisterClient { client, same, network: visit.address, most: MOST, share: SHARE };
    let (_, client, _) = visit.commit(effect, permit::register()).await?;
    let mut answer = value!({
        "client_id": &*client.id,
        "client_id_issued_at": client.created_at.unix(),
        "client_name": client.name,
        "redirect_uris": &*client.redirect_uris,
        "grant_types": grants,
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
    });
    if let (Some(secret), Some(members)) = (secret, answer.as_object_mut()) {
        members.insert("client_secret".to_owned(), value!(secret.expose()));
        members.insert("client_secret_expires_at".to_owned(), value!(0));
    }
    Ok(answer)
}

fn read(body: &Json, schemes: &Schemes) -> Result<Metadata, Problem> {
    let Json::Object(members) = body else { return Err(unfit("the body must be a JSON object")) };
    let members = Members(members);
    let text = |name: &str, what| members.text(name, what).map_err(unfit);
    let uris = members.texts("redirect_uris", "redirect_uris must be a list of texts").map_err(unfit)?;
    // One that cannot be used does not spoil the others: some clients register one for each way they can be started.
    let uris: Vec<String> =
        uris.into_iter().filter(|uri| schemes.are_fit(uri)).take(MOST_URIS).map(str::to_owned).collect();
    if uris.iter().map(String::len).sum::<usize>() > LONGEST_URIS {
        return Err(unfit("redirect_uris have 8000 bytes at most, all together"));
    }
    let first = uris.first().ok_or(Denial::OAuth(OAuthDenial::RedirectUriUnfit))?;
    let name = match text("client_name", "client_name must be a text")? {
        None | Some("") => redirect::host(first),
        Some(name) => name.to_owned(),
    };
    if !is_client_name(&name) {
        return Err(unfit("client_name has 1 to 200 characters, none of which controls or hides others"));
    }
    let method = match text("token_endpoint_auth_method", "token_endpoint_auth_method must be a text")? {
        None | Some("none" | "") => "none",
        Some("client_secret_post") => "client_secret_post",
        Some("client_secret_basic") => "client_secret_basic",
        Some(_) => {
            return Err(unfit(
                "token_endpoint_auth_method must be none, client_secret_basic or client_secret_post",
            ));
        }
    };
    let mut grants = vec!["authorization_code"];
    grants.extend(members.refreshes().map_err(unfit)?.then_some("refresh_token"));
    Ok(Metadata { name, uris, method, grants })
}
