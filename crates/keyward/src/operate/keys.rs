//! A key at the operator's order. What it may do is named, never assumed; its end and its ranges can be.

use super::desk::Desk;
use super::error::AdminError;
use super::named::{account_named, plain, user_named};
use super::new_key::{KeyEnd, NewKey};
use super::offer::{Offer, Pending};
use crate::api::api_keys::create::MAX_RANGES;
use ipnet::IpNet;
use keyward_core::address::parse_range;
use keyward_core::api_key::Settled;
use keyward_core::clock::Timestamp;
use keyward_core::grant::Grant;
use keyward_core::scope::{Scope, ScopeSet};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const RIGHTS: &str = "say what the key may do: --permission full_access (all that its user may), --permission read_only, or \
                      --scope once for each right, such as --scope deals:read";

/// What a key may do at most: a permission or scopes, one of the two.
pub(crate) fn rights(permission: Option<&str>, scopes: &[String]) -> Result<Grant, AdminError> {
    match (permission, scopes) {
        (None, []) => Err(AdminError::refused(RIGHTS)),
        (Some("full_access"), []) => Ok(Grant::FullAccess),
        (Some("read_only"), []) => Ok(Grant::ReadOnly),
        (Some(_), []) => Err(AdminError::refused("a permission is full_access or read_only")),
        (Some(_), _) => Err(AdminError::refused("permission and scopes cannot be combined")),
        (None, names) => {
            names.iter().map(|name| scope(name)).collect::<Result<ScopeSet, _>>().map(Grant::Fixed)
        }
    }
}

fn scope(name: &str) -> Result<Scope, AdminError> {
    let unknown =
        || AdminError::refused(format!("there is no scope {name}; there are {}", Scope::NAMES.join(", ")));
    Scope::parse(name).ok_or_else(unknown)
}

/// Makes it as far as nobody can use it; what it shows.
pub(super) async fn offer(desk: &Desk, new: NewKey) -> Result<Offer, AdminError> {
    let operator = &desk.operator();
    plain("a label", &new.label)?;
    let bounds = bounds(desk, &new)?;
    let (account, user) = (account_named(operator, &new.account)?, user_named(operator, &new.user)?);
    let (end, ranges) = (bounds.expires_at, bounds.allowed_ips.clone());
    let (id, secret) = operator.prepare_key(account, user, &new.label, bounds).await?;
    let mut made = Map::new();
    let mut tell = |name: &str, value: Value| drop(made.insert(name.to_owned(), value));
    tell("id", json!(id));
    tell("label", json!(new.label));
    tell("api_key", json!(secret.secret.expose()));
    // What was not asked for is not told.
    if let Some(end) = end {
        tell("expires_at", json!(end));
    }
    if let Some(ranges) = ranges {
        tell("allowed_ips", json!(ranges.iter().map(ToString::to_string).collect::<Vec<_>>()));
    }
    Ok(Offer { shows: Value::Object(made), pending: Pending::Key { key: id, secret } })
}

/// The rights, the end and the ranges of a key to make.
pub(super) fn bounds(desk: &Desk, new: &NewKey) -> Result<Settled, AdminError> {
    Ok(Settled {
        grant: rights(new.permission.as_deref(), &new.scopes)?,
        expires_at: new.end.map(|end| moment(end, desk.clock.now())),
        allowed_ips: new.allowed_ips.as_deref().map(ranges).transpose()?,
    })
}

fn moment(end: KeyEnd, now: Timestamp) -> Timestamp {
    match end {
        KeyEnd::InSeconds(seconds) => now.plus_seconds(seconds),
        KeyEnd::AtUnix(moment) => Timestamp::from_unix(moment),
    }
}

/// As on the API: an empty list names no place, and is a mistake.
fn ranges(texts: &[String]) -> Result<Arc<[IpNet]>, AdminError> {
    if !(1..=MAX_RANGES).contains(&texts.len()) {
        return Err(AdminError::refused(format!(
            "a key may be used from 1 to {MAX_RANGES} address ranges, or from everywhere"
        )));
    }
    let range = |text: &String| {
        let wrong = || {
            AdminError::refused(format!(
                "{text:?} is no address range such as 203.0.113.0/24 or 2001:db8::/32"
            ))
        };
        parse_range(text).ok_or_else(wrong)
    };
    texts.iter().map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(json: Value) -> Result<crate::operate::Order, serde_json::Error> {
        serde_json::from_value(json)
    }

    #[test]
    fn a_key_names_its_rights_and_nothing_stands_for_all_of_them() {
        let rights = |permission, scopes: &[&str]| {
            let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            rights(permission, &scopes).map_err(|error| error.to_string())
        };
        assert_eq!(rights(Some("full_access"), &[]), Ok(Grant::FullAccess));
        assert_eq!(rights(Some("read_only"), &[]), Ok(Grant::ReadOnly));
        let reads = Grant::Fixed([Scope::DealsRead].into_iter().collect());
        assert_eq!(rights(None, &["deals:read", "deals:read"]), Ok(reads));
        let none = rights(None, &[]).unwrap_err();
        for choice in ["--permission full_access", "--permission read_only", "--scope"] {
            assert!(none.contains(choice), "{none}");
        }
        assert!(!none.contains('\n'), "one line");
        assert!(rights(Some("full_access"), &["deals:read"]).is_err());
        for name in ["", "all", "DEALS:READ"] {
            assert!(rights(None, &["deals:read", name]).is_err(), "{name}");
            assert!(rights(Some(name), &[]).is_err(), "{name}");
        }
    }

    #[test]
    fn an_order_of_an_earlier_version_is_taken_and_an_unknown_member_is_not() {
        let mut sent = json!({
            "order": "key_create", "account": "a", "user": "u", "label": "l", "permission": null, "scopes": ["deals:read"],
        });
        let crate::operate::Order::KeyCreate(new) = order(sent.clone()).unwrap() else {
            panic!("another order")
        };
        assert_eq!((new.end, &new.allowed_ips), (None, &None));
        assert_eq!(serde_json::to_value(crate::operate::Order::KeyCreate(new)).unwrap(), sent);
        sent["end"] = json!({ "in_seconds": 60 });
        assert!(order(sent.clone()).is_ok());
        sent["until"] = json!(1);
        assert!(order(sent).is_err());
    }

    #[test]
    fn ranges_that_are_given_name_at_least_one_place() {
        let ranges = |texts: &[&str]| {
            ranges(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
                .map(|ranges| ranges.len())
        };
        assert_eq!(ranges(&["203.0.113.7", "2001:db8::/32"]).ok(), Some(2));
        for bad in [&[][..], &[""], &["everywhere"], &["203.0.113.0/24", ""], &["1.2.3.4"; MAX_RANGES + 1]] {
            assert!(ranges(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_end_counts_from_the_clock_of_the_one_that_makes_the_key() {
        let now = Timestamp::from_unix(1_000);
        assert_eq!(moment(KeyEnd::InSeconds(60), now), Timestamp::from_unix(1_060));
        assert_eq!(
            moment(KeyEnd::AtUnix(60), now),
            Timestamp::from_unix(60),
            "the store refuses one that is over"
        );
    }
}
