//! What the server tells the outside at its start, its reload and its stop. A pipe, a socket or a file that takes nothing holds nothing up.

use super::CliError;
use super::service_manager::State;
use crate::own_thread::begin;
use crate::telemetry;
use crate::watch::{Degraded, Part};
use std::ffi::OsString;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long it is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// Until systemd is notified again of what it did not take.
const AGAIN: Duration = Duration::from_secs(30);

/// Does what could block on a thread of its own; `None`: it has not ended in time, and is left alone.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let end = begin(work).ok()?;
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

/// Goes on in the log's file that is now at its path. Where it cannot, or not yet, in the one that was open.
pub(super) async fn reopen_log() {
    match aside(telemetry::reopen).await {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::error!("the log goes on in the file that was open: {error}"),
        None => tracing::error!(
            "the log goes on in the file that was open until the one at its path can be opened, which takes longer than {} s",
            PATIENCE.as_secs()
        ),
    }
}

/// Where systemd waits to hear, if it has started us.
fn notify_socket() -> Option<OsString> {
    std::env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty())
}

/// Tells systemd. What it does not take is said once.
pub(super) async fn notify(state: State, degraded: &Degraded) {
    if let Some(socket) = notify_socket() {
        notify_at(socket, state, degraded).await;
    }
}

/// Says again that the server is ready for as long as systemd has not taken the last word: it waits for that one, at a start and
/// after a reload.
pub(super) async fn ready_again(degraded: Degraded) {
    if let Some(socket) = notify_socket() {
        ready_again_at(socket, &degraded).await;
    }
}

async fn ready_again_at(socket: OsString, degraded: &Degraded) {
    loop {
        sleep(AGAIN).await;
        if degraded.is_failing(Part::ServiceManager) {
            notify_at(socket.clone(), State::Ready, degraded).await;
        }
    }
}

async fn notify_at(socket: OsString, state: State, degraded: &Degraded) {
    match aside(move || state.send(&socket)).await {
        Some(Ok(())) => {
            degraded.works(Part::ServiceManager);
        }
        Some(Err(error)) if degraded.fails(Part::ServiceManager) => {
            tracing::warn!(%error, "systemd cannot be notified at NOTIFY_SOCKET");
        }
        None if degraded.fails(Part::ServiceManager) => {
            tracing::warn!("systemd does not accept notifications");
        }
        // It was said.
        Some(Err(_)) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;
    use std::sync::mpsc;

    #[tokio::test(start_paused = true)]
    async fn what_does_not_end_in_time_is_left_alone() {
        let (end, ended) = mpsc::channel::<()>();
        assert_eq!(aside(move || ended.recv().is_ok()).await, None);
        drop(end);
    }

    #[tokio::test(start_paused = true)]
    async fn ready_is_said_again_while_systemd_has_not_taken_the_last_word() {
        let home = tempfile::tempdir().unwrap();
        let socket = home.path().join("notify");
        let systemd = UnixDatagram::bind(&socket).unwrap();
        let degraded = Degraded::default();
        let own = degraded.clone();
        tokio::spawn(async move { ready_again_at(socket.into(), &own).await });
        sleep(3 * AGAIN).await;
        systemd.set_nonblocking(true).unwrap();
        systemd.recv(&mut [0; 64]).unwrap_err();
        degraded.fails(Part::ServiceManager);
        sleep(2 * AGAIN).await;
        systemd.set_nonblocking(false).unwrap();
        systemd.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut told = [0; 64];
        let length = systemd.recv(&mut told).unwrap();
        assert_eq!(&told[..length], b"READY=1\n");
    }
}
