//! Where a column of a row is.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use std::cell::Cell;

thread_local! {
    /// The position behind the column that was found last on this thread.
    static NEXT: Cell<usize> = const { Cell::new(0) };
}

/// What a column holds. A row is mostly read in the order of its columns, so the one behind the last is looked at first: comparing
/// the names of all of them cost a fifth of a start.
///
/// # Errors
/// The row has no such column.
#[inline]
pub(crate) fn value<'r>(row: &'r Row<'_>, name: &str) -> rusqlite::Result<ValueRef<'r>> {
    let position = position(row, name)?;
    NEXT.set(position + 1);
    row.get_ref(position)
}

#[inline]
fn position(row: &Row<'_>, name: &str) -> rusqlite::Result<usize> {
    let statement = row.as_ref();
    match NEXT.get() {
        next if next < statement.column_count() && statement.column_name(next)? == name => Ok(next),
        // Absent: it is another one.
        _ => statement.column_index(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn a_column_is_found_by_its_name_in_any_order_and_in_rows_of_any_length() {
        let connection = Connection::open_in_memory().unwrap();
        for (sql, reads) in [
            ("SELECT 1 AS a, 2 AS b, 3 AS c", [("a", 1), ("b", 2), ("c", 3)]),
            ("SELECT 1 AS a, 2 AS b, 3 AS c", [("c", 3), ("a", 1), ("a", 1)]),
            ("SELECT 5 AS b, 6 AS a, 7 AS c", [("a", 6), ("b", 5), ("c", 7)]),
            ("SELECT 9 AS a", [("a", 9), ("a", 9), ("a", 9)]),
        ] {
            for (name, expected) in reads {
                let read = |row: &Row<'_>| value(row, name)?.as_i64().map_err(Into::into);
                assert_eq!(connection.query_row(sql, [], read), Ok(expected), "{name} of {sql}");
            }
        }
        let absent = |row: &Row<'_>| value(row, "d")?.as_i64().map_err(Into::into);
        assert!(connection.query_row::<i64, _, _>("SELECT 1 AS a", [], absent).is_err());
    }
}
