//! The audit trail, as it is read.

use super::lists::Page;
use crate::clock::Timestamp;
use crate::id::{AccountId, UserId};
use serde::Serialize;
use serde_json::Value;

/// One row of the audit trail, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the columns of the audit table, by name")]
pub struct AuditRow {
    pub id: i64,
    pub at: Timestamp,
    pub account_id: Option<i64>,
    pub account_seq: Option<i64>,
    pub actor_user_id: Option<i64>,
    pub credential_kind: String,
    pub credential_id: Option<i64>,
    pub action: String,
    pub subject_kind: String,
    pub subject_id: i64,
    pub detail: Option<Value>,
    pub address: Option<String>,
    pub origin_app: String,
    pub request_id: String,
    /// The operating system's user who gave the order, if it was one.
    pub operator: Option<String>,
}

/// Which rows of the audit trail are read. What is `None` does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    /// From this moment on.
    pub since: Timestamp,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Of this account.
    pub account: Option<AccountId>,
    /// By whom.
    pub actor: Option<AuditActor>,
    /// About this, by its kind and its id.
    pub subject: Option<(String, i64)>,
    /// With this action; one that ends with `*` stands for all that begin like it.
    pub action: Option<String>,
    /// After the row of this id.
    pub after: i64,
    /// As many rows at most.
    pub limit: u32,
    /// The last rows instead of the first. They too are in the order of their ids.
    pub newest: bool,
}

impl AuditQuery {
    /// The first rows of the whole trail.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self {
            since: Timestamp::FIRST,
            until: None,
            account: None,
            actor: None,
            subject: None,
            action: None,
            after: 0,
            limit,
            newest: false,
        }
    }
}

/// By whom something was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditActor {
    /// A user.
    User(UserId),
    /// A credential, by its kind and, if it has one, its id.
    Credential(String, Option<i64>),
    /// The operator of this name.
    Operator(String),
}

/// A page of the audit trail.
pub type AuditPage = Page<AuditRow>;
