//! The first process of a container inherits the children of processes that have ended, those of probes and of `docker exec` among
//! them. It takes their ends, or they would stay as zombies.

use rustix::process::{WaitOptions, wait};
use tokio::signal::unix::{SignalKind, signal};

/// Takes the ends of inherited children for as long as it runs. The server starts no process of its own.
pub(super) async fn reap() {
    if std::process::id() != 1 {
        return;
    }
    match signal(SignalKind::child()) {
        Ok(mut ended) => loop {
            while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
            if ended.recv().await.is_none() {
                return;
            }
        },
        Err(error) => tracing::warn!(%error, "ended processes that the server inherits stay as zombies"),
    }
}
