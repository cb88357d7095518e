//! The SQL of what ends keys: by their ids, whatever else their rows hold.

use crate::descendants::end_descendants;
use crate::driver::Row;
use crate::error::is_constraint;
use crate::idempotency::forget_secrets;
use crate::params;
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::api_key::{KeyRevoked, KeysRevoked, RevokeKey, RevokeKeysOf, WhoseKeys};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Stop};
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::live::Change;
use keyward_core::permit::{Administer, Holder, Permit, RevokeKeys};
use keyward_core::principal::Credential;
use keyward_core::role::Role;
use keyward_core::store::StoreError;
use std::collections::BTreeSet;

/// Ends a key.
pub(crate) fn revoke(tx: &mut Tx<'_>, key: KeyId, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1";
    match tx.change(sql, params![key.0, now.unix()]) {
        // SQLite changes no row that holds a value of another type than its column's: such a row is taken away.
        Err(error) if is_constraint(&error) => {
            tracing::error!(%key, %error, "the row of a key that ends cannot be changed, and is taken away");
            tx.change("DELETE FROM api_key_secrets WHERE key_id = ?1", [key.0])?;
            tx.change("DELETE FROM replaced_secrets WHERE key_id = ?1", [key.0])?;
            tx.change("DELETE FROM key_origins WHERE key_id = ?1", [key.0])?;
            tx.change("DELETE FROM api_keys WHERE id = ?1", [key.0])?;
        }
        changed => drop(changed?),
    }
    forget_secrets(tx, key)?;
    tx.publish(Change::Revoked(key, now));
    Ok(())
}

/// Ends every key of a user in an account. Those that ended before are not looked at; what is no time is no end.
pub(crate) fn revoke_all_of(
    tx: &mut Tx<'_>,
    account: AccountId,
    user: UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "SELECT id FROM api_keys WHERE account_id = ?1 AND user_id = ?2 AND revoked_at IS NULL
               UNION ALL SELECT id FROM api_keys WHERE account_id = ?1 AND user_id = ?2 AND revoked_at > 9223372036854775807";
    let keys = tx.all(sql, params![account.0, user.0], |row| rows::get(row, "id").map(KeyId))?;
    revoke_these(tx, keys, now).map(drop)
}

/// Ends these keys, in their order; those that this ended. One that ended before is not among them, and ends in memory, whatever
/// that knows of it.
pub(crate) fn revoke_these(
    tx: &mut Tx<'_>,
    keys: Vec<KeyId>,
    now: Timestamp,
) -> Result<Vec<KeyId>, StoreError> {
    let over = "SELECT 1 FROM api_keys WHERE id = ?1 AND typeof(revoked_at) = 'integer'";
    let mut ended = Vec::with_capacity(keys.len());
    for key in keys {
        if tx.first(over, [key.0], |_| Ok(()))?.is_some() {
            tx.publish(Change::Revoked(key, now));
        } else {
            revoke(tx, key, now)?;
            ended.push(key);
        }
    }
    Ok(ended)
}

impl Execute<RevokeKeysOf> for Tx<'_> {
    fn execute(
        &mut self,
        e: &RevokeKeysOf,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<KeysRevoked, Stop> {
        let mut keys = live_of(self, e.whose)?;
        keys.extend(&e.known);
        let keys = revoke_these(self, keys.into_iter().collect(), now)?;
        Ok(KeysRevoked { whose: e.whose, keys })
    }
}

/// The keys of somebody that did not end. What is no time at all is no end.
fn live_of(tx: &Tx<'_>, whose: WhoseKeys) -> Result<BTreeSet<KeyId>, StoreError> {
    let (account, user) = whose.place();
    let sql = "SELECT id FROM api_keys WHERE (CAST(?1 AS BIGINT) IS NULL OR account_id = ?1) AND (CAST(?2 AS BIGINT) IS NULL OR user_id = ?2)
               AND typeof(revoked_at) <> 'integer'";
    let place = params![account.map(|account| account.0), user.map(|user| user.0)];
    Ok(tx.all(sql, place, |row| rows::get(row, "id").map(KeyId))?.into_iter().collect())
}

impl Execute<RevokeKey> for Tx<'_> {
    fn execute(
        &mut self,
        e: &RevokeKey,
        permit: &Permit<RevokeKeys>,
        now: Timestamp,
    ) -> Result<KeyRevoked, Stop> {
        let (key, account, revoked) = to_revoke(self, e, permit)?;
        if !revoked {
            revoke(self, key, now)?;
        }
        // A credential that may end nothing but itself does not look for others.
        let looks = e.descendants && !permit.only_itself();
        let descendants = if looks { Some(end_descendants(self, key, account, now)?) } else { None };
        Ok(KeyRevoked { key, account, now: !revoked, descendants })
    }

    fn may_replay(
        &mut self,
        e: &RevokeKey,
        _: i64,
        permit: &Permit<RevokeKeys>,
        _: Timestamp,
    ) -> Result<(), Stop> {
        to_revoke(self, e, permit).map(drop)
    }
}

/// The key to revoke, its account, and whether it was revoked: of an admin's account, else a caller's own, or only itself; of
/// the operator's, any. No more of the row is read than that, so a key can be ended whatever else is wrong with it.
fn to_revoke(
    tx: &Tx<'_>,
    e: &RevokeKey,
    permit: &Permit<RevokeKeys>,
) -> Result<(KeyId, Option<AccountId>, bool), Stop> {
    let absent = || Denial::not_found("API key", &e.as_sent);
    let id = e.key.map(|key| key.0);
    let sql = "SELECT id, account_id, revoked_at FROM api_keys WHERE id = ?1";
    let read = |row: &Row<'_>| {
        let account = to_end::number(row, "account_id").map(AccountId);
        Ok((KeyId(rows::get(row, "id")?), account, to_end::number(row, "revoked_at").is_some()))
    };
    if matches!(permit.holder(), Holder::Operator(_)) {
        return Ok(tx.first(sql, [id], read)?.ok_or_else(absent)?);
    }
    let (who, member) = (permit.principal()?, permit.member()?);
    // A credential may always end itself, whatever its row says of its place.
    let own = match &who.credential {
        Credential::ApiKey(key) => Some(key.id.0),
        Credential::Jwt(_) | Credential::Session(_) => None,
    };
    let admin = member.role == Role::Admin;
    let within = format!("{sql} AND (id = ?5 OR (NOT ?6 AND account_id = ?2 AND (user_id = ?3 OR ?4)))");
    let reached = params![id, member.account.0, who.user.0, admin, own, permit.only_itself()];
    Ok(tx.first(&within, reached, read)?.ok_or_else(absent)?)
}
