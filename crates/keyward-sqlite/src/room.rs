//! Whether there is room on the file system of a database.

use crate::open_error::OpenError;
use crate::own::make_private;
use rusqlite::ErrorCode;
use std::fs::Metadata;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// As much must there be room for: the index of a log, and a beginning of the log.
const ROOM: usize = 128 * 1024;

/// Whether the file system of a database is full: it is tried.
pub(crate) fn is_full(database: &Path) -> bool {
    let mut name = database.to_owned().into_os_string();
    name.push(".room");
    let trial = PathBuf::from(name);
    let tried = fill(&trial);
    // A trial that stays is the next one's.
    let _ = std::fs::remove_file(&trial);
    tried.is_err_and(|error| is_about_room(&error))
}

fn fill(trial: &Path) -> io::Result<()> {
    let mut file = make_private(trial)?;
    file.write_all(&[b'x'; ROOM])?;
    file.sync_data()
}

fn is_about_room(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// The place at which the file system of a file is mounted, or the last directory above it that can be looked at.
pub(crate) fn file_system(file: &Path) -> PathBuf {
    // Absent: the file system as it is named.
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let of = device(&file);
    let within = file.ancestors().skip(1).take_while(|above| device(above) == of);
    // Absent: a file that is mounted by itself.
    within.last().unwrap_or(&file).to_owned()
}

#[cfg(unix)]
fn device(path: &Path) -> Option<u64> {
    let device = |there: Metadata| std::os::unix::fs::MetadataExt::dev(&there);
    // Absent: where nothing is, no file system is known.
    std::fs::metadata(path).ok().map(device)
}

#[cfg(not(unix))]
fn device(_: &Path) -> Option<u64> {
    None
}

/// The error of a start, with the name of the file system where that is full.
pub(crate) fn named(error: OpenError, database: &Path) -> OpenError {
    let may_be = match &error {
        OpenError::File { source, .. } => is_about_room(source),
        OpenError::Sqlite(error) => error.sqlite_error_code().is_some_and(is_of_disk),
        // Absent: something else is wrong.
        _ => false,
    };
    if may_be && is_full(database) {
        return OpenError::Full { path: database.to_owned(), file_system: file_system(database) };
    }
    error
}

fn is_of_disk(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen)
}

/// Names in the log the file system that is full, if it is.
pub(crate) fn report(path: &Path) {
    if is_full(path) {
        let file_system = file_system(path);
        tracing::error!(
            file_system = %file_system.display(),
            "the file system is full: what is read is served, nothing is written, what is revoked holds in memory; make room"
        );
    }
}
