//! The caller itself.

pub(crate) mod accounts;
pub(crate) mod active_account;
pub(crate) mod get;

use keyward_core::account::Account;
use keyward_core::id::AccountId;
use serde::Serialize;
use utoipa::ToSchema;

/// An account, as it is referred to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub(crate) struct AccountRef<'a> {
    /// Its id.
    #[schema(value_type = i64, minimum = 1)]
    id: AccountId,
    /// Its name for people.
    name: &'a str,
    /// Its name in `X-Active-Account`.
    slug: &'a str,
    /// What kind of company it is. More may come.
    #[schema(required, extensions(("x-extensible-enum" = json!(["brokerage", "borrower", "lender", "credit"]))))]
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
