//! Ending keys after a leak: all of an account, of a user or of an installation at once, and one by the text of its secret.

use crate::clock::Timestamp;
use crate::effect::{Effect, Rendered, Subject};
use crate::id::{AccountId, KeyId, UserId};
use crate::made_by::MadeBy;
use crate::permit::Administer;
use serde_json::json;

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

    fn subject(self) -> Subject {
        match self {
            Self::User(user) => Subject { kind: "user", id: user.0, account: None },
            Self::Account(account) => Subject { kind: "account", id: account.0, account: Some(account) },
            Self::Member(account, user) => Subject { kind: "user", id: user.0, account: Some(account) },
            Self::All => Subject { kind: "installation", id: 1, account: None },
        }
    }
}

/// The operator ends every key of somebody, in one transaction.
#[derive(Clone, Debug)]
pub struct RevokeKeysOf {
    /// Whose.
    pub whose: WhoseKeys,
    /// Those that memory knows as such. They end too, whatever their rows say.
    pub known: Vec<KeyId>,
}

/// Every key of somebody is revoked.
#[derive(Clone, Debug)]
pub struct KeysRevoked {
    /// Whose.
    pub whose: WhoseKeys,
    /// Those that this revoked, by id. What was revoked before is not among them.
    pub keys: Vec<KeyId>,
}

impl Effect for RevokeKeysOf {
    type Action = Administer;
    type Done = KeysRevoked;
    const AUDIT: &'static str = "api_key.revoke_all";

    fn ends(_: &KeysRevoked) -> bool {
        true
    }

    fn subject(done: &KeysRevoked) -> Subject {
        done.whose.subject()
    }

    fn changed(done: &KeysRevoked) -> bool {
        !done.keys.is_empty()
    }

    fn detail(done: &KeysRevoked) -> Option<serde_json::Value> {
        Some(json!({ "keys": done.keys }))
    }

    fn render(_: &KeysRevoked) -> Rendered {
        Rendered::deleted()
    }
}

/// The key that has, or had, a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyOfSecret {
    /// The key.
    pub key: KeyId,
    /// `None`: it is the current one.
    pub replaced: Option<Replaced>,
}

/// How a secret of a key gave way to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// When; `None`: that was not recorded.
    pub at: Option<Timestamp>,
    /// By what; `None`: that was not recorded.
    pub by: Option<MadeBy>,
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
