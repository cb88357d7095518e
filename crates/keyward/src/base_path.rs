//! Where the API stands on this server.

/// The path under which the API stands.
pub(crate) const BASE: &str = "/api/external/v2";
