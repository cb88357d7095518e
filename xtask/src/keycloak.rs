//! Keycloak for `cargo xtask soak street`: its archive by Maven, taken by its hash and unpacked below `target/`.

use crate::command::{Failed, Outcome, run};
use crate::maven;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What the archive has at its top.
const FOLDER: &str = "keycloak-26.7.3";

/// Puts it into `target/keycloak/keycloak`, unless it is there.
pub(crate) fn ensure(root: &Path) -> Outcome {
    let below = root.join("target").join("keycloak");
    let (archive, unpacked) = (below.join("archive"), below.join("keycloak"));
    let version = unpacked.join(FOLDER);
    maven::jars(&root.join("tests").join("clients").join("issuer").join("keycloak"), &archive)?;
    if version.exists() {
        return Ok(());
    }
    // Another version, or half of this one.
    let _ = fs::remove_dir_all(&unpacked);
    let zip = archive.join("keycloak-quarkus-dist-26.7.3.zip");
    run(Command::new("python3").args(["-m", "zipfile", "--extract"]).arg(zip).arg(&below))?;
    let failed = |error: std::io::Error| {
        eprintln!("{}: {error}", unpacked.display());
        Failed(1)
    };
    fs::rename(below.join(FOLDER), &unpacked).map_err(failed)?;
    // The archive's rights are not kept, and its shell script starts it.
    run(Command::new("chmod").arg("+x").arg(unpacked.join("bin").join("kc.sh")))?;
    fs::write(version, "").map_err(failed)
}
