//! Ory Hydra for `cargo xtask soak hydra`, built by Go from `tests/clients/hydra`, whose `go.sum` names each module by its hash.

use crate::command::{Outcome, run};
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = "github.com/ory/hydra/v2";
/// With SQLite it keeps everything in memory, so the soak needs no database.
const TAGS: &str = "sqlite,sqlite_omit_load_extension";

/// Where it is built.
pub(crate) fn program(root: &Path) -> PathBuf {
    root.join("target").join("hydra").join("hydra")
}

/// Builds it. Go keeps what it has compiled: the first time takes ten minutes of a processor, and then a second.
pub(crate) fn build(root: &Path) -> Outcome {
    let mut command = Command::new("go");
    command.current_dir(root.join("tests").join("clients").join("hydra"));
    command.args(["build", "-trimpath", "-ldflags", "-s -w", "-tags", TAGS, "-o"]);
    run(command.arg(program(root)).arg(PACKAGE))
}
