//! An invitation into an account: made by the operator, accepted by a person who is signed in.

use crate::effect::{Effect, Rendered, Subject};
use crate::id::{AccountId, UserId};
use crate::permit::{Administer, ManageSignIns};
use crate::role::Role;
use crate::session::ShownInvitation;
use serde_json::{Value, json};

/// The operator invites a person into an account.
#[derive(Clone, Debug)]
pub struct InviteByOperator {
    /// A random UUID, for a new user.
    pub uuid: String,
    /// The address, in lower case.
    pub email: String,
    /// The account.
    pub account: AccountId,
    /// The role that is offered.
    pub role: Role,
}

impl Effect for InviteByOperator {
    type Action = Administer;
    /// The user, the account, and the role.
    type Done = (UserId, AccountId, Role);
    const AUDIT: &'static str = "member.invite";

    fn subject((user, account, _): &Self::Done) -> Subject {
        Subject { account: Some(*account), ..Subject::user(*user) }
    }

    fn detail((_, _, role): &Self::Done) -> Option<Value> {
        Some(json!({ "role": role.name() }))
    }

    fn render(_: &Self::Done) -> Rendered {
        Rendered::empty()
    }
}

/// A person who is signed in accepts an open invitation, as it was shown.
#[derive(Clone, Copy, Debug)]
pub struct AcceptInvitation(pub ShownInvitation);

impl Effect for AcceptInvitation {
    type Action = ManageSignIns;
    /// The user, the account, the role.
    type Done = (UserId, AccountId, Role);
    const AUDIT: &'static str = "member.add";
    const IN_ACCOUNT: bool = false;

    fn subject((user, account, _): &Self::Done) -> Subject {
        Subject { account: Some(*account), ..Subject::user(*user) }
    }

    fn detail((_, _, role): &Self::Done) -> Option<Value> {
        Some(json!({ "role": role.name() }))
    }

    fn render(_: &Self::Done) -> Rendered {
        Rendered::empty()
    }
}
