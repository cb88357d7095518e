//! What came of a key, and what came of those keys in their turn: the keys that it made or gave a secret to, and invitations. After a
//! leak they end with it.

use crate::id::{AccountId, KeyId, UserId};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// What came of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descendants {
    /// The keys that ended with it.
    pub keys: Vec<KeyId>,
    /// Whom its invitations were for that ended with it, and into which account.
    pub invitations: Vec<(AccountId, UserId)>,
    /// Who became a member by its invitation before, or was raised by it. They stay: who they are is the account's to judge.
    pub members: Vec<(AccountId, UserId)>,
}

impl Descendants {
    /// Whether anything ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        !self.keys.is_empty() || !self.invitations.is_empty()
    }

    /// For the audit trail and the operator.
    #[must_use]
    pub fn told(&self) -> Value {
        json!({ "keys": self.keys, "invitations": users(&self.invitations), "members": users(&self.members) })
    }
}

fn users(places: &[(AccountId, UserId)]) -> Vec<UserId> {
    places.iter().map(|(_, user)| *user).collect()
}

/// A key was revoked, and with `descendants=true` what it made.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RevokedApiKey)]
pub struct RevokedKeyView {
    /// Always true.
    pub deleted: bool,
    /// With `descendants=true`: the ids of the keys that it made or gave their secret, itself or through other keys, and that this
    /// ended. Absent: it ended itself, and may end nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<i64>, nullable = false)]
    pub descendants: Option<Vec<KeyId>>,
    /// With `descendants=true`: the users whose invitations this ended, because it had made them. Keyward's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<i64>, nullable = false)]
    pub invitations: Option<Vec<UserId>>,
    /// With `descendants=true`: the users who became members by its invitations, or whom it gave a higher role. They stay as they
    /// are: remove or lower those who should not be. Keyward's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<i64>, nullable = false)]
    pub members: Option<Vec<UserId>>,
}

impl RevokedKeyView {
    /// Of what ended with the key, if that was asked for.
    #[must_use]
    pub fn of(descendants: Option<&Descendants>) -> Self {
        Self {
            deleted: true,
            descendants: descendants.map(|made| made.keys.clone()),
            invitations: descendants.map(|made| users(&made.invitations)),
            members: descendants.map(|made| users(&made.members)),
        }
    }
}
