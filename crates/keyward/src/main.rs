//! Arguments in, exit code out.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match keyward::cli::execute(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // If even that cannot be written, the exit code has to do.
            say(failure.text);
            ExitCode::from(failure.number)
        }
    }
}

/// How long it is waited for standard error to take the last word.
const PATIENCE: Duration = Duration::from_secs(2);

/// Writes to standard error, on a thread that is not joined: where nobody reads, the program ends all the same.
fn say(text: String) {
    let (done, end) = mpsc::channel();
    let write = move || {
        let _ = std::io::stderr().write_all(text.as_bytes());
        let _ = done.send(());
    };
    if thread::Builder::new().spawn(write).is_ok() {
        let _ = end.recv_timeout(PATIENCE);
    }
}
