//! What the operator watches: figures for Prometheus, whether the server lives and is ready, and what is remembered of
//! requests that were refused.

mod endpoints;
mod metrics;
mod seen;

pub(crate) use endpoints::endpoints;
pub use metrics::Metrics;
pub(crate) use metrics::{Asked, FIGURES, KEYS, Slow};
pub use seen::Recent;
pub(crate) use seen::Seen;
