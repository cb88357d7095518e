//! What the operator watches: figures for Prometheus, and whether the server lives and is ready.

mod endpoints;
mod metrics;

pub(crate) use endpoints::endpoints;
pub use metrics::Metrics;
pub(crate) use metrics::{Asked, FIGURES, KEYS, Slow};
