//! `cargo xtask bench`: what the door costs, in a release build.

use crate::command::{Outcome, cargo, run};
use std::path::Path;

/// Builds and runs the example `door_bench`; `extra` are its arguments.
pub(crate) fn run_example(root: &Path, extra: &[&str]) -> Outcome {
    let fixed = ["run", "--release", "--locked", "-p", "keyward", "--example", "door_bench", "--"];
    run(cargo(root).args(fixed).args(extra))
}
