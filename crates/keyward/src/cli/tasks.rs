//! The tasks that run beside the requests.

use super::aside::ready_again;
use super::listening::At;
use super::run::Signals;
use super::{orphans, reloading};
use crate::app::App;
use crate::background::log_counts::LogCounts;
use crate::background::panics::{Panics, Task};
use crate::background::signing::Upkeep;
use crate::background::supervisor::Supervisor;
use crate::background::{certificate, clock, failed_sign_ins, flush, place, purge};
use crate::issuers::Issuers;
use crate::operate::presence::Presence;
use crate::operate::{Desk, OrdersSocket};
use crate::reload::Reloader;
use crate::transport;
use crate::transport::{Leaving, Listening};
use crate::watch::{Degraded, endpoints};
use keyward_core::store::Retention;
use keyward_sqlite::Sqlite;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

/// What the tasks work with.
pub(super) struct Beside {
    pub(super) app: Arc<App>,
    pub(super) panics: Panics,
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
    let Beside { app, panics, degraded, file, .. } = beside;
    let mut supervisor = Supervisor::new(panics.clone());
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
        let endpoints = endpoints(Arc::clone(&app), beside.leaving, panics);
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
    let writing = writing(&mut supervisor, &app, keep);
    if app.current.glance(|now| now.tls.is_some()) {
        let own = Arc::clone(&app);
        supervisor.keep(Task::Certificate, move || {
            let app = Arc::clone(&own);
            async move { certificate::forever(&app.current, &*app.clock).await }
        });
    }
    let issuers = beside.issuers;
    supervisor.keep(Task::IssuerKeys, move || {
        let issuers = issuers.clone();
        async move { issuers.keep_fresh().await }
    });
    let counts = beside.counts;
    supervisor.keep(Task::LogCounts, move || {
        let (counts, app) = (Arc::clone(&counts), Arc::clone(&app));
        async move { counts.forever(&app).await }
    });
    let ready = supervisor.keep(Task::ServiceManager, move || ready_again(degraded.clone()));
    if let Some(signing) = beside.signing {
        supervisor.keep(Task::SigningKeys, move || signing.clone().forever());
    }
    Begun { supervisor, writing, ready }
}

/// Those that write now and then.
fn writing(supervisor: &mut Supervisor, app: &Arc<App>, keep: Retention) -> Vec<AbortHandle> {
    let own = || Arc::clone(app);
    let (flushing, reading, purging, failing) = (own(), own(), own(), own());
    let uses = supervisor.keep(Task::Uses, move || {
        let app = Arc::clone(&flushing);
        async move { flush::forever(&*app.store).await }
    });
    let clock = supervisor.keep(Task::Clock, move || {
        let app = Arc::clone(&reading);
        async move { clock::forever(&*app.store, &*app.clock).await }
    });
    let purge = supervisor.keep(Task::Purge, move || {
        let app = Arc::clone(&purging);
        async move { purge::forever(&*app.store, &app.limiter, keep).await }
    });
    let failed = supervisor.keep(Task::FailedSignIns, move || {
        let app = Arc::clone(&failing);
        async move { failed_sign_ins::forever(&app).await }
    });
    vec![uses, clock, purge, failed]
}
