//! Which keys a caller may revoke.

use crate::denial::Denial;
use crate::id::{AccountId, KeyId, UserId};
use crate::principal::{Credential, Principal};
use crate::role::Role;

/// The keys that a caller may revoke: a member its own, an admin those of the account, and each credential itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokeReach {
    /// The key that the request came with. It may always be ended, whatever its row says of its place.
    pub itself: Option<KeyId>,
    /// Whether no other may be ended.
    pub only_itself: bool,
    /// The account of the others.
    pub account: AccountId,
    /// Their user.
    pub user: UserId,
    /// Whether they may be another user's too.
    pub whole_account: bool,
}

impl RevokeReach {
    /// Of a caller. `only_itself`: its permit reaches nothing but its own credential.
    ///
    /// # Errors
    /// [`Denial::AccountRequired`]: it acts in no account.
    pub fn of(caller: &Principal, only_itself: bool) -> Result<Self, Denial> {
        let member = caller.member.ok_or(Denial::AccountRequired)?;
        let itself = match &caller.credential {
            Credential::ApiKey(key) => Some(key.id),
            Credential::Jwt(_) | Credential::Session(_) => None,
        };
        let whole_account = member.role == Role::Admin;
        Ok(Self { itself, only_itself, account: member.account, user: caller.user, whole_account })
    }

    /// Whether it holds this key of this user in this account.
    #[must_use]
    pub fn holds(&self, key: KeyId, account: AccountId, user: UserId) -> bool {
        let others = !self.only_itself && account == self.account;
        self.itself == Some(key) || others && (self.whole_account || user == self.user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Membership;
    use crate::address::ClientAddress;
    use crate::api_key::Digest;
    use crate::grant::Grant;
    use crate::principal::{Caller, KeyCredential};

    /// User 1 in account 1, by key 1.
    fn caller(role: Role) -> Principal {
        Principal::of(Caller {
            user: UserId(1),
            credential: Credential::ApiKey(KeyCredential {
                id: KeyId(1),
                digest: Digest::from_bytes(&[0; 32]).unwrap(),
                current: true,
                from: ClientAddress::Unknown,
                grant: Grant::FullAccess,
                expires_at: None,
                allowed_ips: None,
                member: Membership { account: AccountId(1), role },
            }),
        })
    }

    #[test]
    fn a_member_revokes_its_own_keys_and_an_admin_those_of_the_account() {
        // The key, its account, its user; whether an editor, an admin, and a credential that may end nothing else revoke it.
        for (key, account, user, by_editor, by_admin, by_itself) in [
            (1, 1, 1, true, true, true),
            (2, 1, 1, true, true, false),
            (3, 1, 2, false, true, false),
            (4, 2, 1, false, false, false),
            (5, 2, 2, false, false, false),
            // Its row says that it is somebody else's elsewhere: its secret ends it anyway.
            (1, 2, 2, true, true, true),
        ] {
            let reaches =
                [(Role::Editor, false), (Role::Admin, false), (Role::Admin, true)].map(|(role, only)| {
                    let reach = RevokeReach::of(&caller(role), only).unwrap();
                    reach.holds(KeyId(key), AccountId(account), UserId(user))
                });
            assert_eq!(reaches, [by_editor, by_admin, by_itself], "key {key}");
        }
        let nowhere = Principal { member: None, ..caller(Role::Admin) };
        assert_eq!(RevokeReach::of(&nowhere, false), Err(Denial::AccountRequired));
    }
}
