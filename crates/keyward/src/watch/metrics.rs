//! The figures. Every label is of a set that the program knows: nothing that a client sends makes a new line.

use super::log_lines::LogLines;
use crate::issuers::{Issuers, Standing};
use crate::transport::Figures;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabel, EncodeLabelSet, EncodeMetric, LabelSetEncoder,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::fmt;
use std::time::Duration;

/// Seconds: the edges of the durations that are counted.
const EDGES: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// One figure, as the reference page tells it.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) labels: &'static str,
    pub(crate) about: &'static str,
}

const REQUESTS: Figure = Figure {
    name: "requests",
    kind: "counter",
    labels: "operation, status, denial",
    about: "Requests by operation (none: no route), status (0: the client left) and denial (empty: not refused)",
};
const DURATIONS: Figure = Figure {
    name: "request_duration_seconds",
    kind: "histogram",
    labels: "operation",
    about: "Seconds from the head of a request to its answer",
};
const CONNECTIONS: Figure =
    Figure { name: "connections", kind: "gauge", labels: "", about: "Connections that are open" };
const REFUSED: Figure = Figure {
    name: "connections_refused",
    kind: "counter",
    labels: "",
    about: "Connections that were closed at once, since there were too many",
};
const UNKNOWN_ADDRESSES: Figure = Figure {
    name: "client_address_unknown",
    kind: "counter",
    labels: "",
    about: "Requests that a trusted proxy passed on without a client address that can be read",
};
const OVERDUE: Figure = Figure {
    name: "connections_overdue",
    kind: "counter",
    labels: "with",
    about: "Connections that were ended because the client was too slow: with opening (no whole head in time), idle (nothing \
            after an answer) or stalled (takes nothing of an answer)",
};

/// A figure that is looked up when it is told.
const fn asked(name: &'static str, about: &'static str) -> Figure {
    Figure { name, kind: "gauge", labels: "", about }
}

pub(crate) const KEYS: Figure =
    asked("keys", "API keys in memory: those that were not revoked, and did not end more than a week ago");
pub(crate) const KEYS_RETIRED: Figure = asked(
    "keys_retired",
    "Digests in memory of keys that are over, 100000 at most: they tell such keys apart in the log",
);
pub(crate) const KEYS_UNMOVED: Figure = asked(
    "keys_unmoved",
    "Live keys that have not been used since the root secret was rotated: they hold the next rotation up",
);
pub(crate) const USES_UNWRITTEN: Figure =
    asked("key_uses_unwritten", "Keys whose last use is noted and not yet written");
pub(crate) const DATABASE: Figure = asked("database_bytes", "Bytes of the database's file");
pub(crate) const DATABASE_LOG: Figure =
    asked("database_log_bytes", "Bytes of the database's write-ahead log");
pub(crate) const WRITES_WAITING: Figure = asked(
    "database_writes_waiting",
    "Writes that wait for their turn; at 1024 one more is answered 503, and at 256 of one account one more of it 429",
);
pub(crate) const WRITES_FAIL: Figure = asked(
    "database_writes_fail",
    "1 while the database cannot be written, because its disk is full or fails; else 0",
);
pub(crate) const ENDINGS_UNWRITTEN: Figure = asked(
    "database_revocations_unwritten",
    "Revocations that hold in memory and in the journal, and could not be written to the database yet",
);
pub(crate) const ENDINGS_UNJOURNALED: Figure = asked(
    "revocation_journal_unwritten",
    "Revocations that could not be written to the journal beside the database, which keeps them meanwhile: a restored copy would \
     not learn of them if the database is lost",
);
pub(crate) const CLOCK_BEHIND: Figure = asked(
    "clock_behind_seconds",
    "Seconds that the machine's clock is behind the newest time that was recorded; above 60, credentials with an end are answered 503",
);
pub(crate) const ROWS_LEFT_OUT: Figure = asked(
    "database_rows_left_out",
    "Rows that cannot be read, and were left out at the start or of a list, the recorded time among them: an alarm. The log names each",
);
pub(crate) const LOG_LINES_DROPPED: Figure = Figure {
    name: "log_lines_dropped",
    kind: "counter",
    labels: "lane",
    about: "Log lines that were dropped, since what reads the log is too slow or its disk is full; lane severe: ERROR and \
            WARN, routine: the rest",
};
pub(crate) const SPANS_LOST: Figure = asked("spans_lost", "Spans that the trace collector did not take");

const LIMITED: Figure = Figure {
    name: "limited",
    kind: "counter",
    labels: "limit, refused",
    about: "Requests over a limit; refused is false where [limits] shadow only counts them",
};
pub(crate) const LIMIT_BUCKETS: Figure =
    asked("limit_buckets", "Accounts and addresses that are counted for limits");

/// A figure of each issuer.
const fn of_issuer(name: &'static str, kind: &'static str, about: &'static str) -> Figure {
    Figure { name, kind, labels: "issuer", about }
}

const ISSUER_KEYS: Figure =
    of_issuer("issuer_keys", "gauge", "Keys of the issuer that are believed; 0: its tokens are answered 503");
const ISSUER_KEYS_AGE: Figure = of_issuer(
    "issuer_keys_age_seconds",
    "gauge",
    "Seconds since the issuer's keys were fetched; above 3700 they could not be, and above 86400 they are believed no longer",
);
const ISSUER_FETCHES: Figure = Figure {
    name: "issuer_key_fetches",
    kind: "counter",
    labels: "issuer, failed",
    about: "Fetches of the issuer's keys",
};

/// Every figure.
pub(crate) const FIGURES: &[Figure] = &[
    REQUESTS,
    DURATIONS,
    CONNECTIONS,
    REFUSED,
    OVERDUE,
    UNKNOWN_ADDRESSES,
    LIMITED,
    LIMIT_BUCKETS,
    KEYS,
    KEYS_RETIRED,
    KEYS_UNMOVED,
    USES_UNWRITTEN,
    DATABASE,
    DATABASE_LOG,
    WRITES_WAITING,
    WRITES_FAIL,
    ENDINGS_UNWRITTEN,
    ENDINGS_UNJOURNALED,
    ROWS_LEFT_OUT,
    CLOCK_BEHIND,
    SPANS_LOST,
    LOG_LINES_DROPPED,
    ISSUER_KEYS,
    ISSUER_KEYS_AGE,
    ISSUER_FETCHES,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    operation: &'static str,
    status: u16,
    denial: &'static str,
}

/// A request that was over a limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Limited {
    pub(crate) limit: &'static str,
    pub(crate) refused: bool,
}

impl EncodeLabelSet for Limited {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        let refused = if self.refused { "true" } else { "false" };
        ("limit", self.limit).encode(encoder.encode_label())?;
        ("refused", refused).encode(encoder.encode_label())
    }
}

/// What a client was too slow with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Slow {
    pub(crate) with: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
}

/// The figures of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Operation, Histogram>,
    limited: Family<Limited, Counter>,
    /// Of connections.
    pub(crate) connections: Figures,
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("keyward");
        let requests = Family::<Request, Counter>::default();
        registry.register(REQUESTS.name, REQUESTS.about, requests.clone());
        let durations = Family::<Operation, Histogram>::new_with_constructor(|| Histogram::new(EDGES));
        registry.register(DURATIONS.name, DURATIONS.about, durations.clone());
        let limited = Family::<Limited, Counter>::default();
        registry.register(LIMITED.name, LIMITED.about, limited.clone());
        let connections = Figures::default();
        registry.register(CONNECTIONS.name, CONNECTIONS.about, connections.open.clone());
        registry.register(REFUSED.name, REFUSED.about, connections.refused.clone());
        registry.register(
            UNKNOWN_ADDRESSES.name,
            UNKNOWN_ADDRESSES.about,
            connections.unknown_addresses.clone(),
        );
        registry.register(OVERDUE.name, OVERDUE.about, connections.overdue.clone());
        Self { registry, requests, durations, limited, connections }
    }

    /// Counts a request. Without an operation it is one that no route has.
    pub(crate) fn request(
        &self,
        operation: Option<&'static str>,
        status: Option<u16>,
        denial: Option<&'static str>,
        duration: Duration,
    ) {
        let operation = operation.unwrap_or("none");
        let request = Request { operation, status: status.unwrap_or(0), denial: denial.unwrap_or("") };
        self.requests.get_or_create(&request).inc();
        self.durations.get_or_create(&Operation { operation }).observe(duration.as_secs_f64());
    }

    /// Counts a request that was over a limit.
    pub(crate) fn limited(&self, limited: Limited) {
        self.limited.get_or_create(&limited).inc();
    }

    /// Has a further figure asked for whenever the figures are told.
    pub(crate) fn ask(&mut self, figure: Figure, value: impl Fn() -> u64 + Send + Sync + 'static) {
        self.registry.register_collector(Box::new(Asked { figure, value }));
    }

    /// Has the dropped lines of the log asked for whenever the figures are told.
    pub(crate) fn ask_log(&mut self) {
        self.registry.register_collector(Box::new(LogLines));
    }

    /// Has the figures of these issuers asked for whenever the figures are told.
    pub(crate) fn ask_issuers(&mut self, issuers: &Issuers) {
        if issuers.keys().next().is_some() {
            self.registry.register_collector(Box::new(OfIssuers(issuers.clone())));
        }
    }

    /// The figures in the text format of OpenMetrics.
    pub(crate) fn told(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// A figure that is looked up when it is told.
struct Asked<F> {
    figure: Figure,
    value: F,
}

impl<F> fmt::Debug for Asked<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.figure.name)
    }
}

impl<F: Fn() -> u64 + Send + Sync + 'static> Collector for Asked<F> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let gauge = ConstGauge::new(i64::try_from((self.value)()).unwrap_or(i64::MAX));
        let encoder =
            encoder.encode_descriptor(self.figure.name, self.figure.about, None, gauge.metric_type())?;
        gauge.encode(encoder)
    }
}

/// The figures of issuers. Their names are the configuration's.
#[derive(Debug)]
struct OfIssuers(Issuers);

impl OfIssuers {
    fn gauges(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        figure: &Figure,
        value: fn(&Standing) -> Option<i64>,
    ) -> Result<(), fmt::Error> {
        let mut encoder = encoder.encode_descriptor(figure.name, figure.about, None, MetricType::Gauge)?;
        for (issuer, keys) in self.0.keys() {
            if let Some(value) = value(&keys.standing()) {
                ConstGauge::new(value).encode(encoder.encode_family(&[("issuer", issuer)])?)?;
            }
        }
        Ok(())
    }
}

impl Collector for OfIssuers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        self.gauges(&mut encoder, &ISSUER_KEYS, |standing| i64::try_from(standing.keys).ok())?;
        self.gauges(&mut encoder, &ISSUER_KEYS_AGE, |standing| i64::try_from(standing.age?.as_secs()).ok())?;
        let figure = &ISSUER_FETCHES;
        let mut encoder = encoder.encode_descriptor(figure.name, figure.about, None, MetricType::Counter)?;
        for (issuer, keys) in self.0.keys() {
            let Standing { fetched, failed, .. } = keys.standing();
            for (count, failed) in [(fetched, "false"), (failed, "true")] {
                let labels = [("issuer", issuer), ("failed", failed)];
                ConstCounter::new(count).encode(encoder.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
