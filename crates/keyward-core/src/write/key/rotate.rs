//! A key that gets a new secret.

use super::shown::ShownKey;
use crate::api_key::{ApiKey, NewSecret};
use crate::clock::Timestamp;
use crate::effect::{Effect, Rendered, Repeatable, Subject};
use crate::id::KeyId;
use crate::permit::ManageKeys;
use crate::role::Role;
use crate::secret::Secret;
use serde_json::json;

/// The owner gives a key a new secret.
#[derive(Debug)]
pub struct RotateKey {
    /// The key; `None` when the path named no id at all.
    pub key: Option<KeyId>,
    /// The id as it was sent, for the refusal.
    pub as_sent: String,
    /// Seconds that the old secret stays valid.
    pub grace_seconds: i64,
    /// The new secret, already made.
    pub secret: NewSecret,
}

/// A key was rotated; the new secret is shown this once.
#[derive(Debug)]
pub struct KeyRotated {
    /// The key, id, label and rights unchanged.
    pub key: ApiKey,
    /// Its user's role now.
    pub role: Role,
    /// Its new secret.
    pub secret: Secret,
    /// The end of the old secret; `None`: at once.
    pub previous_ends_at: Option<Timestamp>,
}

impl Repeatable for RotateKey {}

impl Effect for RotateKey {
    type Action = ManageKeys;
    type Done = KeyRotated;
    const AUDIT: &'static str = "api_key.rotate";
    const SHOWS_SECRET: bool = true;

    fn subject(done: &KeyRotated) -> Subject {
        Subject { kind: Subject::API_KEY, id: done.key.id.0, account: Some(done.key.account) }
    }

    fn detail(done: &KeyRotated) -> Option<serde_json::Value> {
        Some(json!({ "previous_secret_expires_at": done.previous_ends_at }))
    }

    fn render(done: &KeyRotated) -> Rendered {
        Rendered::ok(&ShownKey {
            key: done.key.view(done.role),
            api_key: done.secret.expose(),
            previous_secret_expires_at: done.previous_ends_at,
        })
    }
}
