//! Listening and serving, until a signal says stop.

use super::CliError;
use super::opened::Opened;
use crate::app::App;
use crate::background::flush_uses;
use crate::config::Config;
use crate::{stack, transport};
use keyward_tower::hygiene::Limits;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Takes the address, before anything is made that would be in vain without it.
pub(super) async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), CliError> {
    let failed = |source| CliError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Where clients reach the server.
pub(super) fn public_url(config: &Config, bound: SocketAddr) -> String {
    config.server.public_url.clone().unwrap_or_else(|| format!("http://{bound}"))
}

/// Serves until SIGTERM or SIGINT.
pub(super) async fn serve(listener: TcpListener, public_url: String, opened: Opened) -> Result<(), CliError> {
    let app = Arc::new(App {
        store: Arc::new(opened.store),
        ring: opened.ring,
        cursors: opened.cursors,
        clock: opened.clock,
        random: opened.random,
        public_url,
        limits: Limits::default(),
    });
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: no new connections, what has begun may end");
    };
    let flushing = Arc::clone(&app.store);
    let flush = tokio::spawn(async move { flush_uses::forever(&*flushing).await });
    transport::serve(listener, stack::stack(&app), stop).await;
    flush.abort();
    flush_uses::once(&*app.store).await;
    tracing::info!("stopped");
    Ok(())
}
