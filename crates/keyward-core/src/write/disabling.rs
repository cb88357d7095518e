//! An account or a user that is shut, and opened again, by the operator.

use crate::effect::{Effect, Rendered, Subject};
use crate::id::{AccountId, UserId};
use crate::permit::Administer;
use serde_json::{Value, json};

/// Disables or enables an account. From the next request on no credential acts in a disabled account. Nothing else of it ends: enabled
/// again, its keys and members have what they had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetAccountDisabled {
    /// The account.
    pub account: AccountId,
    /// Whether the account is to be disabled.
    pub disabled: bool,
}

impl Effect for SetAccountDisabled {
    type Action = Administer;
    type Done = Self;
    const AUDIT: &'static str = "account.disabled";

    fn ends(done: &Self) -> bool {
        done.disabled
    }

    fn subject(done: &Self) -> Subject {
        Subject { kind: "account", id: done.account.0, account: Some(done.account) }
    }

    fn detail(done: &Self) -> Option<Value> {
        Some(json!({ "disabled": done.disabled }))
    }

    fn render(done: &Self) -> Rendered {
        Rendered::ok(&json!({ "account_id": done.account, "disabled": done.disabled }))
    }
}

/// Disables or enables a user, everywhere. It holds from the next request.
#[derive(Clone, Copy, Debug)]
pub struct SetUserDisabled {
    /// The user.
    pub user: UserId,
    /// Whether the user is to be disabled.
    pub disabled: bool,
}

impl Effect for SetUserDisabled {
    type Action = Administer;
    type Done = Self;
    const AUDIT: &'static str = "user.disabled";

    fn ends(done: &Self) -> bool {
        done.disabled
    }

    fn subject(done: &Self) -> Subject {
        Subject::user(done.user)
    }

    fn detail(done: &Self) -> Option<Value> {
        Some(json!({ "disabled": done.disabled }))
    }

    fn render(done: &Self) -> Rendered {
        Rendered::ok(&json!({ "user_id": done.user, "disabled": done.disabled }))
    }
}
