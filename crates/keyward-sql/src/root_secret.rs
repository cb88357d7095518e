//! The SQL of the versions of the root secret that a store belongs to.

use crate::error::is_of_a_row;
use crate::journal::Ended;
use crate::params;
use crate::rows;
use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Stop};
use keyward_core::id::KeyId;
use keyward_core::idempotency::KEPT_SECONDS;
use keyward_core::live::Change;
use keyward_core::permit::{Administer, Permit};
use keyward_core::root_secret::{AddVersion, RetireVersion, VersionRetired};
use keyward_core::store::StoreError;

/// As many ids are named in a refusal.
const NAMED: usize = 10;

impl Execute<RetireVersion> for Tx<'_> {
    fn execute(
        &mut self,
        e: &RetireVersion,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<VersionRetired, Stop> {
        let unmoved = unmoved(self, e.version, now)?;
        if !unmoved.is_empty() {
            return Err(Denial::invalid("version", still_there(e.version, &unmoved)).into());
        }
        let kept = "SELECT max(completed_at) AS last FROM idempotency WHERE secret_version = ?1";
        let last = self.first(kept, [e.version], |row| rows::time(row, "last"))?.flatten();
        let until = last.map(|last| last.plus_seconds(KEPT_SECONDS)).filter(|until| *until > now);
        if let Some(until) = until.filter(|_| !e.forget_answers) {
            let text = format!(
                "writes that carried an Idempotency-Key under version {} can be repeated until {until}; wait, or repeat with \
                 --revoke-unmoved, after which their repetition is a new write",
                e.version
            );
            return Err(Denial::invalid("version", text).into());
        }
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

fn still_there(version: u32, unmoved: &[KeyId]) -> String {
    let ids: Vec<String> = unmoved.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if unmoved.len() > NAMED { ", …" } else { "" };
    let (count, word) = (unmoved.len(), if unmoved.len() == 1 { "key has" } else { "keys have" });
    format!(
        "{count} {word} not been used since the last rotation, on version {version} (ids {}{more}); a key moves at its next \
         use, and one of a disabled user cannot; wait, revoke them, or repeat with --revoke-unmoved",
        ids.join(", ")
    )
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
