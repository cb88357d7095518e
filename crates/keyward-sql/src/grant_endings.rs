//! The SQL of what ends grants: by their ids, whatever else their rows hold.

use crate::driver::Row;
use crate::error::is_constraint;
use crate::params;
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::clock::Timestamp;
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::effect::{Execute, Stop};
use keyward_core::id::{AccountId, UserId};
use keyward_core::live::Change;
use keyward_core::oauth::{
    Disconnect, Disconnected, EndedGrant, GrantEnd, GrantId, GrantRevoked, Grants, RevokeGrant,
};
use keyward_core::permit::{EndSignIns, Permit, Present};
use keyward_core::store::StoreError;
use std::sync::Arc;

/// Ends these; how many had not ended.
pub(crate) fn end(
    tx: &mut Tx<'_>,
    which: Grants,
    why: GrantEnd,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let ids = not_ended(tx, &which)?;
    for id in &ids {
        end_row(tx, *id, why, now)?;
        tx.publish(Change::GrantsEnded(Grants::One(*id)));
    }
    // In memory also those whose rows say since that they are others'.
    tx.publish(Change::GrantsEnded(which));
    Ok(ids.len())
}

fn not_ended(tx: &Tx<'_>, which: &Grants) -> Result<Vec<GrantId>, StoreError> {
    let sql =
        |which: &str| format!("SELECT id FROM oauth_grants WHERE {which} AND typeof(ended_at) <> 'integer'");
    let id = |row: &Row<'_>| rows::get(row, "id").map(GrantId);
    match which {
        Grants::One(grant) => tx.all(&sql("id = ?1"), [grant.0], id),
        Grants::OfUser(user) => tx.all(&sql("user_id = ?1"), [user.0], id),
        Grants::OfClient(client) => tx.all(&sql("client_id = ?1"), [&**client], id),
        Grants::OfUserTo(user, client) => {
            tx.all(&sql("user_id = ?1 AND client_id = ?2"), params![user.0, &**client], id)
        }
        // Whether it acts in this account alone may be what cannot be read: then it ends too.
        Grants::BoundTo(user, account) => {
            let there = "user_id = ?1 AND bound IS DISTINCT FROM 0 AND \
                         (account_id = ?2 OR typeof(account_id) NOT IN ('integer', 'null'))";
            tx.all(&sql(there), params![user.0, account.0], id)
        }
    }
}

fn end_row(tx: &Tx<'_>, id: GrantId, why: GrantEnd, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE oauth_grants SET ended_at = ?2, ended_by = ?3 WHERE id = ?1";
    match tx.change(sql, params![id.0, now.unix(), why.word()]) {
        // SQLite changes no row that holds a value of another type than its column's: such a row is taken away.
        Err(error) if is_constraint(&error) => {
            tracing::error!(grant = id.0, %error, "the row of a grant that ends cannot be changed, and is taken away");
            tx.change("DELETE FROM oauth_codes WHERE grant_id = ?1", [id.0])?;
            tx.change("DELETE FROM oauth_grants WHERE id = ?1", [id.0]).map(drop)
        }
        changed => changed.map(drop),
    }
}

/// What is read of a grant before it is known whether it ends.
pub(crate) struct GrantRow {
    pub(crate) of: EndedGrant,
    /// Its client; `None`: that cannot be read.
    client: Option<String>,
    pub(crate) ended: bool,
}

/// The columns of a [`GrantRow`].
pub(crate) const GRANT_ROW: &str = "g.id, g.user_id, g.account_id, g.client_id, g.ended_at";

impl GrantRow {
    pub(crate) fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let of = EndedGrant {
            id: GrantId(rows::get(row, "id")?),
            user: to_end::number(row, "user_id").map(UserId),
            account: to_end::number(row, "account_id").map(AccountId),
        };
        let ended = to_end::number(row, "ended_at").is_some();
        Ok(Self { of, client: to_end::text(row, "client_id"), ended })
    }

    /// Whether it is another client's. A client that cannot be read is no other: who proved itself may still end the grant.
    pub(crate) fn is_of_another(&self, client: &str) -> bool {
        self.client.as_deref().is_some_and(|own| own != client)
    }
}

/// Takes codes and grants away that have been over for a day: nothing that they gave is presented any more, and the audit trail
/// has them. How many.
pub(crate) fn forget_old(tx: &mut Tx<'_>, now: Timestamp) -> Result<usize, StoreError> {
    // Codes that nobody can use any more: their replay is no longer told from an unknown one.
    let codes = tx.change(
        "DELETE FROM oauth_codes WHERE digest IN (SELECT digest FROM oauth_codes WHERE expires_at <= ?1 LIMIT 100)",
        [now.plus_seconds(-86_400).unix()],
    )?;
    let sql =
        "DELETE FROM oauth_grants WHERE id IN (SELECT g.id FROM oauth_grants g WHERE (g.ends_at <= ?1 OR g.ended_at <= ?1)
             AND NOT EXISTS (SELECT 1 FROM oauth_codes c WHERE c.grant_id = g.id) LIMIT 100) RETURNING id";
    let grants = tx.all(sql, [now.plus_seconds(-86_400).unix()], |row| rows::get(row, "id").map(GrantId))?;
    let gone = codes + grants.len();
    for grant in grants {
        tx.publish(Change::GrantsEnded(Grants::One(grant)));
    }
    Ok(gone)
}

impl Execute<RevokeGrant> for Tx<'_> {
    fn execute(
        &mut self,
        e: &RevokeGrant,
        _: &Permit<Present>,
        now: Timestamp,
    ) -> Result<GrantRevoked, Stop> {
        let sql = format!("SELECT {GRANT_ROW} FROM oauth_grants g WHERE g.id = ?1");
        let found = self.first(&sql, [e.grant.0], GrantRow::read)?;
        let found = found.filter(|found| !found.is_of_another(&e.client));
        let found = found.ok_or(Denial::OAuth(OAuthDenial::RefreshUnknown))?;
        end(self, Grants::One(e.grant), GrantEnd::Revoked, now)?;
        Ok(GrantRevoked { grant: found.of, now: !found.ended })
    }
}

impl Execute<Disconnect> for Tx<'_> {
    fn execute(
        &mut self,
        e: &Disconnect,
        permit: &Permit<EndSignIns>,
        now: Timestamp,
    ) -> Result<Disconnected, Stop> {
        let user = permit.principal()?.user;
        let own = Grants::OfUserTo(user, Arc::clone(&e.client));
        let grants = end(self, own, GrantEnd::Disconnected, now)?;
        Ok(Disconnected { user, client: Arc::clone(&e.client), grants })
    }
}
