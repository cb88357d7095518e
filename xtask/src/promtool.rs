//! promtool, which judges figures, alert rules and what the dashboard asks: the one that is there, or Debian's, unpacked below
//! `target/` without any right over the machine.

use crate::command::{Failed, Outcome};
use crate::debian;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The variable by which the tests find it.
pub(crate) const VARIABLE: &str = "KEYWARD_PROMTOOL";
/// The Debian package that brings it.
const PACKAGE: &str = "prometheus";

/// What the variable is to name: the program that it names already, the one on the PATH, or the one below `target/`.
pub(crate) fn program(root: &Path) -> OsString {
    let named = std::env::var_os(VARIABLE).filter(|named| !named.is_empty());
    named.unwrap_or_else(|| {
        if answers(Path::new("promtool")) { "promtool".into() } else { below(root).join("promtool").into() }
    })
}

/// Looks for it, and else fetches it. Where that is not possible one line says what to do.
pub(crate) fn ensure(root: &Path) -> Outcome {
    let is_there = || answers(Path::new(&program(root)));
    if is_there() {
        return Ok(());
    }
    let fetched = fetch(root);
    if fetched.is_ok() && is_there() {
        return Ok(());
    }
    eprintln!(
        "missing: promtool; install Prometheus so that it is on the PATH, or name it by {VARIABLE} (Debian's package {PACKAGE} has it)"
    );
    Err(Failed(1))
}

fn below(root: &Path) -> PathBuf {
    root.join("target").join("promtool")
}

fn fetch(root: &Path) -> Outcome {
    let (folder, unpacked) = (below(root), below(root).join("unpacked"));
    debian::unpack(&unpacked, &[PACKAGE])?;
    let program = unpacked.join("usr/bin/promtool");
    fs::rename(&program, folder.join("promtool")).map_err(|error| failed(&program, &error))?;
    // The rest is a hundred megabytes that nobody needs; what stays of it does no harm.
    let _ = fs::remove_dir_all(&unpacked);
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> Failed {
    eprintln!("{}: {error}", path.display());
    Failed(1)
}

fn answers(program: &Path) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_does_not_answer_and_one_that_is_does() {
        assert!(!answers(Path::new("no-such-program-here")));
        assert!(answers(Path::new("tar")));
    }
}
