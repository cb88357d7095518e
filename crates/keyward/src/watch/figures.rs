//! The figures of one server, with those that are looked up when they are told.

use super::build::build_info;
use super::catalog::{
    CERTIFICATE_END, CLOCK_BEHIND, DATABASE, DATABASE_LOG, DEGRADED, ENDINGS_UNJOURNALED, ENDINGS_UNWRITTEN,
    KEYS, KEYS_EXPIRING, KEYS_RETIRED, KEYS_UNMOVED, LIMIT_BUCKETS, READS_WAITING, ROWS_LEFT_OUT, SPANS_LOST,
    USES_UNWRITTEN, WRITES_FAIL, WRITES_WAITING,
};
use super::degraded::{Degraded, Part};
use super::labelled::LookedUp;
use super::log_lines::LogLines;
use super::metrics::Metrics;
use super::of_issuers::OfIssuers;
use crate::current::Current;
use crate::issuers::Issuers;
use crate::store::Store;
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
    let expiry = Arc::clone(clock);
    let (known, ring, clock) = (store.directory().clone(), ring.clone(), Arc::clone(clock));
    metrics.ask(KEYS_UNMOVED, move || known.read().unmoved(ring.version(), clock.now()).len() as u64);
    let known = store.directory().clone();
    metrics.ask(USES_UNWRITTEN, move || known.unwritten_uses().len() as u64);
    for (figure, value) in [
        (DATABASE, (|figures| figures.bytes) as fn(keyward_core::store::Figures) -> u64),
        (DATABASE_LOG, |figures| figures.log_bytes),
        (WRITES_WAITING, |figures| figures.writes_waiting),
        (READS_WAITING, |figures| figures.reads_waiting),
        (ROWS_LEFT_OUT, |figures| figures.rows_left_out),
        (ENDINGS_UNWRITTEN, |figures| figures.endings_unwritten),
        (ENDINGS_UNJOURNALED, |figures| figures.endings_unjournaled),
    ] {
        let store = Arc::clone(store);
        metrics.ask(figure, move || value(store.figures()));
    }
    let counted = limiter.clone();
    metrics.ask(LIMIT_BUCKETS, move || counted.tally().buckets as u64);
    expiring(&mut metrics, store, expiry);
    metrics.ask_process(store.directory().clock().wall());
    metrics.look_up(build_info());
    if issuers.keys().next().is_some() {
        metrics.collect(OfIssuers(issuers.clone()));
    }
    metrics.collect(LogLines);
    if let Some(traces) = traces {
        let lost = traces.lost();
        metrics.ask(SPANS_LOST, lost);
    }
    metrics
}

/// Has the end of the certificate told, where there is one. HTTPS is not turned on or off while requests are served.
pub(crate) fn ask_certificate(metrics: &mut Metrics, current: &Current) {
    if current.glance(|now| now.tls.is_none()) {
        return;
    }
    let current = current.clone();
    metrics.ask(CERTIFICATE_END, move || {
        let end = current.glance(|now| now.certificate.map(|certificate| certificate.not_after().unix()));
        // Absent: it cannot be read; no time is before 1970.
        end.and_then(|end| u64::try_from(end).ok()).unwrap_or_default()
    });
}

/// Has the parts that the work does without asked for whenever the figures are shown.
pub(crate) fn ask_degraded(metrics: &mut Metrics, degraded: &Degraded) {
    let own = degraded.clone();
    let value = move |part: Part| ([("part", part.name().to_owned())], u64::from(own.is_failing(part)));
    metrics.look_up(LookedUp { figure: DEGRADED, values: move || Part::ALL.map(&value).to_vec() });
}

/// The spans before their end that keys are counted in, in days.
const WITHIN: [(&str, i64); 3] = [("1d", 1), ("7d", 7), ("30d", 30)];
const DAY: i64 = 24 * 60 * 60;

fn expiring(metrics: &mut Metrics, store: &Arc<dyn Store>, clock: Arc<dyn Clock>) {
    let known = store.directory().clone();
    let values = move || {
        let (now, known) = (clock.now(), known.read());
        let ending = |days: i64| known.keys_ending(now, now.plus_seconds(days * DAY)) as u64;
        WITHIN.map(|(within, days)| ([("within", within.to_owned())], ending(days))).to_vec()
    };
    metrics.look_up(LookedUp { figure: KEYS_EXPIRING, values });
}
