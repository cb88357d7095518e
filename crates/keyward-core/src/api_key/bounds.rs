//! No key is wider than its maker: what a new or rotated key may be, given who makes it.
//!
//! `full_access` and `read_only` are rights that grow with their user, so a fixed list of scopes never gives them,
//! however long it is. A maker that is not a key (the console, the operator) has no bounds of its own.

use super::ApiKey;
use crate::address;
use crate::clock::Timestamp;
use crate::denial::Denial;
use crate::grant::Grant;
use crate::input::Field;
use crate::principal::{Credential, Principal};
use crate::role::Role;
use crate::scope::ScopeSet;
use ipnet::IpNet;
use std::sync::Arc;

/// The rights that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedGrant {
    /// Nothing was said: the maker's permission, or its effective scopes as a fixed list.
    AsMaker,
    /// `permission: full_access`.
    FullAccess,
    /// `permission: read_only`.
    ReadOnly,
    /// `scopes: […]`.
    Scopes(ScopeSet),
}

/// A key as it was asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The rights.
    pub grant: WantedGrant,
    /// The end; absent: the maker's; null: none.
    pub expires_at: Field<Timestamp>,
    /// The ranges; absent: the maker's; null: everywhere.
    pub allowed_ips: Field<Vec<IpNet>>,
}

/// A key as it will be.
#[derive(Clone, Debug)]
pub struct Settled {
    /// What it may do at most.
    pub grant: Grant,
    /// Its end.
    pub expires_at: Option<Timestamp>,
    /// Where it may be used from.
    pub allowed_ips: Option<Arc<[IpNet]>>,
}

/// Settles what a new key will be, within its maker's bounds.
///
/// # Errors
/// [`Denial::WiderThanMaker`].
pub fn settle(maker: &Principal, wanted: Wanted) -> Result<Settled, Denial> {
    let (end, ranges) = span(maker);
    let expires_at = match wanted.expires_at {
        Field::Absent => end,
        Field::Null => None,
        Field::Value(end) => Some(end),
    };
    let allowed_ips = match wanted.allowed_ips {
        Field::Absent => ranges,
        Field::Null => None,
        Field::Value(ranges) => Some(ranges.into()),
    };
    let settled = Settled { grant: settle_grant(maker, wanted.grant)?, expires_at, allowed_ips };
    within_span(maker, settled.expires_at, settled.allowed_ips.as_deref())?;
    Ok(settled)
}

/// When and from where whatever a maker makes can be used at most. The end of a token bounds nothing: it says for how long its
/// client was trusted, not for how long its user wants a key.
fn span(maker: &Principal) -> (Option<Timestamp>, Option<Arc<[IpNet]>>) {
    match &maker.credential {
        Credential::ApiKey(key) => (key.expires_at, key.allowed_ips.clone()),
        Credential::Jwt(_) | Credential::Session(_) => (None, None),
    }
}

/// The permission that a maker can hand on: a key's own. A token has none, whatever its issuer is trusted with.
fn own_grant(maker: &Principal) -> Grant {
    match &maker.credential {
        Credential::ApiKey(key) => key.grant,
        Credential::Jwt(_) => Grant::Fixed(maker.scopes),
        Credential::Session(_) => Grant::FullAccess,
    }
}

/// Whether the maker may rotate a key, whose new secret it will see. `role` is the role of the key's user now.
///
/// # Errors
/// [`Denial::WiderThanMaker`].
pub fn may_rotate(maker: &Principal, key: &ApiKey, role: Role) -> Result<(), Denial> {
    if maker.credential.is_key(key.id) {
        return Ok(());
    }
    let as_wanted = match key.grant {
        Grant::FullAccess => WantedGrant::FullAccess,
        Grant::ReadOnly => WantedGrant::ReadOnly,
        Grant::Fixed(scopes) => WantedGrant::Scopes(Grant::Fixed(scopes).under(role)),
    };
    settle_grant(maker, as_wanted)?;
    within_span(maker, key.expires_at, key.allowed_ips.as_deref())
}

fn settle_grant(maker: &Principal, wanted: WantedGrant) -> Result<Grant, Denial> {
    let own = own_grant(maker);
    let preset = |name: &str| {
        Err(wider(format!(
            "permission {name} can be given only by a full_access key or in the console; name scopes instead"
        )))
    };
    match (wanted, own) {
        (WantedGrant::FullAccess, Grant::FullAccess) => Ok(Grant::FullAccess),
        (WantedGrant::FullAccess, _) => preset("full_access"),
        (WantedGrant::ReadOnly, Grant::FullAccess) => Ok(Grant::ReadOnly),
        (WantedGrant::ReadOnly, _) => preset("read_only"),
        (WantedGrant::AsMaker, Grant::Fixed(_)) => Ok(Grant::Fixed(maker.scopes)),
        (WantedGrant::AsMaker, preset) => Ok(preset),
        (WantedGrant::Scopes(scopes), _) => match scopes.without(maker.scopes).iter().next() {
            None => Ok(Grant::Fixed(scopes)),
            Some(missing) => Err(wider(format!("the credential that makes it does not have {missing}"))),
        },
    }
}

fn within_span(maker: &Principal, end: Option<Timestamp>, ranges: Option<&[IpNet]>) -> Result<(), Denial> {
    let (last, within) = span(maker);
    if let Some(last) = last
        // Absent: a key without an end outlives every end, and is refused.
        && end.is_none_or(|end| end > last)
    {
        return Err(wider(format!(
            "expires_at must not be later than {last}, the end of the key that makes it"
        )));
    }
    if !address::within(ranges, within.as_deref()) {
        return Err(wider("allowed_ips must lie within those of the key that makes it".to_owned()));
    }
    Ok(())
}

fn wider(rule: String) -> Denial {
    Denial::WiderThanMaker(format!("A key cannot be wider than its maker: {rule}"))
}

#[cfg(test)]
mod tests {
    use super::super::Digest;
    use super::*;
    use crate::account::Membership;
    use crate::id::{AccountId, KeyId, UserId};
    use crate::principal::{Caller, KeyCredential};
    use crate::scope::Scope;
    use proptest::prelude::*;

    fn maker(grant: Grant, role: Role, expires_at: Option<i64>, ranges: Option<Vec<IpNet>>) -> Principal {
        Principal::of(Caller {
            user: UserId(1),
            credential: Credential::ApiKey(KeyCredential {
                id: KeyId(1),
                digest: Digest::from_bytes(&[0; 32]).unwrap(),
                current: true,
                from: crate::address::ClientAddress::Known([127, 0, 0, 1].into()),
                grant,
                expires_at: expires_at.map(Timestamp::from_unix),
                allowed_ips: ranges.map(Into::into),
                member: Membership { account: AccountId(1), role },
            }),
        })
    }

    fn wanted(grant: WantedGrant) -> Wanted {
        Wanted { grant, expires_at: Field::Absent, allowed_ips: Field::Absent }
    }

    fn net(text: &str) -> IpNet {
        address::parse_range(text).unwrap()
    }

    #[test]
    fn presets_come_from_full_access_only() {
        let full = maker(Grant::FullAccess, Role::Editor, None, None);
        let fixed = maker(Grant::Fixed(ScopeSet::all()), Role::Admin, None, None);
        let give = |maker: &Principal, grant| settle(maker, wanted(grant)).map(|s| s.grant);
        assert_eq!(give(&full, WantedGrant::FullAccess), Ok(Grant::FullAccess));
        assert_eq!(give(&full, WantedGrant::ReadOnly), Ok(Grant::ReadOnly));
        assert_eq!(give(&full, WantedGrant::AsMaker), Ok(Grant::FullAccess));
        assert!(give(&fixed, WantedGrant::FullAccess).is_err());
        assert!(give(&fixed, WantedGrant::ReadOnly).is_err());
        assert_eq!(give(&fixed, WantedGrant::AsMaker), Ok(Grant::Fixed(ScopeSet::all())));
    }

    #[test]
    fn an_end_and_ranges_are_inherited_and_never_widened() {
        let bound = maker(Grant::FullAccess, Role::Admin, Some(100), Some(vec![net("10.0.0.0/8")]));
        let as_is = settle(&bound, wanted(WantedGrant::AsMaker)).unwrap();
        assert_eq!(as_is.expires_at, Some(Timestamp::from_unix(100)));
        assert_eq!(as_is.allowed_ips.as_deref(), Some([net("10.0.0.0/8")].as_slice()));
        for wider in [
            Wanted { expires_at: Field::Null, ..wanted(WantedGrant::AsMaker) },
            Wanted { expires_at: Field::Value(Timestamp::from_unix(101)), ..wanted(WantedGrant::AsMaker) },
            Wanted { allowed_ips: Field::Null, ..wanted(WantedGrant::AsMaker) },
            Wanted { allowed_ips: Field::Value(vec![net("11.0.0.0/8")]), ..wanted(WantedGrant::AsMaker) },
        ] {
            assert!(matches!(settle(&bound, wider), Err(Denial::WiderThanMaker(_))));
        }
    }

    fn grants() -> impl Strategy<Value = Grant> {
        prop_oneof![
            Just(Grant::FullAccess),
            Just(Grant::ReadOnly),
            proptest::sample::subsequence(Scope::ALL.to_vec(), 0..=22)
                .prop_map(|s| Grant::Fixed(s.into_iter().collect())),
        ]
    }

    fn wanted_grants() -> impl Strategy<Value = WantedGrant> {
        prop_oneof![
            Just(WantedGrant::AsMaker),
            Just(WantedGrant::FullAccess),
            Just(WantedGrant::ReadOnly),
            proptest::sample::subsequence(Scope::ALL.to_vec(), 0..=22)
                .prop_map(|s| WantedGrant::Scopes(s.into_iter().collect())),
        ]
    }

    fn roles() -> impl Strategy<Value = Role> {
        proptest::sample::select(Role::ALL)
    }

    proptest! {
        /// Whatever is asked for, and whatever the user's role becomes later, the new key can never do what its
        /// maker cannot do at that moment.
        #[test]
        fn a_made_key_stays_within_its_maker_under_every_later_role(
            grant in grants(), now in roles(), later in roles(), ask in wanted_grants(),
        ) {
            let maker = maker(grant, now, None, None);
            if let Ok(settled) = settle(&maker, wanted(ask)) {
                prop_assert!(settled.grant.under(now).without(maker.scopes).is_empty());
                // A fixed list does not grow; it was within the maker's rights when it was given.
                let fixed = matches!(settled.grant, Grant::Fixed(_));
                prop_assert!(fixed || settled.grant.under(later).without(grant.under(later)).is_empty());
            }
        }

        /// Rotation shows the new secret to the maker: it must not reach further with it than without.
        #[test]
        fn a_rotated_key_gives_its_maker_nothing_new(own in grants(), other in grants(), role in roles()) {
            let maker = maker(own, role, None, None);
            let key = ApiKey {
                id: KeyId(2), account: AccountId(1), user: UserId(1), label: String::new(), prefix: String::new(),
                grant: other, created_at: Timestamp::from_unix(0), expires_at: None, allowed_ips: None,
                revoked_at: None, last_used_at: None, made_by: None,
            };
            if may_rotate(&maker, &key, role).is_ok() {
                prop_assert!(other.under(role).without(maker.scopes).is_empty());
            }
        }
    }
}
