//! Jars from Maven, taken by their hashes.

use crate::clients::from_lock;
use crate::command::{Outcome, run};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Copies what `pom.xml` in `project` depends on into `folder`, unless exactly that is there. All of it must be what
/// `jars.sha256` beside it says.
pub(crate) fn jars(project: &Path, folder: &Path) -> Outcome {
    let hashes = project.join("jars.sha256");
    from_lock(&hashes, folder, || {
        // What other versions have left.
        let _ = fs::remove_dir_all(folder);
        let mut maven = Command::new("mvn");
        maven.args(["--quiet", "--batch-mode", "--file"]).arg(project.join("pom.xml"));
        let mut output = OsString::from("-DoutputDirectory=");
        output.push(folder);
        run(maven.arg("dependency:copy-dependencies").arg(output))?;
        let check = ["--quiet", "--strict", "--check"];
        run(Command::new("sha256sum").args(check).arg(&hashes).current_dir(folder))
    })
}
