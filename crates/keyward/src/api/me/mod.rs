//! The caller itself.

pub(crate) mod accounts;
pub(crate) mod active_account;
pub(crate) mod get;

use keyward_core::account::Account;
use keyward_core::id::AccountId;
use serde::Serialize;

/// How an account is referred to.
#[derive(Debug, Serialize)]
pub(crate) struct AccountRef<'a> {
    id: AccountId,
    name: &'a str,
    slug: &'a str,
    account_type: Option<&'a str>,
}

impl<'a> AccountRef<'a> {
    pub(crate) fn of(account: &'a Account) -> Self {
        Self {
            id: account.id,
            name: &account.name,
            slug: &account.slug,
            account_type: account.account_type.as_deref(),
        }
    }
}
