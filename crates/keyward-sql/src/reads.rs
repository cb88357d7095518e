//! What is read, in one state of the database.

use crate::dialect::Dialect;
use crate::driver::{self, Begin, Connection, Driver, Row};
use crate::params::Params;
use crate::to_end::{Named, name_of, number};
use keyward_core::left_out::{LeftOut, LeftOutRow};
use keyward_core::list::Found;
use keyward_core::store::StoreError;
use std::sync::{Mutex, PoisonError};

/// One state of the database, to read from: what is committed when the first query runs, and nothing later.
pub struct Reads<'c> {
    driver: &'c dyn Driver,
    left_out: &'c Mutex<LeftOut>,
    #[cfg(feature = "fault-injection")]
    queries: &'c std::sync::atomic::AtomicU64,
}

impl std::fmt::Debug for Reads<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reads")
    }
}

impl Reads<'_> {
    /// The driver for one more query.
    fn driver(&self) -> &dyn Driver {
        #[cfg(feature = "fault-injection")]
        self.queries.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.driver
    }

    /// Reads in one transaction of this connection.
    pub(crate) fn once<T>(
        connection: &mut dyn Connection,
        left_out: &Mutex<LeftOut>,
        #[cfg(feature = "fault-injection")] queries: &std::sync::atomic::AtomicU64,
        work: impl FnOnce(&Reads<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let tx = connection.begin(Begin::Read)?;
        work(&Reads {
            driver: &tx,
            left_out,
            #[cfg(feature = "fault-injection")]
            queries,
        })
    }
}

impl Reads<'_> {
    /// What this database reads besides what all of them do.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.driver.dialect()
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
        driver::first(self.driver(), sql, params, map)
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
        driver::all(self.driver(), sql, params, map)
    }

    /// Every row, where one that is not as it must be says nothing: it must not take the others with it. It is named in the log the
    /// first time, and from then on in `/readyz` and to `keyward doctor`. `of`: the table, and what names its rows, the id first.
    ///
    /// # Errors
    /// [`StoreError`] of the query.
    pub fn readable<T, P, F>(
        &self,
        of: (&'static str, Named),
        sql: &str,
        params: P,
        mut map: F,
    ) -> Result<Vec<Found<T>>, StoreError>
    where
        P: Params,
        F: FnMut(&Row<'_>) -> Result<T, StoreError>,
    {
        driver::all(self.driver(), sql, params, |row| {
            // Absent: left out with an alarm, and counted.
            let item = map(row).inspect_err(|error| self.leave_out(of, row, error)).ok();
            let id = of.1.first().and_then(|id| number(row, id));
            Ok(Found { id, item })
        })
    }

    /// Looks at every row of a query as [`Reads::readable`] does, and keeps none.
    ///
    /// # Errors
    /// [`StoreError`] of the query.
    pub fn look_at<T>(
        &self,
        of: (&'static str, Named),
        sql: &str,
        map: fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<(), StoreError> {
        driver::each(self.driver(), sql, [], |row| {
            if let Err(error) = map(row) {
                self.leave_out(of, row, &error);
            }
            Ok(())
        })
    }

    fn leave_out(&self, (table, named): (&'static str, Named), row: &Row<'_>, error: &StoreError) {
        let row = name_of(row, named);
        let noted = LeftOutRow { table, row: row.clone() };
        if self.left_out.lock().unwrap_or_else(PoisonError::into_inner).note(noted) {
            tracing::error!(table, row, %error, "a row was left out of a list");
        }
    }
}
