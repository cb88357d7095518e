//! The figures of one server, with those that are looked up when they are told.

use super::metrics::{
    CLOCK_BEHIND, DATABASE, DATABASE_LOG, ENDINGS_UNJOURNALED, ENDINGS_UNWRITTEN, KEYS, KEYS_RETIRED,
    KEYS_UNMOVED, LIMIT_BUCKETS, Metrics, ROWS_LEFT_OUT, SPANS_LOST, USES_UNWRITTEN, WRITES_FAIL,
    WRITES_WAITING,
};
use crate::app::Store;
use crate::issuers::Issuers;
use crate::telemetry::Traces;
use keyward_core::api_key::KeyRing;
use keyward_core::clock::Clock;
use keyward_core::rate_limit::Limiter;
use std::sync::Arc;

/// All that is told of a server with this store.
pub(crate) fn of_server(
    store: &Arc<dyn Store>,
    (ring, clock): (&KeyRing, &Arc<dyn Clock>),
    limiter: &Limiter,
    (issuers, traces): (&Issuers, Option<&Traces>),
) -> Metrics {
    let mut metrics = Metrics::new();
    let known = store.directory().clone();
    metrics.ask(KEYS, move || known.read().keys() as u64);
    let known = store.directory().clone();
    metrics.ask(KEYS_RETIRED, move || known.read().retired_digests() as u64);
    let writes = Arc::clone(store);
    metrics.ask(WRITES_FAIL, move || u64::from(writes.write_fault().is_some()));
    let (known, reading) = (store.directory().clone(), Arc::clone(clock));
    metrics.ask(CLOCK_BEHIND, move || {
        let now = reading.now();
        let behind = now.unix().saturating_sub(known.clock().wall().unix());
        // Ahead it is not behind.
        u64::try_from(behind).unwrap_or(0)
    });
    let (known, ring, clock) = (store.directory().clone(), ring.clone(), Arc::clone(clock));
    metrics.ask(KEYS_UNMOVED, move || known.read().unmoved(ring.version(), clock.now()).len() as u64);
    let known = store.directory().clone();
    metrics.ask(USES_UNWRITTEN, move || known.unwritten_uses().len() as u64);
    for (figure, value) in [
        (DATABASE, (|figures| figures.bytes) as fn(keyward_core::store::Figures) -> u64),
        (DATABASE_LOG, |figures| figures.log_bytes),
        (WRITES_WAITING, |figures| figures.writes_waiting),
        (ROWS_LEFT_OUT, |figures| figures.rows_left_out),
        (ENDINGS_UNWRITTEN, |figures| figures.endings_unwritten),
        (ENDINGS_UNJOURNALED, |figures| figures.endings_unjournaled),
    ] {
        let store = Arc::clone(store);
        metrics.ask(figure, move || value(store.figures()));
    }
    let counted = limiter.clone();
    metrics.ask(LIMIT_BUCKETS, move || counted.tally().buckets as u64);
    metrics.ask_issuers(issuers);
    metrics.ask_log();
    if let Some(traces) = traces {
        let lost = traces.lost();
        metrics.ask(SPANS_LOST, lost);
    }
    metrics
}
