//! A database with a second name: a hard link, as backups by links make one (rsnapshot, `cp -al`).
//!
//! SQLite looks for the log beside the name that it opens. Under the name that the last server had, nothing is missing; under another
//! one that server's log may lack, or an old log may lie there, which would be written over what is newer. So the mark in the first page
//! says which name it was.

use crate::mark::{NAME, name_in_mark, read_generation, resolved};
use crate::open_error::OpenError;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Refuses a second name under which something may be missing, and warns of any other.
pub(crate) fn refuse_second_name(path: &Path, file: &File) -> Result<(), OpenError> {
    let there = file.metadata().map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    if links(&there) < 2 {
        return Ok(());
    }
    if !is_whole_here(path, read_generation(file)) {
        return Err(OpenError::TwoNames(path.to_owned()));
    }
    warn(path);
    Ok(())
}

/// Whether what lies under this name is all: the last server had it under this name, or there was none.
fn is_whole_here(path: &Path, mark: Option<u32>) -> bool {
    match mark {
        Some(0) => !log(path).exists(),
        Some(mark) => mark & NAME == name_in_mark(path),
        // Absent: nobody knows.
        None => false,
    }
}

/// Tells people who make links that these are no copies.
pub(crate) fn warn(path: &Path) {
    tracing::warn!(
        path = %path.display(),
        "the database has another hard link, which is no copy: it changes with the database. keyward backup makes a copy"
    );
}

fn log(path: &Path) -> PathBuf {
    let mut log = resolved(path).into_os_string();
    log.push("-wal");
    PathBuf::from(log)
}

/// How many names a file has.
#[cfg(unix)]
pub(crate) fn links(there: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(there)
}

#[cfg(not(unix))]
pub(crate) fn links(_: &std::fs::Metadata) -> u64 {
    1
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_second_name_is_refused_unless_the_last_server_had_it() {
        let home = tempfile::tempdir().unwrap();
        let [first, second] = ["first.db", "second.db"].map(|name| home.path().join(name));
        let marked = |mark: u32| {
            let mut page = vec![0; 100];
            page[60..64].copy_from_slice(&mark.to_be_bytes());
            fs::write(&first, page).unwrap();
        };
        let taken = |path: &Path| refuse_second_name(path, &File::open(path).unwrap()).is_ok();
        marked(0x1234_0000 | name_in_mark(&first));
        assert!(taken(&first), "it has one name");
        fs::hard_link(&first, &second).unwrap();
        assert_eq!(
            (taken(&first), taken(&second)),
            (true, false),
            "a log may be beside the first name alone"
        );
        fs::write(home.path().join("first.db-wal"), "").unwrap();
        assert!(taken(&first));
        marked(0);
        assert_eq!((taken(&first), taken(&second)), (false, true), "nobody knows whose log it is");
        fs::remove_file(home.path().join("first.db-wal")).unwrap();
        assert_eq!((taken(&first), taken(&second)), (true, true), "it was never served");
    }
}
