//! What SQLite finds when it reads all of a database.

use crate::open_error::{OpenError, in_one_line};
use rusqlite::{Connection, ErrorCode, Row};
use std::path::Path;

/// So many faults are looked for; then it is enough.
const MOST: u32 = 1_000;

/// What is wrong with a database, a line each. No line shows what a row holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Pages, indexes and tables that do not fit together: what is read may be wrong.
    pub(crate) structure: Vec<String>,
    /// Rows that are not as the schema says. Each can be read as what it is, and is left out where it cannot be used.
    pub(crate) rows: Vec<String>,
}

/// Reads everything.
pub(crate) fn look_through(connection: &Connection) -> Result<Faults, OpenError> {
    let mut faults = Faults::default();
    let found = lines(connection, &format!("PRAGMA integrity_check({MOST})"), |row| row.get::<_, String>(0));
    for line in found.or_else(as_damage)? {
        // The first line of a report on pages has the next one behind it.
        for line in line.lines().filter(|line| *line != "ok" && !line.starts_with("***")) {
            let kind = if is_of_a_row(line) { &mut faults.rows } else { &mut faults.structure };
            kind.push(line.to_owned());
        }
    }
    if faults.structure.is_empty() {
        faults.rows.extend(orphans(connection)?);
    }
    Ok(faults)
}

/// Rows that name a row that is not there.
fn orphans(connection: &Connection) -> Result<Vec<String>, OpenError> {
    let orphans = lines(connection, "PRAGMA foreign_key_check", |row| {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        Ok(match row.get::<_, Option<i64>>(1)? {
            Some(id) => format!("row {id} of {table} names a row of {parent} that is not there"),
            None => format!("a row of {table} names a row of {parent} that is not there"),
        })
    });
    Ok(orphans?)
}

fn lines(
    connection: &Connection,
    sql: &str,
    line: impl FnMut(&Row<'_>) -> rusqlite::Result<String>,
) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(sql)?;
    // Absent: no list is longer.
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    statement.query_map([], line)?.take(most).collect()
}

/// Where the check itself cannot read on, that is what it has found.
fn as_damage(error: rusqlite::Error) -> Result<Vec<String>, OpenError> {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Ok(vec![in_one_line(&error)]),
        // Absent: the check could not be made.
        _ => Err(error.into()),
    }
}

/// An error of SQLite that says that a file is damaged, with the file's name.
pub(crate) fn of_damage(error: OpenError, path: &Path) -> OpenError {
    let OpenError::Sqlite(error) = error else { return error };
    match as_damage(error) {
        Ok(faults) => OpenError::Damaged { path: path.to_owned(), faults },
        Err(other) => other,
    }
}

/// Whether a line of `integrity_check` is about what one row holds.
fn is_of_a_row(line: &str) -> bool {
    line.contains(" value in ")
        || line.starts_with("CHECK constraint failed in ")
        || line.starts_with("non-unique entry in index ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_not_as_the_schema_says_are_no_damage_of_the_file() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER NOT NULL CHECK (n > 0)) STRICT;
                 CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a (id)) STRICT;
                 INSERT INTO a VALUES (1, 1);
                 INSERT INTO b VALUES (1, 1), (2, NULL);",
            )
            .unwrap();
        assert_eq!(look_through(&connection).unwrap(), Faults::default());
        connection
            .execute_batch(
                "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;
                 INSERT INTO a VALUES (2, -1); INSERT INTO b VALUES (3, 9);",
            )
            .unwrap();
        connection.pragma_update(None, "ignore_check_constraints", false).unwrap();
        let faults = look_through(&connection).unwrap();
        assert_eq!(
            faults.rows,
            ["CHECK constraint failed in a", "row 3 of b names a row of a that is not there"]
        );
        assert!(faults.structure.is_empty(), "{faults:?}");
    }

    #[test]
    fn a_page_that_was_overwritten_is_damage_of_the_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE a (id INTEGER PRIMARY KEY, text TEXT) STRICT;
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
                 INSERT INTO a SELECT i, hex(zeroblob(200)) FROM n;",
            )
            .unwrap();
        drop(connection);
        let whole = std::fs::read(&path).unwrap();
        for (page, byte) in [(whole.len() / 4096 - 1, 0), (1, 0xff)] {
            let mut bytes = whole.clone();
            bytes[page * 4096..(page + 1) * 4096].fill(byte);
            std::fs::write(&path, bytes).unwrap();
            let faults = look_through(&crate::no_room::connect_reader(&path).unwrap()).unwrap();
            assert!(!faults.structure.is_empty(), "page {page}: {faults:?}");
        }
    }
}
