//! The addresses that a good credential came from of late: 4,096 at most, in a table of fixed size.

use keyward_tower::ClientAddress;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const PLACES: usize = 4_096;
/// For so many minutes an address is held to be what it was, a minute more or less.
const MINUTES: u64 = 10;
/// The low bits of a place, which hold the minute.
const MINUTE: u64 = u32::MAX as u64;

/// The addresses. Each has one place, by a hash that nobody else can compute; of two with the same place the later one has it.
/// Losing it only means to wait among strangers once more.
#[derive(Debug)]
pub(super) struct Proven {
    places: Vec<AtomicU64>,
    hasher: RandomState,
}

impl Default for Proven {
    fn default() -> Self {
        let places = std::iter::repeat_with(AtomicU64::default).take(PLACES).collect();
        Self { places, hasher: RandomState::new() }
    }
}

/// The minute that it is, from 1 on.
pub(super) fn minute(now: Duration) -> u64 {
    (now.as_secs() / 60 + 1).min(MINUTE)
}

impl Proven {
    /// A good credential came from there. What has no address is many clients, and proves nothing of the others.
    pub(super) fn note(&self, from: ClientAddress, now: Duration) {
        if from == ClientAddress::Unknown {
            return;
        }
        let (place, mark) = self.place(from);
        let noted = mark | minute(now);
        // Read first: nearly always it stands there already, and reading keeps the processors out of each other's way.
        if let Some(place) = place.filter(|place| place.load(Ordering::Relaxed) != noted) {
            place.store(noted, Ordering::Relaxed);
        }
    }

    /// Whether one did within the last ten minutes.
    pub(super) fn holds(&self, from: ClientAddress, now: Duration) -> bool {
        let (place, mark) = self.place(from);
        let held = place.map_or(0, |place| place.load(Ordering::Relaxed));
        let noted = held & MINUTE;
        noted > 0 && held & !MINUTE == mark && minute(now) <= noted + MINUTES
    }

    fn place(&self, from: ClientAddress) -> (Option<&AtomicU64>, u64) {
        let hash = self.hasher.hash_one(from.host());
        (self.places.get(hash as usize % PLACES), hash & !MINUTE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u16) -> ClientAddress {
        let [high, low] = number.to_be_bytes();
        ClientAddress::Known([10, 0, high, low].into())
    }

    #[test]
    fn an_address_is_proven_for_ten_minutes_after_a_good_credential() {
        let proven = Proven::default();
        let at = Duration::from_secs;
        assert!(!proven.holds(address(1), at(0)));
        proven.note(ClientAddress::Unknown, at(0));
        assert!(!proven.holds(ClientAddress::Unknown, at(0)));
        proven.note(address(1), at(5));
        assert!(proven.holds(address(1), at(5)) && proven.holds(address(1), at(605)));
        assert!(!proven.holds(address(2), at(5)), "its neighbour is a stranger");
        assert!(!proven.holds(address(1), at(700)));
        proven.note(address(1), at(700));
        assert!(proven.holds(address(1), at(1_200)));
    }

    #[test]
    fn nearly_all_of_a_few_addresses_are_held_and_a_later_one_takes_a_place() {
        let (proven, now) = (Proven::default(), Duration::from_secs(1));
        for number in 0..100 {
            proven.note(address(number), now);
        }
        let held = (0..100).filter(|number| proven.holds(address(*number), now)).count();
        assert!(held > 80, "{held}");
        for number in 100..=u16::MAX {
            proven.note(address(number), now);
        }
        let held = (0..=u16::MAX).filter(|number| proven.holds(address(*number), now)).count();
        assert!(held <= PLACES, "{held}");
    }
}
