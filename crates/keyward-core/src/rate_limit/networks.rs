//! Who tried or asked at one address within a day, and the tries that each has of its own there.

use crate::address::ClientAddress;
use crate::id::UserId;
use std::cmp::Ordering;
use std::net::IpAddr;
use std::time::Duration;

/// Tries that each source has of its own, in a turn that no other source can take.
pub(super) const OWN_TRIES: u32 = 3;
/// So many sources have some at one address: by all of them together it is tried 96 times a day.
pub(super) const SOURCES: usize = 32;
/// After so long without a try, nothing is known of earlier ones.
pub(super) const FORGOTTEN: Duration = Duration::from_secs(86_400);

/// Where tries come from, and what is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A network.
    Network(ClientAddress),
    /// The browsers that this user signed in with.
    User(UserId),
}

impl Source {
    /// An order for sets. It means nothing, and tells any two apart.
    fn rank(self) -> (Option<IpAddr>, Option<UserId>) {
        match self {
            Self::Network(address) => (address.known(), None),
            Self::User(user) => (None, Some(user)),
        }
    }
}

impl Ord for Source {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Source {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<ClientAddress> for Source {
    fn from(address: ClientAddress) -> Self {
        Self::Network(address.network())
    }
}

impl From<UserId> for Source {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

#[derive(Clone, Debug)]
struct Seen {
    source: Source,
    tries: u32,
    last: Duration,
    /// From when on its next try of its own is possible.
    turn: Option<Duration>,
}

/// The sources that one address was tried from.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    seen: Vec<Seen>,
    /// Earlier ones may have been forgotten, so no turn is fixed before it comes: tries stay one delay apart.
    is_again: bool,
}

impl Sources {
    /// Of an address that may have been tried so often by this source before.
    pub(super) fn after(source: Source, tries: u32, now: Duration) -> Self {
        let mut sources = Self { seen: Vec::new(), is_again: tries > 0 };
        sources.tried(source, tries, now);
        sources
    }

    /// From when on this source can make a try of its own. It is fixed when it asks first: what others do does not move it.
    /// `None`: it has used up its tries, or there is no place for it.
    pub(super) fn turn(&mut self, source: Source, first: Duration, now: Duration) -> Option<Duration> {
        let is_again = self.is_again;
        let seen = self.seen(source, now)?;
        let turn = if is_again { first } else { *seen.turn.get_or_insert(first) };
        (seen.tries < OWN_TRIES).then_some(turn)
    }

    /// It has made so many tries.
    pub(super) fn tried(&mut self, source: Source, tries: u32, now: Duration) {
        if let Some(seen) = self.seen(source, now) {
            (seen.tries, seen.turn) = (seen.tries.saturating_add(tries), None);
        }
    }

    /// Its try of its own, at this turn, was not made.
    pub(super) fn give_back(&mut self, source: Source, turn: Duration) {
        if let Some(seen) = self.seen.iter_mut().find(|seen| seen.source == source) {
            (seen.tries, seen.turn) = (seen.tries.saturating_sub(1), Some(turn));
        }
    }

    fn seen(&mut self, source: Source, now: Duration) -> Option<&mut Seen> {
        self.seen.retain(|seen| now < seen.last + FORGOTTEN);
        // Absent: not seen yet, so behind the others, if there is room.
        let at = self.seen.iter().position(|seen| seen.source == source).unwrap_or(self.seen.len());
        if at == SOURCES {
            return None;
        }
        if at == self.seen.len() {
            self.seen.push(Seen { source, tries: 0, last: now, turn: None });
        }
        let seen = self.seen.get_mut(at)?;
        seen.last = now;
        Some(seen)
    }
}
