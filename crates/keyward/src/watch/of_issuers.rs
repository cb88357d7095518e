//! The figures of the issuers that are trusted.

use super::catalog::{Figure, ISSUER_FETCHES, ISSUER_KEYS, ISSUER_KEYS_AGE};
use crate::issuers::{Issuers, Standing};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;

/// The figures of issuers. Their names are the configuration's.
#[derive(Debug)]
pub(super) struct OfIssuers(pub(super) Issuers);

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
