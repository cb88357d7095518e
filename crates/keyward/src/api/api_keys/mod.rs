//! API keys.

pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod relabel;
pub(crate) mod revoke;
pub(crate) mod rotate;
