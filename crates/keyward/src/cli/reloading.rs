//! Reading the configuration again, one time after the other; systemd is notified of each.

use super::aside::{notify, reopen_log};
use super::service_manager::State;
use crate::reload::Reloader;
use crate::watch::Degraded;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

/// Reads it again whenever that is asked for; what is asked for meanwhile is one more time.
pub(super) async fn forever(asked: Arc<Notify>, reloader: Arc<Reloader>, degraded: Degraded) {
    loop {
        asked.notified().await;
        // Whatever is wrong with the configuration, and before all else: a key that was withdrawn must go at once.
        reloader.issuers.fetch_anew();
        notify(State::Reloading, &degraded).await;
        // Whatever is wrong with the configuration: a rotation has moved the log's file.
        reopen_log().await;
        let reloader = Arc::clone(&reloader);
        // Reading files may take as long as it likes: signals are heard meanwhile.
        let taken_in = spawn_blocking(move || reloader.reload()).await;
        // Absent: it panicked, which is in the log.
        let taken_in = taken_in.unwrap_or(false);
        notify(if taken_in { State::Reloaded } else { State::NotReloaded }, &degraded).await;
    }
}
