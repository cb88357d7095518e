//! Arguments in, exit code out.

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = keyward::cli::Cli::parse();
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One clear line for each mistake, in which nothing means something to the terminal. If even that cannot be
            // written, the exit code has to do.
            let text = error.to_string().replace(|sent: char| sent.is_control() && sent != '\n', " ");
            let _ = writeln!(std::io::stderr(), "keyward: {text}");
            ExitCode::from(2)
        }
    }
}
