//! Inviting somebody into an account.

use crate::clock::Timestamp;
use crate::denial::Denial;
use crate::role::Role;

/// How long an invitation can be accepted: a week, in seconds.
pub const INVITATION_SECONDS: i64 = 7 * 86_400;

/// The most open invitations of one account.
pub const MAX_INVITATIONS: i64 = 100;

/// An invitation into an account that was not yet accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenInvitation {
    /// The role that is offered.
    pub role: Role,
    /// Until when it can be accepted.
    pub ends_at: Timestamp,
}

impl OpenInvitation {
    /// One that is made now, or made again: then it has a new week.
    #[must_use]
    pub fn new(role: Role, now: Timestamp) -> Self {
        Self { role, ends_at: now.plus_seconds(INVITATION_SECONDS) }
    }
}

/// What the person who is invited is in the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invitee {
    /// A member.
    Member,
    /// Somebody with an open invitation.
    Invited,
    /// Neither.
    Nobody,
}

impl Invitee {
    /// That it may be invited, where the account has `open` invitations. An open one is made again, and takes no room.
    ///
    /// # Errors
    /// [`Denial::Invalid`], about `email`: it is a member, or the account has [`MAX_INVITATIONS`].
    pub fn may_be_invited(self, open: i64) -> Result<(), Denial> {
        match self {
            Self::Member => Err(Denial::invalid("email", "email is that of a member already")),
            Self::Nobody if open >= MAX_INVITATIONS => {
                let text = format!(
                    "The account has {MAX_INVITATIONS} open invitations, which is the most that it can have"
                );
                Err(Denial::invalid("email", text))
            }
            Self::Invited | Self::Nobody => Ok(()),
        }
    }
}

/// That an account gives up an admin who can sign in, named in this field. `others`: it has another one.
///
/// # Errors
/// [`Denial::Invalid`]: an account keeps an admin who can sign in.
pub fn may_give_up_an_admin(others: bool, field: &str) -> Result<(), Denial> {
    let text = "The account must keep an active admin: make someone else an admin first";
    if others { Ok(()) } else { Err(Denial::invalid(field, text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_a_hundred_open_invitations_and_one_of_them_can_be_made_again() {
        let member = || Denial::invalid("email", "email is that of a member already");
        let full = || {
            let text = "The account has 100 open invitations, which is the most that it can have";
            Denial::invalid("email", text)
        };
        for (invitee, open, refusal) in [
            (Invitee::Nobody, 0, None),
            (Invitee::Nobody, 99, None),
            (Invitee::Nobody, 100, Some(full())),
            (Invitee::Nobody, 101, Some(full())),
            (Invitee::Invited, 100, None),
            (Invitee::Member, 0, Some(member())),
            (Invitee::Member, 100, Some(member())),
        ] {
            assert_eq!(invitee.may_be_invited(open).err(), refusal, "{invitee:?} {open}");
        }
    }

    #[test]
    fn an_invitation_is_open_for_a_week() {
        let now = Timestamp::from_unix(1_000);
        let invitation = OpenInvitation { role: Role::Editor, ends_at: Timestamp::from_unix(605_800) };
        assert_eq!(OpenInvitation::new(Role::Editor, now), invitation);
    }

    #[test]
    fn an_account_keeps_an_admin() {
        let text = "The account must keep an active admin: make someone else an admin first";
        assert_eq!(may_give_up_an_admin(true, "role"), Ok(()));
        assert_eq!(may_give_up_an_admin(false, "role"), Err(Denial::invalid("role", text)));
    }
}
