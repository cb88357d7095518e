//! The SQL of what ends invitations that were not accepted: by whom or by what they were made, whatever else their rows hold.

use crate::driver::Row;
use crate::params;
use crate::strangers::forget_stranger;
use crate::to_end;
use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::id::{AccountId, UserId};
use keyward_core::live::Change;
use keyward_core::made_by::MadeBy;
use keyward_core::store::StoreError;

/// Which invitations end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Invitations {
    /// Those of an inviter, into this account or into all.
    By(UserId, Option<AccountId>),
    /// Those that a credential made.
    MadeBy(MadeBy),
}

/// Ends these; whom they invited into which account, as far as their rows say so.
pub(crate) fn end_invitations(
    tx: &mut Tx<'_>,
    which: Invitations,
    now: Timestamp,
) -> Result<Vec<(AccountId, UserId)>, StoreError> {
    let read = |row: &Row<'_>| {
        let account = to_end::number(row, "account_id").map(AccountId);
        Ok(account.zip(to_end::number(row, "user_id").map(UserId)))
    };
    let gone = match which {
        Invitations::By(inviter, account) => tx.all(
            "DELETE FROM invitations WHERE invited_by = ?1
             AND (CAST(?2 AS BIGINT) IS NULL OR account_id = ?2 OR typeof(account_id) <> 'integer') RETURNING account_id, user_id",
            params![inviter.0, account.map(|account| account.0)],
            read,
        )?,
        Invitations::MadeBy(credential) => {
            let sql = "DELETE FROM invitations WHERE made_by = ?1 RETURNING account_id, user_id";
            tx.all(sql, [credential.text()], read)?
        }
    };
    // One whose place cannot be read was left out when it was loaded.
    let gone: Vec<_> = gone.into_iter().flatten().collect();
    for (account, user) in &gone {
        tx.publish(Change::Invited(*account, *user, None));
        forget_stranger(tx, *user, now)?;
    }
    Ok(gone)
}
