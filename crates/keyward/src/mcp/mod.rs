//! The MCP server: the API's operations as tools, for the revisions 2026-07-28 (stateless) and those that begin with `initialize`
//! (up to 2025-11-25), side by side on one endpoint, without sessions. The wire is rmcp's; the door and the way of a call are ours.
//!
//! | file | what |
//! | --- | --- |
//! | `door.rs` | who is let in, and what a client that is not is told |
//! | `paths.rs` | where it is |
//! | `metadata.rs` | where to sign in (RFC 9728) |
//! | `server.rs` | what is answered: tools, calls, resources |
//! | `tools.rs` | every tool: its name, its operation, its words |
//! | `catalog.rs`, `schema.rs` | the same with their schemas, made from the OpenAPI document |
//! | `profile.rs` | what a schema may hold for models and for what stands before them |
//! | `resource_query.rs` | which queries belong to the name of the resource |
//! | `toolsets.rs` | the tools that an address offers |
//! | `arguments.rs` | the arguments of a call, as models send them |
//! | `call.rs` | a call as a request to the API, through the same stack |
//! | `words.rs`, `size.rs` | results and refusals for a model, and how long they may be |
//! | `accept.rs` | the form in which an answer goes out |

mod accept;
mod arguments;
mod call;
mod catalog;
mod door;
mod metadata;
mod paths;
mod profile;
mod resource_query;
mod schema;
mod server;
mod size;
mod tools;
mod toolsets;
mod words;

pub use door::{Endpoint, EndpointParts, endpoint, endpoint_with_sessions};
pub(crate) use metadata::ProtectedResource;
pub use paths::{KEY_PATH, PATH};
pub(crate) use resource_query::is_of_resource;
pub use tools::{TOOLS, Tool};

use crate::browser::WebParts;
use crate::config::{IssuerConfig, McpConfig};
use crate::issuers::{Issuers, Resource};
use crate::oauth::AuthorizationServer;
use crate::pages::Pages;
use crate::shared::Shared;
use crate::store::Store;
use axum::Router;
use catalog::Catalog;
use keyward_core::clock::Clock;
use keyward_core::oauth::Asked;
use keyward_core::random::Random;
use keyward_tower::authenticate::Jwts;
use server::Server;
use std::sync::Arc;
use words::Form;

/// The MCP server's part of what all requests share.
#[derive(Clone, Debug)]
pub struct Mcp {
    /// Whether there is one.
    pub enabled: bool,
    /// Whether tools are listed with the schemas of their results, and results have structured content.
    pub output_schemas: bool,
    /// Verifies the tokens that are for it. One for the API is not.
    pub jwts: Jwts,
    /// Where people sign in for it: our own issuer, and then those outside whose entries say so.
    pub issuers: Vec<String>,
    /// What clients are told to ask the first of them for, since they take the first. What one outside calls its scopes is its own,
    /// and a scope that it does not know would end the sign-in: of such a one its entry says it.
    pub scopes: Vec<String>,
}

/// What the judging of tokens needs.
type Judging<'s> = (&'s Arc<dyn Store>, &'s Arc<dyn Random>, &'s Arc<dyn Clock>);

impl Mcp {
    /// Of a server at this address that trusts these issuers.
    pub fn of(
        set: McpConfig,
        public_url: &str,
        issuers: &Issuers,
        own: Option<&AuthorizationServer>,
        (store, random, clock): Judging<'_>,
    ) -> Self {
        let name = format!("{public_url}{PATH}");
        let trusted = own.map(|own| own.trusted(PATH));
        let outside: Vec<&IssuerConfig> = issuers.for_mcp(own.is_some()).collect();
        let scopes = match (own, outside.first()) {
            (Some(_), _) => Asked::usual().to_text().split_ascii_whitespace().map(str::to_owned).collect(),
            (None, Some(first)) => first.mcp_scopes.clone(),
            (None, None) => Vec::new(),
        };
        let own = own.map(|own| own.issuer.clone());
        Self {
            enabled: set.enabled,
            output_schemas: set.output_schemas,
            jwts: issuers.scheme(Resource::Mcp(&name), store, random, clock, trusted),
            issuers: own.into_iter().chain(outside.iter().map(|outside| outside.issuer.clone())).collect(),
            scopes,
        }
    }
}

/// What the MCP server is made of.
#[derive(Debug)]
pub(crate) struct McpParts {
    pub(crate) shared: Arc<Shared>,
    pub(crate) endpoint: EndpointParts,
    /// The documentation, which clients read as resources.
    pub(crate) pages: Arc<Pages>,
    /// Whether tools are listed with the schemas of their results, and results have structured content.
    pub(crate) output_schemas: bool,
}

/// Adds the routes. `api`: the operations, for callers that were authenticated.
pub(crate) fn routes(parts: &McpParts, (api, web): (Router, &Arc<WebParts>), router: Router) -> Router {
    let McpParts { shared, endpoint: endpoint_parts, pages, output_schemas } = parts;
    let server = Server {
        shared: Arc::clone(shared),
        pages: Arc::clone(pages),
        form: if *output_schemas { Form::Both } else { Form::Text },
        api,
        catalog: Arc::new(Catalog::of(&shared.public_url, *output_schemas)),
    };
    let at = |which| {
        let server = server.clone();
        door::endpoint(endpoint_parts, which, move || server.clone())
    };
    let mut router = metadata::routes(&endpoint_parts.resource, web, router);
    for path in [PATH, "/mcp/"] {
        router = router.route_service(path, at(Endpoint::Open));
    }
    for path in [KEY_PATH, "/mcp/key/"] {
        router = router.route_service(path, at(Endpoint::KeysOnly));
    }
    router
}
