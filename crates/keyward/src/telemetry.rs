//! Log lines on standard error, one event a line.

use crate::config::{Log, LogFormat};
use std::io;
use tracing_subscriber::EnvFilter;

/// Starts logging. A second start in one process changes nothing.
pub(crate) fn start(log: &Log) {
    let filter = EnvFilter::try_new(&log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
    // The only error is that logging has been started already.
    let _ = match log.format {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
        LogFormat::Text => builder.try_init(),
    };
}
