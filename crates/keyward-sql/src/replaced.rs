//! The SQL of secrets that were replaced. They open nothing, but their text may be all that is known of a leak: by it their key is found
//! and ended.

use crate::driver::Row;
use crate::key_origins::come_through;
use crate::params;
use crate::tx::Tx;
use crate::{Reads, to_end};
use keyward_core::api_key::{Digest, KeyOfSecret, MOST_REPLACED, Replaced};
use keyward_core::clock::Timestamp;
use keyward_core::id::KeyId;
use keyward_core::made_by::MadeBy;
use keyward_core::store::StoreError;

/// The current secret of a key gives way to another one: it lives on until its end. Two live at most, so the one before is over. One
/// whose end is now stays beside the current one, so that the log can say why it is refused.
pub(crate) fn replace(
    tx: &Tx<'_>,
    key: KeyId,
    (ends_at, by): (Timestamp, Option<MadeBy>),
    now: Timestamp,
) -> Result<(), StoreError> {
    put_away(tx, key)?;
    come_through(tx, key, ends_at, by)?;
    tx.change(
        "UPDATE api_key_secrets SET ends_at = ?2, replaced_at = ?3, replaced_by = ?4 WHERE key_id = ?1",
        params![key.0, ends_at.unix(), now.unix(), by.map(MadeBy::text)],
    )?;
    Ok(())
}

/// Of those that were replaced before, nothing but what finds their key stays.
fn put_away(tx: &Tx<'_>, key: KeyId) -> Result<(), StoreError> {
    // A value of another type than its column's must not keep the key from being rotated.
    tx.change(
        "INSERT INTO replaced_secrets (digest, key_id, pepper_version, lived, replaced_at, replaced_by)
         SELECT digest, key_id, pepper_version,
             CASE WHEN typeof(replaced_at) = 'integer' AND typeof(created_at) = 'integer'
                 THEN CASE WHEN replaced_at > created_at THEN replaced_at - created_at ELSE 0 END ELSE 9223372036854775807 END,
             CASE typeof(replaced_at) WHEN 'integer' THEN replaced_at END,
             CASE typeof(replaced_by) WHEN 'text' THEN replaced_by END
         FROM api_key_secrets WHERE key_id = ?1 AND ends_at IS NOT NULL
         AND typeof(digest) = 'blob' AND typeof(pepper_version) = 'integer'
         ON CONFLICT (digest) DO NOTHING",
        [key.0],
    )?;
    tx.change("DELETE FROM api_key_secrets WHERE key_id = ?1 AND ends_at IS NOT NULL", [key.0])?;
    tx.change(
        "DELETE FROM replaced_secrets WHERE digest IN (SELECT digest FROM replaced_secrets WHERE key_id = ?1
             ORDER BY lived DESC, replaced_at DESC LIMIT 1000000000000 OFFSET ?2)",
        params![key.0, MOST_REPLACED],
    )?;
    Ok(())
}

const CURRENT_OR_LAST: &str =
    "SELECT key_id, ends_at, replaced_at, replaced_by FROM api_key_secrets WHERE digest = ?1";
const EARLIER: &str =
    "SELECT key_id, 0 AS ends_at, replaced_at, replaced_by FROM replaced_secrets WHERE digest = ?1";

/// The key that has, or had, the secret with this digest, whatever else the rows hold.
pub(crate) fn key_of(reads: &Reads<'_>, digest: &Digest) -> Result<Option<KeyOfSecret>, StoreError> {
    for sql in [CURRENT_OR_LAST, EARLIER] {
        if let Some(found) = reads.first(sql, [digest.as_bytes()], |row| Ok(key_of_secret(row)))?.flatten() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// What is no time at all is no end: then the secret counts as the current one.
fn key_of_secret(row: &Row<'_>) -> Option<KeyOfSecret> {
    let replaced = to_end::number(row, "ends_at").map(|_| Replaced {
        at: to_end::number(row, "replaced_at").map(Timestamp::from_unix),
        // Absent: that is not recorded, or cannot be read; the key ends anyway.
        by: to_end::text(row, "replaced_by").as_deref().and_then(MadeBy::parse),
    });
    Some(KeyOfSecret { key: KeyId(to_end::number(row, "key_id")?), replaced })
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward_core::limits::Tiers;
    use rusqlite::Connection;

    const TABLES: &str = "CREATE TABLE api_key_secrets (digest BLOB PRIMARY KEY, key_id INTEGER, pepper_version INTEGER,
            ends_at INTEGER, created_at INTEGER, replaced_at INTEGER, replaced_by TEXT);
        CREATE TABLE key_origins (key_id INTEGER, origin INTEGER, depth INTEGER, ends_at INTEGER);
        CREATE TABLE replaced_secrets (digest BLOB PRIMARY KEY, key_id INTEGER, pepper_version INTEGER, lived INTEGER,
            replaced_at INTEGER, replaced_by TEXT);";

    fn add(tx: &Tx<'_>, number: u32, at: i64) {
        let sql =
            "INSERT INTO api_key_secrets (digest, key_id, pepper_version, created_at) VALUES (?1, 1, 1, ?2)";
        tx.change(sql, params![number.to_be_bytes(), at]).unwrap();
    }

    fn numbers(tx: &Tx<'_>, table: &str) -> Vec<u32> {
        let sql = format!("SELECT digest FROM {table} ORDER BY digest");
        let number = |row: &Row<'_>| Ok(to_end::bytes(row, "digest").map(u32::from_be_bytes).unwrap());
        tx.all(&sql, [], number).unwrap()
    }

    #[test]
    fn rotating_quickly_does_not_push_out_the_secret_that_leaked() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(TABLES).unwrap();
        let tx = Tx::new(connection.transaction().unwrap(), Tiers::default(), true);
        let at = |unix: i64| Timestamp::from_unix(unix);
        add(&tx, 0, 0);
        let last = MOST_REPLACED + 50;
        for number in 1..=last {
            let now = 86_400 + i64::from(number);
            replace(&tx, KeyId(1), (at(0), Some(MadeBy::ApiKey(1))), at(now)).unwrap();
            add(&tx, number, now);
        }
        assert_eq!(numbers(&tx, "api_key_secrets"), [last - 1, last], "the current one, and the last before");
        let kept = numbers(&tx, "replaced_secrets");
        assert_eq!((kept.first(), kept.len()), (Some(&0), usize::try_from(MOST_REPLACED).unwrap()));
        assert_eq!(kept.last(), Some(&(last - 2)), "of those that lived as long, the newest");
    }
}
