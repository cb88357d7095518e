//! Orders about signing in: OAuth clients, signing keys. Those that show a secret are in `offers.rs`.

use super::desk::Desk;
use super::error::AdminError;
use super::order::Order;
use keyward_core::signing::{PUBLISHED_SECONDS, signs};
use keyward_core::write::client::DeleteClient;
use keyward_core::write::signing_key::AddSigningKey;
use serde_json::{Value, json};

pub(super) async fn about_sign_in(desk: &Desk, order: Order) -> Result<Value, AdminError> {
    let operator = &desk.operator();
    match order {
        Order::ClientDelete { client_id } => {
            let done = operator.commit(DeleteClient { id: client_id.as_str().into() }).await?;
            Ok(json!({ "client_id": client_id, "deleted": done.row.is_some(), "grants_ended": done.grants }))
        }
        Order::SigningKeyRotate { now } => {
            let moment = desk.clock.now();
            let waiting =
                desk.store.directory().read().signing_keys().iter().any(|key| key.signs_from > moment);
            if waiting && !now {
                return Err(AdminError::conflict(
                    "the next key is published already; see keyward signing-key list",
                ));
            }
            let from = if now { moment } else { moment.plus_seconds(PUBLISHED_SECONDS) };
            let key = desk.signing().made(from).await.map_err(AdminError::failed)?;
            operator.commit(AddSigningKey { key, alone: now }).await?;
            Ok(keys(desk))
        }
        Order::SigningKeyList => Ok(keys(desk)),
        // Absent: nothing is done.
        _ => Err(AdminError::refused("this order is not about signing in")),
    }
}

fn keys(desk: &Desk) -> Value {
    let live = desk.store.directory().read();
    let (keys, now) = (live.signing_keys(), desk.clock.now());
    let current = signs(&keys, now).map(|key| key.id);
    let shown = keys.iter().map(|key| {
        let state = match current {
            Some(id) if id == key.id => "signs",
            _ if key.signs_from > now => "published",
            // Absent: it signed before, and what it signed may still hold.
            _ => "verifies",
        };
        json!({ "kid": &*key.kid, "state": state, "created_at": key.created_at, "signs_from": key.signs_from })
    });
    Value::Array(shown.collect())
}
