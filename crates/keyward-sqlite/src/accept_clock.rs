//! The operator's word that the clock is right. What was made in the time that is taken back would end too late, by as much as is
//! taken back: it ends now, and nothing else of it is read.

use crate::keys::publish_secrets;
use crate::rows;
use crate::tx::Tx;
use keyward_core::clock::{AcceptClock, ClockAccepted, Timestamp};
use keyward_core::effect::{Execute, Stop};
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::live::Change;
use keyward_core::oauth::{GrantEnd, GrantId, Grants};
use keyward_core::permit::{Administer, Permit};
use keyward_core::store::StoreError;
use rusqlite::{Row, params};

impl Execute<AcceptClock> for Tx<'_> {
    /// A clock that is not behind takes nothing back: a small difference is gone by itself.
    fn execute(
        &mut self,
        e: &AcceptClock,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<ClockAccepted, Stop> {
        if !self.clock().behind {
            return Ok(ClockAccepted { from: now, to: now });
        }
        let to = e.to.min(now);
        let newest = "INSERT OR REPLACE INTO clock (one, newest, settled) VALUES (1, ?1, ?1)";
        self.change(newest, [to.unix()])?;
        sign_ins(self, to)?;
        grace_periods(self, to)?;
        invitations(self, to)?;
        answers(self, to)?;
        signing_keys(self, to)?;
        self.publish(Change::ClockAccepted(to));
        Ok(ClockAccepted { from: now, to })
    }
}

fn id(row: &Row<'_>) -> Result<i64, StoreError> {
    rows::get(row, "id")
}

fn sign_ins(tx: &mut Tx<'_>, to: Timestamp) -> Result<(), StoreError> {
    for id in tx.all("DELETE FROM sessions WHERE created_at > ?1 RETURNING id", [to.unix()], id)? {
        tx.publish(Change::SessionGone(id));
    }
    tx.change("DELETE FROM password_links WHERE created_at > ?1", [to.unix()])?;
    let grants = "UPDATE oauth_grants SET ended_at = ?1, ended_by = ?2
                  WHERE ended_at IS NULL AND created_at > ?1 RETURNING id";
    for id in tx.all(grants, params![to.unix(), GrantEnd::ClockAccepted.word()], id)? {
        tx.publish(Change::GrantsEnded(Grants::One(GrantId(id))));
    }
    Ok(())
}

/// Secrets that were replaced then are over for good.
fn grace_periods(tx: &mut Tx<'_>, to: Timestamp) -> Result<(), StoreError> {
    let replaced = "UPDATE api_key_secrets SET ends_at = 0 WHERE ends_at > ?1 AND key_id IN
                    (SELECT key_id FROM api_key_secrets WHERE created_at > ?1) RETURNING key_id";
    let keys = tx.all(replaced, [to.unix()], |row| Ok(KeyId(rows::get(row, "key_id")?)))?;
    for key in keys {
        match publish_secrets(tx, key) {
            Ok(()) => {}
            // One that cannot be read opens nothing; until a restart the others of its key do not either.
            Err(StoreError::Corrupt { .. }) => tx.publish(Change::Secrets(key, Vec::new())),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn invitations(tx: &mut Tx<'_>, to: Timestamp) -> Result<(), StoreError> {
    let made = "DELETE FROM invitations WHERE created_at > ?1 RETURNING account_id, user_id";
    let gone = tx.all(made, [to.unix()], |row| {
        Ok((AccountId(rows::get(row, "account_id")?), UserId(rows::get(row, "user_id")?)))
    })?;
    gone.into_iter().for_each(|(account, user)| tx.publish(Change::Invited(account, user, None)));
    Ok(())
}

/// Answers of idempotent writes are kept for a day from now. Those that show a secret are closed.
fn answers(tx: &Tx<'_>, to: Timestamp) -> Result<(), StoreError> {
    let made =
        "UPDATE idempotency SET completed_at = ?1, body = CASE WHEN salt IS NULL THEN body END, salt = NULL
                WHERE completed_at > ?1";
    tx.change(made, [to.unix()]).map(drop)
}

/// A signing key that would begin in years begins now: else it would have no successor until then.
fn signing_keys(tx: &mut Tx<'_>, to: Timestamp) -> Result<(), StoreError> {
    let made = format!(
        "UPDATE signing_keys SET created_at = ?1, signs_from = ?1 WHERE created_at > ?1 RETURNING {}",
        rows::SIGNING_KEY
    );
    // One that cannot be read signs nothing.
    let keys = tx.all(&made, [to.unix()], |row| match rows::signing_key(row) {
        Ok(key) => Ok(Some(key)),
        Err(StoreError::Corrupt { .. }) => Ok(None),
        Err(error) => Err(error),
    })?;
    keys.into_iter().flatten().for_each(|key| tx.publish(Change::SigningKey(key)));
    Ok(())
}
