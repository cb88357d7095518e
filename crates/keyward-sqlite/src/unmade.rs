//! A file in which nothing was made: a copy that failed, a full disk, a bind mount of what `touch` made. Only who makes an installation
//! makes tables in it; a server that did would serve an empty one as if nothing were amiss.

use crate::open_error::OpenError;
use rusqlite::Connection;
use std::path::Path;

/// Refuses it. `is_new`: it has no tables at all.
pub(crate) fn refuse_unmade(path: &Path, connection: &Connection, is_new: bool) -> Result<(), OpenError> {
    if is_new || !is_made(connection)? { Err(OpenError::Empty(path.to_owned())) } else { Ok(()) }
}

/// Whether it belongs to a root secret, as an installation does before anything else is in it; or has users, whatever else is damaged.
fn is_made(connection: &Connection) -> Result<bool, OpenError> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name IN ('root_secret_versions', 'users')";
    let tables: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    if tables < 2 {
        return Ok(false);
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM root_secret_versions) OR EXISTS (SELECT 1 FROM users)";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BreakOff, Options, Schema, Sqlite, copy};
    use keyward_core::limits::Tiers;
    use keyward_core::swap::Swap;
    use keyward_testkit::FakeClock;
    use std::fs;
    use std::sync::Arc;

    fn open(path: &Path, schema: Schema) -> Result<(), OpenError> {
        let options = Options {
            path,
            components: &[],
            root_secret_checks: &[(1, "check".to_owned())],
            schema,
            tiers: Swap::new(Tiers::default()),
            idempotency_bytes: keyward_core::idempotency::KEPT_BYTES,
            clock: Arc::new(FakeClock::new()),
        };
        Sqlite::open(&options).map(drop)
    }

    #[test]
    fn a_file_in_which_nothing_was_made_is_refused_and_left_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("keyward.db");
        let log = home.path().join("keyward.db-wal");
        for sql in
            [None, Some("CREATE TABLE a (b); DROP TABLE a"), Some("PRAGMA application_id = 0x4B455957")]
        {
            let _ = fs::remove_file(&path);
            match sql {
                Some(sql) => Connection::open(&path).unwrap().execute_batch(sql).unwrap(),
                // SQLite itself would take a log beside it away.
                None => [&path, &log].iter().for_each(|file| fs::write(file, "").unwrap()),
            }
            let before = fs::read(&path).unwrap();
            for schema in [Schema::BringUpToDate, Schema::MustBeUpToDate] {
                let refused = open(&path, schema).unwrap_err().to_string();
                assert!(refused.contains("is empty. Restore a copy"), "{sql:?}: {refused}");
            }
            let copied = copy(&path, &home.path().join("copy.db"), &BreakOff::default());
            assert_eq!(copied.is_err(), sql != Some("PRAGMA application_id = 0x4B455957"), "{copied:?}");
            assert_eq!(fs::read(&path).unwrap(), before, "{sql:?}");
            assert_eq!(log.exists(), sql.is_none());
            let _ = (fs::remove_file(&log), fs::remove_file(home.path().join("copy.db")));
        }
        let _ = fs::remove_file(&path);
        assert!(open(&path, Schema::BringUpToDate).is_err() && !path.exists(), "nor is it made");
        open(&path, Schema::Make).unwrap();
        open(&path, Schema::MustBeUpToDate).unwrap();
    }
}
