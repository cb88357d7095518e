//! What the operator watches: figures for Prometheus, whether the server lives and is ready, and what is remembered of
//! requests that were refused.

mod build;
mod catalog;
mod degraded;
mod depths;
mod endpoints;
mod figures;
mod floods;
mod labelled;
mod log_lines;
mod metrics;
mod of_issuers;
mod process;
mod quota;
mod recent;
mod request_line;
mod seen;
mod task_panics;
mod text_format;
mod unknown_scopes;

pub(crate) use catalog::FIGURES;
pub use degraded::Degraded;
pub(crate) use degraded::Part;
pub(crate) use depths::ask_depths;
pub(crate) use endpoints::{Watched, endpoints};
pub(crate) use figures::{ask_certificate, ask_degraded, of_server};
pub(crate) use floods::LeftOut;
pub(crate) use metrics::Limited;
pub use metrics::Metrics;
pub(crate) use process::PROCESS;
pub use recent::Recent;
pub(crate) use request_line::CUT;
pub(crate) use request_line::RequestLine;
pub use request_line::RequestLog;
pub(crate) use seen::Seen;
pub(crate) use task_panics::ask_panics;
