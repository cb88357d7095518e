//! The choice of the account that requests act in.

use crate::account::AccountRef;
use crate::effect::{Effect, Rendered, Repeatable, Subject};
use crate::id::{AccountId, UserId};
use crate::permit::ReadAccount;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// Chooses the account that further requests of this user by this client act in. A key is bound to its account, so for it
/// nothing changes.
#[derive(Clone, Debug)]
pub struct ChooseAccount {
    /// The account's slug, as it was sent.
    pub slug: String,
}

/// An account is the one that requests act in.
#[derive(Clone, Debug)]
pub struct AccountChosen {
    /// Who has chosen.
    pub user: UserId,
    /// The account.
    pub account: ChosenView,
    /// Whether another one was it before.
    pub now: bool,
}

/// The account, as it is shown.
#[derive(Clone, Debug)]
pub struct ChosenView {
    /// Its id.
    pub id: AccountId,
    /// Its name for people.
    pub name: String,
    /// Its name in `X-Active-Account`.
    pub slug: String,
    /// What kind of company it is.
    pub account_type: Option<String>,
}

/// The account that requests act in.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActiveAccount<'a> {
    /// The account.
    account: AccountRef<'a>,
}

impl Repeatable for ChooseAccount {}

impl Effect for ChooseAccount {
    type Action = ReadAccount;
    type Done = AccountChosen;
    const AUDIT: &'static str = "user.active_account";
    const IN_ACCOUNT: bool = false;

    fn subject(done: &AccountChosen) -> Subject {
        Subject { kind: "user", id: done.user.0, account: Some(done.account.id) }
    }

    fn changed(done: &AccountChosen) -> bool {
        done.now
    }

    fn detail(done: &AccountChosen) -> Option<serde_json::Value> {
        Some(json!({ "slug": done.account.slug }))
    }

    fn render(done: &AccountChosen) -> Rendered {
        let ChosenView { id, name, slug, account_type } = &done.account;
        let account = AccountRef { id: *id, name, slug, account_type: account_type.as_deref() };
        Rendered::ok(&ActiveAccount { account })
    }
}
