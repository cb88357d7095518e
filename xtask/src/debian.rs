//! Programs of Debian's packages below `target/`, unpacked without any right over the machine.

use crate::command::{Failed, Outcome, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Downloads these packages and unpacks all of them into `folder`, unless exactly these have been unpacked there. What they
/// depend on is not followed: libraries that the machine may lack stand in the list too.
pub(crate) fn unpack(folder: &Path, packages: &[&str]) -> Outcome {
    let stamp = folder.join(".unpacked-from");
    let wanted = packages.join("\n");
    if fs::read(&stamp).is_ok_and(|have| have == wanted.as_bytes()) {
        return Ok(());
    }
    // What another list has left.
    let _ = fs::remove_dir_all(folder);
    let downloads = folder.join(".packages");
    fs::create_dir_all(&downloads).map_err(|error| failed(&downloads, &error))?;
    download(&downloads, packages)?;
    for package in packages_in(&downloads) {
        run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(folder))?;
    }
    // They are needed no longer; what stays of them does no harm.
    let _ = fs::remove_dir_all(&downloads);
    fs::write(&stamp, wanted).map_err(|error| failed(&stamp, &error))
}

/// Without lists of packages, as in a new container, the first try fails.
fn download(folder: &Path, packages: &[&str]) -> Outcome {
    let fetch = || run(Command::new("apt-get").arg("download").args(packages).current_dir(folder));
    fetch().or_else(|_| {
        run(Command::new("apt-get").arg("update"))?;
        fetch()
    })
}

/// The packages that were downloaded, in the order of their names.
fn packages_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut packages: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|extension| extension == "deb")).collect();
    packages.sort();
    packages
}

fn failed(path: &Path, error: &std::io::Error) -> Failed {
    eprintln!("{}: {error}", path.display());
    Failed(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_are_unpacked_and_what_is_there_is_not_fetched_again() {
        let folder = std::env::temp_dir().join(format!("keyward-debian-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for name in ["b_2.42_amd64.deb", "a_2.53_amd64.deb", "promtool"] {
            fs::write(folder.join(name), "").unwrap();
        }
        let names = ["a_2.53_amd64.deb", "b_2.42_amd64.deb"].map(|name| folder.join(name));
        assert_eq!(packages_in(&folder), names);
        fs::write(folder.join(".unpacked-from"), "a\nb").unwrap();
        assert_eq!(unpack(&folder, &["a", "b"]), Ok(()), "exactly these are there");
        fs::remove_dir_all(&folder).unwrap();
    }
}
