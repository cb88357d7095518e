//! Taking away what nobody needs any more, in short transactions beside requests.

use crate::desk::Desk;
use crate::driver::Begin;
use crate::driver::Row;
use crate::endings;
use crate::error::{is_constraint, unavailable};
use crate::grant_endings::forget_old;
use crate::params;
use crate::strangers::{forget_stranger, strangers};
use crate::tx::{Finished, Tx};
use crate::{rows, to_end};
use keyward_core::clock::Timestamp;
use keyward_core::id::{AccountId, UserId};
use keyward_core::live::Change;
use keyward_core::store::{Over, Retention, StoreError};
use std::collections::HashMap;

/// Rows of each kind in one transaction: writes wait for it.
const BATCH: u32 = 500;
const DAY: i64 = 86_400;

/// One round; how many rows went.
pub(crate) fn forget(desk: &mut Desk<'_>, now: Timestamp, keep: Retention) -> Result<usize, StoreError> {
    desk.directory.retire_ended(Over::Key.before(now));
    // A user whose row does not say yet that somebody disabled them would pass for a stranger.
    if !endings::settle(desk) {
        return Err(unavailable("what was revoked while the database could not be written is written first"));
    }
    let settled = desk.state.endings.is_empty() && desk.state.journal.is_settled();
    let inner = desk.connection.begin(Begin::Write)?;
    let mut tx = Tx::new(inner, *desk.tiers.get(), settled);
    let mut gone = audit(&tx, now, keep)?;
    gone += signed_in(&mut tx, now)?;
    gone += invitations(&mut tx, now)?;
    let (users, next) = users(&mut tx, desk.state.users_after, now)?;
    let Finished { changes, written, .. } = tx.finish(Ok(()));
    written?;
    desk.directory.publish(changes);
    desk.state.users_after = next;
    Ok(gone + users)
}

fn audit(tx: &Tx<'_>, now: Timestamp, keep: Retention) -> Result<usize, StoreError> {
    let before = |days: u32| now.plus_seconds(-i64::from(days) * DAY).unix();
    let attempts = "DELETE FROM audit WHERE id IN
        (SELECT id FROM audit WHERE attempt IS NOT NULL AND at <= ?1 ORDER BY at LIMIT ?2)
        RETURNING account_id, account_seq";
    let mut gone = tx.all(attempts, params![before(keep.attempts), BATCH], numbered)?;
    if let Some(days) = keep.changes {
        // By time, not by id: rows of a clock that was ahead are not in the way of those after them.
        let oldest =
            "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at <= ?1 ORDER BY at LIMIT ?2)
                      RETURNING account_id, account_seq";
        gone.extend(tx.all(oldest, params![before(days), BATCH], numbered)?);
    }
    let mut last: HashMap<AccountId, i64> = HashMap::new();
    for (account, number) in gone.iter().flatten() {
        let last = last.entry(*account).or_default();
        *last = (*last).max(*number);
    }
    for (account, number) in last {
        numbered_up_to(tx, account, number)?;
    }
    Ok(gone.len())
}

/// Numbers up to this one are not given again.
fn numbered_up_to(tx: &Tx<'_>, account: AccountId, number: i64) -> Result<(), StoreError> {
    let sql = "UPDATE accounts SET audit_forgotten =
        CASE WHEN typeof(audit_forgotten) = 'integer' AND audit_forgotten > ?2 THEN audit_forgotten ELSE ?2 END WHERE id = ?1";
    match tx.change(sql, params![account.0, number]) {
        // The row of one account must not keep the audit trail of all.
        Err(error) if is_constraint(&error) => {
            tracing::error!(%account, %error, "the numbers of an account's audit trail cannot be kept");
            Ok(())
        }
        changed => changed.map(drop),
    }
}

fn numbered(row: &Row<'_>) -> Result<Option<(AccountId, i64)>, StoreError> {
    Ok(to_end::number(row, "account_id").map(AccountId).zip(to_end::number(row, "account_seq")))
}

/// Sessions, links, codes and grants that are over.
fn signed_in(tx: &mut Tx<'_>, now: Timestamp) -> Result<usize, StoreError> {
    let before = Over::SignIn.before(now);
    let over = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ends_at <= ?1 LIMIT ?2) RETURNING id";
    let sessions: Vec<i64> = tx.all(over, params![before.unix(), BATCH], |row| rows::get(row, "id"))?;
    let links = tx.change(
        "DELETE FROM password_links WHERE digest IN
             (SELECT digest FROM password_links WHERE expires_at <= ?1 LIMIT ?2)",
        params![before.unix(), BATCH],
    )?;
    let gone = sessions.len() + links + forget_old(tx, now)?;
    sessions.into_iter().for_each(|session| tx.publish(Change::SessionGone(session)));
    Ok(gone)
}

fn invitations(tx: &mut Tx<'_>, now: Timestamp) -> Result<usize, StoreError> {
    let over =
        "DELETE FROM invitations WHERE id IN (SELECT id FROM invitations WHERE expires_at <= ?1 LIMIT ?2)
                RETURNING account_id, user_id";
    let gone = tx.all(over, params![Over::Invitation.before(now).unix(), BATCH], |row| {
        Ok(to_end::number(row, "account_id").map(AccountId).zip(to_end::number(row, "user_id").map(UserId)))
    })?;
    gone.iter().flatten().for_each(|(account, user)| tx.publish(Change::Invited(*account, *user, None)));
    Ok(gone.len())
}

/// Looks at the next users: those who are nobody go. Where to go on the next time.
fn users(tx: &mut Tx<'_>, after: UserId, now: Timestamp) -> Result<(usize, UserId), StoreError> {
    let (last, nobody) = strangers(tx, after, BATCH, now)?;
    let mut gone = 0;
    for user in nobody {
        gone += usize::from(forget_stranger(tx, user, now)?);
    }
    // At the end it begins again.
    // Absent: nobody went, so the next look begins at the first.
    Ok((gone, last.unwrap_or(UserId(0))))
}
