//! Log lines on standard error, one event a line.

mod json_line;

use crate::config::{Log, LogFormat};
use json_line::JsonLine;
use std::io;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging. A second start in one process changes nothing.
pub(crate) fn start(log: &Log) {
    // The configuration has been read by the same grammar, so this is no guess.
    let filter = EnvFilter::try_new(&log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    // The only error is that logging has been started already.
    let _ = match log.format {
        LogFormat::Json => json(io::stderr, filter).try_init(),
        LogFormat::Text => {
            let text =
                tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
            text.finish().try_init()
        }
    };
}

/// The JSON log, on any writer.
pub fn json<W>(writer: W, filter: EnvFilter) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).event_format(JsonLine).finish()
}
