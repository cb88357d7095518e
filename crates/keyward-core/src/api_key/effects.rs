//! The writes of keys.

use super::{ApiKey, Descendants, NewSecret, RevokedKeyView, Wanted};
use crate::clock::Timestamp;
use crate::effect::{Effect, Rendered, Subject};
use crate::grant::Grant;
use crate::id::{AccountId, KeyId, UserId};
use crate::permit::{Administer, ManageKeys, RevokeKeys};
use crate::role::Role;
use crate::secret::Secret;
use ipnet::IpNet;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use utoipa::ToSchema;

/// A caller makes a key for itself, within its own bounds.
#[derive(Debug)]
pub struct CreateKey {
    /// 1 to 255 characters.
    pub label: String,
    /// What was asked for.
    pub wanted: Wanted,
    /// The secret, already made.
    pub secret: NewSecret,
}

/// The operator makes a key for a member.
#[derive(Debug)]
pub struct IssueKey {
    /// The account that it is bound to.
    pub account: AccountId,
    /// The user that it acts for, a member there.
    pub user: UserId,
    /// 1 to 255 characters.
    pub label: String,
    /// What it may do at most.
    pub grant: Grant,
    /// Its end; `None`: it lives until it is revoked.
    pub expires_at: Option<Timestamp>,
    /// Where it may be used from; `None`: everywhere.
    pub allowed_ips: Option<Arc<[IpNet]>>,
    /// The secret, already made.
    pub secret: NewSecret,
}

/// A key was made; the secret is shown this once.
#[derive(Debug)]
pub struct KeyMade {
    /// The key.
    pub key: ApiKey,
    /// Its user's role now.
    pub role: Role,
    /// Its secret.
    pub secret: Secret,
}

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

/// A key is ended for good.
#[derive(Clone, Debug)]
pub struct RevokeKey {
    /// The key; `None` when the path named no id at all.
    pub key: Option<KeyId>,
    /// The id as it was sent, for the refusal.
    pub as_sent: String,
    /// Whether what it made ends with it, as far as the caller may.
    pub descendants: bool,
}

/// A key is revoked, now or already before.
#[derive(Clone, Debug)]
pub struct KeyRevoked {
    /// The key.
    pub key: KeyId,
    /// Its account; `None`: that cannot be read.
    pub account: Option<AccountId>,
    /// Whether this was what revoked it.
    pub now: bool,
    /// What ended with it, if that was asked for, and its holder may end more than itself.
    pub descendants: Option<Descendants>,
}

/// An API key with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeyWithSecret)]
pub struct ShownKey<'a> {
    #[serde(flatten)]
    key: super::KeyView<'a>,
    /// The secret. Keep it now: it cannot be shown again.
    api_key: &'a str,
    /// After a rotation with a grace: when the secret before ends. Keyward's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, nullable = false)]
    previous_secret_expires_at: Option<Timestamp>,
}

impl std::fmt::Debug for ShownKey<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ShownKey([redacted])")
    }
}

impl KeyMade {
    fn subject(&self) -> Subject {
        Subject { kind: "api_key", id: self.key.id.0, account: Some(self.key.account) }
    }

    fn render(&self) -> Rendered {
        let shown = ShownKey {
            key: self.key.view(self.role),
            api_key: self.secret.expose(),
            previous_secret_expires_at: None,
        };
        Rendered::created(&shown)
    }
}

impl Effect for CreateKey {
    type Action = ManageKeys;
    type Done = KeyMade;
    const AUDIT: &'static str = "api_key.create";
    const SHOWS_SECRET: bool = true;

    fn subject(done: &KeyMade) -> Subject {
        done.subject()
    }

    fn detail(done: &KeyMade) -> Option<serde_json::Value> {
        Some(json!({ "label": done.key.label, "permission": done.key.grant.permission() }))
    }

    fn render(done: &KeyMade) -> Rendered {
        done.render()
    }
}

impl Effect for IssueKey {
    type Action = Administer;
    type Done = KeyMade;
    const AUDIT: &'static str = "api_key.create";
    const SHOWS_SECRET: bool = true;

    fn subject(done: &KeyMade) -> Subject {
        done.subject()
    }

    fn detail(done: &KeyMade) -> Option<serde_json::Value> {
        Some(json!({ "label": done.key.label, "permission": done.key.grant.permission() }))
    }

    fn render(done: &KeyMade) -> Rendered {
        done.render()
    }
}

impl Effect for RotateKey {
    type Action = ManageKeys;
    type Done = KeyRotated;
    const AUDIT: &'static str = "api_key.rotate";
    const SHOWS_SECRET: bool = true;

    fn subject(done: &KeyRotated) -> Subject {
        Subject { kind: "api_key", id: done.key.id.0, account: Some(done.key.account) }
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

impl Effect for RevokeKey {
    type Action = RevokeKeys;
    type Done = KeyRevoked;
    const AUDIT: &'static str = "api_key.revoke";
    const FLAG: Option<&'static str> = Some("descendants");

    fn ends(_: &KeyRevoked) -> bool {
        true
    }

    fn subject(done: &KeyRevoked) -> Subject {
        Subject { kind: "api_key", id: done.key.0, account: done.account }
    }

    fn changed(done: &KeyRevoked) -> bool {
        done.now || done.descendants.as_ref().is_some_and(Descendants::ended)
    }

    fn detail(done: &KeyRevoked) -> Option<serde_json::Value> {
        done.descendants.as_ref().map(Descendants::told)
    }

    fn render(done: &KeyRevoked) -> Rendered {
        match &done.descendants {
            None => Rendered::deleted(),
            some => Rendered::ok(&RevokedKeyView::of(some.as_ref())),
        }
    }
}
