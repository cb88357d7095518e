//! The transaction that executes effects.

use crate::error::store_error;
use crate::reader;
use keyward_core::limits::Tiers;
use keyward_core::live::Change;
use keyward_core::store::StoreError;
use rusqlite::{Params, Row, Transaction};

/// An open write transaction. Only [`keyward_core::effect::Commit`] opens one; whoever implements
/// [`keyward_core::effect::Execute`] for it puts SQL in, and cannot commit.
#[derive(Debug)]
pub struct Tx<'c> {
    inner: Transaction<'c>,
    changes: Vec<Change>,
    tiers: Tiers,
}

impl<'c> Tx<'c> {
    pub(crate) fn new(inner: Transaction<'c>, tiers: Tiers) -> Self {
        Self { inner, changes: Vec::new(), tiers }
    }

    /// What every tier may have, now.
    pub(crate) fn tiers(&self) -> &Tiers {
        &self.tiers
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
        reader::first(&self.inner, sql, params, map)
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
        reader::all(&self.inner, sql, params, map)
    }

    /// Changes rows; how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn change<P: Params>(&self, sql: &str, params: P) -> Result<usize, StoreError> {
        self.inner
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(params))
            .map_err(store_error)
    }

    /// Inserts a row; its id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn insert<P: Params>(&self, sql: &str, params: P) -> Result<i64, StoreError> {
        self.inner.prepare_cached(sql).and_then(|mut statement| statement.insert(params)).map_err(store_error)
    }

    /// Notes what the directory must learn once this is committed.
    pub(crate) fn publish(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Commits; what the directory must learn.
    pub(crate) fn commit(self) -> Result<Vec<Change>, StoreError> {
        self.inner.commit().map_err(store_error)?;
        Ok(self.changes)
    }
}
