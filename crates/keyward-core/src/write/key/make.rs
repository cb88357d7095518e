//! A key, made by a caller for itself or by the operator for a member.

use super::shown::ShownKey;
use crate::api_key::{ApiKey, NewSecret, Wanted};
use crate::clock::Timestamp;
use crate::effect::{Effect, Rendered, Repeatable, Subject};
use crate::grant::Grant;
use crate::id::{AccountId, UserId};
use crate::permit::{Administer, ManageKeys};
use crate::role::Role;
use crate::secret::Secret;
use ipnet::IpNet;
use serde_json::json;
use std::sync::Arc;

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

impl KeyMade {
    fn subject(&self) -> Subject {
        Subject { kind: Subject::API_KEY, id: self.key.id.0, account: Some(self.key.account) }
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

impl Repeatable for CreateKey {}

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
