//! The SQL of links to issuers' subjects.

use crate::accounts::join;
use crate::driver::Row;
use crate::params;
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Stop};
use keyward_core::id::{AccountId, UserId};
use keyward_core::identity::{Addressee, Identity, Linking};
use keyward_core::live::Change;
use keyward_core::permit::{Administer, Permit, SignIn};
use keyward_core::role::Role;
use keyward_core::store::StoreError;
use keyward_core::write::identity::{IdentityLinked, LinkByEmail, LinkIdentity, LinkedByEmail};
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
        if !e.linked {
            return Ok(IdentityLinked { wanted: e.clone(), now: unlink(self, e)? });
        }
        let before = linked(self, &e.issuer, &e.subject)?;
        let changed = match Linking::of(before.map(|identity| identity.user), e.user) {
            Linking::New => {
                let user = self.first("SELECT 1 FROM users WHERE id = ?1", [e.user.0], |_| Ok(()))?;
                user.ok_or_else(|| Denial::not_found("User", &e.user.to_string()))?;
                add(self, (&e.issuer, &e.subject), e.user, now)?;
                true
            }
            Linking::Taken => {
                return Err(Denial::invalid("subject", "subject is linked to another user").into());
            }
            Linking::Known => false,
        };
        Ok(IdentityLinked { wanted: e.clone(), now: changed })
    }
}

/// Takes a user's link away, or one whose user cannot be read; whether there was one.
fn unlink(tx: &mut Tx<'_>, e: &LinkIdentity) -> Result<bool, StoreError> {
    let sql = "DELETE FROM identities
               WHERE issuer = ?1 AND subject = ?2 AND (user_id = ?3 OR typeof(user_id) <> 'integer')";
    let gone = tx.change(sql, params![e.issuer, e.subject, e.user.0])? > 0;
    if gone {
        tx.publish(Change::Unlinked(e.issuer.as_str().into(), e.subject.as_str().into()));
    }
    Ok(gone)
}

impl Execute<LinkByEmail> for Tx<'_> {
    fn execute(
        &mut self,
        e: &LinkByEmail,
        _: &Permit<SignIn>,
        now: Timestamp,
    ) -> Result<LinkedByEmail, Stop> {
        self.judges_ends()?;
        let before = linked(self, &e.issuer, &e.subject)?;
        let sql = format!("SELECT {} FROM users WHERE email = ?1 AND disabled_at IS NULL", rows::USER);
        let user = self.first(&sql, [&*e.email], rows::user)?;
        let linked_to = before.as_ref().map(|identity| identity.user);
        let user = user.filter(|user| Linking::of(linked_to, user.id) != Linking::Taken);
        let user = user.ok_or(Denial::TokenUnlinked)?;
        let open = open_invitations(self, user.id, now)?;
        let addressee = Addressee {
            linked: before.is_some(),
            known: user.is_known(),
            issuers: issuers_of(self, user.id)?,
            homes: homes_of(self, user.id)?,
            invited: open.iter().map(|(account, _, slug)| (*account, slug.clone())).collect(),
        };
        let accepted = addressee.sign_in(&e.claimant())?;
        let joined = match open.iter().find(|(account, ..)| Some(*account) == accepted) {
            Some((account, role, _)) => join(self, *account, user.id, *role, now)?.then_some(*account),
            None => None,
        };
        let changed = before.is_none() || joined.is_some();
        let identity = match before {
            Some(identity) => identity,
            None => add(self, (&e.issuer, &e.subject), user.id, now)?,
        };
        Ok(LinkedByEmail { identity, joined, now: changed })
    }
}

/// The issuers of a user's subjects.
fn issuers_of(tx: &Tx<'_>, user: UserId) -> Result<Vec<Arc<str>>, StoreError> {
    let issuer = |row: &Row<'_>| rows::get::<String>(row, "issuer").map(Arc::from);
    tx.all("SELECT issuer FROM identities WHERE user_id = ?1", [user.0], issuer)
}

/// The slugs of the accounts that a user is in; `None`: one that cannot be read.
fn homes_of(tx: &Tx<'_>, user: UserId) -> Result<Vec<Option<String>>, StoreError> {
    let sql =
        "SELECT a.slug FROM memberships m LEFT JOIN accounts a ON a.id = m.account_id WHERE m.user_id = ?1";
    tx.all(sql, [user.0], |row| Ok(to_end::text(row, "slug")))
}

/// The open invitations of a user into accounts that can be entered, with their slugs.
fn open_invitations(
    tx: &Tx<'_>,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<(AccountId, Role, String)>, StoreError> {
    let sql = "SELECT i.account_id, i.role, a.slug FROM invitations i JOIN accounts a ON a.id = i.account_id
               WHERE i.user_id = ?1 AND i.expires_at > ?2 AND typeof(i.expires_at) = 'integer' AND a.disabled_at IS NULL
               ORDER BY i.account_id";
    tx.all(sql, params![user.0, now.unix()], |row| {
        Ok((AccountId(rows::get(row, "account_id")?), rows::role(row)?, rows::get(row, "slug")?))
    })
}
