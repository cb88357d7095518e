//! Doing what the journal says, in a database that does not have it yet. What names a row that is not there, or another row under
//! the same id, ends nothing; and no entry that cannot be done keeps the others from being done.
//!
//! Places, invitations and secrets are named by what they belong to, whatever time their rows show: a clock may have been ahead
//! when they were made. All of them are older than an entry that their database does not have, since what is given again later has
//! an entry of its own, and the later one counts.

use super::again_on_teams::{invitation, invitations, member};
use super::entry::{Ended, Entry, RowName, fold};
use super::held::hold;
use super::of::{hex, identity};
use crate::account_endings;
use crate::accounts::disable;
use crate::driver::Row;
use crate::erase::erase;
use crate::grant_endings::end;
use crate::invitation_endings::{Invitations, end_invitations};
use crate::key_endings::revoke_these;
use crate::keys::publish_secrets;
use crate::params;
use crate::sessions::sign_out_everywhere;
use crate::tx::Tx;
use crate::value::Value;
use crate::{rows, to_end};
use keyward_core::api_key::KeySecret;
use keyward_core::clock::Timestamp;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::live::Change;
use keyward_core::oauth::{GrantEnd, GrantId, Grants};
use keyward_core::role::Role;
use keyward_core::store::StoreError;
use std::sync::Arc;

/// What was done, a line each, and what could not be.
#[derive(Debug, Default)]
pub struct Applied {
    /// What was done.
    pub done: Vec<String>,
    /// What could not be.
    pub failed: Vec<Entry>,
}

/// Does what these entries say.
pub fn apply(tx: &mut Tx<'_>, entries: &[Entry], now: Timestamp) -> Applied {
    let mut applied = Applied::default();
    // Who was erased first: then no line about another entry names them.
    let is_erasure = |entry: &Entry| matches!(entry.ended, Ended::Erased(_));
    let (erased, others): (Vec<_>, Vec<_>) = fold(entries).into_iter().partition(is_erasure);
    for entry in erased.into_iter().chain(others) {
        match one(tx, &entry, now) {
            Ok(Some(done)) => applied.done.push(done),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(entry = entry.n, %error, "what the journal of revocations says could not be done");
                hold(tx, &entry, now);
                applied.failed.push(entry);
            }
        }
    }
    applied
}

/// Does one; what was done, if there was anything to do.
fn one(tx: &mut Tx<'_>, entry: &Entry, now: Timestamp) -> Result<Option<String>, StoreError> {
    let at = entry.at;
    match &entry.ended {
        Ended::Key { key, .. } => key_revoked(tx, *key, at, now),
        Ended::Keys { account, last } => keys_revoked(tx, *account, *last, at, now),
        Ended::Secrets { key, left } => key_rotated(tx, *key, left, at),
        Ended::Invitations(account) => invitations(tx, *account, at),
        Ended::Member { account, user, role } => {
            let places =
                (place(tx, *account, at, "accounts", "slug")?, place(tx, *user, at, "users", "email")?);
            let (Some(account), Some(user)) = places else { return Ok(None) };
            // Absent: a role that this version does not know is none.
            member(tx, account, user, role.as_deref().and_then(Role::parse), now)
        }
        Ended::Invitation { account, user, role } => {
            invitation(tx, *account, *user, role.as_deref().and_then(Role::parse), at)
        }
        Ended::User { disabled: false, .. } => Ok(None),
        Ended::User { user, .. } => user_disabled(tx, *user, at, now),
        Ended::Erased(user) => user_erased(tx, *user, at, now),
        Ended::Account { disabled: false, .. } => Ok(None),
        Ended::Account { account, .. } => account_disabled(tx, *account, at, now),
        Ended::Password(user) => password_chosen(tx, *user, at, now),
        Ended::Link(digest) => {
            let sql = "DELETE FROM password_links WHERE lower(hex(digest)) = ?1";
            let gone = tx.change(sql, [digest])? > 0;
            Ok(gone.then(|| "a link to choose a password: used or replaced".to_owned()))
        }
        Ended::Identity(digest) => unlinked(tx, digest),
        Ended::Grant(grant) => grant_ended(tx, *grant, at, now),
        Ended::Client(id) => {
            let gone = tx.change("DELETE FROM oauth_clients WHERE client_id = ?1", [id])?;
            let client: Arc<str> = Arc::from(id.as_str());
            let grants = end(tx, Grants::OfClient(Arc::clone(&client)), GrantEnd::ClientDeleted, now)?;
            tx.publish(Change::ClientGone(client));
            Ok((gone + grants > 0).then(|| format!("application {id}: deleted")))
        }
        Ended::RootSecret(_) => Ok(None),
    }
}

/// A row of a table that an entry of this time names.
#[derive(Clone, Copy)]
pub(super) struct Named {
    pub(super) row: RowName,
    pub(super) at: i64,
    pub(super) table: &'static str,
}

/// The id of this row, if it is there.
pub(super) fn named(tx: &Tx<'_>, of: Named) -> Result<Option<i64>, StoreError> {
    Ok(place(tx, of.row, of.at, of.table, "id")?.map(|(id, _)| id))
}

/// Which row of ?1 is the one that was made at ?2; where that is not known, one that was made at ?3 at the latest.
const NAMED: &str =
    "id = ?1 AND (created_at = ?2 OR (?2 IS NULL AND (created_at <= ?3 OR typeof(created_at) <> 'integer')))";

/// The row of this name, by its id, and how people name it.
pub(super) fn place(
    tx: &Tx<'_>,
    RowName(id, made): RowName,
    at: i64,
    table: &'static str,
    name: &'static str,
) -> Result<Option<(i64, String)>, StoreError> {
    let sql = format!("SELECT {name} AS name FROM {table} WHERE {NAMED}");
    // Absent: what cannot be read is named by its id.
    let read = |row: &Row<'_>| Ok((id, to_end::text(row, "name").unwrap_or_else(|| format!("id {id}"))));
    tx.first(&sql, params![id, made, at], read)
}

fn key_revoked(tx: &mut Tx<'_>, key: RowName, at: i64, now: Timestamp) -> Result<Option<String>, StoreError> {
    let Some((id, prefix)) = place(tx, key, at, "api_keys", "prefix")? else { return Ok(None) };
    let ended = revoke_these(tx, vec![KeyId(id)], now)?;
    Ok((!ended.is_empty()).then(|| format!("API key {id} ({prefix}…): revoked")))
}

/// All keys of an account up to this one: which of them ended is not kept.
fn keys_revoked(
    tx: &mut Tx<'_>,
    account: RowName,
    last: i64,
    at: i64,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let Some((account, slug)) = place(tx, account, at, "accounts", "slug")? else { return Ok(None) };
    let ended = revoke_these(tx, keys_of_account(tx, account, last)?, now)?.len();
    Ok((ended > 0).then(|| format!("{ended} API keys of {slug}: some of them were revoked, make new ones")))
}

/// The ids of an account's keys up to this one.
pub(super) fn keys_of_account(tx: &Tx<'_>, account: i64, last: i64) -> Result<Vec<KeyId>, StoreError> {
    let sql = "SELECT id FROM api_keys WHERE account_id = ?1 AND id <= ?2 ORDER BY id";
    let found = tx.all(sql, [account, last], |row| Ok(to_end::number(row, "id").map(KeyId)))?;
    Ok(found.into_iter().flatten().collect())
}

/// A secret that the key does not have since then is over, and one that it has no longer has the end that it was given.
fn key_rotated(
    tx: &mut Tx<'_>,
    key: RowName,
    left: &[(String, Option<i64>)],
    at: i64,
) -> Result<Option<String>, StoreError> {
    let Some((id, prefix)) = place(tx, key, at, "api_keys", "prefix")? else { return Ok(None) };
    let sql = "SELECT digest, lower(hex(digest)) AS name FROM api_key_secrets WHERE key_id = ?1
               AND (ends_at IS NULL OR ends_at > 0)";
    let read = |row: &Row<'_>| Ok((to_end::bytes::<32>(row, "digest"), to_end::text(row, "name")));
    let mut ended = false;
    for (digest, name) in tx.all(sql, [id], read)? {
        let Some(digest) = digest else { continue };
        let Some(until) = end_of(left, name.as_deref()) else { continue };
        let sql =
            "UPDATE api_key_secrets SET ends_at = ?2 WHERE digest = ?1 AND (ends_at IS NULL OR ends_at > ?2)";
        ended |= tx.change(sql, params![digest.as_slice(), until])? > 0;
    }
    if ended {
        publish_secrets(tx, KeyId(id))?;
    }
    Ok(ended.then(|| format!("API key {id} ({prefix}…): rotated, its old secret is over; rotate it again")))
}

/// When a secret ends by an entry that leaves these; `None`: it has no end.
fn end_of(left: &[(String, Option<i64>)], digest: Option<&str>) -> Option<i64> {
    // Absent: it is not among them, and is over.
    left.iter().find(|(left, _)| Some(left.as_str()) == digest).map_or(Some(0), |(_, until)| *until)
}

/// What memory knows of the secrets of a key, once an entry left these.
pub(super) fn secrets_left(
    tx: &Tx<'_>,
    key: KeyId,
    left: &[(String, Option<i64>)],
) -> Result<Vec<KeySecret>, StoreError> {
    let sql = format!("SELECT {} FROM api_key_secrets WHERE key_id = ?1", rows::SECRET);
    let mut secrets = tx.all(&sql, [key.0], rows::secret)?;
    for secret in &mut secrets {
        let until = end_of(left, Some(&hex(secret.digest.as_bytes()))).map(Timestamp::from_unix);
        // Absent: it has no other end.
        secret.ends_at = secret.ends_at.into_iter().chain(until).min();
    }
    Ok(secrets)
}

fn user_disabled(
    tx: &mut Tx<'_>,
    user: RowName,
    at: i64,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let Some((id, email)) = place(tx, user, at, "users", "email")? else { return Ok(None) };
    let sql = "SELECT 1 FROM users WHERE id = ?1 AND typeof(disabled_at) = 'integer'";
    let was = tx.first(sql, [id], |_| Ok(()))?.is_some();
    disable(tx, UserId(id), now)?;
    sign_out_everywhere(tx, UserId(id), GrantEnd::UserDisabled, now)?;
    end_invitations(tx, Invitations::By(UserId(id), None), now)?;
    Ok((!was).then(|| format!("user {email}: disabled")))
}

fn user_erased(
    tx: &mut Tx<'_>,
    user: RowName,
    at: i64,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let Some(id) = named(tx, Named { row: user, at, table: "users" })? else { return Ok(None) };
    // Its name is not shown: it is erased.
    Ok(erase(tx, UserId(id), now)?.map(|_| format!("user id {id}: deleted")))
}

fn account_disabled(
    tx: &mut Tx<'_>,
    account: RowName,
    at: i64,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let Some((id, slug)) = place(tx, account, at, "accounts", "slug")? else { return Ok(None) };
    let sql = "SELECT 1 FROM accounts WHERE id = ?1 AND typeof(disabled_at) = 'integer'";
    let was = tx.first(sql, [id], |_| Ok(()))?.is_some();
    account_endings::disable(tx, AccountId(id), now)?;
    Ok((!was).then(|| format!("account {slug}: disabled")))
}

/// The password of the copy is not the one that was chosen since: the user has none, and needs a link.
fn password_chosen(
    tx: &mut Tx<'_>,
    user: RowName,
    at: i64,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let Some((id, email)) = place(tx, user, at, "users", "email")? else { return Ok(None) };
    to_end::set_of_user(tx, "password_hash", UserId(id), Value::Null)?;
    sign_out_everywhere(tx, UserId(id), GrantEnd::PasswordChanged, now)?;
    Ok(Some(format!(
        "the password of {email}: changed since; keyward user reset-password {email} makes a link"
    )))
}

fn unlinked(tx: &mut Tx<'_>, digest: &str) -> Result<Option<String>, StoreError> {
    let read = |row: &Row<'_>| {
        let named = to_end::text(row, "issuer").zip(to_end::text(row, "subject"));
        Ok((to_end::number(row, "id"), named))
    };
    let linked = tx.all("SELECT id, issuer, subject FROM identities", [], read)?;
    let is_it = |(issuer, subject): &(String, String)| identity(issuer, subject) == digest;
    let Some((id, Some((issuer, subject)))) =
        linked.into_iter().find(|(_, named)| named.as_ref().is_some_and(is_it))
    else {
        return Ok(None);
    };
    let gone = tx.change("DELETE FROM identities WHERE id = ?1", [id])? > 0;
    tx.publish(Change::Unlinked(issuer.into(), subject.into()));
    Ok(gone.then(|| "the link of a user to an issuer's subject: taken away".to_owned()))
}

fn grant_ended(
    tx: &mut Tx<'_>,
    grant: RowName,
    at: i64,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let Some((id, client)) = place(tx, grant, at, "oauth_grants", "client_name")? else { return Ok(None) };
    let ended = end(tx, Grants::One(GrantId(id)), GrantEnd::Revoked, now)?;
    Ok((ended > 0).then(|| format!("what {client} was allowed (grant {id}): ended")))
}
