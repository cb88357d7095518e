//! Arguments in, exit code out.

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = keyward::cli::Cli::parse();
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One clear line, in which nothing that a server said means something to the terminal. If even that cannot be
            // written, the exit code has to do.
            let line = error.to_string().replace(char::is_control, " ");
            let _ = writeln!(std::io::stderr(), "keyward: {line}");
            ExitCode::from(2)
        }
    }
}
