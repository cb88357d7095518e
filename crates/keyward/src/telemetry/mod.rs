//! Log lines on standard error, one event a line; and traces, if the environment asks for them. Neither can block: both go over
//! bounded queues.

mod cut;
mod json_line;
mod lanes;
mod panics;
mod subjects;
#[cfg(test)]
pub(crate) mod testing;
mod traces;

pub use subjects::Subjects;
pub use traces::Traces;
pub(crate) use traces::{FinishedRequest, Parent};

use crate::cli::{CliError, variable};
use crate::config::{Log, LogFormat};
use json_line::JsonLine;
use lanes::Lanes;
use std::io;
use std::sync::OnceLock;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

/// Sets the level, or says why not.
pub(crate) type SetLevel = Box<dyn Fn(&str) -> Result<(), CliError> + Send + Sync>;

/// The way to standard error: of the process, as the log is.
static LANES: OnceLock<Lanes> = OnceLock::new();

/// Each lane's name and how many log lines it has dropped.
pub(crate) fn lines_dropped() -> [(&'static str, u64); 2] {
    LANES.get().map_or([("severe", 0), ("routine", 0)], Lanes::dropped)
}

/// Waits until the log is written, for two seconds at most.
pub(crate) fn flush() {
    if let Some(lanes) = LANES.get() {
        lanes.flush();
    }
}

/// Waits until what a panic has reported is written, for a fifth of a second at most.
fn flush_panic() {
    if let Some(lanes) = LANES.get() {
        lanes.flush_panic();
    }
}

/// Starts logging; how its level is set from then on. A second start in one process changes nothing.
pub(crate) fn start(log: &Log) -> SetLevel {
    // The configuration has been read by the same grammar, so this is no guess.
    let filter = filter_of(&log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let (filter, handle) = reload::Layer::new(filter);
    let logged = tracing_subscriber::registry().with(filter);
    let lanes = LANES.get_or_init(|| Lanes::to(io::stderr()));
    let lines = tracing_subscriber::fmt::layer().with_writer(lanes);
    // The only error is that logging has been started already.
    let _ = match log.format {
        LogFormat::Json => logged.with(lines.event_format(JsonLine)).try_init(),
        LogFormat::Text => logged.with(lines.with_ansi(false)).try_init(),
    };
    panics::to_log();
    Box::new(move |level| {
        let said = |error: &dyn std::error::Error| CliError::Said(format!("log.level: {error}"));
        let filter = filter_of(level).map_err(|error| said(&error))?;
        handle.reload(filter).map_err(|error| said(&error))
    })
}

/// The filter of a level. The library of MCP's wire tells whole messages, which can hold secrets, to whoever wants to know enough.
fn filter_of(level: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::try_new(format!("{level},rmcp=error"))
}

/// The export of traces, if the environment asks for it.
pub(crate) fn traces() -> Result<Option<Traces>, CliError> {
    Traces::from_env(&variable, Handle::current()).map_err(|error| CliError::Said(error.to_string()))
}

/// The JSON log, on any writer.
pub fn json<W>(writer: W, filter: EnvFilter) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).event_format(JsonLine).finish()
}
