//! [`Driver`] over SQLite. Statements are prepared once for each connection.

use crate::column;
use crate::driver::{Begin, Columns, Connection, Driver, Each, Row, Transaction};
use crate::error::store_error;
use crate::value::Value;
use keyward_core::store::StoreError;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, TransactionBehavior, params_from_iter};

/// A value as a parameter.
struct Bound<'v>(Value<'v>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(number),
            Value::Real(number) => ValueRef::Real(number),
            Value::Bool(flag) => ValueRef::Integer(flag.into()),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Columns for rusqlite::Row<'_> {
    fn value(&self, column: &str) -> Result<Value<'_>, StoreError> {
        Ok(match column::value(self, column).map_err(store_error)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Int(number),
            ValueRef::Real(number) => Value::Real(number),
            ValueRef::Text(text) => Value::Text(std::str::from_utf8(text).map_err(|error| {
                StoreError::Failed(
                    format!("the column {column} of a row holds a text that is none: {error}").into(),
                )
            })?),
            ValueRef::Blob(bytes) => Value::Bytes(bytes),
        })
    }
}

fn prepare<'c>(connection: &'c rusqlite::Connection, sql: &str) -> Result<CachedStatement<'c>, StoreError> {
    #[cfg(feature = "fault-injection")]
    crate::faults::note_statement(sql);
    connection.prepare_cached(sql).map_err(store_error)
}

fn bound<'v>(params: &'v [Value<'v>]) -> impl Iterator<Item = Bound<'v>> {
    params.iter().map(|param| Bound(*param))
}

impl Driver for rusqlite::Connection {
    fn rows(&self, sql: &str, params: &[Value<'_>], each: &mut Each<'_>) -> Result<(), StoreError> {
        let mut statement = prepare(self, sql)?;
        let mut rows = statement.query(params_from_iter(bound(params))).map_err(store_error)?;
        while let Some(row) = rows.next().map_err(store_error)? {
            if !each(&Row::new(row))? {
                break;
            }
        }
        Ok(())
    }

    fn change(&self, sql: &str, params: &[Value<'_>]) -> Result<usize, StoreError> {
        prepare(self, sql)?.execute(params_from_iter(bound(params))).map_err(store_error)
    }

    fn insert(&self, sql: &str, params: &[Value<'_>]) -> Result<i64, StoreError> {
        prepare(self, sql)?.insert(params_from_iter(bound(params))).map_err(store_error)
    }
}

impl Connection for rusqlite::Connection {
    fn begin(&mut self, begin: Begin) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let behavior = match begin {
            Begin::Write => TransactionBehavior::Immediate,
            Begin::Read => TransactionBehavior::Deferred,
        };
        let transaction = self.transaction_with_behavior(behavior).map_err(store_error)?;
        Ok(Box::new(transaction))
    }
}

impl Driver for rusqlite::Transaction<'_> {
    fn rows(&self, sql: &str, params: &[Value<'_>], each: &mut Each<'_>) -> Result<(), StoreError> {
        (**self).rows(sql, params, each)
    }

    fn change(&self, sql: &str, params: &[Value<'_>]) -> Result<usize, StoreError> {
        (**self).change(sql, params)
    }

    fn insert(&self, sql: &str, params: &[Value<'_>]) -> Result<i64, StoreError> {
        (**self).insert(sql, params)
    }
}

impl Transaction for rusqlite::Transaction<'_> {
    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        // As on a full disk, where a test says so: the commit is what fails there.
        #[cfg(feature = "fault-injection")]
        crate::faults::refuse_to_write(&self)?;
        (*self).commit().map_err(store_error)
    }
}
