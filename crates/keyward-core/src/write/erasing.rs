//! A user who is erased: everything that the user could do ends, and everything that names the person goes.

use crate::effect::{Effect, Rendered, Subject};
use crate::id::{AccountId, UserId};
use crate::permit::Administer;
use serde_json::{Value, json};

/// Erases a user, for good. Its number stays, with the rows that point to it: what was done in its name was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EraseUser {
    /// The user.
    pub user: UserId,
}

/// A user is erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserErased {
    /// The number that stays.
    pub user: UserId,
    /// The accounts that the user was a member of.
    pub accounts: Vec<AccountId>,
    /// How many keys were revoked.
    pub keys: usize,
    /// Whether the user was erased now, and not before.
    pub now: bool,
}

impl Effect for EraseUser {
    type Action = Administer;
    type Done = UserErased;
    const AUDIT: &'static str = "user.delete";

    fn ends(_: &UserErased) -> bool {
        true
    }

    fn changed(done: &UserErased) -> bool {
        done.now
    }

    fn subject(done: &UserErased) -> Subject {
        Subject::user(done.user)
    }

    fn detail(done: &UserErased) -> Option<Value> {
        Some(json!({ "accounts": done.accounts, "revoked_keys": done.keys }))
    }

    fn render(_: &UserErased) -> Rendered {
        Rendered::deleted()
    }
}
