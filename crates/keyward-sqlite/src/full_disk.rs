//! A disk that is full because a test says so.

use crate::says::store_error;
use keyward_core::store::StoreError;
use rusqlite::Connection;

/// Fails as a commit does on a full disk, where [`crate::Embedded::fill_disk`] says so.
pub(crate) fn refuse_to_write(connection: &Connection) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM temp.sqlite_master WHERE name = 'full_disk'";
    if connection.prepare_cached(sql).and_then(|mut mark| mark.exists([])).map_err(store_error)? {
        let room = "UPDATE temp.full_disk SET commits = commits - 1 WHERE commits > 0";
        if connection.execute(room, []).map_err(store_error)? > 0 {
            return Ok(());
        }
        let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        return Err(store_error(rusqlite::Error::SqliteFailure(full, None)));
    }
    Ok(())
}
