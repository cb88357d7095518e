//! Log lines on standard error or in a file, one event a line; and traces, if the environment asks for them. Neither can block: both go over
//! bounded queues.

mod collector;
mod cut;
mod grpc;
mod journal;
mod json_line;
mod lanes;
mod log_file;
mod otel;
mod panics;
mod subjects;
#[cfg(test)]
pub(crate) mod testing;
mod traces;

pub(crate) use panics::panics;
pub use subjects::Subjects;
pub use traces::Traces;
pub(crate) use traces::{FinishedRequest, Parent};

use crate::config::{Log, LogFormat, with_the_rest};
use crate::environment::variable;
use crate::files::FileError;
use crate::watch::Degraded;
use json_line::JsonLine;
use lanes::Lanes;
use log_file::LogFile;
use otel::Asked;
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

/// The level of the log cannot be set.
#[derive(Debug, thiserror::Error)]
#[error("log.level: {0}")]
pub struct LevelError(String);

/// Sets the level, or says why not.
pub(crate) type SetLevel = Box<dyn Fn(&str) -> Result<(), LevelError> + Send + Sync>;

/// The way to standard error or to the file: of the process, as the log is.
static LANES: OnceLock<Lanes> = OnceLock::new();
/// The file, where there is one.
static FILE: OnceLock<LogFile> = OnceLock::new();

/// Each lane's name and how many log lines it has dropped.
pub(crate) fn lines_dropped() -> [(&'static str, u64); 2] {
    LANES.get().map_or([("severe", 0), ("routine", 0)], Lanes::dropped)
}

/// Each lane's name and how many log lines wait in it.
pub(crate) fn lines_waiting() -> [(&'static str, u64); 2] {
    LANES.get().map_or([("severe", 0), ("routine", 0)], Lanes::waiting)
}

/// Goes on in what is now at the path of the log's file, if it has one.
pub(crate) fn reopen() -> Result<(), FileError> {
    match FILE.get() {
        Some(file) => file.reopen().map_err(FileError::at(file.path())),
        None => Ok(()),
    }
}

/// Whether standard error leads to the journal of systemd.
fn is_journal() -> bool {
    journal::has_stderr(variable("JOURNAL_STREAM").as_deref())
}

/// The last word of a command that failed, for standard error: in the journal it is an error.
pub(crate) fn as_error(text: String) -> String {
    if !is_journal() {
        return text;
    }
    let marked = journal::marked(text.as_bytes(), journal::priority(tracing::Level::ERROR));
    // Absent: never, it was text before.
    String::from_utf8(marked).unwrap_or(text)
}

/// The lanes of the process, made at the first call.
fn lanes_of(log: &Log) -> Result<&'static Lanes, FileError> {
    let lanes = match &log.file {
        Some(path) => {
            let file = LogFile::open(path).map_err(FileError::at(path))?;
            Lanes::to(FILE.get_or_init(|| file).clone())
        }
        None => Lanes::to(io::stderr()).with_levels(is_journal()),
    };
    Ok(LANES.get_or_init(|| lanes))
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
///
/// # Errors
/// When the log's file cannot be opened.
pub(crate) fn start(log: &Log) -> Result<SetLevel, FileError> {
    // The configuration has been read by the same grammar, so this is no guess.
    let filter = filter_of(&log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let (filter, handle) = reload::Layer::new(filter);
    let logged = tracing_subscriber::registry().with(filter);
    let lanes = LANES.get().map_or_else(|| lanes_of(log), Ok)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(lanes);
    // The only error is that logging has been started already.
    let _ = match log.format {
        LogFormat::Json => logged.with(lines.event_format(JsonLine)).try_init(),
        LogFormat::Text => logged.with(lines.with_ansi(false)).try_init(),
    };
    panics::to_log();
    Ok(Box::new(move |level| {
        let said = |error: &dyn std::error::Error| LevelError(error.to_string());
        let filter = filter_of(level).map_err(|error| said(&error))?;
        handle.reload(filter).map_err(|error| said(&error))
    }))
}

/// The filter of a level. The library of MCP's wire tells whole messages, which can hold secrets, to whoever wants to know enough.
fn filter_of(level: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::try_new(format!("{},rmcp=error", with_the_rest(level)))
}

/// The export of traces, if the environment asks for it.
pub(crate) fn traces(degraded: &Degraded) -> Option<Traces> {
    Traces::start(Asked::of(&variable), Handle::current(), degraded)
}

/// Variables of OpenTelemetry that are ignored, and why.
pub(crate) fn ignored_variables() -> Vec<(&'static str, String)> {
    let asked = Asked::of(&variable);
    asked.ignored.into_iter().map(|ignored| (ignored.variable, ignored.text)).collect()
}

/// The JSON log, on any writer.
pub fn json<W>(writer: W, filter: EnvFilter) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).event_format(JsonLine).finish()
}
