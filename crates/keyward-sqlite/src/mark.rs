//! The mark in the first page of the file: which server has it open, and under which name.

use rusqlite::Connection;
use std::fs::File;
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Where SQLite keeps `user_version`, four bytes, big endian. Here it is a number that each server draws for as long as it runs, and
/// what says under which name it serves.
const GENERATION: u64 = 60;

/// What of a mark says under which name the database is open. The rest is drawn at each start.
pub(crate) const NAME: u32 = 0xffff;

/// This part of a mark.
pub(crate) fn name_in_mark(path: &Path) -> u32 {
    crc32fast::hash(resolved(path).as_os_str().as_encoded_bytes()) & NAME
}

/// Where a path leads.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    // Absent: it was removed under its name, which is no link then.
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Draws a number and writes it into the first page.
pub(crate) fn write_generation(connection: &Connection, name: u32) -> rusqlite::Result<u32> {
    let drawn: u32 = connection.query_row("SELECT abs(random() % 32767) + 1", [], |row| row.get(0))?;
    let drawn = (drawn << NAME.count_ones()) | name;
    connection.pragma_update(None, "user_version", drawn)?;
    // Into the file itself: until then it is in the log.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(drawn)
}

/// The number that stands there; `None`: the system cannot say now.
#[cfg(unix)]
pub(crate) fn read_generation(file: &File) -> Option<u32> {
    let mut bytes = [0; 4];
    match std::os::unix::fs::FileExt::read_exact_at(file, &mut bytes, GENERATION) {
        Ok(()) => Some(u32::from_be_bytes(bytes)),
        // It was cut off, and has none.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Some(0),
        // Absent: the disk may read it the next time.
        Err(_) => None,
    }
}

#[cfg(not(unix))]
pub(crate) fn read_generation(_: &File) -> Option<u32> {
    None
}

/// A copy has no number of a server: in the place of the database it is noticed.
pub(crate) fn forget_generation(copy: &mut File) -> std::io::Result<()> {
    copy.seek(SeekFrom::Start(GENERATION))?;
    copy.write_all(&[0; 4])
}
