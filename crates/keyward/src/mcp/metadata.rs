//! Where to sign in for the MCP endpoint: the protected resource's metadata (RFC 9728).

use super::paths::PATH;
use super::resource_query::of_resource;
use crate::browser::{Open, Pairs, Visit, WebParts, open};
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

/// Where people sign in for the endpoint.
#[derive(Debug)]
pub(crate) struct ProtectedResource {
    pub(crate) public_url: String,
    /// Our own issuer, and then those outside whose entries say so.
    pub(crate) issuers: Vec<String>,
    /// What clients are told to ask the first of them for.
    pub(crate) scopes: Vec<String>,
    /// Whether our own sign-in is on.
    pub(crate) signs_in: bool,
}

impl ProtectedResource {
    /// Where the document is, if there is anywhere to sign in. With our own sign-in an address that offers fewer tools is a name of
    /// the resource too, since clients compare the document's with theirs; an issuer outside would not know it.
    pub(super) fn url(&self, query: &Pairs) -> Option<String> {
        let query = self.query(query);
        (!self.issuers.is_empty()).then(|| format!("{}{WELL_KNOWN}{PATH}{query}", self.public_url))
    }

    fn query(&self, query: &Pairs) -> String {
        if self.signs_in { of_resource(query) } else { String::new() }
    }

    fn answer(&self, visit: &Visit) -> Response<Body> {
        let mut document = value!({
            "resource": format!("{}{PATH}{}", self.public_url, self.query(&visit.query)),
            "resource_name": "Lev External API v2",
            "resource_documentation": format!("{}/platform/mcp-setup", self.public_url),
            "authorization_servers": self.issuers,
            "bearer_methods_supported": ["header"],
        });
        if let (false, Some(members)) = (self.scopes.is_empty(), document.as_object_mut()) {
            members.insert("scopes_supported".to_owned(), value!(self.scopes));
        }
        let mut response = json(StatusCode::OK, &document);
        insert(response.headers_mut(), CACHE_CONTROL, "public, max-age=300");
        response
    }
}

/// Adds the routes.
pub(super) fn routes(resource: &Arc<ProtectedResource>, web: &Arc<WebParts>, router: Router) -> Router {
    if resource.issuers.is_empty() {
        return router;
    }
    let own = Arc::clone(resource);
    let answer = move |visit: Visit| {
        let resource = Arc::clone(&own);
        async move { resource.answer(&visit) }
    };
    let rows = [Open::get("getResourceMetadata", answer).unjudged()];
    [format!("{WELL_KNOWN}{PATH}"), WELL_KNOWN.to_owned()]
        .into_iter()
        .fold(router, |router, path| open(web, router, path, &rows))
}
