//! Which invitations a person accepts together with its first password.

use super::{LinkKind, ShownInvitation};

impl LinkKind {
    /// Whether invitations are accepted by a link of this kind. A link to choose another password accepts none.
    #[must_use]
    pub const fn accepts_invitations(self) -> bool {
        matches!(self, Self::Invitation)
    }
}

/// Those of the `open` invitations that are accepted: what the person has `chosen` on the page, as long as it is still what the page has
/// shown.
#[must_use]
pub fn accepted(open: &[ShownInvitation], chosen: &[ShownInvitation]) -> Vec<ShownInvitation> {
    open.iter().copied().filter(|one| chosen.contains(one)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AccountId;
    use crate::role::Role;

    #[test]
    fn what_the_page_has_shown_and_its_person_has_chosen_is_accepted_and_nothing_else() {
        let one = |account, role| ShownInvitation { account: AccountId(account), role };
        let (viewer, editor) = (one(1, Role::Viewer), one(1, Role::Editor));
        let other = one(2, Role::Viewer);
        for (what, open, chosen, accepted) in [
            ("one of one", vec![viewer], vec![viewer], vec![viewer]),
            ("one of two", vec![viewer, other], vec![other], vec![other]),
            (
                "both, in the order of the accounts",
                vec![viewer, other],
                vec![other, viewer],
                vec![viewer, other],
            ),
            ("none chosen", vec![viewer], vec![], vec![]),
            ("it came since the page was shown", vec![viewer, other], vec![viewer], vec![viewer]),
            ("it offers another role by now", vec![editor], vec![viewer], vec![]),
            ("it is over", vec![], vec![viewer], vec![]),
        ] {
            assert_eq!(super::accepted(&open, &chosen), accepted, "{what}");
        }
        assert!(LinkKind::Invitation.accepts_invitations() && !LinkKind::Reset.accepts_invitations());
    }
}
