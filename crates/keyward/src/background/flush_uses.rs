//! Writes when keys were last used, in batches: never on a request's path.

use crate::app::Store;
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

/// Writes what there is. What could not be written is tried again with the next batch.
pub(crate) async fn once(store: &dyn Store) {
    let uses = store.directory().unwritten_uses();
    if uses.is_empty() {
        return;
    }
    match store.write_uses(&uses).await {
        Ok(()) => store.directory().uses_written(&uses),
        Err(error) => tracing::warn!(%error, "the last uses of keys could not be written yet"),
    }
}
