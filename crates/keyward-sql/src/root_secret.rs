//! The SQL of the versions of the root secret that a store belongs to.

use crate::error::is_of_a_row;
use crate::journal::Ended;
use crate::params;
use crate::rows;
use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::effect::{Execute, Stop};
use keyward_core::id::KeyId;
use keyward_core::live::Change;
use keyward_core::permit::{Administer, Permit};
use keyward_core::root_secret::may_retire;
use keyward_core::store::StoreError;
use keyward_core::write::root_secret::{AddVersion, RetireVersion, VersionRetired};

impl Execute<RetireVersion> for Tx<'_> {
    fn execute(
        &mut self,
        e: &RetireVersion,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<VersionRetired, Stop> {
        let unmoved = unmoved(self, e.version, now)?;
        let kept = "SELECT max(completed_at) AS last FROM idempotency WHERE secret_version = ?1";
        let last = self.first(kept, [e.version], |row| rows::time(row, "last"))?.flatten();
        may_retire(e.version, &unmoved, last, e.forget_answers, now)?;
        self.forget_answers("secret_version = ?1", [e.version])?;
        forget(self, e.version)?;
        let retired =
            self.change("DELETE FROM root_secret_versions WHERE version = ?1", [i64::from(e.version)])?;
        self.note(Ended::RootSecret(e.version));
        Ok(VersionRetired { version: e.version, now: retired > 0 })
    }
}

/// The live keys whose current secret, the one without an end, is of this version. Of a key that was rotated since, only the
/// secret in its grace is, and that one ends.
fn unmoved(tx: &Tx<'_>, version: u32, now: Timestamp) -> Result<Vec<KeyId>, StoreError> {
    let sql = "SELECT id FROM api_keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?2) AND id IN
                   (SELECT key_id FROM api_key_secrets WHERE pepper_version = ?1 AND ends_at IS NULL) ORDER BY id";
    tx.all(sql, params![version, now.unix()], |row| rows::get(row, "id").map(KeyId))
}

/// Takes every digest of this version out: nobody can compute one any more.
fn forget(tx: &mut Tx<'_>, version: u32) -> Result<(), StoreError> {
    let keys: Vec<KeyId> =
        tx.all("SELECT DISTINCT key_id FROM api_key_secrets WHERE pepper_version = ?1", [version], |row| {
            rows::get(row, "key_id").map(KeyId)
        })?;
    tx.change("DELETE FROM api_key_secrets WHERE pepper_version = ?1", [version])?;
    tx.change("DELETE FROM replaced_secrets WHERE pepper_version = ?1", [version])?;
    let sql = format!("SELECT {} FROM api_key_secrets WHERE key_id = ?1", rows::SECRET);
    for key in keys {
        let left = tx.all(&sql, [key.0], |row| match rows::secret(row) {
            // A secret that cannot be read opens nothing, and keeps no version alive.
            Err(error) if is_of_a_row(&error) => Ok(None),
            secret => secret.map(Some),
        })?;
        tx.publish(Change::Secrets(key, left.into_iter().flatten().collect()));
    }
    Ok(())
}

impl Execute<AddVersion> for Tx<'_> {
    fn execute(&mut self, e: &AddVersion, _: &Permit<Administer>, now: Timestamp) -> Result<u32, Stop> {
        self.change(
            "INSERT INTO root_secret_versions (version, check_value, created_at) VALUES (?1, ?2, ?3)",
            params![e.version, e.check, now.unix()],
        )?;
        Ok(e.version)
    }
}
