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
        let own = before.as_ref().is_some_and(|identity| identity.user == e.user);
        let changed = match &before {
            None => {
                let user = self.first("SELECT 1 FROM users WHERE id = ?1", [e.user.0], |_| Ok(()))?;
                user.ok_or_else(|| Denial::not_found("User", &e.user.to_string()))?;
                add(self, (&e.issuer, &e.subject), e.user, now)?;
                true
            }
            Some(_) if !own => {
                return Err(Denial::invalid("subject", "subject is linked to another user").into());
            }
            Some(_) => false,
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
        // Nobody who is disabled, and nobody who comes from this issuer as somebody else already.
        let user = self.first(
            "SELECT id FROM users u WHERE u.email = ?1 AND u.disabled_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.user_id = u.id AND i.issuer = ?2 AND i.subject <> ?3)",
            params![&*e.email, &*e.issuer, &*e.subject],
            |row| Ok(UserId(rows::get(row, "id")?)),
        )?;
        // Absent: the subject is nobody's yet, which is what linking is for.
        let user = user.filter(|user| before.as_ref().is_none_or(|identity| identity.user == *user));
        let user = user.ok_or(Denial::TokenUnlinked)?;
        let open = open_to(self, e, user, now)?;
        let home =
            self.first("SELECT 1 FROM memberships WHERE user_id = ?1 LIMIT 1", [user.0], |_| Ok(()))?;
        let elsewhere =
            self.first("SELECT 1 FROM identities WHERE user_id = ?1 LIMIT 1", [user.0], |_| Ok(()))?;
        // Who is somebody already is not handed over by an invitation, which the admins of any account can make.
        let may = !open.is_empty() && home.is_none() && elsewhere.is_none();
        if before.is_none() && e.link == Link::Invitation && !may {
            return Err(Denial::TokenUnlinked.into());
        }
        let mut joined = Vec::new();
        for (account, role) in open.into_iter().filter(|_| home.is_none()) {
            if join(self, account, user, role, now)? {
                joined.push(account);
            }
        }
        let changed = before.is_none() || !joined.is_empty();
        let identity = match before {
            Some(identity) => identity,
            None => add(self, (&e.issuer, &e.subject), user, now)?,
        };
        Ok(LinkedByEmail { identity, joined, now: changed })
    }
}

/// The open invitations of a user into accounts that the issuer speaks for.
fn open_to(
    tx: &Tx<'_>,
    e: &LinkByEmail,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<(AccountId, Role)>, StoreError> {
    let open = tx.all(
        "SELECT i.account_id, i.role, a.slug FROM invitations i JOIN accounts a ON a.id = i.account_id
         WHERE i.user_id = ?1 AND i.expires_at > ?2 AND typeof(i.expires_at) = 'integer' ORDER BY i.account_id",
        params![user.0, now.unix()],
        |row| Ok((invitation(row)?, rows::get::<String>(row, "slug")?)),
    )?;
    let reached = |slug: &String| e.accounts.is_empty() || e.accounts.contains(slug);
    Ok(open.into_iter().filter(|(_, slug)| reached(slug)).map(|(invitation, _)| invitation).collect())
}

fn invitation(row: &Row<'_>) -> Result<(AccountId, Role), StoreError> {
    Ok((AccountId(rows::get(row, "account_id")?), rows::role(row)?))
}
