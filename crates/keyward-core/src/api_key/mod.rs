//! API keys: bound to one user and one account, and never stronger than that user is right now.

mod bounds;
mod ceiling;
mod digest;
mod etag;
mod expiry;
mod format;
mod label;
mod of_secret;
mod reach;
mod ring;
mod rotation;
mod whose;

pub use bounds::{Settled, Wanted, WantedGrant, may_rotate, settle};
pub use ceiling::KeyCeiling;
pub use digest::{Digest, Pepper};
pub use expiry::may_expire;
pub use format::{KeyFormat, PrefixError, base62};
pub use of_secret::{KeyOfSecret, Replaced};
pub use reach::RevokeReach;
pub use ring::{Admitted, KeyRing, NewSecret};
pub use rotation::{MOST_REPLACED, Rotation};
pub use whose::WhoseKeys;

use crate::clock::Timestamp;
use crate::grant::Grant;
use crate::id::{AccountId, KeyId, UserId};
use crate::made_by::{MadeBy, MadeByView};
use crate::role::Role;
use ipnet::IpNet;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A key, without its secrets.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its id; rotation keeps it.
    pub id: KeyId,
    /// The account that it is bound to.
    pub account: AccountId,
    /// The user that it acts for.
    pub user: UserId,
    /// Its name for people, 1 to 255 characters.
    pub label: String,
    /// The beginning of its current secret: the prefix and four characters.
    pub prefix: String,
    /// What it may do at most.
    pub grant: Grant,
    /// When it was made.
    pub created_at: Timestamp,
    /// By what; `None`: before that was recorded.
    pub made_by: Option<MadeBy>,
    /// Its end; `None`: it lives until it is revoked.
    pub expires_at: Option<Timestamp>,
    /// The ranges that it may be used from; `None`: from everywhere.
    pub allowed_ips: Option<Arc<[IpNet]>>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it last authenticated a request, as far as that is written.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Neither revoked nor past its end.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        // Absent: a key without an end was made so.
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }

    /// How the API shows it. `role` is its user's role now.
    #[must_use]
    pub fn view(&self, role: Role) -> KeyView<'_> {
        KeyView {
            id: self.id,
            label: &self.label,
            key_prefix: &self.prefix,
            user_id: self.user,
            permission: self.grant.permission(),
            scopes: self.grant.under(role).names(),
            allowed_ips: self
                .allowed_ips
                .as_ref()
                .map(|ranges| ranges.iter().map(ToString::to_string).collect()),
            created_at: self.created_at,
            made_by: self.made_by.map(MadeBy::view),
            last_used_at: self.last_used_at,
            expires_at: self.expires_at,
        }
    }
}

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct KeyView<'a> {
    /// The key's id; rotation keeps it.
    #[schema(value_type = i64, minimum = 1)]
    pub id: KeyId,
    /// Its name for people.
    #[schema(min_length = 1, max_length = 255)]
    pub label: &'a str,
    /// The beginning of its current secret: the prefix and four characters.
    pub key_prefix: &'a str,
    /// The user that it acts for. Keyward's own.
    #[schema(value_type = i64, minimum = 1)]
    pub user_id: UserId,
    /// The preset that it was made with, whose rights follow those of its user; null: a fixed list of scopes.
    #[schema(required, extensions(("enum" = json!(["full_access", "read_only"]))))]
    pub permission: Option<&'static str>,
    /// What it may do now: within the scopes of its user's role, sorted.
    pub scopes: Vec<&'static str>,
    /// The address ranges that it may be used from; null: from everywhere. Keyward's own.
    #[schema(required)]
    pub allowed_ips: Option<Vec<String>>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// By which credential it was made; null: before that was recorded. Keyward's own.
    #[schema(required)]
    pub made_by: Option<MadeByView>,
    /// When it last authenticated a request.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
    /// Its end; null: it lives until it is revoked. Keyward's own.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// A secret whose digest is of the older version of the root secret, and what it becomes.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// The digest that is kept.
    pub from: Digest,
    /// The digest of the same secret under the current version.
    pub to: Digest,
    /// The current version.
    pub version: u32,
}

/// One secret of a key, at rest.
#[derive(Clone, Copy, Debug)]
pub struct KeySecret {
    /// The key.
    pub key: KeyId,
    /// The digest of the whole secret under the pepper.
    pub digest: Digest,
    /// The version of the root secret that the pepper came from.
    pub pepper_version: u32,
    /// The end of the grace of a secret that was replaced; `None` for the current one.
    pub ends_at: Option<Timestamp>,
}
