//! The session of a person's browser, and how one is begun: by a password, or by choosing one through a link.

mod accepting;

pub use accepting::accepted;

use crate::clock::Timestamp;
use crate::effect::{Effect, Rendered, Subject};
use crate::id::{AccountId, UserId};
use crate::opaque::TokenDigest;
use crate::password::Proof;
use crate::permit::{Administer, EndSignIns, ManageSignIns, Present};
use crate::role::Role;
use crate::secret::Secret;
use serde_json::{Value, json};

/// How long a session lasts, in seconds: a working day.
pub const SESSION_SECONDS: i64 = 12 * 3600;
/// How long the link of an invitation can be used, in seconds.
pub const INVITATION_LINK_SECONDS: i64 = crate::team::INVITATION_SECONDS;
/// How long the link of a password reset can be used, in seconds.
pub const RESET_LINK_SECONDS: i64 = 86_400;

/// A browser that is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: i64,
    /// The digest of its token, which only the browser has.
    pub digest: TokenDigest,
    /// Who is signed in.
    pub user: UserId,
    /// Since when.
    pub created_at: Timestamp,
    /// Its end.
    pub ends_at: Timestamp,
}

fn of_user(user: UserId) -> Subject {
    Subject { kind: "user", id: user.0, account: None }
}

fn nothing() -> Rendered {
    Rendered::ok(&json!({}))
}

/// Begins a session of whoever proved a password.
#[derive(Debug)]
pub struct StartSession {
    /// The proof.
    pub proof: Proof,
    /// The digest of the new token.
    pub digest: TokenDigest,
}

impl Effect for StartSession {
    type Action = Present;
    type Done = Session;
    const AUDIT: &'static str = "user.sign_in";

    fn subject(done: &Session) -> Subject {
        of_user(done.user)
    }

    fn actor(done: &Session) -> Option<UserId> {
        Some(done.user)
    }

    fn detail(done: &Session) -> Option<Value> {
        Some(json!({ "session_id": done.id }))
    }

    fn render(_: &Session) -> Rendered {
        nothing()
    }
}

/// Ends the session that asks for it.
#[derive(Clone, Copy, Debug)]
pub struct EndSession;

impl Effect for EndSession {
    type Action = EndSignIns;
    type Done = UserId;
    const AUDIT: &'static str = "user.sign_out";
    const IN_ACCOUNT: bool = false;

    fn ends(_: &UserId) -> bool {
        true
    }

    fn subject(done: &UserId) -> Subject {
        of_user(*done)
    }

    fn render(_: &UserId) -> Rendered {
        nothing()
    }
}

/// Sign-ins that failed within about a minute, at one user's address or at addresses that are nobody's. They are written
/// together, so that no guess costs a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteFailedSignIns {
    /// Whose password was tried; `None`: the addresses of no user, or of the users that had fewest.
    pub user: Option<UserId>,
    /// Wrong passwords.
    pub wrong: u64,
    /// Tries that were not looked at, because of those before.
    pub refused: u64,
    /// The networks that they came from, as far as they were told apart.
    pub networks: usize,
}

impl Effect for NoteFailedSignIns {
    type Action = Administer;
    type Done = Self;
    const AUDIT: &'static str = "sign_in.failed";
    const ATTEMPT: bool = true;
    const IN_ACCOUNT: bool = false;

    fn subject(done: &Self) -> Subject {
        // Absent: the trail names nobody; the e-mail address stands beside it.
        of_user(done.user.unwrap_or(UserId(0)))
    }

    fn detail(done: &Self) -> Option<Value> {
        Some(json!({ "wrong": done.wrong, "refused": done.refused, "networks": done.networks }))
    }

    fn render(_: &Self) -> Rendered {
        nothing()
    }
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// To come for the first time, and accept the open invitations.
    Invitation,
    /// To choose another password.
    Reset,
}

impl LinkKind {
    /// The word, in the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reset => "reset",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Invitation, Self::Reset].into_iter().find(|kind| kind.name() == name)
    }

    /// How long such a link can be used, in seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Invitation => INVITATION_LINK_SECONDS,
            Self::Reset => RESET_LINK_SECONDS,
        }
    }
}

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
        of_user(*user)
    }

    fn detail((_, kind, until): &Self::Done) -> Option<Value> {
        Some(json!({ "kind": kind.name(), "until": until }))
    }

    fn render(_: &Self::Done) -> Rendered {
        nothing()
    }
}

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
        Subject { account: Some(*account), ..of_user(*user) }
    }

    fn detail((_, _, role): &Self::Done) -> Option<Value> {
        Some(json!({ "role": role.name() }))
    }

    fn render(_: &Self::Done) -> Rendered {
        nothing()
    }
}

/// An invitation as a page has shown it to its person. It is accepted only as long as it is still that: one that came meanwhile, or
/// offers another role by now, was not what the person saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownInvitation {
    /// The account.
    pub account: AccountId,
    /// The role that was offered.
    pub role: Role,
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
        of_user(done.user)
    }

    fn actor(done: &PasswordChosen) -> Option<UserId> {
        Some(done.user)
    }

    fn detail(done: &PasswordChosen) -> Option<Value> {
        Some(json!({ "joined_accounts": done.joined }))
    }

    fn render(_: &PasswordChosen) -> Rendered {
        nothing()
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
        Subject { account: Some(*account), ..of_user(*user) }
    }

    fn detail((_, _, role): &Self::Done) -> Option<Value> {
        Some(json!({ "role": role.name() }))
    }

    fn render(_: &Self::Done) -> Rendered {
        nothing()
    }
}
