//! The SQL of accounts that are shut, and opened again.

use crate::error::is_constraint;
use crate::journal::{Ended, row_name};
use crate::params;
use crate::to_end;
use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Stop};
use keyward_core::id::AccountId;
use keyward_core::live::Change;
use keyward_core::permit::{Administer, Permit};
use keyward_core::store::StoreError;
use keyward_core::write::disabling::SetAccountDisabled;

impl Execute<SetAccountDisabled> for Tx<'_> {
    fn execute(
        &mut self,
        e: &SetAccountDisabled,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<SetAccountDisabled, Stop> {
        let unknown = || Denial::not_found("Account", &e.account.to_string());
        if e.disabled {
            disable(self, e.account, now)?.then_some(()).ok_or_else(unknown)?;
        } else {
            self.change("UPDATE accounts SET disabled_at = NULL WHERE id = ?1", [e.account.0])?;
            let enabled =
                Ended::Account { account: row_name(self, "accounts", e.account.0), disabled: false };
            self.note(enabled);
            let account = crate::accounts::account(self, e.account)?;
            self.publish(Change::Account(account));
        }
        Ok(*e)
    }
}

/// Disables an account, whatever else its row holds; whether there is one. What is disabled stays so since then.
pub(crate) fn disable(tx: &mut Tx<'_>, account: AccountId, now: Timestamp) -> Result<bool, StoreError> {
    let since = "SELECT disabled_at FROM accounts WHERE id = ?1";
    let since = tx.first(since, [account.0], |row| Ok(to_end::number(row, "disabled_at")))?.flatten();
    // Absent: it was not disabled, or nobody can say since when, and is from now on.
    let values = params![account.0, since.unwrap_or(now.unix())];
    let changed = match tx.change("UPDATE accounts SET disabled_at = ?2 WHERE id = ?1", values) {
        Err(error) if is_constraint(&error) => {
            tracing::error!(%account, %error, "values of another type in the row of an account are replaced");
            tx.change(MENDED, values)
        }
        changed => changed,
    };
    tx.publish(Change::AccountDisabled(account));
    Ok(changed? > 0)
}

/// SQLite changes no row that holds a value that its column does not allow. Here each gives way in the same statement: texts to ones that
/// name nothing, the tier to the lowest, what was said beside the tier to nothing.
const MENDED: &str = "UPDATE accounts SET disabled_at = ?2,
    slug = CASE WHEN typeof(slug) = 'text' THEN slug ELSE 'unreadable-' || id || '-' || lower(hex(slug)) END,
    name = CASE WHEN typeof(name) = 'text' THEN name ELSE 'unreadable-' || id END,
    account_type = CASE WHEN typeof(account_type) = 'text' THEN account_type END,
    tier = CASE WHEN tier IN ('free', 'standard', 'enterprise') THEN tier ELSE 'free' END,
    created_at = CASE WHEN typeof(created_at) = 'integer' THEN created_at ELSE 0 END,
    reads_per_minute = CASE WHEN typeof(reads_per_minute) = 'integer' AND reads_per_minute BETWEEN 0 AND 100000
        THEN reads_per_minute END,
    writes_per_minute = CASE WHEN typeof(writes_per_minute) = 'integer' AND writes_per_minute BETWEEN 0 AND 100000
        THEN writes_per_minute END,
    max_keys = CASE WHEN typeof(max_keys) = 'integer' AND max_keys BETWEEN 1 AND 10000 THEN max_keys END,
    audit_forgotten = CASE WHEN typeof(audit_forgotten) = 'integer' THEN audit_forgotten ELSE 0 END
    WHERE id = ?1";
