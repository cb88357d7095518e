//! The orders, as they travel over the socket.

use super::audit::AuditOrder;
use super::lists::KeyList;
use super::new_key::NewKey;
use super::whose::{KeyText, Whose};
use crate::watch::Seen;
use serde::{Deserialize, Serialize};

/// Something that the operator wants done. One JSON object on one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Order {
    /// One of those that show a secret once, of a command that says what became of the secret.
    ShownOnce { of: Box<Order> },
    /// One of those that make something, where that is absent; `any_tier`: an account that is there is taken with any tier.
    IfAbsent {
        of: Box<Order>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        any_tier: bool,
    },
    /// Makes a key for a member.
    KeyCreate(NewKey),
    /// Keys that were not revoked, a page of them.
    KeyList(KeyList),
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
    /// Erases a user.
    UserDelete { email: String },
    /// Users after that one, a page of them; of an account, its members.
    UserList {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<String>,
        after: i64,
    },
    /// A user, with all that is kept of it but secrets and the audit trail.
    UserShow { email: String },
    /// Accounts after that one, a page of them.
    AccountList { after: i64 },
    /// An account, with what there is of it.
    AccountShow { slug: String },
    /// Disables or enables an account.
    AccountDisabled { slug: String, disabled: bool },
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
    /// OAuth clients after that one, a page of them.
    ClientList {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
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
    /// The addresses that the server listens on.
    Addresses,
    /// The rows that were left out when the database was opened.
    LeftOut,
    /// What became of a request; with what a log says of it.
    Explain { request_id: String, seen: Option<Box<Seen>> },
    /// A page of the audit trail.
    Audit(AuditOrder),
    /// What is served now, for a copy that the command makes.
    Served,
}
