//! Floods in the log: of one address the first hundred lines in a minute are written, then one a second, with the number of
//! those that were left out. What is left out at the end of the minute is written as a count.
//!
//! Only lines that a stranger can cause are sampled: refusals, and requests without a credential. Errors of the server and
//! denials of credentials that are somebody's have counts of their own, and are not crowded out by the rest. A network has a
//! share of the lines and of the table, so that its addresses leave those of others theirs.

use super::quota::{Owner, Quota, SevereQuotas};
use keyward_core::address::ClientAddress;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Lines of one address in a minute that are all written.
const ROUTINE: u32 = 100;
/// The same, of those that are severe and of recognised credentials.
const SEVERE: u32 = 600;
/// Addresses that are counted one by one, in all and of one network; further ones of a network are counted together.
const ADDRESSES: usize = 4_096;
const ADDRESSES_OF_NETWORK: usize = 256;
/// Networks that are counted one by one; further ones are counted together.
const NETWORKS: usize = 4_096;
/// Routine lines of one network in a minute, and of all: some 4 MB.
const OF_NETWORK: u32 = 2_000;
const ALL: u32 = 20_000;
/// Of all, those that are kept for networks with fewer than [`ROUTINE`] so far.
const KEPT: u32 = ALL / 4;
/// The addresses whose counts are written when a minute ends; further ones are written as one sum.
const TOLD: usize = 100;
const MINUTE: Duration = Duration::from_secs(60);

/// What a line is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineKind {
    /// Nothing that is severe.
    Routine,
    /// A failure of the server itself: 500.
    Failure,
    /// Severe, and of a request without a recognised credential.
    Stranger,
    /// Severe, and of the credential of this kind and id.
    Credential { kind: &'static str, id: i64, owner: Owner },
}

/// Whether a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sample {
    /// It is, and as many of the same address were left out since the last.
    Write(u64),
    /// It is left out, and counted.
    LeaveOut,
}

/// The lines of an address that were left out in a minute that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// The address (of IPv6 its /64); none: further addresses together.
    pub(crate) address: Option<ClientAddress>,
    pub(crate) lines: u64,
}

/// Counts lines by address. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Floods(Arc<Mutex<Table>>);

impl Floods {
    /// Whether a line of this address is written at this time of the process.
    pub(crate) fn sample(&self, address: ClientAddress, kind: LineKind, now: Duration) -> Sample {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.turn_to(now);
        let sample = table.sample(address.host(), kind, now);
        if sample == Sample::LeaveOut {
            table.left_out = table.left_out.saturating_add(1);
        }
        sample
    }

    /// All lines that were left out so far.
    pub(super) fn left_out(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).left_out
    }

    /// What was left out in minutes that have ended, and was not reported yet.
    pub(crate) fn ended(&self, now: Duration) -> Vec<LeftOut> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.turn_to(now);
        std::mem::take(&mut table.ended)
    }

    /// What was left out and not reported yet, also in the minute that is not over.
    pub(crate) fn all(&self) -> Vec<LeftOut> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.end();
        std::mem::take(&mut table.ended)
    }
}

#[derive(Debug, Default)]
struct Table {
    /// Which minute of the process is counted.
    minute: u64,
    /// Routine lines that were written in it.
    written: u32,
    quotas: SevereQuotas,
    networks: HashMap<ClientAddress, Network>,
    /// Those that find no place in the table, as one.
    others: Network,
    /// Addresses that are counted one by one.
    addresses: usize,
    ended: Vec<LeftOut>,
    /// Lines that were left out since the start.
    left_out: u64,
}

/// The lines of a network.
#[derive(Debug, Default)]
struct Network {
    /// Routine lines that were written.
    written: u32,
    addresses: HashMap<ClientAddress, Tally>,
    /// Its addresses that find no place in the table, as one.
    others: Tally,
}

impl Network {
    /// The tally of an address; `counted` is how many have one of their own.
    fn tally(&mut self, host: ClientAddress, counted: &mut usize) -> &mut Tally {
        let has_room = self.addresses.len() < ADDRESSES_OF_NETWORK && *counted < ADDRESSES;
        match self.addresses.entry(host) {
            Entry::Occupied(own) => own.into_mut(),
            Entry::Vacant(own) if has_room => {
                *counted += 1;
                own.insert(Tally::default())
            }
            Entry::Vacant(_) => &mut self.others,
        }
    }

    fn into_tallies(self) -> impl Iterator<Item = (Option<ClientAddress>, Tally)> {
        let named = self.addresses.into_iter().map(|(address, tally)| (Some(address), tally));
        named.chain([(None, self.others)])
    }
}

/// The lines of an address.
#[derive(Debug, Default)]
struct Tally {
    routine: Count,
    severe: Count,
}

#[derive(Debug, Default)]
struct Count {
    quota: Quota,
    left_out: u64,
}

impl Count {
    fn sample(&mut self, most: u32, now: Duration) -> Sample {
        let room = self.quota.take(most, now);
        self.count(room)
    }

    fn count(&mut self, room: bool) -> Sample {
        if room {
            return Sample::Write(std::mem::take(&mut self.left_out));
        }
        self.left_out = self.left_out.saturating_add(1);
        Sample::LeaveOut
    }
}

impl Table {
    fn sample(&mut self, host: ClientAddress, kind: LineKind, now: Duration) -> Sample {
        let Self { written, quotas, networks, others, addresses, .. } = self;
        let room = quotas.take(host, kind, now);
        let network = host.network();
        let is_counted = networks.len() < NETWORKS || networks.contains_key(&network);
        let network = if is_counted { networks.entry(network).or_default() } else { others };
        let most = if network.written < ROUTINE { ALL } else { ALL - KEPT };
        let is_full = *written >= most || network.written >= OF_NETWORK;
        let tally = network.tally(host, addresses);
        match kind {
            LineKind::Failure | LineKind::Stranger => return tally.severe.count(room),
            LineKind::Credential { .. } if room => return tally.severe.sample(SEVERE, now),
            LineKind::Credential { .. } => return tally.severe.count(false),
            LineKind::Routine if is_full => return tally.routine.count(false),
            LineKind::Routine => {}
        }
        let sample = tally.routine.sample(ROUTINE, now);
        if sample != Sample::LeaveOut {
            *written += 1;
            network.written += 1;
        }
        sample
    }

    /// Begins to count anew when another minute has begun.
    fn turn_to(&mut self, now: Duration) {
        let minute = now.as_secs() / MINUTE.as_secs();
        if minute != self.minute {
            self.end();
            self.minute = minute;
        }
    }

    /// Ends the minute: those of which most was left out by name, the rest as one sum.
    fn end(&mut self) {
        self.written = 0;
        self.quotas = SevereQuotas::default();
        self.addresses = 0;
        let others = std::mem::take(&mut self.others);
        let networks = std::mem::take(&mut self.networks).into_values().chain([others]);
        let tallies = networks.flat_map(Network::into_tallies).filter_map(|(address, tally)| {
            let lines = tally.routine.left_out.saturating_add(tally.severe.left_out);
            (lines > 0).then_some(LeftOut { address, lines })
        });
        self.ended.extend(tallies);
        self.ended.sort_by_key(|left_out| (left_out.address.is_none(), std::cmp::Reverse(left_out.lines)));
        let told = self.ended.iter().take_while(|left_out| left_out.address.is_some()).count().min(TOLD);
        let rest = self.ended.split_off(told);
        let lines = rest.iter().fold(0_u64, |sum, left_out| sum.saturating_add(left_out.lines));
        if lines > 0 {
            self.ended.push(LeftOut { address: None, lines });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    fn v4(number: u32) -> ClientAddress {
        ClientAddress::of(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    const CREDENTIAL: LineKind = LineKind::Credential { kind: "api_key", id: 1, owner: Owner::Account(1) };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn written(floods: &Floods, address: ClientAddress, kind: LineKind, lines: u32, now: Duration) -> u32 {
        let samples = (0..lines).map(|_| floods.sample(address, kind, now));
        samples.filter(|sample| *sample != Sample::LeaveOut).count() as u32
    }

    #[test]
    fn of_one_address_a_hundred_lines_a_minute_are_written_and_then_one_a_second_with_a_count() {
        let floods = Floods::default();
        assert_eq!(written(&floods, v4(1), LineKind::Routine, 10_000, at(5)), 100);
        assert_eq!(floods.sample(v4(1), LineKind::Routine, at(6)), Sample::Write(9_900));
        assert_eq!(written(&floods, v4(1), LineKind::Routine, 500, at(6)), 0);
        assert_eq!(floods.sample(v4(1), LineKind::Routine, at(7)), Sample::Write(500));
        assert_eq!(written(&floods, v4(2), LineKind::Routine, 10, at(7)), 10, "another address has its own");
        assert_eq!(written(&floods, v4(1), LineKind::Routine, 7, at(7)), 0);
        assert!(floods.ended(at(59)).is_empty());
        assert_eq!(floods.ended(at(60)), [LeftOut { address: Some(v4(1)), lines: 7 }]);
        assert!(floods.ended(at(60)).is_empty());
        assert_eq!(
            written(&floods, v4(1), LineKind::Routine, 1_000, at(60)),
            100,
            "the next minute is another"
        );
    }

    #[test]
    fn severe_lines_are_not_crowded_out_by_the_rest() {
        let floods = Floods::default();
        for number in 0..10_000 {
            written(&floods, v4(number), LineKind::Routine, 200, at(0));
        }
        assert_eq!(written(&floods, v4(1), LineKind::Routine, 1, at(0)), 0);
        assert_eq!(written(&floods, v4(1), CREDENTIAL, 600, at(0)), 600);
        assert_eq!(written(&floods, v4(1), CREDENTIAL, 600, at(0)), 0);
        let another = LineKind::Credential { kind: "api_key", id: 2, owner: Owner::Account(1) };
        assert_eq!(written(&floods, v4(99_999), another, 1, at(0)), 1);
        assert_eq!(written(&floods, v4(1), LineKind::Failure, 1_000, at(0)), 1_000, "our own failures are");
    }

    #[test]
    fn what_is_left_out_of_strangers_severe_lines_is_counted_by_address() {
        let floods = Floods::default();
        for number in 0..3_000 {
            written(&floods, v4(number << 8), LineKind::Stranger, 1, at(0));
        }
        written(&floods, v4(1), LineKind::Stranger, 500, at(0));
        assert_eq!(written(&floods, v4(1), CREDENTIAL, 100, at(0)), 100, "of a credential all are written");
        let lines = floods.all().iter().map(|left_out| left_out.lines).sum::<u64>();
        assert_eq!(lines, 1_000, "and 500 of one address were reported with its next line");
    }

    #[test]
    fn many_addresses_cost_bounded_memory_and_a_bounded_log() {
        let floods = Floods::default();
        let lines: u32 =
            (0..10_000).map(|number| written(&floods, v4(number), LineKind::Routine, 30, at(0))).sum();
        assert!(lines <= ALL, "{lines}");
        assert_eq!(floods.0.lock().unwrap().addresses, ADDRESSES);
        let ended = floods.ended(at(60));
        assert_eq!(ended.len(), TOLD + 1);
        assert_eq!(ended.iter().map(|left_out| left_out.lines).sum::<u64>(), 300_000 - u64::from(lines));
        assert_eq!(ended.last().unwrap().address, None);
        for network in 0..10_000 {
            written(&floods, v4(network << 8), LineKind::Routine, 3, at(60));
        }
        let table = floods.0.lock().unwrap();
        assert_eq!((table.networks.len(), table.addresses, table.written), (NETWORKS, ADDRESSES, 12_388));
    }

    #[test]
    fn the_addresses_of_one_network_leave_the_lines_of_others_alone() {
        let floods = Floods::default();
        let of_a_network = |network: u32| {
            let hosts = (0..256).map(|host| v4(network << 8 | host));
            hosts.map(|host| written(&floods, host, LineKind::Routine, 100, at(0))).sum::<u32>()
        };
        assert_eq!(of_a_network(1), OF_NETWORK);
        assert_eq!(written(&floods, v4(2 << 8), LineKind::Routine, 10, at(0)), 10);
        let many = (3..50).map(of_a_network).sum::<u32>();
        assert!(OF_NETWORK + many > ALL - KEPT, "{many}");
        assert_eq!(written(&floods, v4(50 << 8), LineKind::Routine, 10, at(0)), 10, "some are kept");
    }

    #[test]
    fn the_addresses_of_one_network_leave_the_table_to_those_of_others() {
        let floods = Floods::default();
        let within = |network: u128, own: u128| {
            let bits = 0x2001_0db8_u128 << 96 | network << 80 | own << 64;
            ClientAddress::of(IpAddr::V6(Ipv6Addr::from_bits(bits)))
        };
        for own in 0..5_000 {
            written(&floods, within(1, own), LineKind::Routine, 1, at(0));
        }
        written(&floods, within(2, 7), LineKind::Routine, 150, at(0));
        let of_others = 5_000 - ADDRESSES_OF_NETWORK as u64 - u64::from(ROUTINE);
        let expected = [(Some(within(2, 7)), 50), (None, of_others)];
        assert_eq!(floods.all(), expected.map(|(address, lines)| LeftOut { address, lines }));
    }

    #[test]
    fn a_network_of_64_bits_is_one_address_and_so_is_the_unknown_one() {
        let floods = Floods::default();
        let within =
            |host: u128| ClientAddress::of(IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | host)));
        let lines: u32 =
            (0..200).map(|host| written(&floods, within(host), LineKind::Routine, 1, at(0))).sum();
        assert_eq!(lines, 100);
        assert_eq!(written(&floods, ClientAddress::Unknown, LineKind::Routine, 200, at(0)), 100);
    }

    #[test]
    fn the_end_of_the_program_reports_the_minute_that_is_not_over() {
        let floods = Floods::default();
        written(&floods, v4(1), LineKind::Routine, 150, at(0));
        assert_eq!(floods.all(), [LeftOut { address: Some(v4(1)), lines: 50 }]);
        assert!(floods.all().is_empty());
    }
}
