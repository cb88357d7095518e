//! The figures. Every label is of a set that the program knows: nothing that a client sends makes a new line.

use super::catalog::{
    CONNECTIONS, DURATIONS, Figure, LIMITED, OVERDUE, REFUSED, REQUESTS, UNKNOWN_ADDRESSES,
};
use super::labelled::{Labelled, LookedUp};
use super::process::OfProcess;
use super::text_format::text_of;
use crate::transport::Figures;
use keyward_core::clock::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
}

/// The figures of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Those whose names do not begin with ours.
    process: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Operation, Histogram>,
    /// Of requests that were over a limit.
    pub(crate) limited: Family<Limited, Counter>,
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
        Self { registry, process: Registry::default(), requests, durations, limited, connections }
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

    /// Has a further figure asked for whenever the figures are shown.
    pub(crate) fn ask(&mut self, figure: Figure, value: impl Fn() -> u64 + Send + Sync + 'static) {
        self.registry.register_collector(Box::new(Asked { figure, value }));
    }

    /// Has a figure with labels asked for whenever the figures are shown.
    pub(super) fn look_up<const N: usize>(
        &mut self,
        figure: LookedUp<impl Fn() -> Labelled<N> + Send + Sync + 'static>,
    ) {
        self.registry.register_collector(Box::new(figure));
    }

    /// Has the figures of the process asked for, with the time at which it began to serve.
    pub(super) fn ask_process(&mut self, since: Timestamp) {
        self.process.register_collector(Box::new(OfProcess { since }));
    }

    /// Has further figures collected whenever the figures are shown.
    pub(super) fn collect(&mut self, collector: impl Collector) {
        self.registry.register_collector(Box::new(collector));
    }

    /// The figures in the text format of OpenMetrics.
    pub(crate) fn told(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.process)?;
        encode_registry(&mut text, &self.registry)?;
        encode_eof(&mut text)?;
        Ok(text)
    }

    /// The figures in the text format of Prometheus, which has other names for a counter's help.
    pub(crate) fn told_as_text(&self) -> Result<String, fmt::Error> {
        self.told().map(|openmetrics| text_of(&openmetrics))
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// A figure that is looked up when it is asked for.
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
        let (Figure { name, about, .. }, value) = (&self.figure, (self.value)());
        if self.figure.is_counter() {
            let encoder = encoder.encode_descriptor(name, about, None, MetricType::Counter)?;
            return ConstCounter::new(value).encode(encoder);
        }
        let encoder = encoder.encode_descriptor(name, about, None, MetricType::Gauge)?;
        ConstGauge::new(value).encode(encoder)
    }
}
