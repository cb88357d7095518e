//! The counters of limits, from a clean stop to the next start. What of them cannot be read is counted, never as if nobody had
//! been admitted.

use crate::driver::Row;
use crate::driver::{Driver, all, change, first};
use crate::{rows, to_end};
use keyward_core::store::{SavedLimits, StoreError};

/// No admission counts for longer, in milliseconds.
const WINDOW: u32 = 60_000;

/// What was kept; `None`: the server before did not stop cleanly, or when it did cannot be read.
pub(crate) fn kept(driver: &dyn Driver) -> Result<Option<SavedLimits>, StoreError> {
    let state = first(driver, "SELECT saved_at_ms FROM limit_state", [], |row| {
        Ok(to_end::number(row, "saved_at_ms"))
    })?;
    let windows = all(driver, "SELECT bucket, ages FROM limit_windows", [], |row| Ok(window(row)))?;
    let rows = windows.len();
    let ages: Vec<(String, Vec<u64>)> = windows.into_iter().flatten().collect();
    let unreadable = rows - ages.len();
    Ok(match state {
        // A new database: nothing was counted before.
        None if rows == 0 => Some(SavedLimits { ages, unreadable, at_ms: 0 }),
        None => None,
        Some(at) => {
            // Absent: a crash.
            let at_ms = at.and_then(|at| u64::try_from(at).ok());
            at_ms.map(|at_ms| SavedLimits { ages, unreadable, at_ms })
        }
    })
}

/// Takes them out, and says that a server runs: if it ends without another word, it was a crash.
pub(crate) fn take(driver: &dyn Driver) -> Result<(), StoreError> {
    change(driver, "DELETE FROM limit_windows", [])?;
    change(driver, SAVED_AT, [None::<i64>]).map(drop)
}

/// When they were saved: `?1`; nothing, while a server runs.
pub(crate) const SAVED_AT: &str = "INSERT INTO limit_state (one, saved_at_ms) VALUES (1, CAST(?1 AS BIGINT))
    ON CONFLICT (one) DO UPDATE SET saved_at_ms = excluded.saved_at_ms";

/// A bucket and the ages of its admissions, if they are as they were written.
fn window(row: &Row<'_>) -> Option<(String, Vec<u64>)> {
    // Absent: counted as unreadable.
    let bucket: String = rows::get(row, "bucket").ok()?;
    // Absent: counted as unreadable.
    let bytes: Vec<u8> = rows::get(row, "ages").ok()?;
    Some((bucket, ages(&bytes)?))
}

fn ages(bytes: &[u8]) -> Option<Vec<u64>> {
    let (ages, rest) = bytes.as_chunks::<4>();
    let ages: Vec<u32> = ages.iter().map(|age| u32::from_be_bytes(*age)).collect();
    let sound = rest.is_empty() && !ages.is_empty() && ages.iter().all(|age| *age <= WINDOW);
    sound.then(|| ages.into_iter().map(u64::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    fn with(windows: &[(&str, &[u8])], state: Option<Option<i64>>) -> Option<SavedLimits> {
        let connection = Connection::open_in_memory().unwrap();
        let tables =
            "CREATE TABLE limit_windows (bucket TEXT PRIMARY KEY, ages BLOB NOT NULL) STRICT, WITHOUT ROWID;
                      CREATE TABLE limit_state (one INTEGER PRIMARY KEY, saved_at_ms INTEGER) STRICT;";
        connection.execute_batch(tables).unwrap();
        for (bucket, ages) in windows {
            let sql = "INSERT INTO limit_windows (bucket, ages) VALUES (?1, ?2)";
            connection.execute(sql, rusqlite::params![bucket, ages]).unwrap();
        }
        if let Some(at) = state {
            connection.execute("INSERT INTO limit_state VALUES (1, ?1)", [at]).unwrap();
        }
        kept(&connection).unwrap()
    }

    #[test]
    fn counters_that_cannot_be_read_are_counted_and_the_others_are_kept() {
        let whole: &[u8] = &[0, 0, 0, 2, 0, 0, 0, 1];
        let saved = with(&[("account 1 reads", whole)], Some(Some(7))).unwrap();
        assert_eq!(
            (saved.ages, saved.unreadable, saved.at_ms),
            (vec![("account 1 reads".to_owned(), vec![2, 1])], 0, 7)
        );
        let broken: [&[u8]; 5] = [&[], &[0], &[0, 0, 0, 1, 0], &[0, 0, 0xEA, 0x61], &[0xFF; 4]];
        for bytes in broken {
            let saved =
                with(&[("account 1 reads", whole), ("account 2 reads", bytes)], Some(Some(7))).unwrap();
            assert_eq!((saved.ages.len(), saved.unreadable), (1, 1), "{bytes:?}");
        }
    }

    #[test]
    fn without_the_moment_of_a_clean_stop_it_was_a_crash() {
        let window: &[(&str, &[u8])] = &[("account 1 reads", &[0, 0, 0, 1])];
        assert_eq!(
            with(&[], None),
            Some(SavedLimits { ages: Vec::new(), unreadable: 0, at_ms: 0 }),
            "a new database"
        );
        assert_eq!(with(&[], Some(None)), None, "a server runs, or was killed");
        assert_eq!(with(window, Some(None)), None);
        assert_eq!(with(window, Some(Some(-1))), None, "a moment that nobody wrote");
        assert_eq!(with(window, None), None, "counters, and no moment");
    }

    #[test]
    fn a_moment_of_another_type_is_that_of_a_crash() {
        let connection = Connection::open_in_memory().unwrap();
        let tables = "CREATE TABLE limit_windows (bucket, ages); CREATE TABLE limit_state (one INTEGER PRIMARY KEY, saved_at_ms)";
        connection.execute_batch(tables).unwrap();
        for moment in ["'yesterday'", "x'00'", "1.5", "''", "NULL"] {
            let sql = format!("INSERT OR REPLACE INTO limit_state VALUES (1, {moment})");
            connection.execute_batch(&sql).unwrap();
            assert_eq!(kept(&connection).unwrap(), None, "{moment}");
        }
    }
}
