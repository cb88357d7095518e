//! The connection that can write, and how it does.

use crate::migrate::APPLICATION_ID;
use crate::open_error::OpenError;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

pub(crate) fn connect(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(1))?;
    Ok(connection)
}

/// As much of the log stays when it has been moved into the database, in bytes: twice what it usually grows to before that.
const LOG_KEPT: i64 = 8 * 1024 * 1024;

pub(crate) fn prepare(connection: &Connection, is_new: bool) -> Result<(), OpenError> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(OpenError::NoLog(mode));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Nothing is written before a commit: on a full disk it is the commit that fails, and all that comes before has been done.
    connection.pragma_update(None, "cache_spill", false)?;
    // A log that a long read made grow is cut back when it begins again.
    connection.pragma_update(None, "journal_size_limit", LOG_KEPT)?;
    connection.set_prepared_statement_cache_capacity(64);
    if is_new {
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    Ok(())
}
