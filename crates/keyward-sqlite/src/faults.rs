//! Faults made on purpose, and looks at a file from outside, for tests. A connection of its own stands for another
//! program that uses the same file.

use crate::connection::Reading;
use crate::embedded::Embedded;
use crate::says::store_error;
use crate::writer::Desk;
use keyward_core::store::StoreError;
use rusqlite::{Connection, OpenFlags, params};
use std::path::Path;
use std::time::Duration;

pub use crate::run::statements;

impl Embedded {
    /// Does something to the writer's connection: for tests that need a full or read-only database for real.
    ///
    /// # Errors
    /// [`StoreError`] when the statement fails.
    pub async fn on_writer(&self, sql: &'static str) -> Result<(), StoreError> {
        self.writer.run(move |desk| desk.connection.execute_batch(sql).map_err(store_error)).await
    }
}

impl Embedded {
    /// From now on commits fail as on a full disk, or no more.
    ///
    /// # Errors
    /// [`StoreError`] when the statement fails.
    pub async fn fill_disk(&self, full: bool) -> Result<(), StoreError> {
        // A mark that is this connection's alone, and in no file.
        let mark = "CREATE TEMP TABLE IF NOT EXISTS full_disk (commits INTEGER)";
        self.on_writer(if full { mark } else { "DROP TABLE IF EXISTS temp.full_disk" }).await
    }

    /// There is room for so many commits, and then no more.
    ///
    /// # Errors
    /// [`StoreError`] when the statement fails.
    pub async fn fill_disk_after(&self, commits: u32) -> Result<(), StoreError> {
        self.fill_disk(true).await?;
        let sql = format!("DELETE FROM temp.full_disk; INSERT INTO temp.full_disk VALUES ({commits})");
        self.writer.run(move |desk| desk.connection.execute_batch(&sql).map_err(store_error)).await
    }

    /// Keeps the writer busy until this returns.
    ///
    /// # Errors
    /// [`StoreError`] when it takes no work.
    pub async fn hold_writer(&self, until: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let busy = move |_: &mut Desk<'_>| {
            until();
            Ok(())
        };
        self.writer.run(busy).await
    }

    /// Whether what is counted of kept answers is what the database has.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub async fn counts_answers_right(&self) -> Result<bool, StoreError> {
        self.writer.run(|desk| desk.state.counts_answers_right(&Reading(desk.connection))).await
    }
}

/// Holds the file's write lock, as another program would, until it is dropped.
#[derive(Debug)]
pub struct WriteLock(Connection);

impl WriteLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// When the file cannot be opened or the lock cannot be had.
    pub fn take(path: &Path) -> Result<Self, rusqlite::Error> {
        let connection = outside(path)?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Self(connection))
    }
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        // Closing the connection gives the lock back in any case.
        let _ = self.0.execute_batch("ROLLBACK");
    }
}

/// What SQLite's integrity check and its check of foreign keys find: `ok`, or the first fault.
///
/// # Errors
/// When the file cannot be read.
pub fn integrity(path: &Path) -> Result<String, rusqlite::Error> {
    let connection = outside(path)?;
    let orphan = connection.prepare("PRAGMA foreign_key_check")?.exists([])?;
    let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    Ok(if orphan { "a foreign key points nowhere".to_owned() } else { found })
}

/// The one number that a query answers.
///
/// # Errors
/// When the query fails.
pub fn number(path: &Path, sql: &str) -> Result<i64, rusqlite::Error> {
    outside(path)?.query_row(sql, [], |row| row.get(0))
}

/// Marks a component as being at this version, as a newer program would.
///
/// # Errors
/// When the file is no store.
pub fn set_schema_version(path: &Path, component: &str, version: i64) -> Result<(), rusqlite::Error> {
    outside(path)?
        .execute(
            "INSERT INTO schema_migrations VALUES (?1, ?2, 'of a newer program', 0)",
            params![component, version],
        )
        .map(drop)
}

/// Makes a database of another program, by its statements.
///
/// # Errors
/// When the file cannot be made.
pub fn make_database(path: &Path, sql: &str) -> Result<(), rusqlite::Error> {
    Connection::open(path)?.execute_batch(sql)
}

/// Changes a file that nobody owns, by these statements, whatever they break.
///
/// # Errors
/// When a statement fails.
pub fn change_by_force(path: &Path, sql: &str) -> Result<(), rusqlite::Error> {
    outside(path)?.execute_batch(sql)
}

/// The same for one table, while that has no rules: a value of any type can stand in any column. Then it has them again.
///
/// # Errors
/// When a statement fails.
pub fn spoil(path: &Path, table: &str, sql: &str) -> Result<(), rusqlite::Error> {
    let connection = outside(path)?;
    let schema = "SELECT sql FROM sqlite_schema WHERE name = ?1";
    let rules: String = connection.query_row(schema, [table], |row| row.get(0))?;
    let free = rules.replace(" NOT NULL", "").replace(") STRICT, WITHOUT", ") WITHOUT");
    // Absent: `WITHOUT ROWID` stands behind it, as above.
    let free = free.strip_suffix(" STRICT").map(str::to_owned).unwrap_or(free);
    let set = |text: &str, reset: &str| {
        connection.pragma_update(None, "writable_schema", true)?;
        connection.execute("UPDATE sqlite_schema SET sql = ?1 WHERE name = ?2", [text, table])?;
        connection.execute_batch(&format!("PRAGMA writable_schema = {reset}"))
    };
    connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")?;
    set(&free, "RESET")?;
    connection.execute_batch(sql)?;
    set(&rules, "OFF")
}

fn outside(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}
