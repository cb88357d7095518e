//! Which root secret the keys of a store belong to.

use crate::driver::{Driver, Row, all, change, first};
use crate::params;
use keyward_core::clock::Timestamp;
use keyward_core::store::StoreError;

/// Why a store is not opened with a root secret.
#[derive(Debug)]
pub enum Unrecognised {
    /// Nothing says which one it belongs to.
    NoSecret,
    /// It belongs to another one, by this version.
    WrongSecret(u32),
    /// It cannot be read.
    Store(StoreError),
}

impl From<StoreError> for Unrecognised {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A new store takes the secret's check values, by version; an old one must find its own among them.
///
/// # Errors
/// [`Unrecognised`].
pub fn recognise(driver: &dyn Driver, checks: &[(u32, String)], now: Timestamp) -> Result<(), Unrecognised> {
    let known = refuse_other(driver, checks)?;
    for (version, check) in checks.iter().filter(|(v, _)| !known.contains(v)) {
        let sql = "INSERT INTO root_secret_versions (version, check_value, created_at) VALUES (?1, ?2, ?3)";
        change(driver, sql, params![version, check, now.unix()])?;
    }
    Ok(())
}

/// An old store must find its own secret among these; its versions. A new one has none.
///
/// # Errors
/// [`Unrecognised`].
pub fn refuse_other(driver: &dyn Driver, checks: &[(u32, String)]) -> Result<Vec<u32>, Unrecognised> {
    let known = known(driver)?;
    if known.is_empty() && has_keys(driver)? {
        return Err(Unrecognised::NoSecret);
    }
    for (version, check) in &known {
        if !checks.iter().any(|(v, c)| v == version && c == check) {
            return Err(Unrecognised::WrongSecret(*version));
        }
    }
    Ok(known.into_iter().map(|(version, _)| version).collect())
}

/// The versions that the store says it belongs to. A row that cannot be read is refused: it could be of any secret.
fn known(driver: &dyn Driver) -> Result<Vec<(u32, String)>, Unrecognised> {
    let read =
        |row: &Row<'_>| Ok(row.get("version").and_then(|version| Ok((version, row.get("check_value")?))));
    let known = all(driver, "SELECT version, check_value FROM root_secret_versions", [], read)?;
    known.into_iter().map(|row| row.map_err(|_| Unrecognised::NoSecret)).collect()
}

/// Whether anything is there that only its own root secret opens: a digest of an API key, or a signing key.
fn has_keys(driver: &dyn Driver) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM api_key_secrets) OR EXISTS (SELECT 1 FROM signing_keys) AS has";
    // Absent: never, the query has one row; without one nobody knows.
    Ok(first(driver, sql, [], |row| row.get("has"))?.unwrap_or(true))
}

/// Of these versions, those that the store belongs to.
///
/// # Errors
/// [`StoreError`].
pub fn brought_back(driver: &dyn Driver, given_up: &[u32]) -> Result<Vec<u32>, StoreError> {
    let mut back = Vec::new();
    for version in given_up {
        let sql = "SELECT 1 FROM root_secret_versions WHERE version = ?1";
        if first(driver, sql, [version], |_| Ok(()))?.is_some() {
            back.push(*version);
        }
    }
    Ok(back)
}
