//! Prometheus' own judge of figures, rules and queries. `cargo xtask test` brings it.

use std::path::{Path, PathBuf};

/// The program: the one that `KEYWARD_PROMTOOL` names, that `cargo xtask test` has unpacked, or that is on the PATH.
pub(crate) fn promtool() -> PathBuf {
    if let Some(named) = std::env::var_os("KEYWARD_PROMTOOL") {
        return named.into();
    }
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/promtool/promtool");
    if unpacked.exists() { unpacked } else { PathBuf::from("promtool") }
}
