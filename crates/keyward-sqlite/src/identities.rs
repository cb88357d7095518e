//! The SQL of links to issuers' subjects.

use crate::accounts::join;
use crate::rows;
use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Stop};
use keyward_core::id::{AccountId, UserId};
use keyward_core::identity::{Identity, IdentityLinked, LinkByEmail, LinkIdentity, LinkedByEmail};
use keyward_core::jwt::Link;
use keyward_core::live::Change;
use keyward_core::permit::{Administer, Permit, SignIn};
use keyward_core::role::Role;
use keyward_core::store::StoreError;
use rusqlite::{Row, params};
use std::sync::Arc;

/// Who has this subject; whoever is linked by now.
fn linked(tx: &Tx<'_>, issuer: &str, subject: &str) -> Result<Option<Identity>, StoreError> {
    let sql = format!("SELECT {} FROM identities WHERE issuer = ?1 AND subject = ?2", rows::IDENTITY);
    tx.first(&sql, params![issuer, subject], rows::identity)
}

fn add(
    tx: &mut Tx<'_>,
    (issuer, subject): (&str, &str),
    user: UserId,
    now: Timestamp,
) -> Result<Identity, StoreError> {
    let id = tx.insert(
        "INSERT INTO identities (issuer, subject, user_id, created_at) VALUES (?1, ?2, ?3, ?4)",
        params![issuer, subject, user.0, now.unix()],
    )?;
    let identity = Identity { id, user, issuer: issuer.into(), subject: subject.into() };
    tx.publish(Change::Linked(identity.clone()));
    Ok(identity)
}

impl Execute<LinkIdentity> for Tx<'_> {
    fn execute(
        &mut self,
        e: &LinkIdentity,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<IdentityLinked, Stop> {
        let before = linked(self, &e.issuer, &e.subject)?;
        let own = before.as_ref().is_some_and(|identity| identity.user == e.user);
        let changed = match (e.linked, &before) {
            (true, None) => {
                let user = self.first("SELECT 1 FROM users WHERE id = ?1", [e.user.0], |_| Ok(()))?;
                user.ok_or_else(|| Denial::not_found("User", &e.user.to_string()))?;
                add(self, (&e.issuer, &e.subject), e.user, now)?;
                true
            }
            (true, Some(_)) if !own => {
                return Err(Denial::invalid("subject", "subject is linked to another user").into());
            }
            (false, Some(identity)) if own => {
                self.change("DELETE FROM identities WHERE id = ?1", [identity.id])?;
                self.publish(Change::Unlinked(Arc::clone(&identity.issuer), Arc::clone(&identity.subject)));
                true
            }
            _ => false,
        };
        Ok(IdentityLinked { wanted: e.clone(), now: changed })
    }
}

impl Execute<LinkByEmail> for Tx<'_> {
    fn execute(
        &mut self,
        e: &LinkByEmail,
        _: &Permit<SignIn>,
        now: Timestamp,
    ) -> Result<LinkedByEmail, Stop> {
        if let Some(identity) = linked(self, &e.issuer, &e.subject)? {
            // Another request with the same token was here first.
            return Ok(LinkedByEmail { identity, joined: Vec::new(), now: false });
        }
        // Nobody who is disabled, and nobody who comes from this issuer as somebody else already.
        let user = self.first(
            "SELECT id FROM users u WHERE u.email = ?1 AND u.disabled_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.user_id = u.id AND i.issuer = ?2)",
            params![&*e.email, &*e.issuer],
            |row| Ok(UserId(rows::get(row, "id")?)),
        )?;
        let user = user.ok_or(Denial::TokenUnlinked)?;
        let open = self.all(
            "SELECT account_id, role FROM invitations WHERE user_id = ?1 AND expires_at > ?2 ORDER BY account_id",
            params![user.0, now.unix()],
            invitation,
        )?;
        if open.is_empty() && e.link == Link::Invitation {
            return Err(Denial::TokenUnlinked.into());
        }
        let mut joined = Vec::new();
        for (account, role) in open {
            if join(self, account, user, role, now)? {
                joined.push(account);
            }
        }
        let identity = add(self, (&e.issuer, &e.subject), user, now)?;
        Ok(LinkedByEmail { identity, joined, now: true })
    }
}

fn invitation(row: &Row<'_>) -> Result<(AccountId, Role), StoreError> {
    Ok((AccountId(rows::get(row, "account_id")?), rows::role(row)?))
}
