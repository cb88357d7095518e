//! A key that gets another label.

use crate::api_key::ApiKey;
use crate::effect::{Effect, Rendered, Repeatable, Subject};
use crate::id::KeyId;
use crate::permit::LabelKeys;
use crate::preconditions::Preconditions;
use crate::role::Role;
use serde_json::json;

/// The owner gives a key another label. Its end, its ranges and its rights stay: authority is made once.
#[derive(Debug)]
pub struct RelabelKey {
    /// The key; `None` when the path named no id at all.
    pub key: Option<KeyId>,
    /// The id as it was sent, for the refusal.
    pub as_sent: String,
    /// The states in which it may be changed.
    pub conditions: Preconditions,
    /// 1 to 255 characters.
    pub label: String,
}

/// A key has this label, now or already before.
#[derive(Debug)]
pub struct KeyRelabelled {
    /// The key.
    pub key: ApiKey,
    /// Its user's role now.
    pub role: Role,
    /// Whether this was what changed it.
    pub now: bool,
}

impl Repeatable for RelabelKey {}

impl Effect for RelabelKey {
    type Action = LabelKeys;
    type Done = KeyRelabelled;
    const AUDIT: &'static str = "api_key.label";
    const CONDITIONAL: bool = true;

    fn subject(done: &KeyRelabelled) -> Subject {
        Subject { kind: Subject::API_KEY, id: done.key.id.0, account: Some(done.key.account) }
    }

    fn changed(done: &KeyRelabelled) -> bool {
        done.now
    }

    fn detail(done: &KeyRelabelled) -> Option<serde_json::Value> {
        Some(json!({ "label": done.key.label }))
    }

    fn render(done: &KeyRelabelled) -> Rendered {
        Rendered::ok(&done.key.view(done.role)).with_etag(done.key.etag(done.role))
    }
}
