//! What the operator watches: figures for Prometheus, whether the server lives and is ready, and what is remembered of
//! requests that were refused.

mod endpoints;
mod figures;
mod metrics;
mod seen;

pub(crate) use endpoints::endpoints;
pub(crate) use figures::of_server;
pub use metrics::Metrics;
pub(crate) use metrics::{FIGURES, Limited, Slow};
pub use seen::Recent;
pub(crate) use seen::Seen;
