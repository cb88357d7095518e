//! The figure of log lines that were dropped.

use super::catalog::LOG_LINES_DROPPED;
use crate::telemetry;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use std::fmt;

/// Looked up whenever the figures are shown.
#[derive(Debug)]
pub(super) struct LogLines;

impl Collector for LogLines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let figure = &LOG_LINES_DROPPED;
        let mut encoder = encoder.encode_descriptor(figure.name, figure.about, None, MetricType::Counter)?;
        for (lane, lines) in telemetry::lines_dropped() {
            ConstCounter::new(lines).encode(encoder.encode_family(&[("lane", lane)])?)?;
        }
        Ok(())
    }
}
