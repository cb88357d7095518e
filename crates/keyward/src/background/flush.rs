//! Writes what was only noted on the way of requests, in batches: when keys were last used, and the digests of secrets that
//! move to the current version of the root secret. Where the database could not be written, it tries whether it can be again.

use crate::store::Store;
use std::time::Duration;

/// Between two batches.
const INTERVAL: Duration = Duration::from_secs(5);

/// Writes a batch now and then, for ever.
pub(crate) async fn forever(store: &dyn Store) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        once(store).await;
    }
}

/// Writes what there is. What could not be written is tried again: a use with the next batch, a move at the next use.
pub(crate) async fn once(store: &dyn Store) {
    recover(store).await;
    uses(store).await;
    moves(store).await;
}

/// Writes what was revoked meanwhile, and finds out whether the database can be written: the server gets ready again on its own.
async fn recover(store: &dyn Store) {
    let Some(fault) = store.write_fault() else { return };
    match store.try_writing().await {
        Ok(()) if store.write_fault().is_none() => tracing::info!("the database can be written again"),
        Ok(()) => tracing::warn!(fault, "the database can be written, but not all that holds in memory"),
        Err(error) => tracing::error!(fault, %error, "the database cannot be written"),
    }
}

async fn uses(store: &dyn Store) {
    let uses = store.directory().unwritten_uses();
    if uses.is_empty() {
        return;
    }
    match store.write_uses(&uses).await {
        Ok(()) => store.directory().uses_written(&uses),
        Err(error) => tracing::warn!(%error, "the last uses of keys could not be written yet"),
    }
}

async fn moves(store: &dyn Store) {
    let moves = store.directory().take_moves();
    if moves.is_empty() {
        return;
    }
    if let Err(error) = store.move_digests(moves).await {
        tracing::warn!(%error, "keys could not be moved to the current root secret yet");
    }
}
