//! Who a `client_id` is, and whether it is that one who calls.

use super::AuthorizationServer;
use super::documents::DocumentError;
use crate::browser::Visit;
use crate::problem::Problem;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::oauth::{Client, KEYWARD_CLI, keyward_cli};
use keyward_core::opaque::TokenDigest;
use keyward_core::rate_limit::Purpose;
use std::sync::Arc;
use url::form_urlencoded;

fn unknown() -> Problem {
    Denial::OAuth(OAuthDenial::ClientUnknown).into()
}

/// The client that a page is asked for. Another site that only loads the page has no document fetched, and its visitor is not
/// charged for one.
pub(super) async fn find_for_page(
    visit: &Visit,
    server: &AuthorizationServer,
    id: &str,
) -> Result<Client, Problem> {
    if is_unknown_document(visit, server, id) {
        visit.refuse_load_of_another_site()?;
    }
    find(visit, server, id).await
}

fn is_unknown_document(visit: &Visit, server: &AuthorizationServer, id: &str) -> bool {
    id.starts_with("https://") && !server.documents.knows(id, visit.shared.clock.elapsed())
}

/// The client of this id: built in, made known here, or a document.
async fn find(visit: &Visit, server: &AuthorizationServer, id: &str) -> Result<Client, Problem> {
    if id == KEYWARD_CLI {
        return Ok(keyward_cli());
    }
    if id.starts_with("https://") {
        // Whoever has us ask others makes a client known, and is limited as whoever registers one.
        if is_unknown_document(visit, server, id) {
            visit.charge(Purpose::Register)?;
        }
        let found = server
            .documents
            .client(id, visit.address, visit.shared.clock.now(), visit.shared.clock.elapsed())
            .await;
        return found.map_err(|why| {
            tracing::debug!(client = id, %why, "a client's document cannot be used");
            match why {
                // Who is told that it is unknown forgets what it was let into.
                DocumentError::Unreachable(_) | DocumentError::Busy => {
                    Denial::OAuth(OAuthDenial::ClientUnreachable).into()
                }
                DocumentError::Id(_) | DocumentError::Unfit(_) => unknown(),
            }
        });
    }
    visit.shared.directory.read().client(id).cloned().ok_or_else(unknown)
}

/// The client that calls the token endpoint, or its neighbour (RFC 6749 §2.3): by its id, and by its secret if it has one.
pub(super) async fn authenticate(visit: &Visit, server: &AuthorizationServer) -> Result<Client, Problem> {
    let (id, secret) = presented(visit)?;
    let client = find(visit, server, &id).await?;
    match (client.secret, secret) {
        (None, None) => Ok(client),
        (Some(kept), Some(secret)) if kept == TokenDigest::of(&secret) => Ok(client),
        // Absent: the client is refused.
        _ => Err(wrong()),
    }
}

/// The same, where the grant says the rest: of a client that is a document nothing is asked then, so that it stays connected while
/// its host does not answer.
pub(super) async fn authenticate_id(
    visit: &Visit,
    server: &AuthorizationServer,
) -> Result<Arc<str>, Problem> {
    let (id, secret) = presented(visit)?;
    if id.starts_with("https://") {
        return if secret.is_none() { Ok(id.into()) } else { Err(wrong()) };
    }
    authenticate(visit, server).await.map(|client| client.id)
}

fn wrong() -> Problem {
    Denial::OAuth(OAuthDenial::ClientSecretWrong).into()
}

/// The id and the secret that a client says.
fn presented(visit: &Visit) -> Result<(String, Option<String>), Problem> {
    let basic = visit
        .headers
        .get("authorization")
        .map(|value| basic(value.as_bytes()).ok_or_else(wrong))
        .transpose()?;
    let two =
        || Problem::from(Denial::OAuth(OAuthDenial::RequestMalformed("A client says in one way who it is")));
    let form = |name| visit.form.get(name).map(str::to_owned);
    let (id, secret) = match (basic, form("client_id")) {
        // One way, not two (RFC 6749 §5.2).
        (Some((id, _)), Some(other)) if id != other => return Err(two()),
        (Some(_), _) if form("client_secret").is_some() => return Err(two()),
        (Some((id, secret)), _) => (id, Some(secret)),
        (None, Some(id)) => (id, form("client_secret")),
        (None, None) => return Err(unknown()),
    };
    Ok((id, secret.filter(|secret| !secret.is_empty())))
}

/// `Basic`, its halves encoded as forms are (RFC 6749 §2.3.1).
fn basic(value: &[u8]) -> Option<(String, String)> {
    // Absent: no credential of a client, which a confidential one must have.
    let text = std::str::from_utf8(value).ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    // Absent: no credential of a client, which a confidential one must have.
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':').filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let plain = |half: &str| {
        // Absent: no client has an empty id, and an empty secret is none.
        form_urlencoded::parse(half.as_bytes()).next().map(|(text, _)| text.into_owned()).unwrap_or_default()
    };
    // A half with `=` or `&` in it was not encoded; ours have neither.
    Some((plain(id), plain(secret)))
}
