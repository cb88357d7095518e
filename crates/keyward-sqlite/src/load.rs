//! What the directory must know before the first request.

use crate::open::OpenError;
use crate::reader::all;
use crate::rows;
use keyward_core::api_key::KeySecret;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::live::Change;
use keyward_core::store::StoreError;
use rusqlite::{Connection, Row};
use std::collections::BTreeMap;

/// Every account, user, membership, key and secret. A row that cannot be read is left out, with an alarm: whoever
/// depended on it is refused, and nobody gains a right.
pub(crate) fn everything(connection: &Connection) -> Result<Vec<Change>, OpenError> {
    let mut changes = Vec::new();
    let mut add = |columns: &str, table: &str, read: fn(&Row<'_>) -> Result<Change, StoreError>| {
        readable(connection, columns, table, read).map(|found| changes.extend(found))
    };
    add(rows::ACCOUNT, "accounts", |row| rows::account(row).map(Change::Account))?;
    add(rows::USER, "users", |row| rows::user(row).map(Change::User))?;
    add("account_id, user_id, role", "memberships", |row| {
        let (account, user) = (rows::get(row, "account_id")?, rows::get(row, "user_id")?);
        Ok(Change::Member(AccountId(account), UserId(user), Some(rows::role(row)?)))
    })?;
    add(rows::KEY, "api_keys", |row| rows::key(row).map(Change::Key))?;
    let mut secrets: BTreeMap<KeyId, Vec<KeySecret>> = BTreeMap::new();
    for secret in readable(connection, rows::SECRET, "api_key_secrets", rows::secret)? {
        secrets.entry(secret.key).or_default().push(secret);
    }
    changes.extend(secrets.into_iter().map(|(key, secrets)| Change::Secrets(key, secrets)));
    Ok(changes)
}

fn readable<T>(
    connection: &Connection,
    columns: &str,
    table: &str,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, OpenError> {
    let sql = format!("SELECT {columns} FROM {table}");
    let found = all(connection, &sql, [], |row| {
        Ok(read(row).inspect_err(|error| tracing::error!(table, %error, "a row was left out")).ok())
    });
    match found {
        Ok(found) => Ok(found.into_iter().flatten().collect()),
        Err(StoreError::Unavailable(source) | StoreError::Failed(source)) => Err(match source.downcast() {
            Ok(error) => OpenError::Sqlite(*error),
            Err(_) => OpenError::Sqlite(rusqlite::Error::InvalidQuery),
        }),
        Err(StoreError::Corrupt { .. }) => Err(OpenError::Sqlite(rusqlite::Error::InvalidQuery)),
    }
}
