//! Floods in the log: of one address the first hundred lines in a minute are written, then one a second, with the number of
//! those that were left out. What is left out at the end of the minute is written as a count.
//!
//! Only lines that a stranger can cause are sampled: refusals, and requests without a credential. Errors of the server and
//! denials of credentials that are somebody's have counts of their own, and are not crowded out by the rest.

use super::quota::{Quota, SevereQuotas};
use keyward_core::address::ClientAddress;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Lines of one address in a minute that are all written.
const ROUTINE: u32 = 100;
/// The same, of those that are severe and of recognised credentials.
const SEVERE: u32 = 600;
/// Addresses that are counted one by one; further ones are counted together.
const ADDRESSES: usize = 4_096;
/// Routine lines of all addresses in a minute: some 4 MB.
const ALL: u32 = 20_000;
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
    Credential(&'static str, i64),
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
        table.sample(address.host(), kind, now)
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
    addresses: HashMap<ClientAddress, Tally>,
    others: Tally,
    ended: Vec<LeftOut>,
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
        let room = self.quotas.take(host, kind, now);
        let known = self.addresses.len() < ADDRESSES || self.addresses.contains_key(&host);
        let tally = if known { self.addresses.entry(host).or_default() } else { &mut self.others };
        match kind {
            LineKind::Failure | LineKind::Stranger => return tally.severe.count(room),
            LineKind::Credential(..) if room => return tally.severe.sample(SEVERE, now),
            LineKind::Credential(..) => return tally.severe.count(false),
            LineKind::Routine if self.written >= ALL => return tally.routine.count(false),
            LineKind::Routine => {}
        }
        let sample = tally.routine.sample(ROUTINE, now);
        if sample != Sample::LeaveOut {
            self.written += 1;
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
        let others = std::mem::take(&mut self.others);
        let counted = std::mem::take(&mut self.addresses);
        let counted = counted.into_iter().map(|(address, tally)| (Some(address), tally));
        let tallies = counted.chain([(None, others)]).filter_map(|(address, tally)| {
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

    const CREDENTIAL: LineKind = LineKind::Credential("api_key", 1);

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
        let another = LineKind::Credential("api_key", 2);
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
        assert_eq!(lines, ALL);
        assert_eq!(floods.0.lock().unwrap().addresses.len(), ADDRESSES);
        let ended = floods.ended(at(60));
        assert_eq!(ended.len(), TOLD + 1);
        assert_eq!(ended.iter().map(|left_out| left_out.lines).sum::<u64>(), 300_000 - u64::from(ALL));
        assert_eq!(ended.last().unwrap().address, None);
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
