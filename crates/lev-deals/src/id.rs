//! A deal's id.

use serde::Serialize;

/// A deal's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct DealId(pub i64);

impl DealId {
    /// Reads the id from a path segment; `None` when it is no id at all.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        keyward_core::id::parse(text).map(Self)
    }

    /// Names the state of the deal at this version.
    #[must_use]
    pub fn etag(self, version: i64) -> String {
        format!("\"d{}-{version}\"", self.0)
    }
}
