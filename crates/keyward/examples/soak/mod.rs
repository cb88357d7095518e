//! What every soak has: how it runs and ends, and the program that it attacks.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Runs a soak to its end, or to a signal, which drops it, and with it the servers that it started.
pub(crate) fn run(soak: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = soak => ended,
            ended = interrupted() => ended,
        }
    });
    runtime.shutdown_background();
    ended
}

async fn interrupted() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = terminate.recv() => {}
    }
    Err("interrupted".into())
}

/// The server program: this one, or `keyward` beside the directory of the example.
pub(crate) fn program(given: Option<&PathBuf>) -> io::Result<PathBuf> {
    let program = match given {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("../keyward"),
    };
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", program.display()));
    program.canonicalize().map_err(named)
}
