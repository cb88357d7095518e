//! A link by which a person chooses a password: made by the operator, used once.

use crate::clock::Timestamp;
use crate::effect::{Effect, Rendered, Subject};
use crate::id::{AccountId, UserId};
use crate::opaque::TokenDigest;
use crate::permit::{Administer, Present};
use crate::secret::Secret;
use crate::session::{LinkKind, ShownInvitation};
use serde_json::{Value, json};

/// The operator makes a link for a user. Links of that user that were not used end.
#[derive(Clone, Debug)]
pub struct IssueLink {
    /// The user.
    pub user: UserId,
    /// What it is for.
    pub kind: LinkKind,
    /// The digest of its token.
    pub digest: TokenDigest,
}

impl Effect for IssueLink {
    type Action = Administer;
    /// The user, and until when the link can be used.
    type Done = (UserId, LinkKind, Timestamp);
    const AUDIT: &'static str = "user.link_issued";

    fn subject((user, ..): &Self::Done) -> Subject {
        Subject::user(*user)
    }

    fn detail((_, kind, until): &Self::Done) -> Option<Value> {
        Some(json!({ "kind": kind.name(), "until": until }))
    }

    fn render(_: &Self::Done) -> Rendered {
        Rendered::empty()
    }
}

/// The holder of a link chooses a password. Sessions, grants and links of that user end; with an invitation's link, the open
/// invitations that the person has chosen are accepted.
#[derive(Clone, Debug)]
pub struct ChoosePassword {
    /// The digest of the link's token.
    pub link: TokenDigest,
    /// The PHC string of the new password.
    pub hash: Secret,
    /// The invitations to accept, of those that the page has shown.
    pub accept: Vec<ShownInvitation>,
}

/// A password was chosen.
#[derive(Clone, Debug)]
pub struct PasswordChosen {
    /// Whose.
    pub user: UserId,
    /// Accounts that were joined.
    pub joined: Vec<AccountId>,
}

impl Effect for ChoosePassword {
    type Action = Present;
    type Done = PasswordChosen;
    const AUDIT: &'static str = "user.password";

    fn subject(done: &PasswordChosen) -> Subject {
        Subject::user(done.user)
    }

    fn actor(done: &PasswordChosen) -> Option<UserId> {
        Some(done.user)
    }

    fn detail(done: &PasswordChosen) -> Option<Value> {
        Some(json!({ "joined_accounts": done.joined }))
    }

    fn render(_: &PasswordChosen) -> Rendered {
        Rendered::empty()
    }
}
