//! Who may read the file of a secret. Its user alone, where the mode is this process's to choose. Where somebody else made the file, its
//! group may read it too: under Kubernetes (`fsGroup`) and systemd (`LoadCredential`) that is the server's own.

use crate::files::FileError;
use rustix::fs::{StatVfsMountFlags, fstatvfs};
use rustix::process::geteuid;
use std::fs::{File, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

const GROUP: u32 = 0o070;
const OTHERS: u32 = 0o007;
/// Where systemd puts what `LoadCredential=` names.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// A secret's file cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ModeError {
    /// It cannot be looked at.
    #[error(transparent)]
    File(#[from] FileError),
    /// Others can read it; with the way out.
    #[error("{0}")]
    Shared(String),
}

/// Refuses the file of a secret that others can read.
///
/// # Errors
/// When they can, with the way out; or when the file cannot be looked at.
pub(crate) fn refuse_shared(path: &Path, file: &File) -> Result<(), ModeError> {
    let there = file.metadata().map_err(FileError::at(path))?;
    let given = is_given(path, file, &there);
    if !is_shared(there.permissions().mode(), given) {
        return Ok(());
    }
    let at = path.display();
    Err(ModeError::Shared(if given {
        format!("everyone can read {at}; mount it with mode 0440, or 0400 where it is the server's own")
    } else {
        format!("{at} can be read by others; run chmod 600 {at}")
    }))
}

fn is_shared(mode: u32, given: bool) -> bool {
    mode & if given { OTHERS } else { GROUP | OTHERS } != 0
}

/// Whether its mode is another's to choose: it belongs to somebody else, lies among systemd's credentials, or on a mount that cannot
/// be written.
fn is_given(path: &Path, file: &File, there: &Metadata) -> bool {
    // Absent: it cannot be said, and the mode is taken for our own.
    let read_only = || fstatvfs(file).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::RDONLY));
    let credentials = std::env::var_os(CREDENTIALS).map(PathBuf::from);
    there.uid() != geteuid().as_raw() || lies_in(path, credentials.as_deref()) || read_only()
}

/// Whether a file lies in a directory, by whatever links.
fn lies_in(path: &Path, directory: Option<&Path>) -> bool {
    let directory =
        directory.filter(|directory| directory.is_absolute()).and_then(|at| at.canonicalize().ok());
    directory.zip(path.canonicalize().ok()).is_some_and(|(directory, file)| file.starts_with(directory))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};

    #[test]
    fn the_group_may_read_what_somebody_else_made_and_nobody_else_may() {
        for (mode, own, given) in [
            (0o400, false, false),
            (0o600, false, false),
            (0o440, true, false),
            (0o640, true, false),
            (0o660, true, false),
            (0o604, true, true),
            (0o444, true, true),
            (0o644, true, true),
        ] {
            assert_eq!((is_shared(mode, false), is_shared(mode, true)), (own, given), "{mode:o}");
        }
    }

    #[test]
    fn a_file_of_our_own_must_be_ours_alone_and_among_credentials_the_group_may_read_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("root-secret");
        fs::write(&path, "1 x").unwrap();
        let file = File::open(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o440)).unwrap();
        let said = refuse_shared(&path, &file).unwrap_err().to_string();
        assert!(
            said.ends_with(&format!("can be read by others; run chmod 600 {}", path.display())),
            "{said}"
        );
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        refuse_shared(&path, &file).unwrap();
        assert!(lies_in(&path, Some(home.path())));
        for other in [None, Some(Path::new("")), Some(Path::new(".")), Some(Path::new("/nowhere"))] {
            assert!(!lies_in(&path, other), "{other:?}");
        }
    }
}
