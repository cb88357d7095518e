//! A user's place in an account, as the operator gives it, changes it and takes it away.

use crate::effect::{Effect, Rendered, Subject};
use crate::id::{AccountId, UserId};
use crate::permit::Administer;
use crate::role::Role;
use serde_json::json;

/// Gives a user a role in an account.
#[derive(Clone, Copy, Debug)]
pub struct AddMember {
    /// The account.
    pub account: AccountId,
    /// The user.
    pub user: UserId,
    /// The role.
    pub role: Role,
}

impl Effect for AddMember {
    type Action = Administer;
    type Done = Self;
    const AUDIT: &'static str = "member.add";

    fn subject(done: &Self) -> Subject {
        Subject { kind: "user", id: done.user.0, account: Some(done.account) }
    }

    fn detail(done: &Self) -> Option<serde_json::Value> {
        Some(json!({ "role": done.role.name() }))
    }

    fn render(done: &Self) -> Rendered {
        Rendered::created(&json!({ "user_id": done.user, "role": done.role.name() }))
    }
}

/// Takes a user's place in an account away. The user's keys there are revoked in the same transaction, and a
/// later membership revives none of them.
#[derive(Clone, Copy, Debug)]
pub struct RemoveMember {
    /// The account.
    pub account: AccountId,
    /// The user.
    pub user: UserId,
}

impl Effect for RemoveMember {
    type Action = Administer;
    type Done = Self;
    const AUDIT: &'static str = "member.remove";

    fn ends(_: &Self) -> bool {
        true
    }

    fn subject(done: &Self) -> Subject {
        Subject { kind: "user", id: done.user.0, account: Some(done.account) }
    }

    fn render(_: &Self) -> Rendered {
        Rendered::deleted()
    }
}

/// Changes a member's role. It holds from the next request.
#[derive(Clone, Copy, Debug)]
pub struct SetRole {
    /// The account.
    pub account: AccountId,
    /// The user, a member there.
    pub user: UserId,
    /// The new role.
    pub role: Role,
}

impl Effect for SetRole {
    type Action = Administer;
    type Done = Self;
    const AUDIT: &'static str = "member.role";

    fn subject(done: &Self) -> Subject {
        Subject { kind: "user", id: done.user.0, account: Some(done.account) }
    }

    fn detail(done: &Self) -> Option<serde_json::Value> {
        Some(json!({ "role": done.role.name() }))
    }

    fn render(done: &Self) -> Rendered {
        Rendered::ok(&json!({ "user_id": done.user, "role": done.role.name() }))
    }
}
