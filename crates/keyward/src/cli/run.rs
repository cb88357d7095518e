//! Listening and serving, until a signal says stop.

use super::CliError;
use super::opened::Opened;
use crate::app::{App, OperatorStore};
use crate::background::flush_uses;
use crate::config::Config;
use crate::operate::socket::{self, Desk};
use crate::{stack, transport};
use ipnet::IpNet;
use keyward_tower::hygiene::Limits;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

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

/// The signals that say stop: SIGTERM and SIGINT. Those that came since it listens are not lost.
#[derive(Debug)]
pub(super) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    pub(super) fn listen() -> Result<Self, CliError> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn said(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        tracing::info!("stopping: no new connections, what has begun may end");
    }
}

/// Serves until told to stop.
pub(super) async fn serve(
    listener: TcpListener,
    public_url: String,
    opened: Opened,
    proxies: Arc<[IpNet]>,
    stop: Stop,
) -> Result<(), CliError> {
    let orders = socket::path(&opened.database);
    let listening = socket::bind(&orders).map_err(CliError::file(&orders))?;
    let store = Arc::new(opened.store);
    let desk = Desk {
        store: Arc::clone(&store) as Arc<dyn OperatorStore>,
        ring: opened.ring.clone(),
        random: Arc::clone(&opened.random),
    };
    let carrying_out = tokio::spawn(socket::serve(listening, Arc::new(desk)));
    let app = Arc::new(App {
        store,
        ring: opened.ring,
        cursors: opened.cursors,
        clock: opened.clock,
        random: opened.random,
        public_url,
        limits: Limits::default(),
    });
    let flushing = Arc::clone(&app.store);
    let flush = tokio::spawn(async move { flush_uses::forever(&*flushing).await });
    transport::serve(listener, stack::stack(&app), proxies, stop.said()).await;
    flush.abort();
    carrying_out.abort();
    // A leftover is cleared by the next start; without one, the file is opened directly.
    let _ = std::fs::remove_file(&orders);
    flush_uses::once(&*app.store).await;
    tracing::info!("stopped");
    Ok(())
}
