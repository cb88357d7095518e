//! What pages of people and the endpoints of OAuth clients share.

use crate::body_room::BodyRoom;
use crate::limits::Charger;
use crate::oauth::AuthorizationServer;
use crate::problem::Problems;
use crate::shared::Shared;
use crate::store::Store;
use keyward_tower::authenticate::Jwts;
use std::sync::Arc;

/// What pages of people and the endpoints of OAuth clients share.
#[derive(Debug)]
pub(crate) struct WebParts {
    pub(crate) shared: Arc<Shared>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) charger: Charger,
    /// Room for the bodies that are being read.
    pub(crate) bodies: BodyRoom,
    pub(crate) problems: Problems,
    /// The embedded authorization server, if there is one.
    pub(crate) oauth: Option<Arc<AuthorizationServer>>,
    /// Verifies the tokens for the API.
    pub(crate) api_jwts: Jwts,
    /// Verifies the tokens for the MCP endpoint. One for the API is not for it.
    pub(crate) mcp_jwts: Jwts,
}
