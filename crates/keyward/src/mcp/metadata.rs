//! Where to sign in for the MCP endpoint: the protected resource's metadata (RFC 9728).

use super::PATH;
use super::toolsets::of_resource;
use crate::app::App;
use crate::browser::{Open, Pairs, Visit, open};
use crate::oauth::answer::json;
use crate::problem::insert;
use axum::Router;
use axum::body::Body;
use http::header::CACHE_CONTROL;
use http::{Response, StatusCode};
use serde_json::json as value;
use std::sync::Arc;

/// With the resource's path behind it, and without: some clients ask for one, some for the other (RFC 9728 §3.1).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Where the document is, if there is anywhere to sign in. With our own sign-in an address that offers fewer tools is a name of
/// the resource too, since clients compare the document's with theirs; an issuer outside would not know it.
pub(super) fn url(app: &App, query: &Pairs) -> Option<String> {
    let query = resource_query(app, query);
    (!app.mcp.issuers.is_empty()).then(|| format!("{}{WELL_KNOWN}{PATH}{query}", app.public_url))
}

fn resource_query(app: &App, query: &Pairs) -> String {
    if app.oauth.is_some() { of_resource(query) } else { String::new() }
}

/// Adds the routes.
pub(super) fn routes(app: &Arc<App>, router: Router) -> Router {
    if app.mcp.issuers.is_empty() {
        return router;
    }
    [format!("{WELL_KNOWN}{PATH}"), WELL_KNOWN.to_owned()].into_iter().fold(router, |router, path| {
        open(app, router, path, &[Open::get("getResourceMetadata", handle).unjudged()])
    })
}

async fn handle(visit: Visit) -> Response<Body> {
    let app = &visit.app;
    let mut document = value!({
        "resource": format!("{}{PATH}{}", app.public_url, resource_query(app, &visit.query)),
        "resource_name": "Lev External API v2",
        "resource_documentation": format!("{}/platform/mcp-setup", app.public_url),
        "authorization_servers": app.mcp.issuers,
        "bearer_methods_supported": ["header"],
    });
    if let (false, Some(members)) = (app.mcp.scopes.is_empty(), document.as_object_mut()) {
        members.insert("scopes_supported".to_owned(), value!(app.mcp.scopes));
    }
    let mut response = json(StatusCode::OK, &document);
    insert(response.headers_mut(), CACHE_CONTROL, "public, max-age=300");
    response
}
