//! What the operator reads: the audit trail, and the whole database as a copy.

use crate::error::store_error;
use crate::migrate::recognise;
use crate::open::{OpenError, connect, own};
use crate::place::forget_generation;
use crate::{Sqlite, replaced, rows};
use keyward_core::BoxFuture;
use keyward_core::api_key::{ApiKey, Digest, KeyOfSecret};
use keyward_core::clock::Timestamp;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::store::{AuditRow, OperatorReads, StoreError};
use rusqlite::{Connection, InterruptHandle, OpenFlags, Row, params};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

impl OperatorReads for Sqlite {
    fn audit(
        &self,
        since: Timestamp,
        after: i64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<AuditRow>, StoreError>> {
        let sql = "SELECT * FROM audit WHERE at >= ?1 AND id > ?2 ORDER BY id LIMIT ?3";
        Box::pin(self.read(move |reads| reads.all(sql, params![since.unix(), after, limit], audit_row)))
    }

    fn user_to_end(&self, email: String) -> BoxFuture<'_, Result<Option<UserId>, StoreError>> {
        let id = |row: &Row<'_>| rows::get(row, "id").map(UserId);
        Box::pin(self.read(move |reads| reads.first("SELECT id FROM users WHERE email = ?1", [email], id)))
    }

    fn account_to_end(&self, slug: String) -> BoxFuture<'_, Result<Option<AccountId>, StoreError>> {
        let id = |row: &Row<'_>| rows::get(row, "id").map(AccountId);
        Box::pin(self.read(move |reads| reads.first("SELECT id FROM accounts WHERE slug = ?1", [slug], id)))
    }

    fn has_place(&self, account: AccountId, user: UserId) -> BoxFuture<'_, Result<bool, StoreError>> {
        let sql = "SELECT 1 FROM memberships WHERE account_id = ?1 AND user_id = ?2";
        let place = [account.0, user.0];
        Box::pin(self.read(move |reads| Ok(reads.first(sql, place, |_| Ok(()))?.is_some())))
    }

    fn key_to_end(&self, digests: Vec<Digest>) -> BoxFuture<'_, Result<Option<KeyOfSecret>, StoreError>> {
        let find = move |reads: &crate::Reads<'_>| {
            for digest in &digests {
                if let Some(found) = replaced::key_of(reads, digest)? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        };
        Box::pin(self.read(find))
    }

    fn key(&self, id: KeyId) -> BoxFuture<'_, Result<Option<ApiKey>, StoreError>> {
        let sql = format!("SELECT {} FROM api_keys WHERE id = ?1", rows::KEY);
        Box::pin(self.read(move |reads| reads.first(&sql, [id.0], rows::key)))
    }

    fn keys_of(&self, account: AccountId) -> BoxFuture<'_, Result<Vec<ApiKey>, StoreError>> {
        let sql = format!(
            "SELECT {} FROM api_keys WHERE account_id = ?1 AND revoked_at IS NULL ORDER BY id",
            rows::KEY
        );
        let read = move |reads: &crate::Reads<'_>| {
            reads.readable(("api_keys", &["id"]), &sql, [account.0], rows::key)
        };
        Box::pin(async move {
            let found = self.read(read).await?;
            Ok(found.into_iter().filter_map(|row| row.item).collect())
        })
    }

    fn has_password(&self, user: UserId) -> BoxFuture<'_, Result<bool, StoreError>> {
        let sql = "SELECT 1 FROM users WHERE id = ?1 AND password_hash IS NOT NULL";
        Box::pin(self.read(move |reads| Ok(reads.first(sql, [user.0], |_| Ok(()))?.is_some())))
    }

    fn audit_of(&self, request_id: String) -> BoxFuture<'_, Result<Vec<AuditRow>, StoreError>> {
        let sql = "SELECT * FROM audit WHERE request_id = ?1 ORDER BY id";
        Box::pin(self.read(move |reads| reads.all(sql, [request_id], audit_row)))
    }

    fn back_up(&self, to: PathBuf) -> BoxFuture<'_, Result<(), StoreError>> {
        let from = self.readers.path.clone();
        Box::pin(async move {
            // A connection of its own: the copy reads one state from beginning to end, and holds nobody up.
            let connection = open_to_read(&from)?;
            let breaking_off = BreakOff(connection.get_interrupt_handle());
            let copying = tokio::task::spawn_blocking(move || copy_by(&connection, &to));
            let copied = copying.await.map_err(|error| StoreError::Failed(error.into()))?;
            drop(breaking_off);
            copied
        })
    }
}

/// Writes a whole copy of a database that no process has open, of whatever version it is.
///
/// # Errors
/// [`OpenError`], also when the copy cannot be made.
pub fn copy(from: &Path, to: &Path) -> Result<(), OpenError> {
    let _lock = own(from)?;
    let connection = connect(from)?;
    if recognise(&connection)? {
        return Err(OpenError::NotOurs);
    }
    copy_by(&connection, to).map_err(|error| {
        let source = std::io::Error::other(match std::error::Error::source(&error) {
            Some(cause) => cause.to_string(),
            None => error.to_string(),
        });
        OpenError::File { path: to.to_owned(), source }
    })
}

fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(store_error)
}

fn copy_by(connection: &Connection, to: &Path) -> Result<(), StoreError> {
    let io = |error: std::io::Error| StoreError::Unavailable(error.into());
    // Under another name until it is whole, and its own only if that is free.
    let mut meanwhile = to.as_os_str().to_owned();
    // Of this process, so that what another one left behind is not in the way.
    meanwhile.push(format!(".{}.making", std::process::id()));
    let meanwhile = Unfinished(PathBuf::from(meanwhile));
    make_empty(&meanwhile.0).map_err(io)?;
    let target = meanwhile.0.to_str().ok_or_else(|| StoreError::Failed("the path is not UTF-8".into()))?;
    connection.execute("VACUUM INTO ?1", [target]).map_err(store_error)?;
    let mut copy = File::options().write(true).open(&meanwhile.0).map_err(io)?;
    forget_generation(&mut copy).and_then(|()| copy.sync_all()).map_err(io)?;
    name(&meanwhile.0, to).map_err(io)?;
    drop(meanwhile);
    // Absent: the root has no parent, and is no file.
    let directory = to.parent().unwrap_or(Path::new("."));
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(io)
}

/// Gives the whole copy its name, if that is free. Where a file cannot have two names, the name is taken first.
fn name(whole: &Path, to: &Path) -> std::io::Result<()> {
    match std::fs::hard_link(whole, to) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            make_empty(to)?;
            std::fs::rename(whole, to)
        }
        named => named,
    }
}

/// Breaks the statement off that runs, when nobody waits for it any more.
struct BreakOff(InterruptHandle);

impl Drop for BreakOff {
    fn drop(&mut self) {
        // After the end there is nothing to break off.
        self.0.interrupt();
    }
}

/// A file that goes away unless it was given another name.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // If it cannot be removed, the next copy of that name says so.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Makes the file, new and for its user alone; SQLite fills an empty one.
fn make_empty(path: &Path) -> std::io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn audit_row(row: &Row<'_>) -> Result<AuditRow, StoreError> {
    let detail: Option<String> = rows::get(row, "detail")?;
    Ok(AuditRow {
        id: rows::get(row, "id")?,
        at: Timestamp::from_unix(rows::get(row, "at")?),
        account_id: rows::get(row, "account_id")?,
        account_seq: rows::get(row, "account_seq")?,
        actor_user_id: rows::get(row, "actor_user_id")?,
        credential_kind: rows::get(row, "credential_kind")?,
        credential_id: rows::get(row, "credential_id")?,
        action: rows::get(row, "action")?,
        subject_kind: rows::get(row, "subject_kind")?,
        subject_id: rows::get(row, "subject_id")?,
        // Absent: what is no JSON is not shown; who did what, and when, is.
        detail: detail.and_then(|detail| serde_json::from_str(&detail).ok()),
        address: rows::get(row, "address")?,
        origin_app: rows::get(row, "origin_app")?,
        request_id: rows::get(row, "request_id")?,
    })
}
