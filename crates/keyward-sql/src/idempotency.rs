//! The SQL of idempotent writes: finding the answer of a claim, and keeping one.

use crate::driver::Row;
use crate::driver::{Driver, change};
use crate::error::is_constraint;
use crate::kept::{self, Delta};
use crate::params;
use crate::params::Params;
use crate::payer::Payer;
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::clock::Timestamp;
use keyward_core::effect::{Answer, Stop, Subject};
use keyward_core::id::KeyId;
use keyward_core::idempotency::{Claim, Record};
use keyward_core::live::KeyUse;
use keyward_core::store::StoreError;

const RECORD: &str = "name, secret_version, fingerprint, subject_kind, subject_id, status, body, salt, etag, location, completed_at";

fn record(row: &Row<'_>) -> Result<Record, StoreError> {
    Ok(Record {
        name: rows::get(row, "name")?,
        version: rows::get(row, "secret_version")?,
        fingerprint: rows::get(row, "fingerprint")?,
        subject_kind: to_end::text(row, "subject_kind"),
        subject: rows::get(row, "subject_id")?,
        status: rows::get(row, "status")?,
        body: rows::get(row, "body")?,
        salt: rows::get(row, "salt")?,
        etag: rows::get(row, "etag")?,
        location: rows::get(row, "location")?,
        completed_at: Timestamp::from_unix(rows::get(row, "completed_at")?),
    })
}

/// The record of a claim, if its write was done within the last 24 hours. An older one makes room.
///
/// # Errors
/// [`Denial::IdempotencyKeyReused`] when it was another request that was done.
pub(crate) fn find(tx: &mut Tx<'_>, claim: &Claim, now: Timestamp) -> Result<Option<Record>, Stop> {
    let sql = format!("SELECT {RECORD} FROM idempotency WHERE name = ?1");
    for name in claim.names() {
        let Some(found) = tx.first(&sql, [name], record)? else { continue };
        if !found.answers(now) {
            tx.forget_answers("name = ?1", [name])?;
            continue;
        }
        found.is_of(claim)?;
        return Ok(Some(found));
    }
    Ok(None)
}

/// Keeps the answer of a claim; `secret`: it shows one.
pub(crate) fn keep(
    tx: &mut Tx<'_>,
    claim: &Claim,
    subject: Subject,
    secret: bool,
    answer: &Answer,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some((version, name)) = claim.record() else { return Ok(()) };
    let (body, salt) = if secret {
        // Under a key that could be guessed nothing would be kept: such a request is refused before.
        match claim.sealing().and_then(|sealing| sealing.seal(name, &answer.body)) {
            Some(sealed) => (Some(sealed.body), Some(sealed.salt.to_vec())),
            None => (None, None),
        }
    } else {
        (Some(answer.body.clone()), None)
    };
    let scope = claim.scope();
    tx.change(
        "INSERT INTO idempotency (name, secret_version, fingerprint, account_id, user_id, subject_kind, subject_id, status,
                                  body, salt, etag, location, completed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            name,
            version,
            claim.fingerprint().as_bytes(),
            scope.account.map(|account| account.0),
            scope.user.0,
            subject.kind,
            subject.id,
            answer.status,
            body,
            salt,
            answer.etag,
            answer.location,
            now.unix(),
        ],
    )?;
    tx.keeps(Delta::More(Payer::of_claim(claim), kept::cost(body.as_deref(), salt.is_some())));
    Ok(())
}

/// Takes the sealed answers about a key away: its secret was used, replaced or ended. An answer about something of another kind with
/// the same id stays; one whose kind cannot be read may be about the key.
pub(crate) fn forget_secrets(tx: &mut Tx<'_>, key: KeyId) -> Result<(), StoreError> {
    let sql = "UPDATE idempotency SET body = NULL, salt = NULL WHERE subject_id = ?1 AND salt IS NOT NULL
               AND (subject_kind = 'api_key' OR typeof(subject_kind) <> 'text')";
    match tx.change(sql, [key.0]) {
        // SQLite changes no row that holds a value of another type than its column's: such a record goes as a whole.
        Err(error) if is_constraint(&error) => {
            tracing::error!(%key, %error, "answers that show the secret of a key cannot be closed, and are taken away");
            let which = "subject_id = ?1 AND salt IS NOT NULL
                         AND (subject_kind = 'api_key' OR typeof(subject_kind) <> 'text')";
            tx.forget_answers(which, [key.0])
        }
        closed => closed.map(drop),
    }
}

/// The same of those that `which` picks, outside a commit: what no longer counts as kept.
pub(crate) fn close(
    driver: &dyn Driver,
    which: &str,
    params: impl Params + Copy,
) -> Result<Vec<Delta>, StoreError> {
    let sql = format!("UPDATE idempotency SET body = NULL, salt = NULL WHERE {which}");
    match change(driver, &sql, params) {
        // As above. It must not keep what else is written with it.
        Err(error) if is_constraint(&error) => {
            tracing::error!(%error, "answers that show a secret cannot be closed, and are taken away");
            kept::delete(driver, which, params)
        }
        closed => closed.map(|_| Vec::new()),
    }
}

/// Those about a key, if this is the digest of the secret that they show: the key's current one.
pub(crate) const SHOWS_USED_SECRET: &str = "subject_id = ?1 AND salt IS NOT NULL
     AND (subject_kind = 'api_key' OR typeof(subject_kind) <> 'text')
     AND EXISTS (SELECT 1 FROM api_key_secrets WHERE key_id = ?1 AND digest = ?2 AND ends_at IS NULL)";

/// Those about a key, if this digest, to which a secret has just moved, is the key's current one: it moved because it was used.
pub(crate) const SHOWS_MOVED_SECRET: &str = "salt IS NOT NULL
     AND (subject_kind = 'api_key' OR typeof(subject_kind) <> 'text') AND subject_id IN
     (SELECT key_id FROM api_key_secrets WHERE digest = ?1 AND ends_at IS NULL)";

/// Whether this use, which is noted and not yet written, was one of the secret that answers about its key show.
pub(crate) fn shows_used(tx: &Tx<'_>, noted: Option<KeyUse>) -> Result<bool, StoreError> {
    let Some((key, digest)) = noted.and_then(|noted| Some((noted.key, noted.current?))) else {
        return Ok(false);
    };
    let sql = "SELECT 1 FROM api_key_secrets WHERE key_id = ?1 AND digest = ?2 AND ends_at IS NULL";
    Ok(tx.first(sql, params![key.0, digest.as_bytes()], |_| Ok(()))?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::migrate;
    use keyward_core::limits::Tiers;
    use rusqlite::Connection;

    /// Sealed answers about key 1 and about things of other kinds with its id, and about key 2. The key has one secret.
    fn database() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection);
        let rows = "PRAGMA foreign_keys = OFF;
            INSERT INTO api_key_secrets (digest, key_id, pepper_version, created_at) VALUES (x'01', 1, 1, 1);
            INSERT INTO idempotency (name, secret_version, fingerprint, user_id, subject_kind, subject_id, status, body, salt, completed_at)
            VALUES (x'01', 1, x'00', 1, 'api_key', 1, 201, x'00', x'00', 1), (x'02', 1, x'00', 1, 'deal', 1, 201, x'00', x'00', 1),
                   (x'03', 1, x'00', 1, 'user', 1, 201, x'00', x'00', 1), (x'04', 1, x'00', 1, 'api_key', 2, 201, x'00', x'00', 1);";
        connection.execute_batch(rows).unwrap();
        connection
    }

    fn sealed(connection: &Connection) -> Vec<(String, i64)> {
        let sql = "SELECT subject_kind, subject_id FROM idempotency WHERE salt IS NOT NULL ORDER BY name";
        let read = |row: &Row<'_>| Ok((rows::get(row, "subject_kind")?, rows::get(row, "subject_id")?));
        crate::driver::all(connection, sql, [], read).unwrap()
    }

    #[test]
    fn only_answers_about_the_key_are_closed() {
        let others = [("deal".to_owned(), 1), ("user".to_owned(), 1), ("api_key".to_owned(), 2)];
        let mut connection = database();
        let mut tx = Tx::new(connection.transaction().unwrap(), Tiers::default(), true);
        forget_secrets(&mut tx, KeyId(1)).unwrap();
        tx.finish(Ok(())).written.unwrap();
        assert_eq!(sealed(&connection), others, "ended or rotated");
        let connection = database();
        close(&connection, SHOWS_USED_SECRET, params![1, [1_u8]]).unwrap();
        assert_eq!(sealed(&connection), others, "used");
        let connection = database();
        close(&connection, SHOWS_MOVED_SECRET, params![[1_u8]]).unwrap();
        assert_eq!(sealed(&connection), others, "used after a rotation of the root secret");
    }
}
