//! The SQL of links to outside issuers' subjects.

use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Stop};
use keyward_core::identity::{IdentityLinked, LinkIdentity};
use keyward_core::permit::{Administer, Permit};
use rusqlite::params;

impl Execute<LinkIdentity> for Tx<'_> {
    fn execute(
        &mut self,
        e: &LinkIdentity,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<IdentityLinked, Stop> {
        let named = params![e.issuer, e.subject, e.user.0, now.unix()];
        let changed = if e.linked {
            let added = self.change(
                "INSERT INTO identities (issuer, subject, user_id, created_at)
                 SELECT ?1, ?2, id, ?4 FROM users WHERE id = ?3 ON CONFLICT DO NOTHING",
                named,
            )?;
            let own = "SELECT 1 FROM identities WHERE issuer = ?1 AND subject = ?2 AND user_id = ?3";
            if self.first(own, params![e.issuer, e.subject, e.user.0], |_| Ok(()))?.is_none() {
                return Err(Denial::invalid("subject", "subject is linked to another user").into());
            }
            added
        } else {
            let own = "DELETE FROM identities WHERE issuer = ?1 AND subject = ?2 AND user_id = ?3";
            self.change(own, params![e.issuer, e.subject, e.user.0])?
        };
        Ok(IdentityLinked { wanted: e.clone(), now: changed > 0 })
    }
}
