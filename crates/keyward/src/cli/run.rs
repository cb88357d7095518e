//! Listening and serving, until a signal says stop.

use super::CliError;
use super::aside::{announced, notify};
use super::key_prefix;
use super::listening::Bound;
use super::opened::Opened;
use super::private_data::refuse_open_socket;
use super::service_manager::State;
use super::stopping::Stop;
use super::tasks::{self, Begun, Beside};
use crate::background::log_counts::LogCounts;
use crate::background::{clock, counters, flush};
use crate::config::{IssuerConfig, McpConfig, OAuthConfig, names_this_server};
use crate::issuers::Issuers;
use crate::oauth::DemoPerson;
use crate::oauth::documents::{Documents, PublicNames};
use crate::operate::presence::Presence;
use crate::operate::{Desk, OrdersSocket, SocketPlace};
use crate::reload::Reloader;
use crate::server::{Base, Builder, SignIn};
use crate::store::Store;
use crate::telemetry::Traces;
use crate::transport;
use crate::transport::{Leaving, Listening};
use crate::watch::{Degraded, Recent};
use keyward_core::store::Upkeep;
use keyward_tower::hygiene::Limits;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

/// The signals: SIGTERM and SIGINT say stop, and at once when they come again; SIGHUP says reload. Those that came since it
/// listens are not lost.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    /// SIGHUP says stop: the terminal is gone.
    ends_with_terminal: bool,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, CliError> {
        let of = |kind| signal(kind);
        Ok(Self {
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
            hang_up: of(SignalKind::hangup())?,
            ends_with_terminal: false,
        })
    }

    /// Those of what somebody looks at: it ends with the terminal, if it has one. Under `nohup` no stream is one.
    pub(super) fn end_with_terminal(self) -> Self {
        let terminal = io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal();
        Self { ends_with_terminal: terminal, ..self }
    }

    /// Takes the signals for as long as it runs: counts the orders to stop, and has the configuration read again. `own`: those that are
    /// listened for already.
    pub(super) async fn take(own: Option<Self>, stops: watch::Sender<u8>, reload: Arc<Notify>) {
        // Absent: they are listened for again.
        let mut own = match own.map_or_else(Self::listen, Ok) {
            Ok(own) => own,
            Err(error) => {
                tracing::error!(%error, "no signal is heard any more; end the server by SIGKILL and start it again");
                return;
            }
        };
        loop {
            tokio::select! {
                Some(()) = own.terminate.recv() => stops.send_modify(|stops| *stops = stops.saturating_add(1)),
                Some(()) = own.interrupt.recv() => stops.send_modify(|stops| *stops = stops.saturating_add(1)),
                Some(()) = own.hang_up.recv() => if own.ends_with_terminal {
                    // Once, though shell and system both send it.
                    stops.send_modify(|stops| *stops = (*stops).max(1));
                } else {
                    reload.notify_one();
                },
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
    /// What the work does without.
    pub(super) degraded: Degraded,
    pub(super) oauth: OAuthConfig,
    pub(super) mcp: McpConfig,
    /// Whom the sign-in page offers.
    pub(super) people: Vec<DemoPerson>,
    /// Says that the server is there, when nothing that could fail stands between it and its first request.
    pub(super) announce: Box<dyn FnOnce() -> Result<(), CliError> + Send>,
}

/// Serves until told to stop.
pub(super) async fn serve(plan: Plan) -> Result<(), CliError> {
    let Plan {
        bound,
        public_url,
        opened,
        signals,
        mut reloader,
        traces,
        oauth,
        mcp,
        people,
        announce,
        degraded,
    } = plan;
    let issuers = Issuers::of(reloader.trusted(), &opened.clock, &reloader.current, &degraded);
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
    let orders = SocketPlace::of(&opened.database, reloader.orders_socket());
    refuse_open_socket(&orders)?;
    let presence = Presence::take(&opened.database).await?;
    let listening = OrdersSocket::take(orders.clone(), &degraded);
    key_prefix::warn_of_others(&opened);
    let store = Arc::new(opened.store);
    store.serve_from(listening.path()).await.map_err(CliError::from)?;
    let placed = Arc::clone(&store);
    let recent = Recent::default();
    let desk = Desk {
        store: Arc::clone(&store) as Arc<dyn Store>,
        ring: opened.ring.clone(),
        cursors: opened.cursors.clone(),
        claims: opened.claims.clone(),
        sign_in: opened.sign_in.clone(),
        public_url: public_url.clone(),
        token_seconds: oauth.access_token_seconds,
        sign_in_enabled: oauth.enabled,
        redirect_schemes: oauth.redirect_schemes.clone(),
        tiers: reloader.current.tiers(),
        clock: Arc::clone(&opened.clock),
        random: Arc::clone(&opened.random),
        secret_file: reloader.secret_file(),
        rotating: Arc::default(),
        recent: recent.clone(),
        addresses: bound.tcp(),
        pages: 1,
        by: None,
    };
    // What an account that an older version made does not have yet. Without it the rest works, and the next start tries again.
    if let Err(error) = desk.operator().pipelines().await {
        tracing::error!(%error, "accounts without pipelines could not be given any");
    }
    if oauth.enabled
        && let Err(error) = desk.signing().once().await
    {
        if store.write_fault().is_none() {
            return Err(CliError::Said(error.to_string()));
        }
        // Without a key no token is signed; the rest works, and it is tried again.
        tracing::error!(%error, "the signing keys cannot be kept in order while the database cannot be written");
    }
    let signing = oauth.enabled.then(|| desk.signing());
    let sign_in = oauth.enabled.then(|| SignIn {
        settings: oauth,
        keys: opened.sign_in,
        documents: Documents::new(Arc::new(PublicNames::default()), &[], &degraded),
        people,
    });
    let base = Base {
        store,
        ring: opened.ring,
        cursors: opened.cursors,
        claims: opened.claims,
        clock: opened.clock,
        random: opened.random,
        current: reloader.current.clone(),
        public_url,
    };
    let server = Builder::new(base)
        .issuers(issuers.clone())
        .sign_in(sign_in)
        .mcp(mcp)
        .limits(limits)
        .subjects(opened.subjects)
        .traces(traces)
        .recent(recent)
        .degraded(degraded.clone())
        .build();
    let server = Arc::new(server);
    let (store, shared) = (Arc::clone(server.store()), Arc::clone(server.shared()));
    counters::load(&*store, &shared.limiter, &*shared.clock, reloader.after_crash()).await?;
    if let Err(unheard) = announced(announce).await {
        counters::save(&*store, &shared.limiter, &*shared.clock).await;
        return Err(unheard);
    }
    let (stops, told) = watch::channel(0);
    let leaving = Leaving::default();
    let counts = Arc::new(LogCounts::since(shared.clock.now()));
    let serving = Arc::clone(&placed);
    let Begun { supervisor, writing, ready } = tasks::begin(Beside {
        server: Arc::clone(&server),
        signals,
        stops,
        reloader,
        degraded: degraded.clone(),
        orders: listening,
        desk,
        file: placed,
        presence,
        admin: bound.admin,
        leaving: leaving.clone(),
        issuers,
        counts: Arc::clone(&counts),
        signing,
    });
    let with = Listening {
        current: server.current().clone(),
        figures: server.metrics().connections.clone(),
        header_bytes: limits.header_bytes,
        leaving: leaving.clone(),
        // Answers are dated by the machine's clock, which the store's does not follow back.
        ..Listening::default()
    };
    let ordered = Stop::default();
    let stop = async {
        told_to_stop(told.clone(), 1).await;
        // A server that stops is not ready.
        ready.abort();
        leaving.begin();
        let delay = server.current().glance(|now| now.shutdown_delay);
        notify(State::Stopping(delay), &degraded).await;
        serve_on(delay, told_to_stop(told.clone(), 2)).await;
        tracing::info!("stopping: no new connections, what has begun may end");
        ordered.begin();
        writing.iter().for_each(AbortHandle::abort);
    };
    notify(State::Ready, &degraded).await;
    let (clients, sockets) = bound.clients.into_listeners();
    transport::serve(clients, server.service(), with, stop, told_to_stop(told.clone(), 2)).await;
    drop(sockets);
    supervisor.end().await;
    // A leftover is cleared by the next start; without one, the file is opened directly.
    if serving.leave_socket() {
        let _ = std::fs::remove_file(orders.path());
    }
    // The first, where the disk is slow: without them limits would be counted as after a crash.
    counters::save(&*store, &shared.limiter, &*shared.clock).await;
    ordered.end_if_late();
    flush::once(&*store).await;
    clock::record(&*store).await;
    if let Some(oauth) = server.oauth() {
        oauth.write_failed_sign_ins(&*store).await;
    }
    if let Some(traces) = server.traces()
        && let Err(error) = traces.shutdown().await
    {
        tracing::warn!(%error, "traces were not all sent");
    }
    counts.last(server.log(), &*shared.clock);
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

/// Waits while requests are served that a load balancer sends until it has noticed: for this long, or until `hurry` is ready.
async fn serve_on(delay: Duration, hurry: impl Future<Output = ()>) {
    if delay.is_zero() {
        return;
    }
    tracing::info!(seconds = delay.as_secs(), "stopping soon: requests are served on, and /readyz is 503");
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        () = hurry => {}
    }
}

/// Ready when so many orders to stop have come.
async fn told_to_stop(mut stops: watch::Receiver<u8>, times: u8) {
    if stops.wait_for(|stops| *stops >= times).await.is_err() {
        // The one that counts is gone, and with it the server.
        std::future::pending::<()>().await;
    }
}
