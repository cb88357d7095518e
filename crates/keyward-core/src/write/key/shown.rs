//! A key with its secret, as it is shown once.

use crate::api_key::KeyView;
use crate::clock::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// An API key with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeyWithSecret)]
pub struct ShownKey<'a> {
    #[serde(flatten)]
    pub(super) key: KeyView<'a>,
    /// The secret. Keep it now: it cannot be shown again.
    pub(super) api_key: &'a str,
    /// After a rotation with a grace: when the secret before ends. Keyward's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, nullable = false)]
    pub(super) previous_secret_expires_at: Option<Timestamp>,
}

impl std::fmt::Debug for ShownKey<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ShownKey([redacted])")
    }
}
