//! Listening and serving, until a signal says stop.

use super::CliError;
use super::opened::Opened;
use crate::app::{App, OperatorStore};
use crate::background::flush_uses;
use crate::config::{Config, Server};
use crate::operate::socket::{self, Desk};
use crate::transport::Listening;
use crate::watch::{Asked, KEYS, Metrics, endpoints};
use crate::{stack, transport};
use keyward_core::store::Upkeep;
use keyward_sqlite::Sqlite;
use keyward_tower::hygiene::Limits;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

/// The addresses, taken.
#[derive(Debug)]
pub(super) struct Bound {
    clients: TcpListener,
    /// Where clients connect.
    pub(super) address: SocketAddr,
    admin: Option<TcpListener>,
}

/// Takes the addresses, before anything is made that would be in vain without them.
pub(super) async fn listen(server: &Server) -> Result<Bound, CliError> {
    let clients = bind(server.listen).await?;
    let address = clients.local_addr()?;
    let admin = match server.admin_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    Ok(Bound { clients, address, admin })
}

async fn bind(address: SocketAddr) -> Result<TcpListener, CliError> {
    TcpListener::bind(address).await.map_err(|source| CliError::Listen { address, source })
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
    bound: Bound,
    public_url: String,
    opened: Opened,
    server: &Server,
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
    let app = Arc::new(App {
        metrics: metrics(&store),
        store,
        ring: opened.ring,
        cursors: opened.cursors,
        clock: opened.clock,
        random: opened.random,
        public_url,
        limits: Limits::default(),
    });
    let stopping = Arc::new(AtomicBool::new(false));
    let mut beside = JoinSet::new();
    beside.spawn(socket::serve(listening, Arc::new(desk)));
    if let Some(admin) = bound.admin {
        let endpoints = endpoints(Arc::clone(&app), Arc::clone(&stopping));
        beside.spawn(transport::serve(admin, endpoints, Listening::default(), std::future::pending()));
    }
    let flushing = Arc::clone(&app.store);
    beside.spawn(async move { flush_uses::forever(&*flushing).await });
    let with = Listening {
        proxies: Arc::clone(&server.trusted_proxies),
        connections: app.metrics.connections.clone(),
        refused: app.metrics.connections_refused.clone(),
    };
    let stop = async {
        stop.said().await;
        stopping.store(true, Ordering::SeqCst);
    };
    transport::serve(bound.clients, stack::stack(&app), with, stop).await;
    beside.shutdown().await;
    // A leftover is cleared by the next start; without one, the file is opened directly.
    let _ = std::fs::remove_file(&orders);
    flush_uses::once(&*app.store).await;
    tracing::info!("stopped");
    Ok(())
}

/// The figures, with those that are looked up when they are told.
fn metrics(store: &Arc<Sqlite>) -> Metrics {
    let mut metrics = Metrics::new();
    let directory = store.directory().clone();
    metrics.ask(Box::new(Asked {
        figure: KEYS,
        value: move || i64::try_from(directory.read().keys()).unwrap_or(i64::MAX),
    }));
    metrics
}
