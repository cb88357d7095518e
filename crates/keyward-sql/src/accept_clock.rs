//! The operator's word that the clock is right. What was made in the time that is taken back would end too late, by as much as is
//! taken back: it ends now, and nothing else of it is read. So does what does not say when it was made.

use crate::driver::Row;
use crate::error::{is_constraint, is_of_a_row};
use crate::grant_endings::end;
use crate::key_endings::revoke;
use crate::keys::publish_secrets;
use crate::params;
use crate::tx::Tx;
use crate::value::Owned;
use crate::{rows, to_end};
use keyward_core::clock::Timestamp;
use keyward_core::effect::{Execute, Stop};
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::live::Change;
use keyward_core::oauth::{GrantEnd, GrantId, Grants};
use keyward_core::permit::{Administer, Permit};
use keyward_core::store::StoreError;
use keyward_core::write::clock::{AcceptClock, ClockAccepted};
use std::collections::BTreeSet;

impl Execute<AcceptClock> for Tx<'_> {
    /// A clock that is not behind takes nothing back: a small difference is gone by itself. Where the record cannot be read every
    /// clock counts as behind.
    fn execute(
        &mut self,
        e: &AcceptClock,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<ClockAccepted, Stop> {
        if !self.clock().behind {
            return Ok(ClockAccepted { from: now, to: now, keys: Vec::new(), unread: false });
        }
        let to = e.to.min(now);
        // Whatever stands there.
        self.change("DELETE FROM clock", [])?;
        self.change("INSERT INTO clock (one, newest, settled) VALUES (1, ?1, ?1)", [to.unix()])?;
        sign_ins(self, to)?;
        grace_periods(self, to)?;
        invitations(self, to)?;
        answers(self, to)?;
        signing_keys(self, to)?;
        let keys = keys(self, to)?;
        self.publish(Change::ClockAccepted(to));
        Ok(ClockAccepted { from: now, to, keys, unread: self.clock().unread })
    }
}

fn id(row: &Row<'_>) -> Result<i64, StoreError> {
    rows::get(row, "id")
}

fn sign_ins(tx: &mut Tx<'_>, to: Timestamp) -> Result<(), StoreError> {
    for id in
        tx.all("DELETE FROM sessions WHERE (created_at <= ?1) IS NOT TRUE RETURNING id", [to.unix()], id)?
    {
        tx.publish(Change::SessionGone(id));
    }
    tx.change("DELETE FROM password_links WHERE (created_at <= ?1) IS NOT TRUE", [to.unix()])?;
    let given =
        "SELECT id FROM oauth_grants WHERE typeof(ended_at) <> 'integer' AND (created_at <= ?1) IS NOT TRUE";
    for id in tx.all(given, [to.unix()], id)? {
        end(tx, Grants::One(GrantId(id)), GrantEnd::ClockAccepted, to)?;
    }
    Ok(())
}

/// Keys with an end: nobody can tell whether it was named, or counted from the wrong time.
fn keys(tx: &mut Tx<'_>, to: Timestamp) -> Result<Vec<KeyId>, StoreError> {
    let made = "SELECT id FROM api_keys WHERE (created_at <= ?1) IS NOT TRUE AND expires_at IS NOT NULL AND typeof(revoked_at) <> 'integer'";
    let made: Vec<KeyId> = tx.all(made, [to.unix()], |row| id(row).map(KeyId))?;
    made.iter().try_for_each(|key| revoke(tx, *key, to))?;
    Ok(made)
}

/// Secrets that were replaced then are over for good.
fn grace_periods(tx: &mut Tx<'_>, to: Timestamp) -> Result<(), StoreError> {
    let replaced = "SELECT digest, key_id FROM api_key_secrets WHERE ends_at > ?1 AND key_id IN
                    (SELECT key_id FROM api_key_secrets WHERE (created_at <= ?1) IS NOT TRUE)";
    let named =
        |row: &Row<'_>| Ok((rows::get::<Owned>(row, "digest")?, to_end::number(row, "key_id").map(KeyId)));
    let replaced = tx.all(replaced, [to.unix()], named)?;
    for (digest, _) in &replaced {
        match tx.change("UPDATE api_key_secrets SET ends_at = 0 WHERE digest = ?1", [digest]) {
            Err(error) if is_constraint(&error) => {
                log(&error, "a secret that was replaced cannot be changed, and is taken away");
                tx.change("DELETE FROM api_key_secrets WHERE digest = ?1", [digest])?;
            }
            changed => drop(changed?),
        }
    }
    let keys: BTreeSet<KeyId> = replaced.into_iter().filter_map(|(_, key)| key).collect();
    keys.into_iter().try_for_each(|key| publish(tx, key))
}

fn publish(tx: &mut Tx<'_>, key: KeyId) -> Result<(), StoreError> {
    match publish_secrets(tx, key) {
        // One that cannot be read opens nothing; until a restart the others of its key do not either.
        Err(error) if is_of_a_row(&error) => tx.publish(Change::Secrets(key, Vec::new())),
        published => published?,
    }
    Ok(())
}

fn invitations(tx: &mut Tx<'_>, to: Timestamp) -> Result<(), StoreError> {
    let made = "DELETE FROM invitations WHERE (created_at <= ?1) IS NOT TRUE RETURNING account_id, user_id";
    let gone = tx.all(made, [to.unix()], |row| {
        Ok(to_end::number(row, "account_id").map(AccountId).zip(to_end::number(row, "user_id").map(UserId)))
    })?;
    gone.iter().flatten().for_each(|(account, user)| tx.publish(Change::Invited(*account, *user, None)));
    Ok(())
}

/// Answers of idempotent writes are kept for a day from now. Those that show a secret are closed. One that cannot be changed stays as
/// it is, so that its write is not executed again; what shows a secret does not.
fn answers(tx: &mut Tx<'_>, to: Timestamp) -> Result<(), StoreError> {
    let made = "SELECT name FROM idempotency WHERE (completed_at <= ?1) IS NOT TRUE";
    for name in tx.all(made, [to.unix()], |row| rows::get::<Owned>(row, "name"))? {
        let closed = "UPDATE idempotency SET completed_at = ?2, body = CASE WHEN salt IS NULL THEN body END, salt = NULL
                      WHERE name = ?1";
        match tx.change(closed, params![&name, to.unix()]) {
            Err(error) if is_constraint(&error) => {
                log(&error, "a kept answer cannot be changed; it is taken away if it shows a secret");
                tx.forget_answers("name = ?1 AND salt IS NOT NULL", [&name])?;
            }
            changed => drop(changed?),
        }
    }
    Ok(())
}

/// A signing key that would begin in years begins now: else it would have no successor until then. One that cannot be read signs
/// nothing.
fn signing_keys(tx: &mut Tx<'_>, to: Timestamp) -> Result<(), StoreError> {
    let begin = format!(
        "UPDATE signing_keys SET created_at = ?2, signs_from = ?2 WHERE id = ?1 RETURNING {}",
        rows::SIGNING_KEY
    );
    for id in tx.all("SELECT id FROM signing_keys WHERE (created_at <= ?1) IS NOT TRUE", [to.unix()], id)? {
        match tx.first(&begin, params![id, to.unix()], rows::signing_key) {
            Err(error) if is_of_a_row(&error) => {
                log(&error, "a signing key cannot be read, and does not sign")
            }
            key => key?.into_iter().for_each(|key| tx.publish(Change::SigningKey(key))),
        }
    }
    Ok(())
}

/// SQLite changes no row that holds a value of another type than its column's.
fn log(error: &StoreError, what: &'static str) {
    tracing::error!(%error, "{what}");
}
