//! The SQL of OAuth clients.

use crate::grants::end_where;
use crate::rows;
use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::effect::{Execute, Stop};
use keyward_core::live::Change;
use keyward_core::oauth::{Client, ClientDeleted, CreateClient, DeleteClient, GrantEnd, RegisterClient};
use keyward_core::opaque::TokenDigest;
use keyward_core::permit::{Administer, Permit, Register};
use keyward_core::store::StoreError;
use rusqlite::{Params, params};
use std::sync::Arc;

fn add(
    tx: &mut Tx<'_>,
    client: &Client,
    same: Option<TokenDigest>,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let row = tx.insert(
        "INSERT INTO oauth_clients (client_id, name, redirect_uris, origin, secret_digest, refreshes, metadata_digest, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            &*client.id,
            client.name,
            client.redirect_uris.join("\n"),
            client.origin.name(),
            client.secret.as_ref().map(TokenDigest::as_bytes),
            client.refreshes,
            same.as_ref().map(TokenDigest::as_bytes),
            now.unix(),
        ],
    )?;
    tx.publish(Change::Client(client.clone()));
    Ok(row)
}

impl Execute<CreateClient> for Tx<'_> {
    fn execute(
        &mut self,
        e: &CreateClient,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<(i64, Client), Stop> {
        let known = self.first("SELECT 1 FROM oauth_clients WHERE client_id = ?1", [&*e.0.id], |_| Ok(()))?;
        if known.is_some() {
            return Err(Denial::invalid("client_id", "client_id is already in use").into());
        }
        Ok((add(self, &e.0, None, now)?, e.0.clone()))
    }
}

/// A client that registered itself and that nobody used within a day goes; one that was used, after half a year without use.
const UNUSED: i64 = 86_400;
const IDLE: i64 = 180 * 86_400;
/// Within this a client that has registered signs in, in seconds.
const SIGNING_IN: i64 = 900;

fn count(tx: &Tx<'_>) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) AS n FROM oauth_clients WHERE origin = 'registered'";
    Ok(tx.first(sql, [], |row| rows::get(row, "n"))?.unwrap_or(0))
}

/// Takes away the clients that registered themselves and of which this is so, and what they were given.
fn forget(tx: &mut Tx<'_>, which: &str, values: impl Params, now: Timestamp) -> Result<(), StoreError> {
    let sql = format!(
        "DELETE FROM oauth_clients WHERE id IN
             (SELECT id FROM oauth_clients WHERE origin = 'registered' AND {which}) RETURNING client_id"
    );
    for id in tx.all(&sql, values, |row| rows::get::<String>(row, "client_id"))? {
        end_where(tx, "client_id = ?3", &id, GrantEnd::ClientDeleted, now)?;
        tx.publish(Change::ClientGone(id.into()));
    }
    Ok(())
}

impl Execute<RegisterClient> for Tx<'_> {
    fn execute(
        &mut self,
        e: &RegisterClient,
        _: &Permit<Register>,
        now: Timestamp,
    ) -> Result<(i64, Client, bool), Stop> {
        if let Some(same) = e.same {
            let sql = format!(
                "UPDATE oauth_clients SET created_at = ?2 WHERE metadata_digest = ?1 RETURNING id, {}",
                rows::CLIENT
            );
            let read = |row: &rusqlite::Row<'_>| Ok((rows::get(row, "id")?, rows::client(row)?));
            if let Some((row, client)) = self.first(&sql, params![same.as_bytes(), now.unix()], read)? {
                // It has its day anew.
                self.publish(Change::Client(client.clone()));
                return Ok((row, client, false));
            }
        }
        forget(
            self,
            "max(created_at + ?1, coalesce(last_used_at + ?2, 0)) <= ?3 LIMIT 100",
            params![UNUSED, IDLE, now.unix()],
            now,
        )?;
        if count(self)? >= e.most {
            // Whoever fills the place does not keep others out: the oldest goes that did not sign in while it could have.
            forget(
                self,
                "last_used_at IS NULL AND created_at <= ?1 ORDER BY created_at LIMIT 1",
                [now.plus_seconds(-SIGNING_IN).unix()],
                now,
            )?;
        }
        if count(self)? >= e.most {
            return Err(Denial::OAuth(OAuthDenial::TooManyClients).into());
        }
        Ok((add(self, &e.client, e.same, now)?, e.client.clone(), true))
    }
}

impl Execute<DeleteClient> for Tx<'_> {
    fn execute(
        &mut self,
        e: &DeleteClient,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<ClientDeleted, Stop> {
        let sql = "DELETE FROM oauth_clients WHERE client_id = ?1 RETURNING id";
        let row = self.first(sql, [&*e.id], |row| rows::get::<i64>(row, "id"))?;
        let grants = end_where(self, "client_id = ?3", &*e.id, GrantEnd::ClientDeleted, now)?;
        if row.is_none() && grants == 0 {
            return Err(Denial::not_found_by("OAuth client", "client_id", &e.id).into());
        }
        self.publish(Change::ClientGone(Arc::clone(&e.id)));
        Ok(ClientDeleted { row, id: Arc::clone(&e.id), grants })
    }
}
