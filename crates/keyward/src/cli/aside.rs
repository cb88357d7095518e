//! What the server tells the outside at its start and its stop. A pipe or a socket that nobody reads holds nothing up.

use super::CliError;
use sd_notify::NotifyState;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long it is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Does what could block on a thread of its own; `None`: it has not ended in time, and is left alone.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, end) = oneshot::channel();
    // A thread that is never joined: one of the runtime's would hold up the end of the process.
    let started = std::thread::Builder::new().name("aside".to_owned()).spawn(move || drop(done.send(work())));
    started.ok()?;
    timeout(PATIENCE, end).await.ok()?.ok()
}

/// Says that the server is there. Where nobody reads it, the server serves without having said so.
pub(super) async fn announced(
    announce: Box<dyn FnOnce() -> Result<(), CliError> + Send>,
) -> Result<(), CliError> {
    aside(announce).await.unwrap_or_else(|| {
        tracing::warn!("Standard output is blocked; the server started without printing its address");
        Ok(())
    })
}

/// Tells systemd, if it has started us and waits to hear.
pub(super) async fn notify(state: NotifyState<'static>) {
    match aside(move || sd_notify::notify(false, &[state])).await {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::debug!(%error, "could not notify systemd"),
        None => tracing::warn!("systemd does not accept notifications"),
    }
}
