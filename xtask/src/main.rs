//! The project's own commands: `cargo xtask test`, `test quick`, `tidy`, `generate`, `bench`, `soak`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks on its streams")]

mod bench;
mod clients;
mod command;
mod fuzz;
mod generate;
mod hydra;
mod leaks;
mod promtool;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <command>

  test           house rules, tools, clients of the black-box tests, build, every test
  test quick     house rules, unit tests, tests of the HTTP API; needs nothing but Rust and a C compiler
  tidy [lower]   house rules alone; lower: writes the lower counts of fallbacks, and none that has grown
  generate       writes the reference pages, and the examples of the OpenAPI document
  bench [ARGS]   what the door costs; ARGS go to the benchmark
  soak hostile   1,000 hostile connections in five shapes, in full
  soak limits    exact limits, attacked from outside for minutes
  soak once      writes that happen once, under 500 kills
  soak siege     floods in the shapes of the red team, with honest clients beside them
  soak garbage   500,000 requests of structured garbage over all routes
  soak hydra     what access tokens of Ory Hydra open; needs Go and a C compiler
  soak leaks     gitleaks, built by Go, finds planted keys by our rule
  soak schema    schemathesis by the OpenAPI document; EXAMPLES (300 for each operation) and SEED may follow
  soak fuzz      the fuzz targets from the corpus that is kept; SECONDS (180 for each target) may follow";

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
    eprintln!("{USAGE}");
    ExitCode::from(2)
}
