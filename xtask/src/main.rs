//! The project's own commands: `cargo xtask test`, `test quick`, `tidy`, `generate`, `bench`, `soak`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks on its streams")]

mod bench;
mod clients;
mod command;
mod debian;
mod fuzz;
mod generate;
mod generators;
mod hydra;
mod keycloak;
mod leaks;
mod maven;
mod promtool;
mod street;
mod tally;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

const USAGE: &str = include_str!("usage.txt");

fn main() -> ExitCode {
    let root = command::root();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test"] => test::full(&root),
        ["test", "quick"] => test::quick(&root),
        ["tidy"] => tidy::check(&root),
        ["tidy", "lower"] => tidy::lower(&root),
        ["generate"] => generate::pages(&root),
        ["bench", "--", rest @ ..] | ["bench", rest @ ..] => bench::bench(&root, rest),
        ["soak", what, "--", rest @ ..] | ["soak", what, rest @ ..] => match bench::soak(what) {
            Some(soak) => soak(&root, rest),
            None => return usage(),
        },
        _ => return usage(),
    };
    let Err(command::Failed(code)) = outcome else { return ExitCode::SUCCESS };
    ExitCode::from(code)
}

fn usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::from(2)
}
