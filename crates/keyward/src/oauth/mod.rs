//! The embedded authorization server (OAuth 2.1): what applications call, and the metadata by which they find it.
//!
//! | file | what |
//! | --- | --- |
//! | `server.rs` | what all of it shares; its issuer as one entry of the JWT verifier |
//! | `signer.rs` | the keys that sign, opened, and the set that is published |
//! | `metadata.rs` | RFC 8414, OpenID Connect discovery, the key set |
//! | `authorize.rs`, `request.rs` | the request of an application, the choice of an account, the consent |
//! | `token.rs`, `tokens.rs` | codes and refresh tokens into access tokens; what these say |
//! | `revoke.rs`, `register.rs` | RFC 7009, RFC 7591 |
//! | `userinfo.rs`, `about_user.rs` | who the user of a token is, for its client |
//! | `end_session.rs` | signing out from an application |
//! | `client_metadata.rs` | what a client says of itself, registered or as a document |
//! | `clients.rs`, `documents.rs` | who a `client_id` is, and the documents that some of them are (CIMD) |
//! | `hashing.rs`, `hash_queue.rs` | the two threads that hash passwords, and whose turn it is |
//! | `tries.rs`, `failed_sign_ins.rs` | tries of passwords: when the next may be made, and what the audit trail says of them |
//! | `answer.rs` | refusals as RFC 6749 §5.2 has them |

mod about_user;
pub(crate) mod answer;
mod authorize;
mod client_metadata;
mod clients;
pub mod documents;
mod end_session;
mod failed_sign_ins;
mod hash_queue;
mod hashing;
mod metadata;
mod public_names;
mod register;
mod request;
mod revoke;
mod server;
pub(crate) mod signer;
mod token;
mod tokens;
pub(crate) mod tries;
mod userinfo;

pub use crate::browser::SignInKeys;
pub use crate::demo::DemoPerson;
pub(crate) use hash_queue::Asker;
pub use server::{API, AuthorizationServer, MCP};

use crate::browser::{Open, WebParts, open};
use axum::Router;
use std::sync::Arc;

/// The addresses that applications call from pages of any origin: they take no cookie.
pub(crate) const OPEN_TO_ALL: &[&str] =
    &["/oauth/token", "/oauth/revoke", "/oauth/register", "/oauth/jwks", "/oauth/userinfo"];

/// Adds the routes.
pub(crate) fn routes(web: &Arc<WebParts>, router: Router) -> Router {
    let Some(server) = &web.oauth else { return router };
    let mut router = router;
    for path in server.metadata_paths() {
        router = open(web, router, path, &[Open::get("getIssuerMetadata", metadata::handle).unjudged()]);
    }
    router = open(
        web,
        router,
        "/oauth/jwks".to_owned(),
        &[Open::get("getSigningKeys", metadata::keys).unjudged()],
    );
    router =
        open(web, router, "/oauth/token".to_owned(), &[Open::post("issueToken", token::handle).unjudged()]);
    router = open(
        web,
        router,
        "/oauth/revoke".to_owned(),
        &[Open::post("revokeToken", revoke::handle).unjudged()],
    );
    router = open(
        web,
        router,
        "/oauth/register".to_owned(),
        &[Open::post("registerClient", register::handle).unjudged()],
    );
    router = open(
        web,
        router,
        "/oauth/userinfo".to_owned(),
        &[
            Open::get("getUserInfo", userinfo::handle).unjudged(),
            Open::post("getUserInfo", userinfo::handle).unjudged(),
        ],
    );
    router = open(
        web,
        router,
        "/oauth/end-session".to_owned(),
        &[
            Open::get("showEndSession", end_session::show).unjudged(),
            Open::post("endSession", end_session::answer).unjudged(),
        ],
    );
    open(
        web,
        router,
        "/oauth/authorize".to_owned(),
        &[Open::get("showConsent", authorize::ask), Open::post("consent", authorize::answer)],
    )
}
