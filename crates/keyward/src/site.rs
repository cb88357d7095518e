//! Everything that is answered on the address of clients: the operations, and what stands beside them.

use crate::boxed::Boxed;
use crate::browser::WebParts;
use crate::mcp::{self, McpParts};
use crate::operation::{Authentication, OperationParts, mount, options, refuse};
use crate::pages::{self, Pages};
use crate::routes::table;
use crate::stack::{Guard, Surroundings, around};
use crate::{console, oauth};
use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use keyward_core::denial::Denial;
use std::sync::Arc;

/// What the routes are made of.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) surroundings: Surroundings,
    pub(crate) guard: Guard,
    pub(crate) operations: Arc<OperationParts>,
    /// What pages of people and the endpoints of OAuth clients share.
    pub(crate) web: Arc<WebParts>,
    /// The documentation.
    pub(crate) pages: Arc<Pages>,
    /// The MCP server, if there is one.
    pub(crate) mcp: Option<McpParts>,
}

impl Site {
    /// The program's whole service.
    pub(crate) fn service(&self) -> Boxed {
        // OPTIONS is answered, then the route must exist (404) and have the method (405). Only then is anyone asked who
        // they are: routes are public knowledge, and a probe of an unknown one costs no look-up of a credential.
        around(&self.surroundings, self.router())
    }

    /// Routes by path and verb: unknown paths 404, unknown verbs 405, OPTIONS always answered.
    fn router(&self) -> Router {
        let problems = self.operations.problems.clone();
        let router = Router::new().fallback(async move |request: Request<Body>| match *request.method() {
            Method::OPTIONS => options("OPTIONS"),
            // Absent: no other method does anything here.
            _ => refuse(&problems, &request, Denial::RouteUnknown),
        });
        let router = mount(router, table(), (&self.operations, &self.guard), Authentication::Required);
        let router = pages::routes(&self.pages, &self.operations.problems, router);
        let router = console::routes(&self.web, oauth::routes(&self.web, router));
        match &self.mcp {
            Some(mcp) => mcp::routes(mcp, (self.preauthenticated_router(), &self.web), router),
            None => router,
        }
    }

    /// The operations for callers that were authenticated elsewhere: the caller is in the request's extensions.
    fn preauthenticated_router(&self) -> Router {
        mount(Router::new(), table(), (&self.operations, &self.guard), Authentication::Done)
    }
}
