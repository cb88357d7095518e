//! A key to make, as an order holds it.

use serde::{Deserialize, Serialize};

/// A key to make. Servers of an earlier version take it too, unless it has an end or ranges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    pub(crate) account: String,
    pub(crate) user: String,
    pub(crate) label: String,
    /// This, or scopes.
    pub(crate) permission: Option<String>,
    pub(crate) scopes: Vec<String>,
    /// `None`: it lives until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<KeyEnd>,
    /// `None`: it may be used from everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) allowed_ips: Option<Vec<String>>,
}

/// The end of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyEnd {
    /// So many seconds from now, by the clock of the one that makes it.
    InSeconds(i64),
    /// A moment, in seconds since the Unix epoch.
    AtUnix(i64),
}
