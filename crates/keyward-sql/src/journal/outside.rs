//! What a store keeps of endings outside the rows that they changed.

use super::entry::Entry;
use super::of::endings;
use crate::driver::{Connection, Driver};
use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::limits::Tiers;
use keyward_core::live::Change;
use keyward_core::store::StoreError;
use std::collections::HashMap;
use std::time::Duration;

/// What a store keeps of endings outside the rows that they changed.
pub trait Journal: Send {
    /// Whether the rows have all that it says, but what could not be done in them, and the database says so.
    fn is_settled(&self) -> bool;

    /// Whether it could not be read yet.
    fn is_unread(&self) -> bool;

    /// From now on the database does not say what it should: endings were written, or refused, that waited.
    fn fall_behind(&mut self);

    /// How many entries the rows do not have, be it that they wait or that they could not be done in them.
    fn not_in_rows(&self) -> usize;

    /// How many entries could not be appended yet.
    fn waiting(&self) -> usize;

    /// What an execution has ended, as entries to append.
    fn note(&self, tx: &Tx<'_>, ends: bool, now: Timestamp) -> Noted;

    /// Keeps the entries in the database until they are in the journal. `all`: its rows have all entries before, or it keeps those
    /// that could not be done.
    ///
    /// # Errors
    /// [`StoreError`]; what the rows hold keeps nothing from being ended.
    fn keep(&self, tx: &Tx<'_>, noted: &Noted, all: bool) -> Result<(), StoreError>;

    /// Appends entries, and those that could not be appended before, and brings them to the disk. Where that fails they wait: an
    /// ending is never stopped.
    fn append(&mut self, noted: Noted);

    /// Appends the entries that wait.
    fn retry(&mut self);

    /// Reads it, if it could not be read before; which entries have other numbers since.
    fn look(&mut self, driver: &dyn Driver, now: Timestamp) -> HashMap<u64, u64>;

    /// Does what could not be done before, and writes what the database is to say of it; what memory must learn, be it written or not.
    fn catch_up(
        &mut self,
        connection: &mut dyn Connection,
        now: CatchUp,
        unwritten: Unwritten,
    ) -> Vec<Change>;

    /// Makes room in it, where it has grown too long.
    fn shorten(&mut self);
}

/// By what something is caught up with.
#[derive(Clone, Copy, Debug)]
pub struct CatchUp {
    /// What every tier may have.
    pub tiers: Tiers,
    /// What the clock says.
    pub now: Timestamp,
    /// For how long the process runs.
    pub elapsed: Duration,
}

/// Entries that are to be appended.
#[derive(Debug, Default)]
pub struct Noted {
    /// The entries.
    pub entries: Vec<Entry>,
    /// The number of the last entry, be it among these or before them.
    pub last: u64,
}

impl Noted {
    /// What an execution has ended, as entries after the last one.
    #[must_use]
    pub fn after(last: u64, tx: &Tx<'_>, ends: bool, now: Timestamp) -> Self {
        let ended = endings(tx, ends);
        let entries = (last + 1..).zip(ended).map(|(n, ended)| Entry { n, at: now.unix(), ended });
        let entries: Vec<Entry> = entries.collect();
        // Absent: nothing ended.
        let last = entries.last().map_or(last, |entry| entry.n);
        Self { entries, last }
    }
}

/// What the journal has of endings that are not written.
#[derive(Debug, Default)]
pub struct Unwritten {
    /// The number of the first entry of those that wait.
    pub first: Option<u64>,
    /// The entries of those that the database refuses.
    pub refused: Vec<Entry>,
}
