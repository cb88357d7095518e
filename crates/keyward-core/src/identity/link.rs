//! Whether an issuer's subject may become a user's. A subject is one user's; a user may have several.

use crate::id::UserId;

/// What linking a subject to a user comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linking {
    /// The subject is nobody's: it becomes the user's.
    New,
    /// It is the user's already.
    Known,
    /// It is another user's, and stays so.
    Taken,
}

impl Linking {
    /// Of a subject that is linked to `linked_to`, if it is linked, to this user.
    #[must_use]
    pub fn of(linked_to: Option<UserId>, user: UserId) -> Self {
        match linked_to {
            None => Self::New,
            Some(own) if own == user => Self::Known,
            Some(_) => Self::Taken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_users() {
        for (linked_to, user, linking) in
            [(None, 1, Linking::New), (Some(1), 1, Linking::Known), (Some(2), 1, Linking::Taken)]
        {
            assert_eq!(Linking::of(linked_to.map(UserId), UserId(user)), linking, "{linked_to:?} {user}");
        }
    }
}
