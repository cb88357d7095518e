//! Room for the bodies that are being read: a bound in all, and a share for each address, network, account and user.
//!
//! | | in all | of one address | of one network | of one account, or user without one |
//! | --- | --- | --- | --- | --- |
//! | strangers | 16 MiB | 1 MiB | 2 MiB | |
//! | callers | 64 MiB | 16 MiB | | 8 MiB |
//!
//! A quarter of each figure is kept for the first 4 KiB of every body, so that large bodies do not keep small ones out. Every
//! body counts as 256 bytes at least, from before its first byte on: a client that sends none has its share too. While more
//! than half of either part is taken, a body has 3 s to arrive instead of 15. The room is given back as soon as the body is
//! read, or refused.

use keyward_core::address::ClientAddress;
use keyward_core::denial::Denial;
use keyward_core::id::{AccountId, UserId};
use keyward_core::principal::Principal;
use keyward_core::share::{Full, Lease, Shares};
use std::time::Duration;

/// The bytes of a body that find room in the reserve.
const SMALL: u64 = 4 * 1024;
/// As much as every body counts at least.
const LEAST: u64 = 256;
/// The reserve's part of all room.
const RESERVED: u64 = 4;
/// A body must arrive within this.
const DEADLINE: Duration = Duration::from_secs(15);
/// The same while more than half of the room, or of its reserve, is taken.
const SHORT: Duration = Duration::from_secs(3);

const MIB: u64 = 1024 * 1024;

/// Whose body it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// A client without a credential.
    Stranger,
    /// A caller of this account.
    Account(AccountId),
    /// A caller without an account.
    User(UserId),
}

impl From<&Principal> for Owner {
    fn from(who: &Principal) -> Self {
        // Absent: without an account the room is the user's own share.
        who.member.map_or(Self::User(who.user), |member| Self::Account(member.account))
    }
}

/// What has a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Holder {
    Address(ClientAddress),
    Network(ClientAddress),
    Caller(Owner),
}

/// A bound on all, with shares for two holders of each body.
#[derive(Clone, Debug)]
struct Both(Shares<Holder>, Shares<Holder>);

impl Both {
    fn new(most: u64, first: u64, second: u64) -> Self {
        Self(Shares::new(most, first), Shares::new(most, second))
    }

    fn take(&self, holders: [Holder; 2], amount: u64) -> Result<[Lease<Holder>; 2], Full> {
        let [first, second] = holders;
        Ok([self.0.take(first, amount)?, self.1.take(second, amount)?])
    }
}

/// The room of one kind of clients.
#[derive(Clone, Debug)]
struct Part {
    most: u64,
    small: Both,
    large: Both,
}

impl Part {
    fn new(most: u64, first: u64, second: u64) -> Self {
        let small = Both::new(most / RESERVED, first / RESERVED, second / RESERVED);
        let rest = |all: u64| all - all / RESERVED;
        Self { most, small, large: Both::new(rest(most), rest(first), rest(second)) }
    }

    /// Whether more than half of the reserve or of the rest is taken: by small bodies that do not come, or by large ones.
    fn is_busy(&self) -> bool {
        let reserve = self.most / RESERVED;
        self.small.0.taken() > reserve / 2 || self.large.0.taken() > (self.most - reserve) / 2
    }

    fn place(&self, holders: [Holder; 2]) -> Place {
        Place { part: self.clone(), holders, bytes: 0, small: None, large: None }
    }
}

/// All room. Clones share it.
#[derive(Clone, Debug)]
pub struct BodyRoom {
    strangers: Part,
    callers: Part,
}

impl Default for BodyRoom {
    fn default() -> Self {
        Self { strangers: Part::new(16 * MIB, MIB, 2 * MIB), callers: Part::new(64 * MIB, 16 * MIB, 8 * MIB) }
    }
}

impl BodyRoom {
    /// Bytes that are taken now.
    pub(crate) fn taken(&self) -> u64 {
        let parts = [&self.strangers, &self.callers];
        parts.map(|part| part.small.0.taken().saturating_add(part.large.0.taken())).iter().sum()
    }

    /// A place for a body of this client's.
    pub(crate) fn place(&self, owner: Owner, address: ClientAddress) -> Place {
        let from = Holder::Address(address.host());
        match owner {
            Owner::Stranger => self.strangers.place([from, Holder::Network(address.network())]),
            caller => self.callers.place([from, Holder::Caller(caller)]),
        }
    }
}

/// The place of one body, which grows as its bytes come and is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    part: Part,
    holders: [Holder; 2],
    /// What has come of the body.
    bytes: u64,
    small: Option<[Lease<Holder>; 2]>,
    large: Option<[Lease<Holder>; 2]>,
}

impl Place {
    /// How long the body may take to arrive. It takes its first room.
    pub(crate) fn open(&mut self) -> Result<Duration, Denial> {
        let is_busy = self.part.is_busy();
        self.small = Some(self.part.small.take(self.holders, LEAST).map_err(refusal)?);
        Ok(if is_busy { SHORT } else { DEADLINE })
    }

    /// Takes room for bytes that have come.
    pub(crate) fn grow(&mut self, more: usize) -> Result<(), Denial> {
        let before = self.bytes;
        self.bytes = before.saturating_add(more as u64);
        let small = |bytes: u64| bytes.clamp(LEAST, SMALL);
        let large = |bytes: u64| bytes.saturating_sub(SMALL);
        let (of_small, of_large) = (small(self.bytes) - small(before), large(self.bytes) - large(before));
        grow(&mut self.small, &self.part.small, self.holders, of_small).map_err(refusal)?;
        grow(&mut self.large, &self.part.large, self.holders, of_large).map_err(refusal)
    }
}

fn grow(
    held: &mut Option<[Lease<Holder>; 2]>,
    of: &Both,
    holders: [Holder; 2],
    more: u64,
) -> Result<(), Full> {
    match held {
        Some(leases) => leases.iter_mut().try_for_each(|lease| lease.grow(more)),
        None if more == 0 => Ok(()),
        None => {
            *held = Some(of.take(holders, more)?);
            Ok(())
        }
    }
}

/// A client that has its share can wait for its own requests (429); where the whole room is full, it is not its fault (503).
fn refusal(full: Full) -> Denial {
    match full {
        Full::Share => Denial::TooManyBodies,
        Full::Pool => Denial::Overloaded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: usize = 64 * 1024;

    fn address(text: &str) -> ClientAddress {
        ClientAddress::of(text.parse().unwrap())
    }

    fn filled(mut place: Place, bytes: usize) -> Result<Place, Denial> {
        place.open()?;
        place.grow(bytes)?;
        Ok(place)
    }

    /// As many bodies of this size as find room.
    fn fill(bytes: usize, place: impl Fn(usize) -> Place) -> (Vec<Place>, Denial) {
        let mut held = Vec::new();
        loop {
            match filled(place(held.len()), bytes) {
                Ok(place) => held.push(place),
                Err(denial) => return (held, denial),
            }
        }
    }

    #[test]
    fn one_address_fills_its_share_and_everybody_else_has_room() {
        let room = BodyRoom::default();
        let (held, denial) = fill(BODY, |_| room.place(Owner::Stranger, address("192.0.2.1")));
        assert_eq!((held.len(), denial), (12, Denial::TooManyBodies), "768 KiB of bodies beyond 4 KiB each");
        assert!(filled(room.place(Owner::Stranger, address("192.0.2.2")), BODY).is_ok(), "its neighbour");
        assert!(
            filled(room.place(Owner::Stranger, ClientAddress::Unknown), BODY).is_ok(),
            "without an address"
        );
        drop(held);
        assert!(filled(room.place(Owner::Stranger, address("192.0.2.1")), BODY).is_ok(), "it is given back");
    }

    #[test]
    fn a_network_has_a_share_so_that_no_one_fills_the_room_alone() {
        let room = BodyRoom::default();
        let (held, denial) =
            fill(BODY, |number| room.place(Owner::Stranger, address(&format!("192.0.2.{number}"))));
        assert_eq!(denial, Denial::TooManyBodies);
        assert!((20..30).contains(&held.len()), "{}", held.len());
        assert!(filled(room.place(Owner::Stranger, address("198.51.100.1")), BODY).is_ok());
    }

    #[test]
    fn a_full_room_still_takes_small_bodies_and_shortens_the_deadline() {
        let room = BodyRoom::default();
        let somewhere = |number: usize| address(&format!("10.{}.{}.1", number / 200, number % 200));
        assert_eq!(room.place(Owner::Stranger, somewhere(0)).open(), Ok(DEADLINE));
        let (_held, denial) = fill(BODY, |number| room.place(Owner::Stranger, somewhere(number)));
        assert_eq!(denial, Denial::Overloaded, "not this client's fault");
        assert_eq!(
            filled(room.place(Owner::Stranger, address("192.0.2.1")), BODY).err(),
            Some(Denial::Overloaded)
        );
        let mut small = room.place(Owner::Stranger, address("192.0.2.1"));
        assert_eq!((small.open(), small.grow(4 * 1024)), (Ok(SHORT), Ok(())));
    }

    #[test]
    fn bodies_of_which_nothing_comes_count_too() {
        let room = BodyRoom::default();
        let (held, denial) = fill(0, |_| room.place(Owner::Stranger, address("192.0.2.1")));
        assert_eq!((held.len(), denial), (1_024, Denial::TooManyBodies));
    }

    #[test]
    fn bodies_that_do_not_come_shorten_the_deadline_before_they_fill_the_reserve() {
        let room = BodyRoom::default();
        let somewhere = |number: usize| address(&format!("10.{}.{}.1", number / 200, number % 200));
        let mut held = Vec::new();
        for number in 0..8_193 {
            let mut place = room.place(Owner::Stranger, somewhere(number));
            assert_eq!(place.open(), Ok(DEADLINE));
            held.push(place);
        }
        assert_eq!(room.place(Owner::Stranger, somewhere(0)).open(), Ok(SHORT));
    }

    #[test]
    fn the_bytes_of_a_body_count_once_in_whatever_pieces_they_come() {
        let room = BodyRoom::default();
        for piece in [1, 700, 4_096, 5_000, 20_000] {
            let mut place = room.place(Owner::Stranger, address("192.0.2.1"));
            place.open().unwrap();
            (0..20_000 / piece).try_for_each(|_| place.grow(piece)).unwrap();
            place.grow(20_000 % piece).unwrap();
            let part = &room.strangers;
            let taken =
                (part.small.0.taken(), part.small.1.taken(), part.large.0.taken(), part.large.1.taken());
            assert_eq!(taken, (4_096, 4_096, 15_904, 15_904), "{piece}");
            drop(place);
            assert_eq!(part.small.0.taken() + part.large.1.taken(), 0);
        }
    }

    #[test]
    fn an_account_has_a_share_from_wherever_it_calls() {
        let room = BodyRoom::default();
        let of = |account: i64, number: usize| {
            room.place(Owner::Account(AccountId(account)), address(&format!("10.0.{number}.1")))
        };
        let (held, denial) = fill(256 * 1024, |number| of(1, number));
        assert_eq!(denial, Denial::TooManyBodies);
        assert!((23..25).contains(&held.len()), "6 MiB beyond the reserve: {}", held.len());
        assert!(filled(of(2, 0), 256 * 1024).is_ok(), "another account");
    }
}
