//! The requests that were not answered as asked, as the server remembers them: the latest, with a share for whoever caused
//! them.

use super::quota::Owner;
use super::seen::Seen;
use keyward_core::address::ClientAddress;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// As many requests of each kind are remembered.
const KEPT: usize = 4_096;
/// Of the severe ones, as many of one credential, and of all credentials of one owner.
const OF_CREDENTIAL: usize = 256;
const OF_OWNER: usize = 1_024;
/// Of the others, as many of one network.
const OF_NETWORK: usize = 1_024;

/// The requests that were not answered as asked, the latest of them. Clones share them. Failures and denials of credentials
/// that are somebody's are kept apart, so that a flood of others cannot push them out.
#[derive(Clone, Debug, Default)]
pub struct Recent(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    severe: Memory,
    routine: Memory,
}

impl Recent {
    /// Remembers a request. For it the oldest of the same credential, owner or network is forgotten if that has its share, or
    /// else the oldest of its kind if there is no room.
    pub(crate) fn note(&self, seen: Seen, severe: bool) {
        let shares = if severe { of_severe(&seen) } else { of_routine(&seen) };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = if severe { &mut kept.severe } else { &mut kept.routine };
        kept.note(seen, shares);
    }

    /// The request of this id, if it is remembered.
    pub(crate) fn find(&self, request_id: &str) -> Option<Seen> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut latest = [&kept.severe, &kept.routine].into_iter().flat_map(Memory::latest);
        latest.find(|seen| seen.request_id == request_id).cloned()
    }
}

/// What has a share of the memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Holder {
    Credential(String, i64),
    Owner(Owner),
    Network(ClientAddress),
}

type Shares = Vec<(Holder, usize)>;

fn of_severe(seen: &Seen) -> Shares {
    let owner = (Holder::Owner(Owner::of(seen.account_id, seen.user_id)), OF_OWNER);
    match (&seen.credential_kind, seen.credential_id) {
        (Some(kind), Some(id)) => vec![(Holder::Credential(kind.clone(), id), OF_CREDENTIAL), owner],
        _ => vec![owner],
    }
}

fn of_routine(seen: &Seen) -> Shares {
    let address = seen.address.as_deref().and_then(|address| address.parse().ok());
    let address = address.map_or(ClientAddress::Unknown, ClientAddress::of);
    vec![(Holder::Network(address.network()), OF_NETWORK)]
}

/// The requests of one kind, by their order.
#[derive(Debug, Default)]
struct Memory {
    next: u64,
    kept: BTreeMap<u64, (Seen, Shares)>,
    by: HashMap<Holder, BTreeSet<u64>>,
}

impl Memory {
    fn note(&mut self, seen: Seen, shares: Shares) {
        let own = shares.iter().find_map(|(holder, most)| {
            let held = self.by.get(holder)?;
            (held.len() >= *most).then(|| held.first().copied())?
        });
        let of_all = || self.kept.keys().next().filter(|_| self.kept.len() >= KEPT).copied();
        if let Some(oldest) = own.or_else(of_all) {
            self.forget(oldest);
        }
        for (holder, _) in &shares {
            self.by.entry(holder.clone()).or_default().insert(self.next);
        }
        self.kept.insert(self.next, (seen, shares));
        self.next += 1;
    }

    fn forget(&mut self, number: u64) {
        let Some((_, shares)) = self.kept.remove(&number) else { return };
        for (holder, _) in shares {
            if let Some(held) = self.by.get_mut(&holder) {
                held.remove(&number);
                if held.is_empty() {
                    self.by.remove(&holder);
                }
            }
        }
    }

    fn latest(&self) -> impl Iterator<Item = &Seen> {
        self.kept.values().rev().map(|(seen, _)| seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(id: String, address: &str) -> Seen {
        Seen { request_id: id, address: Some(address.to_owned()), ..Seen::default() }
    }

    fn denied(id: String, key: i64, account: Option<i64>) -> Seen {
        Seen {
            request_id: id,
            credential_kind: Some("api_key".to_owned()),
            credential_id: Some(key),
            account_id: account,
            ..Seen::default()
        }
    }

    fn remembered(recent: &Recent, ids: impl Iterator<Item = String>) -> usize {
        ids.filter(|id| recent.find(id).is_some()).count()
    }

    #[test]
    fn the_latest_are_remembered() {
        let recent = Recent::default();
        recent.note(Seen { request_id: "severe".to_owned(), ..Seen::default() }, true);
        for number in 0..=KEPT {
            recent.note(refused(number.to_string(), &format!("10.0.{}.1", number % 200)), false);
        }
        assert!(recent.find("severe").is_some(), "a flood does not push it out");
        assert!(recent.find("0").is_none() && recent.find("1").is_some());
        assert!(recent.find(&KEPT.to_string()).is_some());
    }

    #[test]
    fn one_revoked_key_pushes_out_its_own_oldest_alone() {
        let recent = Recent::default();
        recent.note(denied("other".to_owned(), 1, Some(1)), true);
        for number in 0..10_000 {
            recent.note(denied(number.to_string(), 2, Some(2)), true);
        }
        assert!(recent.find("other").is_some());
        assert_eq!(remembered(&recent, (0..10_000).map(|number| number.to_string())), OF_CREDENTIAL);
        assert!(recent.find("9999").is_some(), "the latest");
    }

    #[test]
    fn the_keys_of_one_account_push_out_their_own_oldest_alone() {
        let recent = Recent::default();
        recent.note(denied("other".to_owned(), 1, Some(1)), true);
        recent.note(denied("of no account".to_owned(), 2, None), true);
        for number in 0..10_000 {
            recent.note(denied(number.to_string(), 10 + number, Some(2)), true);
        }
        assert!(recent.find("other").is_some() && recent.find("of no account").is_some());
        assert_eq!(remembered(&recent, (0..10_000).map(|number| number.to_string())), OF_OWNER);
    }

    #[test]
    fn one_network_pushes_out_its_own_oldest_alone() {
        let recent = Recent::default();
        recent.note(refused("other".to_owned(), "192.0.2.1"), false);
        recent.note(refused("unknown".to_owned(), "unknown"), false);
        for number in 0..10_000 {
            recent.note(refused(number.to_string(), &format!("203.0.113.{}", number % 256)), false);
        }
        assert!(recent.find("other").is_some() && recent.find("unknown").is_some());
        assert_eq!(remembered(&recent, (0..10_000).map(|number| number.to_string())), OF_NETWORK);
    }

    #[test]
    fn what_is_forgotten_leaves_nothing_behind() {
        let recent = Recent::default();
        for number in 0..10_000 {
            recent.note(denied(number.to_string(), number, Some(number % 1_000)), true);
            recent
                .note(refused(number.to_string(), &format!("10.{}.{}.1", number / 250, number % 250)), false);
        }
        let kept = recent.0.lock().unwrap();
        assert_eq!((kept.severe.kept.len(), kept.routine.kept.len()), (KEPT, KEPT));
        assert_eq!(kept.severe.by.values().map(BTreeSet::len).sum::<usize>(), 2 * KEPT);
        assert_eq!(kept.routine.by.len(), KEPT);
    }
}
