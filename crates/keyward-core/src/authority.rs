//! Who may give which role. What is given lies within what its giver's credential may do now, and does not outlive that
//! credential's own bounds; for keys this stands in [`crate::api_key::settle`].

use crate::denial::Denial;
use crate::grant::Grant;
use crate::principal::{Credential, Principal};
use crate::role::Role;
use crate::scope::{Scope, ScopeSet};

/// Whether a caller may give somebody this role, or raise somebody to it. A role has no end and holds everywhere, so a credential
/// that has an end or ranges gives none; but the end of a token or session bounds nothing: it says for how long its client was
/// trusted.
///
/// # Errors
/// [`Denial::RoleBeyondGiver`].
pub fn may_give_role(giver: &Principal, role: Role) -> Result<(), Denial> {
    let unbounded = match &giver.credential {
        Credential::ApiKey(key) => {
            key.grant == Grant::FullAccess && key.expires_at.is_none() && key.allowed_ips.is_none()
        }
        Credential::Jwt(jwt) => needed(role).without(jwt.token.literal).is_empty(),
        Credential::Session(_) => true,
    };
    if unbounded && needed(role).without(giver.scopes).is_empty() {
        return Ok(());
    }
    Err(Denial::RoleBeyondGiver(role))
}

/// What a giver must be able to do itself.
fn needed(role: Role) -> ScopeSet {
    role.scopes().with(Scope::AccountWrite)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Membership;
    use crate::address::{ClientAddress, parse_range};
    use crate::api_key::Digest;
    use crate::clock::Timestamp;
    use crate::id::{AccountId, KeyId, UserId};
    use crate::principal::{Caller, KeyCredential};
    use proptest::prelude::*;

    fn giver(grant: Grant, role: Role, end: bool, ranges: bool) -> Principal {
        Principal::of(Caller {
            user: UserId(1),
            credential: Credential::ApiKey(KeyCredential {
                id: KeyId(1),
                digest: Digest::from_bytes(&[0; 32]).unwrap(),
                current: true,
                from: ClientAddress::Known([127, 0, 0, 1].into()),
                grant,
                expires_at: end.then(|| Timestamp::from_unix(i64::MAX / 2)),
                allowed_ips: ranges.then(|| vec![parse_range("0.0.0.0/0").unwrap()].into()),
                member: Membership { account: AccountId(1), role },
            }),
        })
    }

    fn grants() -> impl Strategy<Value = Grant> {
        prop_oneof![
            Just(Grant::FullAccess),
            Just(Grant::ReadOnly),
            Just(Grant::Fixed(ScopeSet::all())),
            proptest::sample::subsequence(Scope::ALL.to_vec(), 0..=Scope::ALL.len())
                .prop_map(|scopes| Grant::Fixed(scopes.into_iter().collect())),
        ]
    }

    proptest! {
        #[test]
        fn who_gives_a_role_may_do_all_that_it_gives_now_without_end_and_from_everywhere(
            grant in grants(), own in proptest::sample::select(Role::ALL), gift in proptest::sample::select(Role::ALL),
            end: bool, ranges: bool,
        ) {
            let giver = giver(grant, own, end, ranges);
            let unbounded = grant == Grant::FullAccess && !end && !ranges;
            let may = gift.scopes().without(giver.scopes).is_empty();
            prop_assert_eq!(may_give_role(&giver, gift).is_ok(), unbounded && may && giver.may(Scope::AccountWrite));
        }

        #[test]
        fn of_two_roles_one_is_below_unless_they_are_the_same(
            one in proptest::sample::select(Role::ALL), other in proptest::sample::select(Role::ALL),
        ) {
            prop_assert_eq!(one.is_below(other) || other.is_below(one), one != other);
            prop_assert!(!one.is_below(other) || one.scopes().without(other.scopes()).is_empty());
        }
    }
}
