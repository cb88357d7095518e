//! A user: known to nobody before, or with a password, so that nothing of it is there before somebody has the password.

use crate::effect::{Effect, Rendered, Subject};
use crate::id::{AccountId, UserId};
use crate::permit::Administer;
use crate::role::Role;
use crate::secret::Secret;
use serde_json::{Value, json};

/// Makes a user, without any membership.
#[derive(Clone, Debug)]
pub struct CreateUser {
    /// A random UUID.
    pub uuid: String,
    /// In lower case; must be free.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Job title.
    pub title: Option<String>,
    /// An argon2id PHC string ([`crate::password::hash`]); `None`: cannot sign in by password.
    pub password_hash: Option<Secret>,
}

impl Effect for CreateUser {
    type Action = Administer;
    type Done = UserId;
    const AUDIT: &'static str = "user.create";

    fn subject(done: &UserId) -> Subject {
        Subject::user(*done)
    }

    fn render(done: &UserId) -> Rendered {
        Rendered::created(&json!({ "id": done }))
    }
}

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
        Subject::user(*done)
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
