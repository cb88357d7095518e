//! Arguments in, exit code out.

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

fn main() -> ExitCode {
    let command = keyward::cli::Cli::parse();
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One clear line for each mistake, in which nothing means something to the terminal. If even that cannot be
            // written, the exit code has to do.
            let text = error.to_string().replace(|sent: char| sent.is_control() && sent != '\n', " ");
            say(format!("keyward: {text}\n"));
            ExitCode::from(2)
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
