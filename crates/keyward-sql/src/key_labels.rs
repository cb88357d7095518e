//! The SQL of keys' labels.

use crate::keys::{own, role_of};
use crate::params;
use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Replay, Stop};
use keyward_core::id::KeyId;
use keyward_core::live::Change;
use keyward_core::permit::{LabelKeys, Permit};
use keyward_core::write::key::{KeyRelabelled, RelabelKey};

impl Execute<RelabelKey> for Tx<'_> {
    fn execute(
        &mut self,
        e: &RelabelKey,
        permit: &Permit<LabelKeys>,
        _: Timestamp,
    ) -> Result<KeyRelabelled, Stop> {
        let absent = || Denial::not_found("API key", &e.as_sent);
        let mut key = own(self, e.key.ok_or_else(absent)?, &e.as_sent, permit)?;
        let role = role_of(self, &key)?;
        let now = key.relabel(&e.label, role, &e.conditions)?;
        if now {
            self.change("UPDATE api_keys SET label = ?2 WHERE id = ?1", params![key.id.0, e.label])?;
            self.publish(Change::Key(key.clone()));
        }
        Ok(KeyRelabelled { key, role, now })
    }
}

impl Replay<RelabelKey> for Tx<'_> {
    /// To the key's owner, while it is not revoked.
    fn may_replay(
        &mut self,
        e: &RelabelKey,
        subject: i64,
        permit: &Permit<LabelKeys>,
        _: Timestamp,
    ) -> Result<(), Stop> {
        own(self, KeyId(subject), &e.as_sent, permit).map(drop)
    }
}
