//! The transaction that executes effects.

use crate::dialect::Dialect;
use crate::driver::Row;
use crate::driver::{self, Driver, Transaction};
use crate::error::is_constraint;
use crate::journal::Ended;
use crate::kept::{self, Delta};
use crate::params::Params;
use keyward_core::clock::{Moment, Timestamp};
use keyward_core::denial::Denial;
use keyward_core::limits::Tiers;
use keyward_core::live::Change;
use keyward_core::store::StoreError;

/// An open write transaction. Only [`keyward_core::effect::Commit`] opens one; whoever implements
/// [`keyward_core::effect::Execute`] for it puts SQL in, and cannot commit.
pub struct Tx<'c> {
    inner: Box<dyn Transaction + 'c>,
    changes: Vec<Change>,
    ended: Vec<Ended>,
    kept: Vec<Delta>,
    tiers: Tiers,
    settled: bool,
    clock: Moment,
}

impl std::fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("changes", &self.changes).finish_non_exhaustive()
    }
}

/// What is known of the clock where nothing is: nothing can be judged, and nothing be forgotten.
const UNKNOWN: Moment = Moment { behind: true, ..Moment::fixed(Timestamp::FIRST) };

/// How a transaction ended, and what it would have others learn.
#[derive(Debug)]
pub struct Finished {
    /// What the directory must learn.
    pub changes: Vec<Change>,
    pub(crate) kept: Vec<Delta>,
    /// Whether it is committed; else nothing of it stays in the database.
    pub written: Result<(), StoreError>,
}

impl<'c> Tx<'c> {
    /// `settled`: no ending waits for another transaction.
    #[must_use]
    pub fn new(inner: impl Transaction + 'c, tiers: Tiers, settled: bool) -> Self {
        Self {
            inner: Box::new(inner),
            changes: Vec::new(),
            ended: Vec::new(),
            kept: Vec::new(),
            tiers,
            settled,
            clock: UNKNOWN,
        }
    }

    /// What the clock says at its moment. Without that no end is judged in it.
    pub fn at(self, clock: Moment) -> Self {
        Self { clock, ..self }
    }

    /// What the clock says.
    pub(crate) fn clock(&self) -> Moment {
        self.clock
    }

    /// That an end can be judged. To be asked before something with an end opens something.
    pub(crate) fn judges_ends(&self) -> Result<(), Denial> {
        self.clock.judges_ends()
    }

    /// Whether the rows say all that was ended. Where they do not, nothing is taken away for good.
    pub(crate) fn settled(&self) -> bool {
        self.settled
    }

    /// What every tier may have, now.
    pub(crate) fn tiers(&self) -> &Tiers {
        &self.tiers
    }

    /// What the database reads besides what all of them do.
    pub(crate) fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// [`StoreError`], also from `map`.
    pub fn first<T, P, F>(&self, sql: &str, params: P, map: F) -> Result<Option<T>, StoreError>
    where
        P: Params,
        F: FnOnce(&Row<'_>) -> Result<T, StoreError>,
    {
        driver::first(&self.inner, sql, params, map)
    }

    /// Every row.
    ///
    /// # Errors
    /// [`StoreError`], also from `map`.
    pub fn all<T, P, F>(&self, sql: &str, params: P, map: F) -> Result<Vec<T>, StoreError>
    where
        P: Params,
        F: FnMut(&Row<'_>) -> Result<T, StoreError>,
    {
        driver::all(&self.inner, sql, params, map)
    }

    /// Changes rows; how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn change<P: Params>(&self, sql: &str, params: P) -> Result<usize, StoreError> {
        driver::change(&self.inner, sql, params)
    }

    /// Changes one row, for what takes something away: `false`, with its name in the log, where it holds a value that the schema does
    /// not allow, and so SQLite changes nothing of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn change_readable<P: Params>(
        &self,
        (table, id): (&'static str, i64),
        sql: &str,
        params: P,
    ) -> Result<bool, StoreError> {
        match self.change(sql, params) {
            Err(error) if is_constraint(&error) => {
                tracing::error!(table, id, %error, "a row that something of ends cannot be changed as it is");
                Ok(false)
            }
            changed => changed.map(|_| true),
        }
    }

    /// Inserts a row; its id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn insert<P: Params>(&self, sql: &str, params: P) -> Result<i64, StoreError> {
        params.bind(|params| self.inner.insert(sql, params))
    }

    /// Notes what the directory must learn once this is committed.
    pub(crate) fn publish(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// What the directory must learn so far.
    pub(crate) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Notes for the journal of revocations what ends and is not in the directory.
    pub(crate) fn note(&mut self, ended: Ended) {
        self.ended.push(ended);
    }

    /// What was noted.
    pub(crate) fn ended(&self) -> &[Ended] {
        &self.ended
    }

    /// Notes what a kept answer takes.
    pub(crate) fn keeps(&mut self, more: Delta) {
        self.kept.push(more);
    }

    /// Takes kept answers away.
    pub(crate) fn forget_answers(&mut self, which: &str, params: impl Params) -> Result<(), StoreError> {
        let gone = kept::delete(&self.inner, which, params)?;
        self.kept.extend(gone);
        Ok(())
    }

    /// Ends it: commits, unless something failed before.
    pub fn finish(self, so_far: Result<(), StoreError>) -> Finished {
        let Self { inner, changes, kept, .. } = self;
        // Dropping it takes everything back.
        let written = so_far.and_then(|()| inner.commit());
        Finished { changes, kept, written }
    }
}
