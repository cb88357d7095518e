//! Running statements in SQLite. Each is prepared once for each connection.

use crate::column;
use crate::says::store_error;
use keyward_core::store::StoreError;
use keyward_sql::Row;
use keyward_sql::driver::{Columns, Each};
use keyward_sql::value::Value;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};

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

fn bound<'v>(params: &'v [Value<'v>]) -> impl Iterator<Item = Bound<'v>> {
    params.iter().map(|param| Bound(*param))
}

/// A row that SQLite is at.
struct At<'r, 's>(&'r rusqlite::Row<'s>);

impl Columns for At<'_, '_> {
    fn value(&self, column: &str) -> Result<Value<'_>, StoreError> {
        Ok(match column::value(self.0, column).map_err(store_error)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Int(number),
            ValueRef::Real(number) => Value::Real(number),
            ValueRef::Text(text) => Value::Text(std::str::from_utf8(text).map_err(|error| {
                let why = format!("the column {column} of a row holds a text that is none: {error}");
                StoreError::Failed(why.into())
            })?),
            ValueRef::Blob(bytes) => Value::Bytes(bytes),
        })
    }
}

/// Hands the rows of a statement over.
pub(crate) fn rows(
    connection: &Connection,
    sql: &str,
    params: &[Value<'_>],
    each: &mut Each<'_>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(store_error)?;
    let mut rows = statement.query(params_from_iter(bound(params))).map_err(store_error)?;
    while let Some(row) = rows.next().map_err(store_error)? {
        if !each(&Row::new(&At(row)))? {
            break;
        }
    }
    Ok(())
}

/// Changes rows; how many.
pub(crate) fn change(connection: &Connection, sql: &str, params: &[Value<'_>]) -> Result<usize, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(store_error)?;
    statement.execute(params_from_iter(bound(params))).map_err(store_error)
}

/// Inserts a row; its id.
pub(crate) fn insert(connection: &Connection, sql: &str, params: &[Value<'_>]) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(store_error)?;
    statement.insert(params_from_iter(bound(params))).map_err(store_error)
}
