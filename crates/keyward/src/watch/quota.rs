//! How many severe lines each source has in a minute: a stranger's network, a credential, and the server's own failures.

use super::floods::LineKind;
use keyward_core::address::ClientAddress;
use std::collections::HashMap;
use std::time::Duration;

/// Severe lines of one recognised credential in a minute that are all written; then one a second.
const CREDENTIAL: u32 = 600;
/// Credentials that are counted one by one; further ones are counted together.
const CREDENTIALS: usize = 4_096;
/// Severe lines of strangers in one network in a minute.
const NETWORK: u32 = 200;
/// The same of all strangers: a quarter of what the severe lane holds at once.
const STRANGERS: u32 = 2_000;
/// Lines of the server's own failures in a minute, whoever meets them.
const FAILURES: u32 = 6_000;

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
    failures: Quota,
    strangers: Quota,
    /// No more of them than lines of strangers.
    networks: HashMap<ClientAddress, Quota>,
    credentials: HashMap<(&'static str, i64), Quota>,
    other_credentials: Quota,
}

impl SevereQuotas {
    /// Whether there is room for a line of this kind.
    pub(super) fn take(&mut self, address: ClientAddress, kind: LineKind, now: Duration) -> bool {
        match kind {
            LineKind::Routine => true,
            LineKind::Failure => self.failures.take_strictly(FAILURES, now),
            LineKind::Stranger => self.take_of_network(address.network(), now),
            LineKind::Credential(kind, id) => self.of_credential((kind, id)).take(CREDENTIAL, now),
        }
    }

    fn take_of_network(&mut self, network: ClientAddress, now: Duration) -> bool {
        if self.strangers.written >= STRANGERS {
            return false;
        }
        let own = self.networks.entry(network).or_default();
        own.take_strictly(NETWORK, now) && self.strangers.take_strictly(STRANGERS, now)
    }

    fn of_credential(&mut self, credential: (&'static str, i64)) -> &mut Quota {
        if self.credentials.len() >= CREDENTIALS && !self.credentials.contains_key(&credential) {
            return &mut self.other_credentials;
        }
        self.credentials.entry(credential).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn v4(number: u32) -> ClientAddress {
        ClientAddress::of(IpAddr::V4(Ipv4Addr::from_bits(number)))
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
        assert_eq!(written(1, LineKind::Credential("api_key", 1), 700), CREDENTIAL as usize);
        assert_eq!(written(1, LineKind::Credential("grant", 1), 1), 1, "of another kind");
        assert_eq!(written(1, LineKind::Failure, 7_000), FAILURES as usize);
        assert!(quotas.networks.len() <= STRANGERS as usize);
    }

    #[test]
    fn a_credential_from_many_addresses_has_one_quota_and_many_credentials_cost_bounded_memory() {
        let mut quotas = SevereQuotas::default();
        let kind = LineKind::Credential("api_key", 7);
        let written = (0..10_000).filter(|address| quotas.take(v4(*address), kind, Duration::ZERO)).count();
        assert_eq!(written, CREDENTIAL as usize);
        assert!(quotas.take(v4(1), kind, Duration::from_secs(1)), "one a second beyond");
        for id in 0..10_000 {
            quotas.take(v4(1), LineKind::Credential("api_key", id), Duration::ZERO);
        }
        assert_eq!(quotas.credentials.len(), CREDENTIALS);
    }
}
