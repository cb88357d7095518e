//! The SQL of what came of a key: the keys that it made or gave a secret to, what came of these, and whom they invited.

use crate::dialect::Dialect;
use crate::driver::Row;
use crate::invitation_endings::{Invitations, end_invitations};
use crate::key_endings::revoke_these;
use crate::params;
use crate::rows;
use crate::to_end;
use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::made_by::MadeBy;
use keyward_core::store::StoreError;
use keyward_core::write::key::Descendants;
use std::collections::BTreeSet;

/// Ends what came of a key, and what came of those keys in their turn. A key makes and rotates keys of its own user in its own
/// account: who may end it may end those. What ended before is walked over, and costs no statement of its own.
pub(crate) fn end_descendants(
    tx: &mut Tx<'_>,
    of: KeyId,
    account: Option<AccountId>,
    now: Timestamp,
) -> Result<Descendants, StoreError> {
    let family = Family::of(tx, of, account, now)?;
    let mut invitations = Vec::new();
    for maker in inviters(tx, account)?.into_iter().filter(|maker| family.has(maker)) {
        invitations.extend(end_invitations(tx, Invitations::MadeBy(maker), now)?);
    }
    let members = members(tx, &family, account)?;
    Ok(Descendants { invitations, members, keys: revoke_these(tx, family.live, now)? })
}

/// A key and what came of it.
struct Family {
    /// Ended ones included: an ended one may have made others.
    all: BTreeSet<KeyId>,
    /// Those that did not end, without the key itself.
    live: Vec<KeyId>,
}

impl Family {
    /// The keys that a key made, those whose secret came through it and is not over, and what came of these. In the same account also
    /// each that did not end and whose maker cannot be read: it may be one of them, and opens nothing once the store is opened again.
    fn of(tx: &Tx<'_>, of: KeyId, account: Option<AccountId>, now: Timestamp) -> Result<Self, StoreError> {
        let read = |row: &Row<'_>| Ok((KeyId(rows::get(row, "id")?), rows::get::<bool>(row, "over")?));
        let known = tx.all(family(tx.dialect()), params![of.0, now.unix()], read)?;
        let unread = tx.all(maker_unread(tx.dialect()), [account.map(|account| account.0)], |row| {
            Ok(KeyId(rows::get(row, "id")?))
        })?;
        let live = known.iter().filter(|(_, over)| !over).map(|(key, _)| *key);
        let live: BTreeSet<KeyId> = live.chain(unread.iter().copied()).filter(|key| *key != of).collect();
        let all = known.into_iter().map(|(key, _)| key).chain(unread).chain([of]).collect();
        Ok(Self { all, live: live.into_iter().collect() })
    }

    fn has(&self, maker: &MadeBy) -> bool {
        matches!(maker, MadeBy::ApiKey(id) if self.all.contains(&KeyId(*id)))
    }
}

fn family(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => FAMILY,
        Dialect::Postgres => FAMILY_IN_ONE,
    }
}

fn maker_unread(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => MAKER_UNREAD,
        Dialect::Postgres => MAKER_UNREAD_BY_PATTERN,
    }
}

const FAMILY: &str = "WITH RECURSIVE family (id) AS (
        SELECT ?1
        UNION SELECT k.id FROM family f JOIN api_keys k ON k.made_by = 'api_key:' || f.id
        UNION SELECT o.key_id FROM family f JOIN key_origins o ON o.origin = f.id
            WHERE o.ends_at IS NULL OR o.ends_at > ?2)
    SELECT k.id, typeof(k.revoked_at) = 'integer' AS over FROM family f JOIN api_keys k ON k.id = f.id";

/// The same for a database that takes one question that names the family, and no more.
const FAMILY_IN_ONE: &str = "WITH RECURSIVE family (id) AS (
        SELECT CAST(?1 AS BIGINT)
        UNION SELECT c.id FROM family f CROSS JOIN LATERAL (
            SELECT k.id FROM api_keys k WHERE k.made_by = 'api_key:' || f.id
            UNION ALL SELECT o.key_id FROM key_origins o WHERE o.origin = f.id
                AND (o.ends_at IS NULL OR o.ends_at > ?2)) c)
    SELECT k.id, typeof(k.revoked_at) = 'integer' AS over FROM family f JOIN api_keys k ON k.id = f.id";

/// An index holds these alone.
const MAKER_UNREAD: &str = "SELECT id FROM api_keys WHERE account_id = ?1 AND typeof(revoked_at) <> 'integer'
    AND made_by IS NOT NULL
    AND (typeof(made_by) <> 'text' OR made_by <> 'operator' AND made_by NOT GLOB '*:[1-9]*')";

/// The same by a regular expression.
const MAKER_UNREAD_BY_PATTERN: &str = "SELECT id FROM api_keys WHERE account_id = ?1
    AND typeof(revoked_at) <> 'integer' AND made_by IS NOT NULL
    AND (typeof(made_by) <> 'text' OR made_by <> 'operator' AND made_by !~ ':[1-9]')";

const INVITERS: [&str; 2] = [
    "SELECT DISTINCT made_by FROM invitations WHERE account_id = ?1",
    "SELECT DISTINCT made_by FROM invitations WHERE CAST(?1 AS BIGINT) IS NULL",
];

const PLACES: [&str; 2] = [
    "SELECT account_id, user_id, made_by, raised_by FROM memberships WHERE account_id = ?1 ORDER BY user_id",
    "SELECT account_id, user_id, made_by, raised_by FROM memberships WHERE CAST(?1 AS BIGINT) IS NULL ORDER BY account_id, user_id",
];

/// The question about an account; where the key's row does not say which it is, the one about all of them.
fn about(account: Option<AccountId>, [of_one, of_all]: [&'static str; 2]) -> (&'static str, Option<i64>) {
    (if account.is_some() { of_one } else { of_all }, account.map(|account| account.0))
}

/// The credentials that made open invitations, as far as they can be read.
fn inviters(tx: &Tx<'_>, account: Option<AccountId>) -> Result<Vec<MadeBy>, StoreError> {
    let (sql, account) = about(account, INVITERS);
    let made_by = tx.all(sql, [account], |row| Ok(to_end::text(row, "made_by")))?;
    Ok(made_by.into_iter().flatten().filter_map(|text| MadeBy::parse(&text)).collect())
}

/// Who became a member by the family, or was raised by it.
fn members(
    tx: &Tx<'_>,
    family: &Family,
    account: Option<AccountId>,
) -> Result<Vec<(AccountId, UserId)>, StoreError> {
    let read = |row: &Row<'_>| {
        let by = |column| to_end::text(row, column).as_deref().and_then(MadeBy::parse);
        let by = [by("made_by"), by("raised_by")].into_iter().flatten().any(|by| family.has(&by));
        let place = to_end::number(row, "account_id").zip(to_end::number(row, "user_id"));
        Ok(place.filter(|_| by).map(|(account, user)| (AccountId(account), UserId(user))))
    };
    let (sql, account) = about(account, PLACES);
    Ok(tx.all(sql, [account], read)?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_origins::note_origins;
    use crate::testing::migrate;
    use keyward_core::limits::Tiers;
    use rusqlite::Connection;

    const NOW: Timestamp = Timestamp::FIRST;

    fn database() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection);
        let team = "INSERT INTO accounts (id, slug, name, created_at, tier) VALUES (1, 'acme', 'Acme', 1, 'free');
            INSERT INTO users (id, uuid, email, first_name, last_name, created_at) VALUES (1, 'u', 'a@a.example', 'A', 'B', 1);";
        connection.execute_batch(team).unwrap();
        connection
    }

    fn key(tx: &Tx<'_>, id: i64, by: Option<i64>, revoked: bool) {
        let sql = "INSERT INTO api_keys (id, account_id, user_id, label, prefix, permission, created_at, made_by, revoked_at)
                   VALUES (?1, 1, 1, 'Key', 'lev_sk_abcd', 'read_only', 1, ?2, ?3)";
        let by = by.map(|by| MadeBy::ApiKey(by).text());
        tx.change(sql, params![id, by, revoked.then_some(1)]).unwrap();
    }

    fn ended(tx: &mut Tx<'_>, of: i64) -> Vec<i64> {
        let ended = end_descendants(tx, KeyId(of), Some(AccountId(1)), NOW).unwrap();
        ended.keys.into_iter().map(|key| key.0).collect()
    }

    #[test]
    fn what_ended_before_costs_no_statement_and_hides_nothing() {
        let mut connection = database();
        let mut tx = Tx::new(connection.transaction().unwrap(), Tiers::default(), true);
        key(&tx, 1, None, true);
        (2..2_000).for_each(|id| key(&tx, id, Some(1), true));
        key(&tx, 2_000, Some(1_999), false);
        key(&tx, 2_001, None, false);
        let before = tx.changes().len();
        assert_eq!(ended(&mut tx, 1), [2_000]);
        let published = tx.changes().len() - before;
        assert_eq!(ended(&mut tx, 1), [0_i64; 0]);
        assert_eq!((published, tx.changes().len() - before), (1, 1), "again, there is nothing to do");
    }

    #[test]
    fn no_question_reads_every_key_of_an_account_or_what_is_in_others() {
        let connection = database();
        for sql in [FAMILY, MAKER_UNREAD, INVITERS[0], PLACES[0]] {
            let sql = format!("EXPLAIN QUERY PLAN {sql}");
            let mut plan = connection.prepare(&sql).unwrap();
            let none = vec![None::<i64>; plan.parameter_count()];
            let steps =
                plan.query_map(rusqlite::params_from_iter(none), |row| row.get::<_, String>(3)).unwrap();
            let steps: Vec<String> = steps.map(Result::unwrap).collect();
            let reads_all = |step: &&String| {
                step.starts_with("SCAN api_keys")
                    || step.starts_with("SCAN k")
                    || step.contains("api_keys_by_owner")
            };
            assert_eq!(steps.iter().find(reads_all), None, "{steps:?}");
        }
    }

    #[test]
    fn the_key_that_rotated_another_is_known_however_long_the_chain_before_it_is() {
        let mut connection = database();
        let mut tx = Tx::new(connection.transaction().unwrap(), Tiers::default(), true);
        key(&tx, 1, None, false);
        for id in 2..150 {
            key(&tx, id, Some(id - 1), false);
            note_origins(&tx, KeyId(id), Some(MadeBy::ApiKey(id - 1))).unwrap();
        }
        key(&tx, 1_000, None, false);
        note_origins(&tx, KeyId(1_000), Some(MadeBy::ApiKey(149))).unwrap();
        let rows = "SELECT count(*) AS number FROM key_origins WHERE key_id = 1000";
        let rows = tx.first(rows, [], |row| rows::get::<i64>(row, "number")).unwrap();
        assert_eq!(rows, Some(11), "few rows a key");
        assert_eq!(ended(&mut tx, 149), [1_000]);
        assert_eq!(ended(&mut tx, 3).len(), 146, "and through all between");
    }
}
