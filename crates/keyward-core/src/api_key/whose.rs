//! Whose keys are meant: those of a user, of an account, of a member, or all.

use crate::id::{AccountId, UserId};

/// Whose keys are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhoseKeys {
    /// A user's, in every account.
    User(UserId),
    /// An account's.
    Account(AccountId),
    /// A user's in one account.
    Member(AccountId, UserId),
    /// All that there are.
    All,
}

impl WhoseKeys {
    /// The account and the user that a key must have; `None`: any.
    #[must_use]
    pub fn place(self) -> (Option<AccountId>, Option<UserId>) {
        match self {
            Self::User(user) => (None, Some(user)),
            Self::Account(account) => (Some(account), None),
            Self::Member(account, user) => (Some(account), Some(user)),
            Self::All => (None, None),
        }
    }

    /// Whether a key of this account and this user is one of them.
    #[must_use]
    pub fn holds(self, account: AccountId, user: UserId) -> bool {
        let (in_account, of_user) = self.place();
        // Absent: that does not matter.
        in_account.is_none_or(|it| it == account) && of_user.is_none_or(|it| it == user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_all_means_all() {
        let key = |account, user| (AccountId(account), UserId(user));
        let table = [
            (WhoseKeys::User(UserId(1)), vec![(1, 1), (2, 1)]),
            (WhoseKeys::Account(AccountId(1)), vec![(1, 1), (1, 2)]),
            (WhoseKeys::Member(AccountId(1), UserId(1)), vec![(1, 1)]),
            (WhoseKeys::All, vec![(1, 1), (1, 2), (2, 1), (2, 2)]),
        ];
        for (whose, meant) in table {
            let held = [(1, 1), (1, 2), (2, 1), (2, 2)].into_iter().filter(|(account, user)| {
                let (account, user) = key(*account, *user);
                whose.holds(account, user)
            });
            assert_eq!(held.collect::<Vec<_>>(), meant, "{whose:?}");
        }
    }
}
