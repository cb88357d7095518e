//! `cargo xtask bench` and `cargo xtask soak`: what takes long or must be alone on the machine, in a release build. All but
//! one are examples of the program's crate.

use crate::command::{Outcome, cargo, run};
use crate::{clients, fuzz, hydra, leaks, street, tools};
use std::path::Path;
use std::process::Command;

/// What the door costs.
pub(crate) fn bench(root: &Path, extra: &[&str]) -> Outcome {
    run_example(root, "door_bench", extra)
}

/// The soak of this name.
pub(crate) fn soak(name: &str) -> Option<fn(&Path, &[&str]) -> Outcome> {
    Some(match name {
        "hostile" => soak_hostile,
        "limits" => soak_limits,
        "once" => soak_once,
        "siege" => soak_siege,
        "garbage" => soak_garbage,
        "hydra" => soak_hydra,
        "schema" => soak_schema,
        "fuzz" => fuzz::soak,
        "leaks" => leaks::soak,
        "street" => street::soak,
        _ => return None,
    })
}

/// 1,000 hostile connections: all closed in time, at little memory, while an honest client goes on.
fn soak_hostile(root: &Path, extra: &[&str]) -> Outcome {
    run(cargo(root).args(["build", "--release", "--locked", "-p", "keyward", "--bin", "keyward"]))?;
    run_example(root, "soak_hostile", extra)?;
    run_example(root, "soak_hostile", &[&["--tls"], extra].concat())
}

/// Exact limits under attack from outside, on servers that are stopped, killed and started again.
fn soak_limits(root: &Path, extra: &[&str]) -> Outcome {
    run(cargo(root).args(["build", "--release", "--locked", "-p", "keyward", "--bin", "keyward"]))?;
    run_example(root, "soak_limits", extra)
}

/// The shapes of the red team, one after the other, with honest clients beside each.
fn soak_siege(root: &Path, extra: &[&str]) -> Outcome {
    soak_outside(root, &[&["siege"], extra].concat())
}

/// Half a million requests of structured garbage: each is answered, none by 5xx.
fn soak_garbage(root: &Path, extra: &[&str]) -> Outcome {
    soak_outside(root, &[&["garbage"], extra].concat())
}

/// What tokens of Ory Hydra open. Go and a C compiler build it.
fn soak_hydra(root: &Path, extra: &[&str]) -> Outcome {
    hydra::build(root)?;
    let program = hydra::program(root);
    soak_outside(root, &[&["hydra", "--hydra", &program.to_string_lossy()], extra].concat())
}

fn soak_outside(root: &Path, arguments: &[&str]) -> Outcome {
    run(cargo(root).args(["build", "--release", "--locked", "-p", "keyward", "--bin", "keyward"]))?;
    run_example(root, "soak_outside", arguments)
}

/// Writes that happen once, under hundreds of kills. The program that can be killed at a place in its commit is built apart,
/// so that nobody takes it for the one that is used.
fn soak_once(root: &Path, extra: &[&str]) -> Outcome {
    let apart = root.join("target/fault-injection");
    let fixed = ["build", "--release", "--locked", "-p", "keyward", "--bin", "keyward"];
    run(cargo(root).args(fixed).args(["--features", "fault-injection", "--target-dir"]).arg(&apart))?;
    run(example(root, "soak_once").arg("--server").arg(apart.join("release/keyward")).args(extra))
}

/// schemathesis by the OpenAPI document, for as long as it is told: examples for each operation, and the seed.
fn soak_schema(root: &Path, extra: &[&str]) -> Outcome {
    let (examples, seed) = (extra.first().unwrap_or(&"300"), extra.get(1).unwrap_or(&"1"));
    tools::ensure()?;
    let clients = root.join("tests").join("clients");
    clients::install(&clients)?;
    let test =
        ["test", "--release", "--locked", "-p", "keyward", "--test", "readme", "schemathesis_finds_nothing"];
    let mut command = cargo(root);
    command.args(test).args(["--", "--nocapture"]).env("KEYWARD_TEST_CLIENTS", &clients);
    run(command.env("SOAK_EXAMPLES", examples).env("SOAK_SEED", seed))
}

/// Builds and runs it; `extra` are its arguments.
fn run_example(root: &Path, name: &str, extra: &[&str]) -> Outcome {
    run(example(root, name).args(extra))
}

fn example(root: &Path, name: &str) -> Command {
    let mut command = cargo(root);
    command.args(["run", "--release", "--locked", "-p", "keyward", "--example", name, "--"]);
    command
}
