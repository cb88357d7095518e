//! A whole copy of the database, made by the process that wants it: beside a server that has the database open, or without one.
//!
//! It counts when it was looked at: what was written is read again and checked, and held against what the server said of itself before.
//! Until then it has another name.

use crate::checks::{Faults, look_through, of_damage};
use crate::connect::connect;
use crate::mark::forget_generation;
use crate::migrate::recognise;
use crate::no_room::connect_reader;
use crate::open_error::OpenError;
use crate::options::Schema;
use crate::own::{adopt, own};
use crate::place::{FileId, id_of};
use keyward_core::store::Served;
use rusqlite::{Connection, ErrorCode, InterruptHandle, OpenFlags};
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The id of the newest row of the audit trail, be it there or forgotten.
pub(crate) const NEWEST_CHANGE: &str =
    "SELECT coalesce(max(seq), 0) AS newest FROM sqlite_sequence WHERE name = 'audit'";

/// What a copy came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Its size in bytes.
    pub bytes: u64,
    /// Rows that are not as the schema says, a line each: the database has them too.
    pub faults: Vec<String>,
}

/// Breaks off what a copy is doing. Clones break off the same copy.
#[derive(Clone, Default)]
pub struct BreakOff(Arc<Mutex<Option<InterruptHandle>>>);

impl BreakOff {
    /// Ends the statement that runs now. Between two statements there is none to end, so this is repeated until the copy has ended.
    pub fn now(&self) {
        if let Some(handle) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            handle.interrupt();
        }
    }

    fn follow(&self, connection: &Connection) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection.get_interrupt_handle());
    }
}

impl std::fmt::Debug for BreakOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BreakOff")
    }
}

/// Copies a database that a server has open, which said this of itself. Requests go on meanwhile. The root secret is not in it.
///
/// # Errors
/// [`OpenError`]; then there is no copy. Also where this process sees another file at the path than the server, or not all that the
/// server had written.
pub fn copy_served(
    from: &Path,
    to: &Path,
    served: &Served,
    breaking: &BreakOff,
) -> Result<Copied, OpenError> {
    is_served(from, served.file)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(from, flags)?;
    database.busy_timeout(Duration::from_secs(1))?;
    let has_all = |copy: &Connection| {
        is_served(from, served.file)?;
        let newest: i64 = copy.query_row(NEWEST_CHANGE, [], |row| row.get(0))?;
        if newest < served.newest_change { Err(OpenError::Behind(from.to_owned())) } else { Ok(()) }
    };
    write_copy(&database, (from, to), breaking, &has_all)
}

/// Copies a database that no process has open, of whatever version it is, as it is.
///
/// # Errors
/// [`OpenError`]; then there is no copy.
pub fn copy(from: &Path, to: &Path, breaking: &BreakOff) -> Result<Copied, OpenError> {
    let _lock = own(from, Schema::MustBeUpToDate)?;
    let database = connect(from)?;
    if recognise(&database)? {
        return Err(OpenError::Empty(from.to_owned()));
    }
    write_copy(&database, (from, to), breaking, &|_| Ok(()))
}

/// Whether the path leads to the file that the server has open, as this process sees it.
fn is_served(path: &Path, served: Option<FileId>) -> Result<(), OpenError> {
    let there =
        std::fs::metadata(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    let another = id_of(&there).zip(served).is_some_and(|(seen, served)| seen != served);
    if another { Err(OpenError::NotServed(path.to_owned())) } else { Ok(()) }
}

fn write_copy(
    database: &Connection,
    (from, to): (&Path, &Path),
    breaking: &BreakOff,
    has_all: &dyn Fn(&Connection) -> Result<(), OpenError>,
) -> Result<Copied, OpenError> {
    let failed = |why: String| OpenError::NotCopied { to: to.to_owned(), why };
    let system = |error: io::Error| failed(error.to_string());
    let meanwhile = Unfinished::make(to)?;
    let target = meanwhile.path.to_str().ok_or_else(|| failed("the path is not UTF-8".to_owned()))?;
    breaking.follow(database);
    database.execute("VACUUM INTO ?1", [target]).map_err(|error| unwritten(error, (from, to)))?;
    let mut written = File::options().write(true).open(&meanwhile.path).map_err(system)?;
    forget_generation(&mut written).and_then(|()| written.sync_all()).map_err(system)?;
    let faults = looked_at(&meanwhile.path, to, breaking, has_all)?;
    let bytes = put(&meanwhile.path, &written, to).map_err(system)?;
    Ok(Copied { bytes, faults })
}

/// Gives the whole copy its name, and looks whether the name leads to it; its size.
fn put(whole: &Path, written: &File, to: &Path) -> io::Result<u64> {
    name(whole, to)?;
    let (there, written) = (std::fs::symlink_metadata(to)?, written.metadata()?);
    if id_of(&there) != id_of(&written) {
        return Err(io::Error::other("another file has its name"));
    }
    // Absent: the root has no parent, and is no file.
    let directory = to.parent().unwrap_or(Path::new("."));
    File::open(directory).and_then(|directory| directory.sync_all())?;
    Ok(there.len())
}

/// Reads what was written; the rows that are not as they must be.
fn looked_at(
    written: &Path,
    to: &Path,
    breaking: &BreakOff,
    has_all: &dyn Fn(&Connection) -> Result<(), OpenError>,
) -> Result<Vec<String>, OpenError> {
    let look = || {
        let copy = connect_reader(written)?;
        breaking.follow(&copy);
        has_all(&copy)?;
        look_through(&copy)
    };
    match look() {
        Ok(Faults { structure, rows }) if structure.is_empty() => Ok(rows),
        Ok(Faults { structure, .. }) => {
            Err(OpenError::Damaged { path: written.to_owned(), faults: structure })
        }
        Err(OpenError::Sqlite(error)) => Err(unwritten(error, (written, to))),
        Err(other) => Err(other),
    }
}

/// Why SQLite did not write a copy.
fn unwritten(error: rusqlite::Error, (from, to): (&Path, &Path)) -> OpenError {
    let why = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => return of_damage(error.into(), from),
        Some(ErrorCode::OperationInterrupted) => "it was broken off".to_owned(),
        // Absent: any other error, in the words of SQLite.
        _ => error.to_string(),
    };
    OpenError::NotCopied { to: to.to_owned(), why }
}

/// Gives the whole copy its name, if that is free. Where a file cannot have two names, the name is taken first.
fn name(whole: &Path, to: &Path) -> io::Result<()> {
    match std::fs::hard_link(whole, to) {
        Ok(()) => std::fs::remove_file(whole),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        Err(_) => {
            new_file(to)?;
            std::fs::rename(whole, to)
        }
    }
}

/// A file that goes away unless it was given another name.
struct Unfinished {
    path: PathBuf,
    /// Locked for as long as this process makes the copy.
    file: File,
}

impl Unfinished {
    /// Makes it, empty and for its user alone; SQLite fills an empty file. What a copy left behind that was killed makes room.
    fn make(to: &Path) -> Result<Self, OpenError> {
        let failed = |source: io::Error| OpenError::NotCopied { to: to.to_owned(), why: source.to_string() };
        let mut path = to.as_os_str().to_owned();
        path.push(".making");
        let path = PathBuf::from(path);
        // What is no file stays in the way.
        if std::fs::symlink_metadata(&path).is_ok_and(|there| there.is_file()) {
            let left = File::open(&path).map_err(failed)?;
            if matches!(left.try_lock(), Err(TryLockError::WouldBlock)) {
                return Err(failed(io::Error::other("another backup is making it")));
            }
            std::fs::remove_file(&path).map_err(failed)?;
        }
        let unfinished = Self { file: new_file(&path).map_err(failed)?, path };
        unfinished.file.try_lock().map_err(io::Error::from).map_err(failed)?;
        adopt(&unfinished.file, to).map_err(failed)?;
        Ok(unfinished)
    }
}

/// A new file for its user alone.
fn new_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // It was given its name, or the next copy of that name takes it away.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    struct Home(tempfile::TempDir);

    impl Home {
        /// With a database, in which a hundred rows fill some pages.
        fn new() -> Self {
            let home = Self(tempfile::tempdir().unwrap());
            drop(crate::testing::open(&home.at("keyward.db")));
            let database = Connection::open(home.at("keyward.db")).unwrap();
            let rows = "CREATE TABLE ballast (id INTEGER PRIMARY KEY, text TEXT) STRICT;
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
                INSERT INTO ballast SELECT i, hex(zeroblob(500)) FROM n;
                INSERT INTO sqlite_sequence (name, seq) VALUES ('audit', 7);";
            database.execute_batch(rows).unwrap();
            home
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn served(&self, newest_change: i64) -> Served {
            let there = fs::metadata(self.at("keyward.db")).unwrap();
            Served { file: id_of(&there), newest_change }
        }

        fn copied(&self, served: &Served) -> Result<Copied, String> {
            let (from, to) = (self.at("keyward.db"), self.at("copy.db"));
            copy_served(&from, &to, served, &BreakOff::default()).map_err(|error| error.to_string())
        }

        fn has_no_copy(&self) {
            assert!(!self.at("copy.db").exists() && !self.at("copy.db.making").exists());
        }
    }

    #[test]
    fn a_copy_that_is_not_what_the_server_serves_does_not_count() {
        let home = Home::new();
        let behind = home.copied(&home.served(8)).unwrap_err();
        assert!(behind.contains("lacks what the server has written"), "{behind}");
        home.has_no_copy();
        let another = Served { file: Some((0, 0)), newest_change: 0 };
        assert!(home.copied(&another).unwrap_err().contains("the server has another file open"));
        home.has_no_copy();
        let copied = home.copied(&home.served(7)).unwrap();
        assert_eq!(copied.bytes, fs::metadata(home.at("copy.db")).unwrap().len());
        assert!(copied.faults.is_empty() && !home.at("copy.db.making").exists(), "{copied:?}");
    }

    #[test]
    fn a_damaged_database_gives_no_copy_and_rows_that_break_a_rule_are_named() {
        let home = Home::new();
        let rule = "PRAGMA foreign_keys = OFF; INSERT INTO memberships (account_id, user_id, role, created_at) VALUES (5, 6, 'admin', 0)";
        Connection::open(home.at("keyward.db")).unwrap().execute_batch(rule).unwrap();
        let copied = home.copied(&home.served(0)).unwrap();
        assert!(copied.faults.iter().all(|fault| fault.contains("of memberships names a row")), "{copied:?}");
        assert_eq!(copied.faults.len(), 2);
        fs::remove_file(home.at("copy.db")).unwrap();
        let mut bytes = fs::read(home.at("keyward.db")).unwrap();
        let last = bytes.len() - 4096;
        bytes[last..].fill(0);
        fs::write(home.at("keyward.db"), bytes).unwrap();
        assert!(home.copied(&home.served(0)).unwrap_err().contains("keyward.db is damaged: "));
        home.has_no_copy();
    }

    #[test]
    fn what_a_killed_backup_left_makes_room_and_what_another_one_makes_does_not() {
        let home = Home::new();
        fs::write(home.at("copy.db.making"), "half").unwrap();
        let busy = File::open(home.at("copy.db.making")).unwrap();
        busy.try_lock().unwrap();
        assert!(home.copied(&home.served(0)).unwrap_err().contains("another backup is making it"));
        drop(busy);
        assert!(home.copied(&home.served(0)).is_ok());
        assert!(home.copied(&home.served(0)).unwrap_err().contains("exists"), "never over another file");
    }
}
