//! promtool, which judges figures, alert rules and what the dashboard asks: the one that is there, or Debian's, unpacked below
//! `target/` without any right over the machine.

use crate::command::{Failed, Outcome, run};
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
    // Without lists of packages, as in a new container, the first try fails.
    let fetched = fetch(root).or_else(|_| {
        run(Command::new("apt-get").arg("update"))?;
        fetch(root)
    });
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
    fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
    run(Command::new("apt-get").args(["download", PACKAGE]).current_dir(&folder))?;
    let package = package_in(&folder).ok_or(Failed(1))?;
    run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&unpacked))?;
    let program = unpacked.join("usr/bin/promtool");
    fs::rename(&program, folder.join("promtool")).map_err(|error| failed(&program, &error))?;
    // The rest is a hundred megabytes that nobody needs; what stays of it does no harm.
    let _ = fs::remove_file(&package);
    let _ = fs::remove_dir_all(&unpacked);
    Ok(())
}

/// The package that was downloaded.
fn package_in(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    files.filter(|file| file.extension().is_some_and(|extension| extension == "deb")).max()
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

    #[test]
    fn the_package_is_the_newest_that_was_downloaded() {
        let folder = std::env::temp_dir().join(format!("keyward-promtool-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert_eq!(package_in(&folder), None);
        for name in ["prometheus_2.42_amd64.deb", "prometheus_2.53_amd64.deb", "promtool"] {
            fs::write(folder.join(name), "").unwrap();
        }
        assert_eq!(package_in(&folder), Some(folder.join("prometheus_2.53_amd64.deb")));
        fs::remove_dir_all(&folder).unwrap();
    }
}
