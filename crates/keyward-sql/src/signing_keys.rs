//! The SQL of signing keys, which are sealed before they come here.

use crate::params;
use crate::rows;
use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::effect::{Execute, Stop};
use keyward_core::live::Change;
use keyward_core::permit::{Administer, Permit};
use keyward_core::signing::SealedKey;
use keyward_core::write::signing_key::{AddSigningKey, RemoveSigningKey, ResealSigningKey};

impl Execute<AddSigningKey> for Tx<'_> {
    fn execute(
        &mut self,
        e: &AddSigningKey,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<SealedKey, Stop> {
        if e.alone {
            for gone in self.all("DELETE FROM signing_keys RETURNING id", [], |row| rows::get(row, "id"))? {
                self.publish(Change::SigningKeyGone(gone));
            }
        }
        let key = &e.key;
        let id = self.insert(
            "INSERT INTO signing_keys (kid, sealed, nonce, secret_version, created_at, signs_from)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                &*key.kid,
                &*key.sealed,
                key.nonce.as_slice(),
                key.version,
                now.unix(),
                key.signs_from.unix()
            ],
        )?;
        let key = SealedKey { id, created_at: now, ..key.clone() };
        self.publish(Change::SigningKey(key.clone()));
        Ok(key)
    }
}

impl Execute<RemoveSigningKey> for Tx<'_> {
    fn execute(&mut self, e: &RemoveSigningKey, _: &Permit<Administer>, _: Timestamp) -> Result<i64, Stop> {
        self.change("DELETE FROM signing_keys WHERE id = ?1", [e.0])?;
        self.publish(Change::SigningKeyGone(e.0));
        Ok(e.0)
    }
}

impl Execute<ResealSigningKey> for Tx<'_> {
    fn execute(&mut self, e: &ResealSigningKey, _: &Permit<Administer>, _: Timestamp) -> Result<i64, Stop> {
        let key = &e.0;
        self.change(
            "UPDATE signing_keys SET sealed = ?2, nonce = ?3, secret_version = ?4 WHERE id = ?1",
            params![key.id, &*key.sealed, key.nonce.as_slice(), key.version],
        )?;
        self.publish(Change::SigningKey(key.clone()));
        Ok(key.id)
    }
}
