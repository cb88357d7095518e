//! What is written in batches, outside `commit`.

use crate::desk::Desk;
use crate::driver::Row;
use crate::driver::{Begin, Connection, Driver, Transaction, all, change, first};
use crate::error::{is_constraint, unavailable};
use crate::idempotency::{SHOWS_MOVED_SECRET, SHOWS_USED_SECRET, close};
use crate::kept::Delta;
use crate::params;
use crate::payer::Payer;
use crate::store::{Backend, Sizes, Store};
use crate::tx::Tx;
use crate::{clock, endings, forget, kept, limit_windows, rows, to_end};
use keyward_core::BoxFuture;
use keyward_core::api_key::Move;
use keyward_core::clock::{At, Timestamp};
use keyward_core::id::KeyId;
use keyward_core::idempotency::{KEPT_SECONDS, SECRET_SECONDS};
use keyward_core::left_out::LeftOut;
use keyward_core::live::{Change, Directory, KeyUse};
use keyward_core::store::{Figures, Retention, SavedLimits, StoreError, Upkeep};
use std::sync::{Arc, PoisonError};

impl<B: Backend> Upkeep for Store<B> {
    fn directory(&self) -> &Directory {
        &self.directory
    }

    fn figures(&self) -> Figures {
        let Sizes { bytes, log_bytes, writes_waiting, reads_waiting } = self.backend.sizes();
        Figures {
            bytes,
            log_bytes,
            writes_waiting,
            reads_waiting,
            endings_unwritten: self.backend.health().endings(),
            endings_unjournaled: self.backend.health().not_in_journal(),
            rows_left_out: self.left_out.count()
                + self.left_out_of_lists().count()
                + u64::from(self.directory.clock().is_unread()),
        }
    }

    fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    fn left_out_of_lists(&self) -> LeftOut {
        self.left_out_of_lists.lock().unwrap_or_else(PoisonError::into_inner).clone().without(&self.left_out)
    }

    fn look_through(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        let components = Arc::clone(&self.components);
        Box::pin(
            self.read(move |reads| {
                components.iter().try_for_each(|component| (component.look_through)(reads))
            }),
        )
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        // A table, not a constant: the file is looked at.
        Box::pin(
            self.read(|reads| reads.first("SELECT 1 FROM root_secret_versions", [], |_| Ok(())).map(drop)),
        )
    }

    fn write_uses<'a>(&'a self, uses: &'a [KeyUse]) -> BoxFuture<'a, Result<(), StoreError>> {
        let uses = uses.to_vec();
        Box::pin(self.run(move |desk| {
            let tx = desk.connection.begin(Begin::Write)?;
            let mut gone = Vec::new();
            for KeyUse { key, at, current } in uses {
                note_use(&tx, key, at)?;
                if let Some(digest) = current {
                    gone.extend(close(&tx, SHOWS_USED_SECRET, (key.0, digest.as_bytes()))?);
                }
            }
            tx.commit()?;
            desk.state.kept.take_in(&gone);
            Ok(())
        }))
    }

    fn move_digests(&self, moves: Vec<Move>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.run(move |desk| {
            let tx = desk.connection.begin(Begin::Write)?;
            let (mut moved, mut gone) = (Vec::new(), Vec::new());
            for noted in moves {
                if move_digest(&tx, &noted)? {
                    gone.extend(close(&tx, SHOWS_MOVED_SECRET, [noted.to.as_bytes()])?);
                    moved.push(Change::Moved(noted));
                }
            }
            tx.commit()?;
            desk.state.kept.take_in(&gone);
            desk.directory.publish(moved);
            Ok(())
        }))
    }

    fn purge(&self, now: At) -> BoxFuture<'_, Result<usize, StoreError>> {
        Box::pin(self.run(move |desk| {
            let now = clock::moment(desk, now).settled;
            let old = now.plus_seconds(-KEPT_SECONDS).unix();
            let shown = now.plus_seconds(-SECRET_SECONDS).unix();
            let tx = desk.connection.begin(Begin::Write)?;
            let which = "name IN (SELECT name FROM idempotency WHERE completed_at <= ?1 LIMIT ?2)";
            let gone = kept::delete(&tx, which, params![old, PURGED])?;
            let (closed, taken) = close_shown(&tx, shown)?;
            tx.commit()?;
            desk.state.kept.take_in(&gone);
            desk.state.kept.take_in(&taken);
            Ok(gone.len() + closed)
        }))
    }

    fn forget(&self, now: At, keep: Retention) -> BoxFuture<'_, Result<usize, StoreError>> {
        Box::pin(self.run(move |desk| {
            let now = clock::moment(desk, now).settled;
            forget::forget(desk, now, keep)
        }))
    }

    fn record_clock(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.run(clock::record))
    }

    fn write_fault(&self) -> Option<&'static str> {
        self.backend.fault().or_else(|| self.backend.health().fault())
    }

    fn try_writing(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.run_to_try(|desk| {
            if let Some(fault) = desk.place.look() {
                return Err(unavailable(fault));
            }
            let settled = endings::settle(desk);
            desk.connection.make_room()?;
            let tx = probe(desk.connection, desk.clock.now())?;
            if desk.state.limits_untaken {
                limit_windows::take(&tx)?;
            }
            let tx = Tx::new(tx, *desk.tiers.get(), settled);
            tx.finish(Ok(())).written?;
            desk.state.limits_untaken = false;
            if settled {
                desk.health.wrote();
            }
            Ok(())
        }))
    }

    fn save_limits(
        &self,
        saved: Vec<(String, Vec<u64>)>,
        at_ms: u64,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.run(move |desk| {
            let tx = desk.connection.begin(Begin::Write)?;
            change(&tx, "DELETE FROM limit_windows", [])?;
            for (bucket, ages) in saved {
                // Absent: its admission would count as the newest. No age is over a minute.
                let bytes: Vec<u8> =
                    ages.iter().flat_map(|age| u32::try_from(*age).unwrap_or(0).to_be_bytes()).collect();
                change(
                    &tx,
                    "INSERT INTO limit_windows (bucket, ages) VALUES (?1, ?2)",
                    params![bucket, bytes],
                )?;
            }
            // Absent: later than any start, so all of them count.
            let at = i64::try_from(at_ms).unwrap_or(i64::MAX);
            change(&tx, limit_windows::SAVED_AT, [at])?;
            tx.commit()
        }))
    }

    fn take_limits(&self) -> BoxFuture<'_, Result<Option<SavedLimits>, StoreError>> {
        Box::pin(self.run_for(Payer::Own, move |desk| {
            let kept = limit_windows::kept(&*desk.connection)?;
            // They count whether or not it can be written that they were taken; that is tried again.
            if let Err(error) = take_limits(desk) {
                tracing::error!(%error, "it cannot be written yet that the counters of limits were taken");
                desk.state.limits_untaken = true;
                desk.health.failed(&error);
            }
            Ok(kept)
        }))
    }
}

/// Takes the counters out, if the file may be written.
fn take_limits(desk: &mut Desk<'_>) -> Result<(), StoreError> {
    if let Some(fault) = desk.place.look() {
        return Err(unavailable(fault));
    }
    let tx = desk.connection.begin(Begin::Write)?;
    limit_windows::take(&tx)?;
    tx.commit()
}

/// Notes that a key was used.
fn note_use(tx: &dyn Driver, key: KeyId, at: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE api_keys SET last_used_at =
        CASE WHEN typeof(last_used_at) = 'integer' AND last_used_at > ?2 THEN last_used_at ELSE ?2 END WHERE id = ?1";
    match change(tx, sql, params![key.0, at.unix()]) {
        // SQLite changes no row that holds a value of another type than its column's. It must not keep the others from being noted.
        Err(error) if is_constraint(&error) => {
            tracing::error!(%key, %error, "the use of a key cannot be noted");
            Ok(())
        }
        noted => noted.map(drop),
    }
}

/// Gives a secret its new digest; whether there is such a secret, in a row that can be changed.
fn move_digest(tx: &dyn Driver, noted: &Move) -> Result<bool, StoreError> {
    let sql = "UPDATE api_key_secrets SET digest = ?1, pepper_version = ?2 WHERE digest = ?3";
    match change(tx, sql, params![noted.to.as_bytes(), noted.version, noted.from.as_bytes()]) {
        // As above: the others move.
        Err(error) if is_constraint(&error) => {
            let of = "SELECT key_id FROM api_key_secrets WHERE digest = ?1";
            let key = |row: &Row<'_>| Ok(to_end::number(row, "key_id"));
            let key = first(tx, of, [noted.from.as_bytes()], key)?.flatten();
            tracing::error!(key, %error, "the digest of a secret cannot be moved");
            Ok(false)
        }
        moved => moved.map(|rows| rows > 0),
    }
}

/// Closes the answers that show secrets and are older than that; how many, and what no longer counts as kept.
fn close_shown(tx: &dyn Driver, before: i64) -> Result<(usize, Vec<Delta>), StoreError> {
    let sql = "SELECT name FROM idempotency WHERE salt IS NOT NULL AND completed_at <= ?1 LIMIT ?2";
    let names: Vec<Vec<u8>> = all(tx, sql, params![before, PURGED], |row| rows::get(row, "name"))?;
    let mut taken = Vec::new();
    for name in &names {
        taken.extend(close(tx, "name = ?1", [name])?);
    }
    Ok((names.len(), taken))
}

/// Writes one small row, in a transaction that is still to be committed.
fn probe(connection: &mut dyn Connection, now: Timestamp) -> Result<Box<dyn Transaction + '_>, StoreError> {
    let tx = connection.begin(Begin::Write)?;
    // Not changed, but made again: what stays as it was is not written.
    change(&tx, "DELETE FROM write_probe", [])?;
    change(&tx, "INSERT INTO write_probe (one, at) VALUES (1, ?1)", [now.unix()])?;
    Ok(tx)
}

/// Rows of one purge: a short transaction, since writes wait for it.
const PURGED: u32 = 500;
