//! The session of a person's browser, and the links by which one is begun.

mod accepting;

pub use accepting::accepted;

use crate::clock::Timestamp;
use crate::id::{AccountId, UserId};
use crate::opaque::TokenDigest;
use crate::role::Role;

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

/// An invitation as a page has shown it to its person. It is accepted only as long as it is still that: one that came meanwhile, or
/// offers another role by now, was not what the person saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownInvitation {
    /// The account.
    pub account: AccountId,
    /// The role that was offered.
    pub role: Role,
}
