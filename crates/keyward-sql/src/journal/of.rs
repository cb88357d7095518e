//! What an execution ended: by what it has the directory forget, so that nothing that ends can be left out of the journal, and by
//! what it notes besides.

use super::entry::{Ended, RowName};
use crate::to_end;
use crate::tx::Tx;
use keyward_core::api_key::KeySecret;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::live::Change;
use keyward_core::oauth::Grants;
use keyward_core::opaque::TokenDigest;
use std::fmt::Write;

/// What ended. `ends`: the execution does nothing but end.
pub(super) fn endings(tx: &Tx<'_>, ends: bool) -> Vec<Ended> {
    let of_changes = tx.changes().iter().filter_map(|change| of(tx, change, ends));
    of_changes.chain(tx.ended().iter().cloned()).collect()
}

/// No arm stands for the rest: what is new must be decided.
fn of(tx: &Tx<'_>, change: &Change, ends: bool) -> Option<Ended> {
    let account = |id: &AccountId| row_name(tx, "accounts", id.0);
    let user = |id: &UserId| row_name(tx, "users", id.0);
    let key = |id: &KeyId| row_name(tx, "api_keys", id.0);
    match change {
        Change::Revoked(id, _) => Some(Ended::Key { key: key(id), account: account_of(tx, *id) }),
        // One secret alone is a new key's.
        Change::Secrets(id, secrets) if secrets.len() > 1 => {
            Some(Ended::Secrets { key: key(id), left: secrets.iter().map(secret).collect() })
        }
        Change::Member(of, who, role) => {
            let role = role.map(|role| role.name().to_owned());
            Some(Ended::Member { account: account(of), user: user(who), role })
        }
        Change::Invited(of, who, invitation) => {
            let role = invitation.as_ref().map(|invitation| invitation.role.name().to_owned());
            Some(Ended::Invitation { account: account(of), user: user(who), role })
        }
        Change::UserDisabled(who) => Some(Ended::User { user: user(who), disabled: true }),
        Change::AccountDisabled(which) => Some(Ended::Account { account: account(which), disabled: true }),
        Change::Unlinked(issuer, subject) => Some(Ended::Identity(identity(issuer, subject))),
        Change::GrantsEnded(Grants::One(id)) => Some(Ended::Grant(row_name(tx, "oauth_grants", id.0))),
        // Those that give way to others were used by nobody, and strangers can cause it.
        Change::ClientGone(id) if ends => Some(Ended::Client(id.to_string())),
        // Each of the grants is named by itself.
        Change::GrantsEnded(_) | Change::ClientGone(_) | Change::Secrets(..) => None,
        // A restore ends every session, and every signing key.
        Change::Session(_)
        | Change::SessionGone(_)
        | Change::SessionsGone(_)
        | Change::SigningKey(_)
        | Change::SigningKeyGone(_) => None,
        // These give, or take nothing away that a copy could give again. Of a user who is erased there is a note.
        Change::Account(_)
        | Change::User(_)
        | Change::EmailVerified(_)
        | Change::UserGone(_)
        | Change::MemberUnread(..)
        | Change::Key(_)
        | Change::Retired(..)
        | Change::Moved(_)
        | Change::Linked(_)
        | Change::Chosen(_)
        | Change::Unchosen(..)
        | Change::Client(_)
        | Change::Grant(_)
        | Change::ClockAccepted(_) => None,
    }
}

/// The name of a row that is still there, or was: what cannot be read of it names nothing.
pub(crate) fn row_name(tx: &Tx<'_>, table: &'static str, id: i64) -> RowName {
    let sql = format!("SELECT created_at FROM {table} WHERE id = ?1");
    let made = tx.first(&sql, [id], |row| Ok(to_end::number(row, "created_at")));
    // Absent: then the id alone names it, and only rows that were made before.
    RowName(id, made.ok().flatten().flatten())
}

/// The account of a key, if its row still says it.
fn account_of(tx: &Tx<'_>, key: KeyId) -> Option<RowName> {
    let sql = "SELECT account_id FROM api_keys WHERE id = ?1";
    let found = tx.first(sql, [key.0], |row| Ok(to_end::number(row, "account_id")));
    // Absent: then its ending is nobody's share.
    found.ok().flatten().flatten().map(|id| row_name(tx, "accounts", id))
}

fn secret(secret: &KeySecret) -> (String, Option<i64>) {
    (hex(secret.digest.as_bytes()), secret.ends_at.map(keyward_core::clock::Timestamp::unix))
}

/// What names a subject of an issuer.
pub(super) fn identity(issuer: &str, subject: &str) -> String {
    hex(TokenDigest::of(&format!("{issuer}\0{subject}")).as_bytes())
}

/// As SQLite's `lower(hex(…))` writes it.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // A text takes all that is written to it.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
