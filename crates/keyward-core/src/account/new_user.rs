//! A user with a password, so that nothing of it is there before somebody has the password.

use super::CreateUser;
use crate::effect::{Effect, Rendered, Subject};
use crate::id::{AccountId, UserId};
use crate::permit::Administer;
use crate::role::Role;
use serde_json::{Value, json};

/// The operator is about to make a user: its id is kept for it, and nothing else. An address that is taken is refused.
#[derive(Clone, Debug)]
pub struct ReserveUser {
    /// A random UUID.
    pub uuid: String,
    /// The address, in lower case.
    pub email: String,
}

/// Makes the user whose id was reserved, with its place in an account, all or nothing.
#[derive(Clone, Debug)]
pub struct AddUser {
    /// The id.
    pub id: UserId,
    /// What is known of it.
    pub user: CreateUser,
    /// The account that it belongs to, and its role there.
    pub place: Option<(AccountId, Role)>,
}

/// A user was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserAdded {
    /// The user.
    pub id: UserId,
    /// Its place.
    pub place: Option<(AccountId, Role)>,
}

impl Effect for ReserveUser {
    type Action = Administer;
    type Done = UserId;
    const AUDIT: &'static str = "user.reserve";

    fn subject(done: &UserId) -> Subject {
        Subject { kind: "user", id: done.0, account: None }
    }

    fn render(done: &UserId) -> Rendered {
        Rendered::ok(&json!({ "id": done }))
    }
}

impl Effect for AddUser {
    type Action = Administer;
    type Done = UserAdded;
    const AUDIT: &'static str = CreateUser::AUDIT;

    fn subject(done: &UserAdded) -> Subject {
        Subject { account: done.place.map(|(account, _)| account), ..CreateUser::subject(&done.id) }
    }

    fn detail(done: &UserAdded) -> Option<Value> {
        done.place.map(|(_, role)| json!({ "role": role.name() }))
    }

    fn render(done: &UserAdded) -> Rendered {
        CreateUser::render(&done.id)
    }
}
