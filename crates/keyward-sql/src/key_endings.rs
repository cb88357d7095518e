//! The SQL of what ends keys: by their ids, whatever else their rows hold.

use crate::descendants::end_descendants;
use crate::driver::Row;
use crate::error::is_constraint;
use crate::idempotency::forget_secrets;
use crate::params;
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::api_key::{RevokeReach, WhoseKeys};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Replay, Stop};
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::live::Change;
use keyward_core::permit::{Administer, Holder, Permit, RevokeKeys};
use keyward_core::store::StoreError;
use keyward_core::write::key::{KeyRevoked, KeysRevoked, RevokeKey, RevokeKeysOf};
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
    let sql = "SELECT id FROM api_keys WHERE (CAST(?1 AS BIGINT) IS NULL OR account_id = ?1)
               AND (CAST(?2 AS BIGINT) IS NULL OR user_id = ?2) AND typeof(revoked_at) <> 'integer'";
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
}

impl Replay<RevokeKey> for Tx<'_> {
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

/// A key, its account, and whether it was revoked. No more of the row is read than that, so a key can be ended whatever else is wrong
/// with it.
type ToRevoke = (KeyId, Option<AccountId>, bool);

/// The key to revoke: of the operator's, any; of a caller's, one within its reach.
fn to_revoke(tx: &Tx<'_>, e: &RevokeKey, permit: &Permit<RevokeKeys>) -> Result<ToRevoke, Stop> {
    let found = match permit.holder() {
        Holder::Operator(_) => tx.first(TO_REVOKE, [e.key.map(|key| key.0)], read_to_revoke)?,
        Holder::Principal(_) | Holder::Bearer | Holder::Presenter(_) | Holder::Background => {
            reached(tx, e.key, RevokeReach::of(permit.principal()?, permit.only_itself())?)?
        }
    };
    Ok(found.ok_or_else(|| Denial::not_found("API key", &e.as_sent))?)
}

const TO_REVOKE: &str = "SELECT id, account_id, revoked_at FROM api_keys WHERE id = ?1";

fn read_to_revoke(row: &Row<'_>) -> Result<ToRevoke, StoreError> {
    let account = to_end::number(row, "account_id").map(AccountId);
    Ok((KeyId(rows::get(row, "id")?), account, to_end::number(row, "revoked_at").is_some()))
}

/// The key, if it is within this reach: [`RevokeReach::holds`], as SQL.
fn reached(tx: &Tx<'_>, key: Option<KeyId>, reach: RevokeReach) -> Result<Option<ToRevoke>, StoreError> {
    let within =
        format!("{TO_REVOKE} AND (id = ?5 OR (NOT ?6 AND account_id = ?2 AND (user_id = ?3 OR ?4)))");
    let values = params![
        key.map(|key| key.0),
        reach.account.0,
        reach.user.0,
        reach.whole_account,
        reach.itself.map(|key| key.0),
        reach.only_itself
    ];
    tx.first(&within, values, read_to_revoke)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::migrate;
    use keyward_core::limits::Tiers;
    use rusqlite::Connection;

    /// Two users in each of two accounts, with two keys each.
    fn database() -> (Connection, Vec<(KeyId, AccountId, UserId)>) {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection);
        let mut keys = Vec::new();
        for account in 1..=2 {
            let sql = "INSERT INTO accounts (id, slug, name, created_at, tier) VALUES (?1, 's' || ?1, 'A', 1, 'free')";
            connection.execute(sql, [account]).unwrap();
            let sql = "INSERT INTO users (id, uuid, email, first_name, last_name, created_at)
                       VALUES (?1, 'u' || ?1, ?1 || '@a.example', 'A', 'B', 1)";
            connection.execute(sql, [account]).unwrap();
        }
        for (id, account, user) in [(1, 1, 1), (2, 1, 1), (3, 1, 2), (4, 2, 1), (5, 2, 2), (6, 2, 2)] {
            let sql = "INSERT INTO api_keys (id, account_id, user_id, label, prefix, permission, created_at)
                       VALUES (?1, ?2, ?3, 'Key', 'lev_sk_abcd', 'read_only', 1)";
            connection.execute(sql, [id, account, user]).unwrap();
            keys.push((KeyId(id), AccountId(account), UserId(user)));
        }
        (connection, keys)
    }

    #[test]
    fn the_statement_reaches_the_keys_that_the_rule_names() {
        let (mut connection, keys) = database();
        let tx = Tx::new(connection.transaction().unwrap(), Tiers::default(), true);
        for itself in [None, Some(KeyId(1)), Some(KeyId(5))] {
            for (only_itself, whole_account) in [(false, false), (false, true), (true, false), (true, true)] {
                let (account, user) = (AccountId(1), UserId(1));
                let reach = RevokeReach { itself, only_itself, account, user, whole_account };
                for (key, account, user) in &keys {
                    let found = reached(&tx, Some(*key), reach).unwrap().map(|(key, ..)| key);
                    assert_eq!(found == Some(*key), reach.holds(*key, *account, *user), "{reach:?} {key}");
                }
            }
        }
    }
}
