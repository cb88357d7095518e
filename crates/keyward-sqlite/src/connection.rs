//! SQLite's connections as the driver that every statement goes over.

use crate::says::store_error;
use crate::statements;
use keyward_core::store::StoreError;
use keyward_sql::Dialect;
use keyward_sql::driver::{Begin, Connection, Driver, Each, Transaction};
use keyward_sql::value::Value;
use rusqlite::TransactionBehavior;

/// A connection to read by, outside a transaction.
pub(crate) struct Reading<'c>(pub(crate) &'c rusqlite::Connection);

/// A connection to open transactions on.
pub(crate) struct Connected<'c>(pub(crate) &'c mut rusqlite::Connection);

/// An open transaction.
pub(crate) struct Begun<'c>(pub(crate) rusqlite::Transaction<'c>);

macro_rules! driver {
    ($($what:ident),*) => {$(
        impl Driver for $what<'_> {
            fn rows(&self, sql: &str, params: &[Value<'_>], each: &mut Each<'_>) -> Result<(), StoreError> {
                note(sql);
                statements::rows(&self.0, sql, params, each)
            }

            fn change(&self, sql: &str, params: &[Value<'_>]) -> Result<usize, StoreError> {
                note(sql);
                statements::change(&self.0, sql, params)
            }

            fn insert(&self, sql: &str, params: &[Value<'_>]) -> Result<i64, StoreError> {
                note(sql);
                statements::insert(&self.0, sql, params)
            }

            fn dialect(&self) -> Dialect {
                Dialect::Sqlite
            }
        }
    )*};
}

driver!(Reading, Connected, Begun);

/// Notes a statement, for tests that try each of them elsewhere.
#[cfg(feature = "fault-injection")]
fn note(sql: &str) {
    crate::run::note_statement(sql);
}

#[cfg(not(feature = "fault-injection"))]
const fn note(_: &str) {}

impl Connection for Connected<'_> {
    fn begin(&mut self, begin: Begin) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let behavior = match begin {
            Begin::Write => TransactionBehavior::Immediate,
            Begin::Read => TransactionBehavior::Deferred,
        };
        let transaction = self.0.transaction_with_behavior(behavior).map_err(store_error)?;
        Ok(Box::new(Begun(transaction)))
    }

    /// What the log holds and the database has room for goes there: the log begins again, and needs no room.
    fn make_room(&mut self) -> Result<(), StoreError> {
        self.0.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).map_err(store_error)
    }
}

impl Transaction for Begun<'_> {
    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        // As on a full disk, where a test says so: the commit is what fails there.
        #[cfg(feature = "fault-injection")]
        crate::full_disk::refuse_to_write(&self.0)?;
        self.0.commit().map_err(store_error)
    }
}
