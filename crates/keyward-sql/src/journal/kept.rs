//! What the database says of its journal.

use super::entry::{Entry, Line};
use super::outside::Noted;
use crate::driver::{Driver, Row, all, first};
use crate::error::is_of_a_row;
use crate::params;
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::store::StoreError;

/// What the database says of its journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The name of the journal.
    pub id: String,
    /// The rows have the entries up to this one.
    pub applied: u64,
    /// Entries that may not be in the file yet.
    pub pending: Vec<Entry>,
    /// Entries that could not be done in these rows.
    pub undone: Vec<Entry>,
}

impl Kept {
    /// Reads it. What cannot be read belongs to no journal.
    pub fn read(driver: &dyn Driver) -> Self {
        let sql = "SELECT id, applied FROM revocation_journal WHERE one = 1";
        let says = |row: &Row<'_>| Ok((rows::get(row, "id")?, rows::get::<i64>(row, "applied")?));
        let read = first(driver, sql, [], says).and_then(|said| {
            let (id, applied) = said.ok_or_else(|| StoreError::Failed("it has no row about it".into()))?;
            Ok((id, applied, lines(driver, 0)?, lines(driver, 1)?))
        });
        match read {
            Ok((id, applied, pending, undone)) => {
                // Absent: below zero none is done, so all of them are.
                Self { id, applied: u64::try_from(applied).unwrap_or(0), pending, undone }
            }
            Err(error) => {
                tracing::error!(%error, "the database does not say which journal of revocations is its own");
                Self::default()
            }
        }
    }

    /// Writes it.
    pub fn write(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        let sql = "INSERT INTO revocation_journal (one, id, applied) VALUES (1, ?1, ?2)
                   ON CONFLICT (one) DO UPDATE SET id = excluded.id, applied = excluded.applied";
        tx.change(sql, params![self.id, number(self.applied)])?;
        tx.change("DELETE FROM revocation_journal_lines", [])?;
        self.pending.iter().try_for_each(|entry| write_line(tx, entry, false))?;
        self.undone.iter().try_for_each(|entry| write_line(tx, entry, true))
    }
}

/// The entries of one kind. One that cannot be read is left out.
fn lines(driver: &dyn Driver, undone: i64) -> Result<Vec<Entry>, StoreError> {
    let sql = "SELECT line FROM revocation_journal_lines WHERE undone = ?1 ORDER BY abs(n)";
    let read = |row: &Row<'_>| Ok(to_end::text(row, "line"));
    let lines = all(driver, sql, [undone], read)?;
    // Absent: a line that is damaged names nothing.
    Ok(lines.into_iter().flatten().filter_map(|line| Line::entry(&line)).collect())
}

/// Keeps one entry.
fn write_line(tx: &Tx<'_>, entry: &Entry, undone: bool) -> Result<(), StoreError> {
    let sql = "INSERT INTO revocation_journal_lines (n, line, undone) VALUES (?1, ?2, ?3)
               ON CONFLICT (n) DO UPDATE SET line = excluded.line, undone = excluded.undone";
    // One can be of both kinds: not in the file yet, and not done.
    let key = if undone { -number(entry.n) } else { number(entry.n) };
    tx.change(sql, params![key, Line::of(entry), undone]).map(drop)
}

/// A number as SQLite holds it.
fn number(n: u64) -> i64 {
    // Absent: it is the highest.
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Keeps entries in the database until they are in the journal of this name, in which `waits` is the first that is not.
/// `all`: the rows have all entries before, or the database keeps those that could not be done.
///
/// # Errors
/// [`StoreError`]; what the rows hold keeps nothing from being ended.
pub fn keep(
    tx: &Tx<'_>,
    (id, waits): (&str, Option<u64>),
    noted: &Noted,
    all: bool,
) -> Result<(), StoreError> {
    if noted.entries.is_empty() {
        return Ok(());
    }
    match write_noted(tx, (id, waits), noted, all) {
        // What the rows hold must not keep anything from being ended.
        Err(error) if is_of_a_row(&error) => {
            tracing::error!(%error, "the database cannot keep what the journal of revocations says");
            Ok(())
        }
        written => written,
    }
}

fn write_noted(
    tx: &Tx<'_>,
    (id, waits): (&str, Option<u64>),
    noted: &Noted,
    all: bool,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO revocation_journal (one, id, applied) VALUES (1, ?1, ?2)
               ON CONFLICT (one) DO UPDATE SET id = excluded.id,
                   applied = CASE WHEN ?3 THEN excluded.applied ELSE revocation_journal.applied END";
    tx.change(sql, params![id, number(noted.last), all])?;
    // Absent: none waits, and all that was kept is in the file.
    let waits = waits.unwrap_or(u64::MAX);
    let gone = "DELETE FROM revocation_journal_lines WHERE undone = 0 AND n < ?1";
    tx.change(gone, [number(waits)])?;
    noted.entries.iter().try_for_each(|entry| write_line(tx, entry, false))
}
