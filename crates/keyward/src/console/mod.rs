//! The pages of people: signing in, choosing a password, and the console with their keys and applications. What they do goes
//! through the same rules, permits and commits as the API; the credential is the session.

mod applications;
mod earlier_session;
mod inside;
mod keys;
mod sign_in;
mod welcome;

use crate::browser::{Open, WebParts, open};
use axum::Router;
use std::sync::Arc;

/// Adds the routes.
pub(crate) fn routes(web: &Arc<WebParts>, router: Router) -> Router {
    if web.oauth.is_none() {
        return router;
    }
    let all: [(&str, Vec<Open>); 12] = [
        ("/sign-in", vec![Open::get("showSignIn", sign_in::show), Open::post("signIn", sign_in::sign_in)]),
        ("/sign-out", vec![Open::post("signOut", sign_in::sign_out).unjudged()]),
        (
            "/welcome",
            vec![Open::get("showWelcome", welcome::show), Open::post("choosePassword", welcome::choose)],
        ),
        ("/console", vec![Open::get("showConsole", keys::home)]),
        (
            "/console/{slug}/keys",
            vec![Open::get("showKeys", keys::show), Open::post("createKeyInConsole", keys::create)],
        ),
        ("/console/{slug}/keys/{key_id}/rotate", vec![Open::post("rotateKeyInConsole", keys::rotate)]),
        ("/console/{slug}/keys/{key_id}/revoke", vec![Open::post("revokeKeyInConsole", keys::revoke)]),
        ("/console/{slug}/applications", vec![Open::get("showApplications", applications::show)]),
        (
            "/console/{slug}/applications/disconnect",
            vec![Open::post("disconnectApplication", applications::disconnect).unjudged()],
        ),
        ("/console/applications", vec![Open::get("showApplicationsAlone", applications::show_alone)]),
        (
            "/console/applications/disconnect",
            vec![Open::post("disconnectApplicationAlone", applications::disconnect).unjudged()],
        ),
        ("/console/invitations/{slug}/accept", vec![Open::post("acceptInvitation", applications::accept)]),
    ];
    all.into_iter().fold(router, |router, (path, rows)| open(web, router, path.to_owned(), &rows))
}
