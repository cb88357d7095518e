//! How many severe lines each source has in a minute: a stranger's network, a credential and its owner, and the server's own
//! failures.

use super::floods::LineKind;
use keyward_core::address::ClientAddress;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

/// Severe lines of one recognised credential in a minute that are all written; then one a second.
const CREDENTIAL: u32 = 600;
/// The same of all credentials of one owner, who can have many and revoke them.
const OWNER: u32 = 2_000;
/// Lines of all recognised credentials in a minute.
const RECOGNISED: u32 = 20_000;
/// Owners that are counted one by one; further ones are counted together.
const OWNERS: usize = 4_096;
/// The same of credentials, in all and of one owner; further ones of an owner are counted together.
const CREDENTIALS: usize = 4_096;
const CREDENTIALS_OF_OWNER: usize = 256;
/// Severe lines of strangers in one network in a minute.
const NETWORK: u32 = 200;
/// The same of all strangers: a quarter of what the severe lane holds at once.
const STRANGERS: u32 = 2_000;
/// Lines of the server's own failures in a minute, and of those that one network meets.
const FAILURES: u32 = 6_000;
const FAILURES_OF_NETWORK: u32 = 2_000;

/// Whose credential it is: the account's, or the user's of one that belongs to no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    Account(i64),
    User(Option<i64>),
}

impl Owner {
    pub(crate) fn of(account: Option<i64>, user: Option<i64>) -> Self {
        account.map_or(Self::User(user), Self::Account)
    }
}

/// A number of lines in a minute.
#[derive(Debug, Default)]
pub(super) struct Quota {
    written: u32,
    last: Duration,
}

impl Quota {
    /// Whether there is room for a line: for so many, and beyond them for one a second.
    pub(super) fn take(&mut self, most: u32, now: Duration) -> bool {
        let room = self.written < most || now.saturating_sub(self.last) >= Duration::from_secs(1);
        if room {
            self.written = self.written.saturating_add(1);
            self.last = now;
        }
        room
    }

    /// The same, and none beyond them.
    pub(super) fn take_strictly(&mut self, most: u32, now: Duration) -> bool {
        self.written < most && self.take(most, now)
    }
}

/// The severe lines of a minute.
#[derive(Debug, Default)]
pub(super) struct SevereQuotas {
    failures: InNetworks,
    strangers: InNetworks,
    recognised: Recognised,
}

impl SevereQuotas {
    /// Whether there is room for a line of this kind.
    pub(super) fn take(&mut self, address: ClientAddress, kind: LineKind, now: Duration) -> bool {
        match kind {
            LineKind::Routine => true,
            LineKind::Failure => self.failures.take(address, FAILURES_OF_NETWORK, FAILURES, now),
            LineKind::Stranger => self.strangers.take(address, NETWORK, STRANGERS, now),
            LineKind::Credential { kind, id, owner } => self.recognised.take((kind, id), owner, now),
        }
    }
}

/// Lines that clients of any network can cause.
#[derive(Debug, Default)]
struct InNetworks {
    all: Quota,
    /// No more of them than lines.
    networks: HashMap<ClientAddress, Quota>,
}

impl InNetworks {
    fn take(&mut self, address: ClientAddress, of_network: u32, in_all: u32, now: Duration) -> bool {
        if self.all.written >= in_all {
            return false;
        }
        let own = self.networks.entry(address.network()).or_default();
        own.take_strictly(of_network, now) && self.all.take_strictly(in_all, now)
    }
}

type Credential = (&'static str, i64);

/// Lines of recognised credentials.
#[derive(Debug, Default)]
struct Recognised {
    all: Quota,
    owners: HashMap<Owner, Owned>,
    /// Owners that find no place in the table, as one.
    others: Owned,
    /// Credentials that are counted one by one.
    credentials: usize,
}

/// Lines of the credentials of one owner.
#[derive(Debug, Default)]
struct Owned {
    all: Quota,
    credentials: HashMap<Credential, Quota>,
    /// Those that find no place in the table, as one.
    others: Quota,
}

impl Recognised {
    fn take(&mut self, credential: Credential, owner: Owner, now: Duration) -> bool {
        let Self { all, owners, others, credentials } = self;
        let is_counted = owners.len() < OWNERS || owners.contains_key(&owner);
        let owned = if is_counted { owners.entry(owner).or_default() } else { others };
        // In this order, so that one credential does not use up what its owner's others have.
        owned.of(credential, credentials).take(CREDENTIAL, now)
            && owned.all.take(OWNER, now)
            && all.take_strictly(RECOGNISED, now)
    }
}

impl Owned {
    /// The quota of a credential; `counted` is how many have one of their own.
    fn of(&mut self, credential: Credential, counted: &mut usize) -> &mut Quota {
        let has_room = self.credentials.len() < CREDENTIALS_OF_OWNER && *counted < CREDENTIALS;
        match self.credentials.entry(credential) {
            Entry::Occupied(own) => own.into_mut(),
            Entry::Vacant(own) if has_room => {
                *counted += 1;
                own.insert(Quota::default())
            }
            Entry::Vacant(_) => &mut self.others,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn v4(number: u32) -> ClientAddress {
        ClientAddress::of(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    const ADA: Owner = Owner::Account(1);

    fn credential(id: i64, account: i64) -> LineKind {
        LineKind::Credential { kind: "api_key", id, owner: Owner::Account(account) }
    }

    #[test]
    fn strangers_have_a_quota_by_network_and_one_in_all_and_leave_the_others_theirs() {
        let mut quotas = SevereQuotas::default();
        let mut written = |address: u32, kind, lines: u32| {
            (0..lines).filter(|_| quotas.take(v4(address), kind, Duration::ZERO)).count()
        };
        let of_a_network: usize = (0..256).map(|host| written(host, LineKind::Stranger, 10)).sum();
        assert_eq!(of_a_network, NETWORK as usize);
        let further: usize = (1..5_000).map(|network| written(network << 8, LineKind::Stranger, 10)).sum();
        assert_eq!(further + of_a_network, STRANGERS as usize);
        assert_eq!(written(1, credential(1, 1), 700), CREDENTIAL as usize);
        assert_eq!(
            written(1, LineKind::Credential { kind: "grant", id: 1, owner: ADA }, 1),
            1,
            "another kind"
        );
        assert_eq!(written(1, LineKind::Failure, 1_000), 1_000);
        assert!(quotas.strangers.networks.len() <= STRANGERS as usize);
    }

    #[test]
    fn failures_that_one_network_meets_leave_those_that_others_meet_their_lines() {
        let mut quotas = SevereQuotas::default();
        let mut written = |address: u32, lines: u32| {
            (0..lines).filter(|_| quotas.take(v4(address), LineKind::Failure, Duration::ZERO)).count()
        };
        assert_eq!(written(1, 7_000), FAILURES_OF_NETWORK as usize);
        assert_eq!(written(1 << 8, 100), 100);
        let further: usize = (2..10).map(|network| written(network << 8, 1_000)).sum();
        assert_eq!(further + 100, (FAILURES - FAILURES_OF_NETWORK) as usize);
    }

    #[test]
    fn the_credentials_of_one_account_leave_those_of_others_their_lines_and_all_together_are_bounded() {
        let mut quotas = SevereQuotas::default();
        let mut written = |account: i64, keys: std::ops::Range<i64>, lines: u32| {
            let each = keys.map(|key| {
                let kind = credential(key, account);
                (0..lines).filter(|_| quotas.take(v4(1), kind, Duration::ZERO)).count()
            });
            each.sum::<usize>()
        };
        assert_eq!(written(1, 0..100, 600), OWNER as usize);
        assert_eq!(written(2, 100..101, 600), CREDENTIAL as usize, "another account has its own");
        let further: usize =
            (3..30).map(|account| written(account, account * 1_000..account * 1_000 + 10, 600)).sum();
        assert_eq!(further, (RECOGNISED - OWNER - CREDENTIAL) as usize);
    }

    #[test]
    fn users_of_no_account_have_a_quota_each() {
        let mut quotas = SevereQuotas::default();
        let mut written = |user: i64| {
            let owner = Owner::of(None, Some(user));
            let kind = |line: i64| LineKind::Credential { kind: "grant", id: user * 100 + line % 10, owner };
            (0..3_000).filter(|line| quotas.take(v4(1), kind(*line), Duration::ZERO)).count()
        };
        assert_eq!((written(1), written(2)), (OWNER as usize, OWNER as usize));
    }

    #[test]
    fn a_credential_from_many_addresses_has_one_quota_and_many_credentials_cost_bounded_memory() {
        let mut quotas = SevereQuotas::default();
        let kind = credential(7, 1);
        let written = (0..10_000).filter(|address| quotas.take(v4(*address), kind, Duration::ZERO)).count();
        assert_eq!(written, CREDENTIAL as usize);
        assert!(quotas.take(v4(1), kind, Duration::from_secs(1)), "one a second beyond");
        for id in 0..10_000 {
            quotas.take(v4(1), credential(id, id), Duration::ZERO);
        }
        let Recognised { owners, credentials, .. } = &quotas.recognised;
        assert_eq!((owners.len(), *credentials), (OWNERS, CREDENTIALS));
    }

    #[test]
    fn the_credentials_of_one_account_leave_the_table_to_those_of_others() {
        let mut quotas = SevereQuotas::default();
        for key in 0..10_000 {
            quotas.take(v4(1), credential(key, 1), Duration::ZERO);
        }
        assert_eq!(quotas.recognised.credentials, CREDENTIALS_OF_OWNER);
        let kind = credential(10_001, 2);
        let written = (0..700).filter(|_| quotas.take(v4(1), kind, Duration::ZERO)).count();
        assert_eq!(written, CREDENTIAL as usize);
    }
}
