//! What changing somebody's role in an account does besides.

use crate::role::Role;

/// A change of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleChange {
    /// Whether the role is another one now.
    pub changes: bool,
    /// Whether it gives more: only who has as much may give it, and by which credential is recorded.
    pub raises: bool,
    /// Whether the account loses an admin: it must keep another one.
    pub takes_an_admin: bool,
}

impl RoleChange {
    /// From one role to another. `None`: that before cannot be read. Then any other gives more than the least, and it takes no admin that
    /// anybody knows of.
    #[must_use]
    pub fn of(before: Option<Role>, after: Role) -> Self {
        let changes = before != Some(after);
        // Absent: whatever it may be, it counts as the least, so that giving more is judged.
        let raises = before.unwrap_or(Role::Viewer).is_below(after);
        Self { changes, raises, takes_an_admin: changes && before == Some(Role::Admin) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Role::{Admin, Editor, Viewer};

    #[test]
    fn giving_more_is_judged_and_taking_an_admin_is_too() {
        for (before, after, changes, raises, takes_an_admin) in [
            (Some(Viewer), Viewer, false, false, false),
            (Some(Viewer), Editor, true, true, false),
            (Some(Viewer), Admin, true, true, false),
            (Some(Editor), Viewer, true, false, false),
            (Some(Editor), Editor, false, false, false),
            (Some(Editor), Admin, true, true, false),
            (Some(Admin), Viewer, true, false, true),
            (Some(Admin), Editor, true, false, true),
            (Some(Admin), Admin, false, false, false),
            (None, Viewer, true, false, false),
            (None, Editor, true, true, false),
            (None, Admin, true, true, false),
        ] {
            let change = RoleChange { changes, raises, takes_an_admin };
            assert_eq!(RoleChange::of(before, after), change, "{before:?} to {after:?}");
        }
    }
}
