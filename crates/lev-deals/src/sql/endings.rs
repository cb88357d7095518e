//! What is ended of a deal: its archiving, and a place on its team. It reads ids, and single columns that may hold anything, so that
//! no value of the row keeps it from being done.

use super::{CHANGEABLE, get, visible};
use crate::id::DealId;
use crate::write::{ArchiveDeal, Archived};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Replay, Stop};
use keyward_core::id::AccountId;
use keyward_core::permit::{Permit, WriteDeals};
use keyward_core::preconditions::Preconditions;
use keyward_core::store::StoreError;
use keyward_sql::{Tx, params};

impl Execute<ArchiveDeal> for Tx<'_> {
    fn execute(
        &mut self,
        e: &ArchiveDeal,
        permit: &Permit<WriteDeals>,
        now: Timestamp,
    ) -> Result<Archived, Stop> {
        let ToEnd { deal, account, archived } = to_end(self, permit, e.deal, &e.as_sent, &e.conditions)?;
        if !archived {
            archive(self, deal, now)?;
        }
        Ok(Archived { deal, account, now: !archived })
    }
}

impl Replay<ArchiveDeal> for Tx<'_> {
    fn may_replay(
        &mut self,
        _: &ArchiveDeal,
        subject: i64,
        permit: &Permit<WriteDeals>,
        _: Timestamp,
    ) -> Result<(), Stop> {
        visible(self, subject, permit)
    }
}

/// Archives a deal, whatever else its row holds.
fn archive(tx: &Tx<'_>, deal: DealId, now: Timestamp) -> Result<(), StoreError> {
    let sql = format!("UPDATE deals SET archived_at = ?2, updated_at = ?2, version = {NEXT} WHERE id = ?1");
    if !tx.change_readable(("deals", deal.0), &sql, params![deal.0, now.unix()])? {
        let sql = sql.replace(" WHERE", &format!(", {MENDED} WHERE"));
        tx.change(&sql, params![deal.0, now.unix()])?;
    }
    Ok(())
}

/// The version after a change at ?2. One that cannot be read is followed by one that nobody has seen.
const NEXT: &str = "CASE typeof(version) WHEN 'integer' THEN version + 1 ELSE ?2 END";

/// Values of another type than their column's, replaced: a title by what it holds in hex, the rest by nothing.
const MENDED: &str =
    "title = CASE typeof(title) WHEN 'text' THEN title ELSE 'unreadable-' || id || '-' || lower(hex(title)) END,
    loan_amount_cents = CASE WHEN typeof(loan_amount_cents) = 'integer' AND loan_amount_cents >= 0 THEN loan_amount_cents END,
    loan_type = CASE typeof(loan_type) WHEN 'text' THEN loan_type END,
    transaction_type = CASE typeof(transaction_type) WHEN 'text' THEN transaction_type END,
    business_plan = CASE typeof(business_plan) WHEN 'text' THEN business_plan END,
    description = CASE typeof(description) WHEN 'text' THEN description END,
    estimated_close_date = CASE typeof(estimated_close_date) WHEN 'text' THEN estimated_close_date END,
    close_date = CASE typeof(close_date) WHEN 'text' THEN close_date END,
    created_at = CASE typeof(created_at) WHEN 'integer' THEN created_at ELSE 0 END";

/// What is read of a deal to end something of it: nothing that a value of its row could keep from being read.
pub(super) struct ToEnd {
    pub(super) deal: DealId,
    pub(super) account: AccountId,
    /// Whether it was archived; when that cannot be read it was not.
    pub(super) archived: bool,
}

/// The deal to end something of: found within the holder's sight, else 404; in a state that it asked for, else 412.
pub(super) fn to_end(
    tx: &Tx<'_>,
    permit: &Permit<WriteDeals>,
    id: Option<DealId>,
    as_sent: &str,
    conditions: &Preconditions,
) -> Result<ToEnd, Stop> {
    let (account, user) = (permit.member()?.account, permit.principal()?.user);
    let sql = format!(
        "SELECT d.id, typeof(d.archived_at) = 'integer' AS archived,
            CASE typeof(d.version) WHEN 'integer' THEN d.version END AS version {CHANGEABLE} AND d.id = ?3"
    );
    let found = tx.first(&sql, params![account.0, user.0, id.map(|id| id.0)], |row| {
        let deal = ToEnd { deal: DealId(get(row, "id")?), account, archived: get(row, "archived")? };
        Ok((deal, get::<Option<i64>>(row, "version")?))
    })?;
    let (found, version) = found.ok_or_else(|| Denial::not_found("Deal", as_sent))?;
    match version {
        Some(version) => conditions.check(&found.deal.etag(version))?,
        None => conditions.check_unread()?,
    }
    Ok(found)
}
