//! A figure with labels that is looked up when it is asked for.

use super::catalog::Figure;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;

/// The values of a figure, each with its labels.
pub(super) type Labelled<const N: usize> = Vec<([(&'static str, String); N], u64)>;

/// Looked up whenever the figures are shown.
pub(super) struct LookedUp<F> {
    pub(super) figure: Figure,
    pub(super) values: F,
}

impl<F> fmt::Debug for LookedUp<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.figure.name)
    }
}

impl<const N: usize, F> Collector for LookedUp<F>
where
    F: Fn() -> Labelled<N> + Send + Sync + 'static,
{
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Figure { name, about, .. } = self.figure;
        let is_counter = self.figure.is_counter();
        let kind = if is_counter { MetricType::Counter } else { MetricType::Gauge };
        let mut encoder = encoder.encode_descriptor(name, about, None, kind)?;
        for (labels, value) in (self.values)() {
            let encoder = encoder.encode_family(&labels)?;
            if is_counter {
                ConstCounter::new(value).encode(encoder)?;
            } else {
                ConstGauge::new(value).encode(encoder)?;
            }
        }
        Ok(())
    }
}
