//! The SQL of where the secrets of keys came from: through which other keys. After a leak they end with the key that leaked, whatever
//! has become of them since.

use crate::params;
use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::id::KeyId;
use keyward_core::made_by::MadeBy;
use keyward_core::store::StoreError;

/// So many keys are kept through which the secret of the one that gave it had come, the first ones: those between them and the last
/// came of them too.
const ORIGINS: u32 = 10;

/// The next secret of a key came through the key that rotates it, and through all that the secret of that one had come through: of
/// two keys that rotate each other both came through the one that was there first. One that rotates itself stays in the same hands.
pub(crate) fn come_through(
    tx: &Tx<'_>,
    key: KeyId,
    ends_at: Timestamp,
    by: Option<MadeBy>,
) -> Result<(), StoreError> {
    tx.change("DELETE FROM key_origins WHERE key_id = ?1 AND ends_at IS NOT NULL", [key.0])?;
    if by == Some(MadeBy::ApiKey(key.0)) {
        return Ok(());
    }
    tx.change("UPDATE key_origins SET ends_at = ?2 WHERE key_id = ?1", params![key.0, ends_at.unix()])?;
    note_origins(tx, key, by)
}

/// Notes through which keys the first or next secret of a key comes.
pub(crate) fn note_origins(tx: &Tx<'_>, key: KeyId, by: Option<MadeBy>) -> Result<(), StoreError> {
    if let Some(MadeBy::ApiKey(by)) = by {
        let sql = "INSERT INTO key_origins (key_id, origin, depth)
                   SELECT ?1, origin, min(depth) FROM key_origins
                   WHERE key_id = ?2 AND ends_at IS NULL AND origin NOT IN (?1, ?2)
                   GROUP BY origin ORDER BY min(depth) LIMIT ?3";
        tx.change(sql, params![key.0, by, ORIGINS])?;
        // The one that gave it is kept whatever was before.
        let sql = "INSERT INTO key_origins (key_id, origin, depth)
                   SELECT ?1, ?2, coalesce(max(depth), 0) + 1 FROM key_origins WHERE key_id = ?2 AND ends_at IS NULL";
        tx.change(sql, params![key.0, by])?;
    }
    Ok(())
}
