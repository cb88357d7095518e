//! The SQL of OAuth clients.

use crate::driver::Row;
use crate::grant_endings::end;
use crate::params;
use crate::params::Params;
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Stop};
use keyward_core::live::Change;
use keyward_core::oauth::{Client, ClientRoom, GrantEnd, Grants, IdleClients};
use keyward_core::opaque::TokenDigest;
use keyward_core::permit::{Administer, Permit, Register};
use keyward_core::store::StoreError;
use keyward_core::write::client::{ClientDeleted, CreateClient, DeleteClient, RegisterClient};
use std::sync::Arc;

fn add(
    tx: &mut Tx<'_>,
    client: &Client,
    (same, network): (Option<TokenDigest>, &str),
    now: Timestamp,
) -> Result<i64, StoreError> {
    let row = tx.insert(
        "INSERT INTO oauth_clients (client_id, name, redirect_uris, origin, secret_digest, refreshes, metadata_digest, created_at,
                                    network)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            &*client.id,
            client.name,
            client.redirect_uris.join("\n"),
            client.origin.name(),
            client.secret.as_ref().map(TokenDigest::as_bytes),
            client.refreshes,
            same.as_ref().map(TokenDigest::as_bytes),
            now.unix(),
            network,
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
        Ok((add(self, &e.0, (None, ""), now)?, e.0.clone()))
    }
}

fn count(tx: &Tx<'_>) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) AS n FROM oauth_clients WHERE origin = 'registered'";
    // Absent: a count always has its row.
    Ok(tx.first(sql, [], |row| rows::get(row, "n"))?.unwrap_or(0))
}

fn unused_of(tx: &Tx<'_>, network: &str) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) AS n FROM oauth_clients
               WHERE origin = 'registered' AND last_used_at IS NULL AND network = ?1";
    // Absent: a count always has its row.
    Ok(tx.first(sql, [network], |row| rows::get(row, "n"))?.unwrap_or(0))
}

/// Makes room for one more of this network; whether another had to go for it.
fn make_room(tx: &mut Tx<'_>, e: &RegisterClient, network: &str, now: Timestamp) -> Result<bool, Stop> {
    let room = ClientRoom { most: e.most, share: e.share };
    let mut thinned = false;
    if room.is_share_taken(unused_of(tx, network)?) {
        let own = "last_used_at IS NULL AND network = ?1 ORDER BY created_at, id LIMIT 1";
        thinned |= forget(tx, own, [network], now)? > 0;
    }
    if room.is_taken(count(tx)?) {
        let fullest = "last_used_at IS NULL AND network =
            (SELECT network FROM oauth_clients WHERE origin = 'registered' AND last_used_at IS NULL
             GROUP BY network ORDER BY count(*) DESC, min(created_at) LIMIT 1)
            ORDER BY created_at, id LIMIT 1";
        thinned |= forget(tx, fullest, [], now)? > 0;
    }
    room.admits(count(tx)?).map_err(Denial::OAuth)?;
    Ok(thinned)
}

/// Takes away the clients that registered themselves and of which this is so, and what they were given; how many.
fn forget(tx: &mut Tx<'_>, which: &str, values: impl Params, now: Timestamp) -> Result<usize, StoreError> {
    let sql = format!(
        "DELETE FROM oauth_clients WHERE id IN
             (SELECT id FROM oauth_clients WHERE origin = 'registered' AND {which}) RETURNING client_id"
    );
    let gone = tx.all(&sql, values, |row| Ok(to_end::text(row, "client_id")))?;
    let number = gone.len();
    // One whose client_id cannot be read was given nothing that names it.
    for id in gone.into_iter().flatten().map(Arc::<str>::from) {
        end(tx, Grants::OfClient(Arc::clone(&id)), GrantEnd::ClientDeleted, now)?;
        tx.publish(Change::ClientGone(id));
    }
    Ok(number)
}

impl Execute<RegisterClient> for Tx<'_> {
    fn execute(
        &mut self,
        e: &RegisterClient,
        _: &Permit<Register>,
        now: Timestamp,
    ) -> Result<(i64, Client, bool), Stop> {
        // Absent: all without an address share one network's part.
        let network = e.network.network().known().map(|network| network.to_string()).unwrap_or_default();
        if let Some(same) = e.same {
            // It moves to the network of the caller if that holds fewer: what a flood has registered before others is not
            // thinned with the flood, and a flood draws nothing into its own network to have it thinned there.
            let sql = format!(
                "UPDATE oauth_clients SET created_at = ?2, network = CASE
                     WHEN 1 + (SELECT count(*) FROM oauth_clients o WHERE o.origin = 'registered'
                               AND o.last_used_at IS NULL AND o.network = ?3)
                          < (SELECT count(*) FROM oauth_clients o WHERE o.origin = 'registered'
                             AND o.last_used_at IS NULL AND o.network = oauth_clients.network)
                     THEN ?3 ELSE network END
                 WHERE metadata_digest = ?1 RETURNING id, {}",
                rows::CLIENT
            );
            let read = |row: &Row<'_>| Ok((rows::get(row, "id")?, rows::client(row)?));
            if let Some((row, client)) =
                self.first(&sql, params![same.as_bytes(), now.unix(), network], read)?
            {
                // It has its day anew.
                self.publish(Change::Client(client.clone()));
                return Ok((row, client, false));
            }
        }
        let expired = "created_at <= ?1 AND coalesce(last_used_at, 0) <= ?2 LIMIT 100";
        let idle = IdleClients::at(self.clock().settled);
        forget(self, expired, [idle.registered_by.unix(), idle.used_by.unix()], now)?;
        let thinned = make_room(self, e, &network, now)?;
        let row = add(self, &e.client, (e.same, &network), now)?;
        Ok((row, e.client.clone(), !thinned))
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
        let grants = end(self, Grants::OfClient(Arc::clone(&e.id)), GrantEnd::ClientDeleted, now)?;
        if row.is_none() && grants == 0 {
            return Err(Denial::not_found_by("OAuth client", "client_id", &e.id).into());
        }
        self.publish(Change::ClientGone(Arc::clone(&e.id)));
        Ok(ClientDeleted { row, id: Arc::clone(&e.id), grants })
    }
}
