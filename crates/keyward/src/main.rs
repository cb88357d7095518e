//! Arguments in, exit code out.

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = keyward::cli::Cli::parse();
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One clear line. If even that cannot be written, the exit code has to do.
            let _ = writeln!(std::io::stderr(), "keyward: {error}");
            ExitCode::from(2)
        }
    }
}
