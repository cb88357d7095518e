//! The writes of financials.

use crate::financials::{FinancialChanges, WRITABLE};
use crate::id::DealId;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::Stop;
use keyward_core::input::Field;
use keyward_core::money::Cents;
use keyward_sql::{Tx, params};

/// Changes the figures that were sent; makes the record if there is none and an amount to put into it.
pub(super) fn change(
    tx: &Tx<'_>,
    deal: DealId,
    changes: &Field<FinancialChanges>,
    now: Timestamp,
) -> Result<(), Stop> {
    let Field::Value(changes) = changes else { return Ok(()) };
    let found = tx.first("SELECT 1 FROM deal_financials WHERE deal_id = ?1", [deal.0], |_| Ok(()))?;
    if found.is_none() && !changes.has_amount() {
        let text = "deal_financials must have an amount: there is nothing to clear yet";
        return Err(Denial::invalid("deal_financials", text).into());
    }
    tx.change(
        "INSERT INTO deal_financials (deal_id, updated_at) VALUES (?1, ?2)
         ON CONFLICT (deal_id) DO UPDATE SET updated_at = ?2",
        params![deal.0, now.unix()],
    )?;
    for (name, field) in WRITABLE.iter().zip(&changes.0) {
        let amount = match field {
            Field::Absent => continue,
            Field::Null => None,
            Field::Value(amount) => Some(Cents::get(*amount)),
        };
        tx.change(
            &format!("UPDATE deal_financials SET {name} = ?2 WHERE deal_id = ?1"),
            params![deal.0, amount],
        )?;
    }
    Ok(())
}
