//! What ends in a copy that is put in the place of its database, besides what the journal says.

use crate::driver::{Driver, Row, all, first};
use crate::grant_endings::end;
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::clock::Timestamp;
use keyward_core::oauth::{GrantEnd, GrantId, Grants};
use keyward_core::store::StoreError;

/// A key that would be admitted. A text that cannot be read is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveKey {
    /// Its id.
    pub id: i64,
    /// The first characters of its secret.
    pub prefix: String,
    /// Its user's address.
    pub email: String,
    /// Its account's slug.
    pub account: String,
    /// Its label.
    pub label: String,
}

impl std::fmt::Display for LiveKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, prefix, email, account, label } = self;
        write!(f, "API key {id} ({prefix}…) of {email} in {account}: {label}")
    }
}

/// What ended because it was open.
#[derive(Clone, Copy, Debug)]
pub struct EndedOpen {
    /// Sessions that ended.
    pub sessions: usize,
    /// Grants of applications that ended.
    pub grants: usize,
}

/// Sessions, grants with their codes, and the keys that sign tokens: a copy has what was before, and what was given since is known
/// to nobody.
///
/// # Errors
/// [`StoreError`].
pub fn end_what_is_open(tx: &mut Tx<'_>, now: Timestamp) -> Result<EndedOpen, StoreError> {
    let sessions = tx.change("DELETE FROM sessions", [])?;
    let sql = "SELECT id FROM oauth_grants WHERE typeof(ended_at) <> 'integer'";
    let open = tx.all(sql, [], |row| rows::get(row, "id").map(GrantId))?;
    for grant in &open {
        end(tx, Grants::One(*grant), GrantEnd::Revoked, now)?;
    }
    tx.change("DELETE FROM oauth_codes", [])?;
    tx.change("DELETE FROM signing_keys", [])?;
    Ok(EndedOpen { sessions, grants: open.len() })
}

/// What may have been used since, and nobody knows: links to choose a password, and invitations. How many ended.
///
/// # Errors
/// [`StoreError`].
pub fn end_what_may_be_used(tx: &Tx<'_>) -> Result<usize, StoreError> {
    let links = tx.change("DELETE FROM password_links", [])?;
    Ok(links + tx.change("DELETE FROM invitations", [])?)
}

/// The keys that would be admitted.
///
/// # Errors
/// [`StoreError`] of the query.
pub fn live_keys(driver: &dyn Driver, now: Timestamp) -> Result<Vec<LiveKey>, StoreError> {
    let sql = "SELECT k.id, k.prefix, k.label, u.email, a.slug FROM api_keys k
               JOIN users u ON u.id = k.user_id JOIN accounts a ON a.id = k.account_id
               JOIN memberships m ON m.account_id = k.account_id AND m.user_id = k.user_id
               WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?1)
               AND u.disabled_at IS NULL AND a.disabled_at IS NULL
               AND EXISTS (SELECT 1 FROM api_key_secrets s WHERE s.key_id = k.id
                           AND (s.ends_at IS NULL OR s.ends_at > ?1)) ORDER BY k.id";
    let key = |row: &Row<'_>| {
        // Absent: a key that cannot be read opens nothing, and what can be read of it is shown.
        let text = |column| to_end::text(row, column).unwrap_or_default();
        Ok(LiveKey {
            id: rows::get(row, "id")?,
            prefix: text("prefix"),
            email: text("email"),
            account: text("slug"),
            label: text("label"),
        })
    };
    all(driver, sql, [now.unix()], key)
}

const PASSWORDS: &str =
    "SELECT count(*) AS n FROM users WHERE password_hash IS NOT NULL AND disabled_at IS NULL";

/// How many users can sign in with their password.
///
/// # Errors
/// [`StoreError`].
pub fn passwords(driver: &dyn Driver) -> Result<usize, StoreError> {
    let n = first(driver, PASSWORDS, [], |row| rows::get::<i64>(row, "n"))?;
    // Absent: no count is negative.
    Ok(n.and_then(|n| usize::try_from(n).ok()).unwrap_or(0))
}
