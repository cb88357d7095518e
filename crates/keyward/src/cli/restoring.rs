//! The files that `keyward restore` makes: a copy under another name, which gets its own when nothing is left to be done in it, and the
//! journal that was named. What is not this command's is neither replaced nor taken away.

use super::CliError;
use super::database_file::{beside, journal, refuse_journal};
use crate::files::{copy_private, directory_of};
use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// What SQLite makes beside a database, and itself.
const WITH_LOGS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// A copy that is not the database yet. If it does not become that, it goes.
#[derive(Debug)]
pub(super) struct Restoring {
    pub(super) path: PathBuf,
}

impl Restoring {
    /// Copies the copy. What a restore left behind that was killed makes room.
    pub(super) fn begin(database: &Path, from: &Path) -> Result<Self, CliError> {
        let path = beside(database, ".restoring");
        if File::open(&path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock))) {
            return Err(CliError::unavailable(format!("another restore is making {}", database.display())));
        }
        let restoring = Self { path };
        restoring.clear();
        copy_private(from, &restoring.path)?;
        Ok(restoring)
    }

    /// Gives it its name, if that is still free.
    pub(super) fn takes_the_place_of(self, database: &Path) -> Result<(), CliError> {
        TempPath::try_from_path(&self.path)
            .and_then(|copy| copy.persist_noclobber(database).map_err(|error| error.error))
            .map_err(CliError::file(database))?;
        let directory = directory_of(database);
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(CliError::file(directory))
    }

    fn clear(&self) {
        for suffix in WITH_LOGS {
            // What stays is in the way of the next copy, which says so.
            let _ = std::fs::remove_file(beside(&self.path, suffix));
        }
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A journal that was put beside the database. If nothing comes of the restore, it goes again.
#[derive(Debug)]
pub(super) struct NamedJournal {
    path: PathBuf,
    /// Open, so that no other file gets its number; `None`: it stays.
    file: Option<File>,
}

impl NamedJournal {
    pub(super) fn put(database: &Path, from: &Path) -> Result<Self, CliError> {
        refuse_journal(database)?;
        let path = journal(database);
        copy_private(from, &path)?;
        let file = File::open(&path).map_err(CliError::file(&path))?;
        Ok(Self { path, file: Some(file) })
    }

    pub(super) fn stays(mut self) {
        self.file = None;
    }

    /// Whether the file at its path is this one, and goes.
    fn goes(&self) -> std::io::Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        let (own, there) = (file.metadata()?, std::fs::symlink_metadata(&self.path)?);
        Ok((own.dev(), own.ino()) == (there.dev(), there.ino()))
    }
}

impl Drop for NamedJournal {
    fn drop(&mut self) {
        // Another one that took its place is not this command's, nor is what cannot be looked at.
        if matches!(self.goes(), Ok(true)) {
            // One that stays is refused, and named, the next time.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_took_the_place_meanwhile_is_neither_replaced_nor_taken_away() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        for name in ["copy", "kept"] {
            fs::write(at(name), name).unwrap();
        }
        let restoring = Restoring::begin(&at("keyward.db"), &at("copy")).unwrap();
        let named = NamedJournal::put(&at("keyward.db"), &at("kept")).unwrap();
        fs::write(at("keyward.db"), "a server's").unwrap();
        fs::remove_file(at("keyward.db.revocations")).unwrap();
        fs::write(at("keyward.db.revocations"), "a server's").unwrap();
        assert!(restoring.takes_the_place_of(&at("keyward.db")).is_err());
        drop(named);
        for name in ["keyward.db", "keyward.db.revocations"] {
            assert_eq!(fs::read_to_string(at(name)).unwrap(), "a server's");
        }
        assert!(!at("keyward.db.restoring").exists(), "the command's own goes");
    }

    #[test]
    fn what_comes_to_nothing_leaves_nothing_and_what_was_left_makes_room() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        for name in ["copy", "kept", "keyward.db.restoring", "keyward.db.restoring-wal"] {
            fs::write(at(name), name).unwrap();
        }
        let restoring = Restoring::begin(&at("keyward.db"), &at("copy")).unwrap();
        assert!(!at("keyward.db.restoring-wal").exists(), "it is another copy's");
        drop((restoring, NamedJournal::put(&at("keyward.db"), &at("kept")).unwrap()));
        let left = fs::read_dir(home.path()).unwrap().count();
        assert_eq!(left, 2, "the copy and the journal as they were");
        let restoring = Restoring::begin(&at("keyward.db"), &at("copy")).unwrap();
        NamedJournal::put(&at("keyward.db"), &at("kept")).unwrap().stays();
        restoring.takes_the_place_of(&at("keyward.db")).unwrap();
        assert_eq!(fs::read_to_string(at("keyward.db")).unwrap(), "copy");
        assert!(at("keyward.db.revocations").exists() && !at("keyward.db.restoring").exists());
    }
}
