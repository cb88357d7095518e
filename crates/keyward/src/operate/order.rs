//! The orders, as they travel over the socket.

use super::keys::NewKey;
use super::revoke::{KeyText, Whose};
use crate::watch::Seen;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Something that the operator wants done. One JSON object on one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Order {
    /// One of those that show a secret once, of a command that says what became of the secret.
    ShownOnce { of: Box<Order> },
    /// Makes a key for a member.
    KeyCreate(NewKey),
    /// Every key of an account that was not revoked.
    KeyList { account: String },
    /// Ends a key, and what it made if that is asked for.
    KeyRevoke {
        key: i64,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        descendants: bool,
    },
    /// Ends the key that has this secret, and what it made if that is asked for.
    KeyRevokeText {
        text: KeyText,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        descendants: bool,
    },
    /// Ends every key of somebody.
    KeyRevokeAll { whose: Whose },
    /// Gives a key a new secret.
    KeyRotate { key: i64, grace_seconds: i64 },
    /// Makes a user, and a member of an account if one is named.
    UserCreate { email: String, first_name: String, last_name: String, member: Option<(String, String)> },
    /// Disables or enables a user everywhere.
    UserDisabled { email: String, disabled: bool },
    /// Gives a user a role in an account, as a new member or another role.
    UserRole { email: String, account: String, role: String },
    /// Takes a user's place in an account away, and its keys there.
    UserRemove { email: String, account: String },
    /// Makes an account.
    AccountCreate { slug: String, name: String, tier: String },
    /// Changes an account's tier.
    AccountTier { slug: String, tier: String },
    /// Says what an account may have: figures, `unlimited` or `tier`; what is not named stays.
    AccountLimits { slug: String, reads: Option<String>, writes: Option<String>, keys: Option<String> },
    /// Links an outside issuer's subject to a user, or takes the link away.
    UserLink { email: String, issuer: String, subject: String, linked: bool },
    /// Makes an OAuth client known.
    ClientCreate { name: String, redirect_uris: Vec<String>, confidential: bool },
    /// Every OAuth client.
    ClientList,
    /// Takes an OAuth client away, and its grants; of one that is a document, only these.
    ClientDelete { client_id: String },
    /// Invites a person into an account; a link, if it has no password yet.
    UserInvite { email: String, account: String, role: String },
    /// A link by which a user chooses another password.
    UserResetPassword { email: String },
    /// The signing keys.
    SigningKeyList,
    /// Makes the next signing key; `now`: the others go at once.
    SigningKeyRotate { now: bool },
    /// Makes a new version of the root secret.
    SecretRotate { revoke_unmoved: bool },
    /// Takes the time of the machine's clock for the right one.
    ClockAccept,
    /// The versions of the root secret, and the keys that have not moved to the current one.
    SecretStatus,
    /// The rows that were left out when the database was opened.
    LeftOut,
    /// What became of a request; with what a log says of it.
    Explain { request_id: String, seen: Option<Box<Seen>> },
    /// A page of the audit trail.
    Audit { since_unix: i64, after: i64 },
    /// Copies the database into a new file.
    Backup { file: PathBuf },
}
