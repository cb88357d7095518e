//! What a database must be able to do. The statements are the same for each: the dialect that all of them read.

use crate::dialect::Dialect;
use crate::params::Params;
use crate::value::{FromValue, Value};
use keyward_core::store::StoreError;

/// Runs statements. Their parameters are `?1`, `?2` and so on; a statement need not name all that it is given.
pub trait Driver {
    /// Runs a statement and hands each of its rows over, until one is answered with `false`.
    ///
    /// # Errors
    /// [`StoreError`], also from `each`.
    fn rows(&self, sql: &str, params: &[Value<'_>], each: &mut Each<'_>) -> Result<(), StoreError>;

    /// Runs a statement that has no rows; how many it changed.
    ///
    /// # Errors
    /// [`StoreError`]; with a [`Constraint`] inside where the schema does not allow what would be there.
    fn change(&self, sql: &str, params: &[Value<'_>]) -> Result<usize, StoreError>;

    /// What it reads besides what all of them do.
    fn dialect(&self) -> Dialect;

    /// Inserts one row; its id.
    ///
    /// # Errors
    /// As [`Driver::change`].
    fn insert(&self, sql: &str, params: &[Value<'_>]) -> Result<i64, StoreError>;
}

/// Takes one row; whether it wants the next one.
pub type Each<'e> = dyn FnMut(&Row<'_>) -> Result<bool, StoreError> + 'e;

/// Statements that are done together, or not at all. Dropping it before its commit takes all of them back.
pub trait Transaction: Driver {
    /// Makes them last.
    ///
    /// # Errors
    /// [`StoreError`]; nothing of it stays then.
    fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// What a transaction is begun for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// To write: nobody else writes until it ends.
    Write,
    /// To read one state.
    Read,
}

/// Opens transactions, one at a time.
pub trait Connection: Driver {
    /// Opens one.
    ///
    /// # Errors
    /// [`StoreError`].
    fn begin(&mut self, begin: Begin) -> Result<Box<dyn Transaction + '_>, StoreError>;

    /// Makes what room it can, before it is tried whether something can be written.
    ///
    /// # Errors
    /// [`StoreError`].
    fn make_room(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A row of a result, while the driver is at it.
#[derive(Clone, Copy)]
pub struct Row<'r>(&'r dyn Columns);

/// The columns of one row.
pub trait Columns {
    /// What the column of this name holds.
    ///
    /// # Errors
    /// [`StoreError`] where there is no such column, or a text that is none.
    fn value(&self, column: &str) -> Result<Value<'_>, StoreError>;
}

impl<'r> Row<'r> {
    /// The row with these columns.
    #[must_use]
    pub fn new(columns: &'r dyn Columns) -> Self {
        Self(columns)
    }

    /// What the column of this name holds.
    ///
    /// # Errors
    /// As [`Columns::value`].
    #[inline]
    pub fn value(&self, column: &str) -> Result<Value<'_>, StoreError> {
        self.0.value(column)
    }

    /// The same, as what it should be.
    ///
    /// # Errors
    /// [`StoreError`] where it is something else.
    #[inline]
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T, StoreError> {
        T::from_value(self.value(column)?).map_err(|why| {
            StoreError::Failed(format!("the column {column} of a row cannot be read: {why}").into())
        })
    }
}

impl std::fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Row")
    }
}

/// A statement would have made a row that is not as the schema says. Nothing of it is done, and its transaction goes on.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Constraint(pub Box<dyn std::error::Error + Send + Sync>);

impl<D: Driver + ?Sized> Driver for Box<D> {
    fn rows(&self, sql: &str, params: &[Value<'_>], each: &mut Each<'_>) -> Result<(), StoreError> {
        (**self).rows(sql, params, each)
    }

    fn change(&self, sql: &str, params: &[Value<'_>]) -> Result<usize, StoreError> {
        (**self).change(sql, params)
    }

    fn insert(&self, sql: &str, params: &[Value<'_>]) -> Result<i64, StoreError> {
        (**self).insert(sql, params)
    }

    fn dialect(&self) -> Dialect {
        (**self).dialect()
    }
}

impl<T: Transaction + ?Sized> Transaction for Box<T> {
    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        (*self).commit()
    }
}

/// The first row, if there is one.
pub fn first<T, P, F>(driver: &dyn Driver, sql: &str, params: P, map: F) -> Result<Option<T>, StoreError>
where
    P: Params,
    F: FnOnce(&Row<'_>) -> Result<T, StoreError>,
{
    let (mut map, mut found) = (Some(map), None);
    let mut each = |row: &Row<'_>| {
        found = map.take().map(|map| map(row)).transpose()?;
        Ok(false)
    };
    params.bind(|params| driver.rows(sql, params, &mut each))?;
    Ok(found)
}

/// Every row.
pub fn all<T, P, F>(driver: &dyn Driver, sql: &str, params: P, mut map: F) -> Result<Vec<T>, StoreError>
where
    P: Params,
    F: FnMut(&Row<'_>) -> Result<T, StoreError>,
{
    let mut found = Vec::new();
    each(driver, sql, params, |row| {
        found.push(map(row)?);
        Ok(())
    })?;
    Ok(found)
}

/// Looks at every row.
pub fn each<P, F>(driver: &dyn Driver, sql: &str, params: P, mut look: F) -> Result<(), StoreError>
where
    P: Params,
    F: FnMut(&Row<'_>) -> Result<(), StoreError>,
{
    params.bind(|params| driver.rows(sql, params, &mut |row| look(row).map(|()| true)))
}

/// Changes rows; how many.
pub fn change(driver: &dyn Driver, sql: &str, params: impl Params) -> Result<usize, StoreError> {
    params.bind(|params| driver.change(sql, params))
}
