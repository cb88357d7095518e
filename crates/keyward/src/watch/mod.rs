//! What the operator watches: figures for Prometheus, whether the server lives and is ready, and what is remembered of
//! requests that were refused.

mod endpoints;
mod figures;
mod floods;
mod log_lines;
mod metrics;
mod quota;
mod recent;
mod request_line;
mod seen;
mod unknown_scopes;

pub(crate) use endpoints::endpoints;
pub(crate) use figures::of_server;
pub(crate) use floods::LeftOut;
pub use metrics::Metrics;
pub(crate) use metrics::{FIGURES, Limited, Slow};
pub use recent::Recent;
pub(crate) use request_line::CUT;
pub(crate) use request_line::RequestLine;
pub use request_line::RequestLog;
pub(crate) use seen::Seen;
