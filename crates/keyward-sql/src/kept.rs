//! How much the kept answers of idempotent writes take, by payer: counted as they come and go, so that nobody fills the disk
//! with them.

use crate::driver::Row;
use crate::driver::{Driver, all};
use crate::params::Params;
use crate::payer::Payer;
use crate::to_end;
use keyward_core::id::{AccountId, UserId};
use keyward_core::store::StoreError;
use std::collections::HashMap;

/// Bytes of a record besides its answer: its row, and its places in the indexes.
const RECORD: u64 = 512;

/// What a record counts as, in SQL. A sealed answer is short, and is taken away before its record: it counts as the record.
pub(crate) const COST: &str = "account_id, user_id, 512 + CASE WHEN salt IS NULL AND body IS NOT NULL THEN length(body) ELSE 0 END AS cost";

/// The same, of a record that is being made.
pub(crate) fn cost(body: Option<&[u8]>, is_sealed: bool) -> u64 {
    // Absent: no answer, or a sealed one, which `RECORD` covers.
    let body = body.filter(|_| !is_sealed).map_or(0, <[u8]>::len);
    // Absent: more than there is room for.
    RECORD + u64::try_from(body).unwrap_or(u64::MAX)
}

/// Whose a record is, and what it counts as; `None`: whose it is cannot be read, and it counts for nobody.
pub(crate) fn counted(row: &Row<'_>) -> Option<(Payer, u64)> {
    let account = to_end::number(row, "account_id").map(AccountId);
    if account.is_none() && !to_end::is_null(row, "account_id") {
        return None;
    }
    let payer = Payer::of_user(account, UserId(to_end::number(row, "user_id")?));
    // Absent: it counts for nobody, as without an owner.
    let cost = to_end::number(row, "cost").and_then(|cost| u64::try_from(cost).ok());
    Some((payer, cost?))
}

/// A change of what is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Delta {
    More(Payer, u64),
    Less(Payer, u64),
}

/// Bytes by payer. The writer's thread alone changes them, after its commits.
#[derive(Debug)]
pub struct Kept {
    by: HashMap<Payer, u64>,
    most: u64,
}

impl Kept {
    /// What the database has. One payer keeps `most` bytes, and the last answer that begins within them.
    pub fn load(driver: &dyn Driver, most: u64) -> Result<Self, StoreError> {
        let mut kept = Self { by: HashMap::new(), most };
        let sql = format!(
            "SELECT account_id, user_id, sum(cost) AS cost FROM (SELECT {COST} FROM idempotency) AS each GROUP BY 1, 2"
        );
        for (payer, bytes) in all(driver, &sql, [], |row| Ok(counted(row)))?.into_iter().flatten() {
            kept.take_in(&[Delta::More(payer, bytes)]);
        }
        Ok(kept)
    }

    /// Whether this payer may keep no more now.
    pub(crate) fn is_full(&self, payer: Payer) -> bool {
        self.by.get(&payer).is_some_and(|bytes| *bytes >= self.most)
    }

    pub(crate) fn take_in(&mut self, deltas: &[Delta]) {
        for delta in deltas {
            match *delta {
                Delta::More(payer, bytes) => *self.by.entry(payer).or_default() += bytes,
                Delta::Less(payer, bytes) => {
                    // Absent: it keeps nothing.
                    let left = self.by.get(&payer).copied().unwrap_or_default().saturating_sub(bytes);
                    match left {
                        0 => drop(self.by.remove(&payer)),
                        left => drop(self.by.insert(payer, left)),
                    }
                }
            }
        }
    }

    /// What every payer keeps, for tests.
    #[cfg(feature = "fault-injection")]
    pub(crate) fn same_as(&self, driver: &dyn Driver) -> Result<bool, StoreError> {
        Ok(Self::load(driver, self.most)?.by == self.by)
    }
}

/// Takes the records away that `which` picks, and says what they counted as: of each, as far as that can be read.
pub(crate) fn delete(
    driver: &dyn Driver,
    which: &str,
    params: impl Params,
) -> Result<Vec<Delta>, StoreError> {
    let sql = format!("DELETE FROM idempotency WHERE {which} RETURNING {COST}");
    let gone = all(driver, &sql, params, |row| Ok(counted(row)))?;
    Ok(gone.into_iter().flatten().map(|(payer, bytes)| Delta::Less(payer, bytes)).collect())
}
