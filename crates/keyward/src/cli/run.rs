//! Listening and serving, until a signal says stop.

use super::CliError;
use super::aside::{announced, notify};
use super::opened::Opened;
use crate::app::{App, OperatorStore, Store};
use crate::background::log_counts::LogCounts;
use crate::background::{clock, counters, failed_sign_ins, flush, place, purge};
use crate::body_room::BodyRoom;
use crate::config::{IssuerConfig, McpConfig, OAuthConfig, Server, names_this_server};
use crate::issuers::{Issuers, Resource};
use crate::mcp::Mcp;
use crate::oauth::documents::{Documents, PublicNames};
use crate::oauth::{API, AuthorizationServer, DemoPerson};
use crate::operate::presence::Presence;
use crate::operate::{Desk, socket};
use crate::pages::Pages;
use crate::reload::Reloader;
use crate::telemetry::Traces;
use crate::transport::Listening;
use crate::watch::{Recent, RequestLog, endpoints, of_server};
use crate::{stack, transport};
use keyward_core::rate_limit::Limiter;
use keyward_core::store::Upkeep;
use keyward_tower::hygiene::Limits;
use sd_notify::NotifyState;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

/// The addresses, taken.
#[derive(Debug)]
pub(super) struct Bound {
    clients: TcpListener,
    /// Where clients connect.
    pub(super) address: SocketAddr,
    admin: Option<TcpListener>,
    /// Where the operator watches.
    pub(super) admin_address: Option<SocketAddr>,
}

/// Takes the addresses, before anything is made that would be in vain without them.
pub(super) fn listen(server: &Server) -> Result<Bound, CliError> {
    let clients = bind(server.listen)?;
    let address = clients.local_addr()?;
    let admin = match server.admin_listen {
        Some(address) => Some(bind(address)?),
        None => None,
    };
    let admin_address = admin.as_ref().map(TcpListener::local_addr).transpose()?;
    Ok(Bound { clients, address, admin, admin_address })
}

/// Connections that may wait to be accepted. The usual 128 makes honest clients wait a second when many come at once.
const BACKLOG: u32 = 4096;

fn bind(address: SocketAddr) -> Result<TcpListener, CliError> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // So that a restart need not wait for the connections of the server before.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|source| CliError::Listen { address, source })
}

/// The signals: SIGTERM and SIGINT say stop, and at once when they come again; SIGHUP says reload. Those that came since it
/// listens are not lost.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, CliError> {
        let of = |kind| signal(kind);
        Ok(Self {
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
            hang_up: of(SignalKind::hangup())?,
        })
    }

    /// Takes the signals for as long as it runs: counts the orders to stop, and has the configuration read again.
    async fn take(mut self, stops: watch::Sender<u8>, reloader: Arc<Reloader>) {
        loop {
            tokio::select! {
                Some(()) = self.terminate.recv() => stops.send_modify(|stops| *stops = stops.saturating_add(1)),
                Some(()) = self.interrupt.recv() => stops.send_modify(|stops| *stops = stops.saturating_add(1)),
                // Reading files may take as long as it likes: the next signal is heard all the same.
                Some(()) = self.hang_up.recv() => drop(tokio::task::spawn_blocking({
                    let reloader = Arc::clone(&reloader);
                    move || reloader.reload()
                })),
                else => return,
            }
        }
    }
}

/// What is served, and with what.
pub(super) struct Plan {
    pub(super) bound: Bound,
    pub(super) public_url: String,
    pub(super) opened: Opened,
    pub(super) signals: Signals,
    pub(super) reloader: Reloader,
    pub(super) traces: Option<Traces>,
    pub(super) oauth: OAuthConfig,
    pub(super) mcp: McpConfig,
    /// Whom the sign-in page offers.
    pub(super) people: Vec<DemoPerson>,
    /// Says that the server is there, when nothing that could fail stands between it and its first request.
    pub(super) announce: Box<dyn FnOnce() -> Result<(), CliError> + Send>,
}

/// Serves until told to stop.
pub(super) async fn serve(plan: Plan) -> Result<(), CliError> {
    let Plan { bound, public_url, opened, signals, mut reloader, traces, oauth, mcp, people, announce } =
        plan;
    let issuers = Issuers::of(reloader.trusted(), &opened.clock, &reloader.current);
    let issuers = issuers.map_err(|error| CliError::Said(error.to_string()))?;
    reloader.issuers = issuers.clone();
    // The configuration was checked for it, but for a port that the system has chosen.
    if let Some(text) = names_this_server(&oauth, reloader.trusted(), &public_url) {
        return Err(CliError::Said(text));
    }
    // What the machine's clock shows, which may be behind what was recorded.
    if !transport::date::is_writable(opened.store.directory().clock().wall()) {
        let text =
            "the system's clock shows a time before 1970 or after 9999; set it, then start the server again";
        return Err(CliError::Said(text.to_owned()));
    }
    let limits = measures(reloader.trusted());
    let orders = socket::path(&opened.database);
    let presence = Presence::take(&opened.database).await?;
    let listening = socket::bind(&orders).map_err(CliError::file(&orders))?;
    let store = Arc::new(opened.store);
    store.serve_from(orders.clone()).await.map_err(CliError::from)?;
    let placed = Arc::clone(&store);
    let recent = Recent::default();
    let desk = Desk {
        store: Arc::clone(&store) as Arc<dyn OperatorStore>,
        ring: opened.ring.clone(),
        cursors: opened.cursors.clone(),
        claims: opened.claims.clone(),
        sign_in: opened.sign_in.clone(),
        public_url: public_url.clone(),
        token_seconds: oauth.access_token_seconds,
        sign_in_enabled: oauth.enabled,
        tiers: reloader.current.tiers(),
        clock: Arc::clone(&opened.clock),
        random: Arc::clone(&opened.random),
        secret_file: reloader.secret_file(),
        rotating: Mutex::default(),
        recent: recent.clone(),
    };
    // What an account that an older version made does not have yet. Without it the rest works, and the next start tries again.
    if let Err(error) = desk.operator().pipelines().await {
        tracing::error!(%error, "accounts without pipelines could not be given any");
    }
    if oauth.enabled {
        desk.signing().once().await.map_err(|error| CliError::Said(error.to_string()))?;
    }
    let signing = oauth.enabled.then(|| desk.signing());
    let store: Arc<dyn Store> = store;
    let oauth = if oauth.enabled {
        let documents = Documents::new(Arc::new(PublicNames::default()), &[]);
        let documents = documents.map_err(|error| CliError::Said(error.to_string()))?;
        let known = (store.directory(), &opened.clock);
        Some(AuthorizationServer::new(oauth, public_url.clone(), opened.sign_in, documents, people, known))
    } else {
        None
    };
    let limiter = Limiter::new(Arc::clone(&opened.clock));
    counters::load(&*store, &limiter, &*opened.clock, reloader.after_crash()).await?;
    let app = Arc::new(App {
        jwts: issuers.scheme(
            Resource::Api,
            &store,
            &opened.random,
            &opened.clock,
            oauth.as_ref().map(|oauth| oauth.trusted(API)),
        ),
        mcp: Mcp::of(mcp, &public_url, &issuers, oauth.as_ref(), (&store, &opened.random, &opened.clock)),
        oauth,
        pages: Pages::default(),
        claims: opened.claims,
        current: reloader.current.clone(),
        metrics: of_server(&store, (&opened.ring, &opened.clock), &limiter, (&issuers, traces.as_ref())),
        limiter,
        traces,
        recent,
        log: RequestLog::new(opened.subjects),
        store,
        ring: opened.ring,
        cursors: opened.cursors,
        clock: opened.clock,
        random: opened.random,
        public_url,
        limits,
        bodies: BodyRoom::default(),
    });
    if let Err(unheard) = announced(announce).await {
        counters::save(&*app.store, &app.limiter, &*app.clock).await;
        return Err(unheard);
    }
    let (stops, told) = watch::channel(0);
    let stopping = Arc::new(AtomicBool::new(false));
    let mut beside = JoinSet::new();
    let keep = reloader.retention();
    beside.spawn(signals.take(stops, Arc::new(reloader)));
    beside.spawn(socket::serve(listening, Arc::new(desk), Arc::clone(&placed)));
    beside.spawn(presence.keep());
    let serving = Arc::clone(&placed);
    beside.spawn(place::forever(placed));
    if let Some(admin) = bound.admin {
        let endpoints = endpoints(Arc::clone(&app), Arc::clone(&stopping));
        let never = || std::future::pending();
        beside.spawn(transport::serve(admin, endpoints, Listening::default(), never(), never()));
    }
    let flushing = Arc::clone(&app.store);
    beside.spawn(async move { flush::forever(&*flushing).await });
    let reading = Arc::clone(&app);
    beside.spawn(async move { clock::forever(&*reading.store, &*reading.clock).await });
    let purging = Arc::clone(&app);
    beside.spawn(async move { purge::forever(&*purging.store, &purging.limiter, keep).await });
    beside.spawn(async move { issuers.keep_fresh().await });
    let counts = Arc::new(LogCounts::since(app.clock.now()));
    let counting = (Arc::clone(&counts), Arc::clone(&app));
    beside.spawn(async move { counting.0.forever(&counting.1).await });
    let failing = Arc::clone(&app);
    beside.spawn(async move { failed_sign_ins::forever(&failing).await });
    if let Some(signing) = signing {
        beside.spawn(signing.forever());
    }
    let with = Listening {
        current: app.current.clone(),
        figures: app.metrics.connections.clone(),
        header_bytes: limits.header_bytes,
        // Answers are dated by the machine's clock, which the store's does not follow back.
        ..Listening::default()
    };
    let stop = async {
        told_to_stop(told.clone(), 1).await;
        tracing::info!("stopping: no new connections, what has begun may end");
        stopping.store(true, Ordering::SeqCst);
        notify(NotifyState::Stopping).await;
    };
    notify(NotifyState::Ready).await;
    transport::serve(bound.clients, stack::stack(&app), with, stop, told_to_stop(told.clone(), 2)).await;
    beside.shutdown().await;
    // A leftover is cleared by the next start; without one, the file is opened directly.
    if serving.leave_socket() {
        let _ = std::fs::remove_file(&orders);
    }
    flush::once(&*app.store).await;
    clock::record(&*app.store).await;
    failed_sign_ins::once(&app).await;
    counters::save(&*app.store, &app.limiter, &*app.clock).await;
    if let Some(traces) = &app.traces
        && let Err(error) = traces.shutdown().await
    {
        tracing::warn!(%error, "traces were not all sent");
    }
    counts.last(&app);
    tracing::info!("stopped");
    Ok(())
}

/// The measures of a request: with tokens longer than usual, its head may be longer too.
fn measures(issuers: &[IssuerConfig]) -> Limits {
    let usual = IssuerConfig::default().max_token_bytes;
    // Absent: without an issuer tokens are as long as usual.
    let longest = issuers.iter().map(|issuer| issuer.max_token_bytes).max().unwrap_or(usual);
    let limits = Limits::default();
    Limits { header_bytes: limits.header_bytes + longest.saturating_sub(usual), ..limits }
}

/// Ready when so many orders to stop have come.
async fn told_to_stop(mut stops: watch::Receiver<u8>, times: u8) {
    if stops.wait_for(|stops| *stops >= times).await.is_err() {
        // The one that counts is gone, and with it the server.
        std::future::pending::<()>().await;
    }
}
