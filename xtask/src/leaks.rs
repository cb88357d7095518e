//! `cargo xtask soak leaks`: gitleaks itself, built by Go, with our rule over keys that are planted.

use crate::command::{Failed, Outcome, run};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The version that is built, from the Go module proxy.
const GITLEAKS: &str = "github.com/zricethezav/gitleaks/v8@v8.30.1";
/// What the keys are made from.
const SEED: &str = "21";

/// Every planted key must be found. That look-alikes are found too is said, and no fault: gitleaks cannot compute the checksum.
pub(crate) fn soak(root: &Path, extra: &[&str]) -> Outcome {
    let apart = root.join("target/leaks");
    let planted = apart.join("planted");
    emptied(&planted)?;
    run(Command::new("go").args(["install", GITLEAKS]).env("GOBIN", &apart))?;
    let judges = root.join("tests/clients/leaks");
    let seed = extra.first().unwrap_or(&SEED);
    let told = Command::new("python3").arg(judges.join("plant.py")).arg(&planted).arg(seed).output();
    let told = told.map_err(|error| failed("python3", &error))?.stdout;
    let list = apart.join("planted.json");
    fs::write(&list, told).map_err(|error| failed("planted.json", &error))?;
    let report = apart.join("report.json");
    let rule = root.join("packaging/leak-patterns/gitleaks.toml");
    let mut gitleaks = Command::new(apart.join("gitleaks"));
    gitleaks.args(["dir", "--no-banner", "--exit-code", "0", "--report-format", "json", "--report-path"]);
    run(gitleaks.arg(&report).arg("--config").arg(rule).arg(&planted))?;
    run(Command::new("python3").arg(judges.join("gitleaks.py")).arg(&report).arg(&list))
}

/// A folder with nothing in it.
fn emptied(folder: &Path) -> Outcome {
    // What an earlier run left, if there was one.
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|error| failed(&folder.display().to_string(), &error))
}

fn failed(what: &str, error: &std::io::Error) -> Failed {
    eprintln!("{what}: {error}");
    Failed(1)
}
