//! `cargo xtask bench` and `cargo xtask soak`: what takes long or must be alone on the machine, in a release build. Each is
//! an example of the program's crate.

use crate::command::{Outcome, cargo, run};
use std::path::Path;

/// What the door costs.
pub(crate) fn bench(root: &Path, extra: &[&str]) -> Outcome {
    run_example(root, "door_bench", extra)
}

/// 1,000 hostile connections: all closed in time, at little memory, while an honest client goes on.
pub(crate) fn soak_hostile(root: &Path, extra: &[&str]) -> Outcome {
    run(cargo(root).args(["build", "--release", "--locked", "-p", "keyward", "--bin", "keyward"]))?;
    run_example(root, "soak_hostile", extra)?;
    run_example(root, "soak_hostile", &[&["--tls"], extra].concat())
}

/// Builds and runs it; `extra` are its arguments.
fn run_example(root: &Path, name: &str, extra: &[&str]) -> Outcome {
    let fixed = ["run", "--release", "--locked", "-p", "keyward", "--example", name, "--"];
    run(cargo(root).args(fixed).args(extra))
}
