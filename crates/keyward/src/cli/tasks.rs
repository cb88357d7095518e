//! The tasks that run beside the requests.

use super::aside::ready_again;
use super::listening::At;
use super::run::Signals;
use super::{orphans, reloading};
use crate::background::log_counts::LogCounts;
use crate::background::panics::Task;
use crate::background::signing::Upkeep;
use crate::background::supervisor::Supervisor;
use crate::background::{certificate, clock, failed_sign_ins, flush, place, purge};
use crate::issuers::Issuers;
use crate::operate::presence::Presence;
use crate::operate::{Desk, OrdersSocket};
use crate::reload::Reloader;
use crate::server::Server;
use crate::transport;
use crate::transport::{Leaving, Listening};
use crate::watch::{Degraded, Watched, endpoints};
use keyward_core::store::Retention;
use keyward_sqlite::Sqlite;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

/// What the tasks work with.
pub(super) struct Beside {
    pub(super) server: Arc<Server>,
    pub(super) signals: Signals,
    /// Counts the orders to stop.
    pub(super) stops: watch::Sender<u8>,
    pub(super) reloader: Reloader,
    pub(super) degraded: Degraded,
    pub(super) orders: OrdersSocket,
    pub(super) desk: Desk,
    pub(super) file: Arc<Sqlite>,
    pub(super) presence: Presence,
    /// Where the operator's endpoints listen.
    pub(super) admin: At,
    pub(super) leaving: Leaving,
    pub(super) issuers: Issuers,
    pub(super) counts: Arc<LogCounts>,
    /// What keeps the signing keys, if there are any.
    pub(super) signing: Option<Upkeep>,
}

/// The tasks, begun.
pub(super) struct Begun {
    pub(super) supervisor: Supervisor,
    /// Those that write now and then: at a stop these end at once, since what they write waits for the disk before what the stop has
    /// to write.
    pub(super) writing: Vec<AbortHandle>,
    /// The one that notifies systemd again that the server is ready.
    pub(super) ready: AbortHandle,
}

/// Begins them.
pub(super) fn begin(beside: Beside) -> Begun {
    let Beside { server, degraded, file, .. } = beside;
    let mut supervisor = Supervisor::new(server.panics.clone());
    let keep = beside.reloader.retention();
    let reload = Arc::new(Notify::new());
    let (reloader, asked, failing) = (Arc::new(beside.reloader), Arc::clone(&reload), degraded.clone());
    let (signals, stops) = (Mutex::new(Some(beside.signals)), beside.stops);
    supervisor.keep(Task::Signals, move || {
        let taken = signals.lock().unwrap_or_else(PoisonError::into_inner).take();
        Signals::take(taken, stops.clone(), Arc::clone(&reload))
    });
    supervisor.keep(Task::Reload, move || {
        reloading::forever(Arc::clone(&asked), Arc::clone(&reloader), failing.clone())
    });
    supervisor.keep(Task::Orphans, orphans::reap);
    let (orders, desk, served) = (Arc::new(beside.orders), Arc::new(beside.desk), Arc::clone(&file));
    supervisor.keep(Task::OrdersSocket, move || {
        let (orders, desk, file) = (Arc::clone(&orders), Arc::clone(&desk), Arc::clone(&served));
        async move { orders.serve(desk, file).await }
    });
    let presence = Arc::new(beside.presence);
    supervisor.keep(Task::Presence, move || {
        let presence = Arc::clone(&presence);
        async move { presence.keep().await }
    });
    supervisor.keep(Task::Place, move || place::forever(Arc::clone(&file)));
    if !beside.admin.is_empty() {
        let watched = Watched {
            metrics: Arc::clone(server.metrics()),
            store: Arc::clone(server.store()),
            clock: Arc::clone(&server.shared().clock),
        };
        let endpoints = endpoints(watched, beside.leaving, server.panics.clone());
        // It cannot be taken twice: after a panic nobody listens, and each probe fails.
        let taken = Mutex::new(Some((endpoints, beside.admin.into_listeners())));
        supervisor.keep(Task::Admin, move || {
            let taken = taken.lock().unwrap_or_else(PoisonError::into_inner).take();
            async move {
                let Some((endpoints, (listeners, _sockets))) = taken else { return };
                let never = || std::future::pending();
                transport::serve(listeners, endpoints, Listening::default(), never(), never()).await;
            }
        });
    }
    let writing = writing(&mut supervisor, &server, keep);
    if server.current().glance(|now| now.tls.is_some()) {
        let own = Arc::clone(&server);
        supervisor.keep(Task::Certificate, move || {
            let server = Arc::clone(&own);
            async move { certificate::forever(server.current(), &*server.shared().clock).await }
        });
    }
    let issuers = beside.issuers;
    supervisor.keep(Task::IssuerKeys, move || {
        let issuers = issuers.clone();
        async move { issuers.keep_fresh().await }
    });
    let (counts, logging) = (beside.counts, server);
    supervisor.keep(Task::LogCounts, move || {
        let (counts, server) = (Arc::clone(&counts), Arc::clone(&logging));
        async move { counts.forever(server.log(), &*server.shared().clock).await }
    });
    let ready = supervisor.keep(Task::ServiceManager, move || ready_again(degraded.clone()));
    if let Some(signing) = beside.signing {
        supervisor.keep(Task::SigningKeys, move || signing.clone().forever());
    }
    Begun { supervisor, writing, ready }
}

/// Those that write now and then.
fn writing(supervisor: &mut Supervisor, server: &Arc<Server>, keep: Retention) -> Vec<AbortHandle> {
    let own = || (Arc::clone(server.store()), Arc::clone(server.shared()));
    let ((flushing, _), reading, purging) = (own(), own(), own());
    let uses = supervisor.keep(Task::Uses, move || {
        let store = Arc::clone(&flushing);
        async move { flush::forever(&*store).await }
    });
    let clock = supervisor.keep(Task::Clock, move || {
        let (store, shared) = reading.clone();
        async move { clock::forever(&*store, &*shared.clock).await }
    });
    let purge = supervisor.keep(Task::Purge, move || {
        let (store, shared) = purging.clone();
        async move { purge::forever(&*store, &shared.limiter, keep).await }
    });
    let (failing, oauth) = (Arc::clone(server.store()), server.oauth().cloned());
    let failed = supervisor.keep(Task::FailedSignIns, move || {
        let (oauth, store) = (oauth.clone(), Arc::clone(&failing));
        async move { failed_sign_ins::forever(oauth.as_deref(), &*store).await }
    });
    vec![uses, clock, purge, failed]
}
