//! Clients that registered themselves: how many there may be, and which go.
//!
//! Anybody may register a client (RFC 7591), so the room for them is bounded. A network that has its share of it gives way itself, and
//! where all of the room is taken, the network that holds most of it: a flood thins itself, and nobody else. What somebody has used stays.

use crate::clock::Timestamp;
use crate::denial::OAuthDenial;

/// A registered client that nobody has used is kept for a day, in seconds.
const UNUSED_KEPT: i64 = 86_400;
/// One that was used is kept for half a year without use, in seconds.
const USED_KEPT: i64 = 180 * 86_400;

/// Which registered clients have been without use for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleClients {
    /// They registered then or before.
    pub registered_by: Timestamp,
    /// They were last used then or before, or never.
    pub used_by: Timestamp,
}

impl IdleClients {
    /// At this time, by which something may be forgotten.
    #[must_use]
    pub fn at(settled: Timestamp) -> Self {
        Self { registered_by: settled.plus_seconds(-UNUSED_KEPT), used_by: settled.plus_seconds(-USED_KEPT) }
    }

    /// Whether they hold a client that registered then, and was last used then.
    #[must_use]
    pub fn hold(self, registered_at: Timestamp, last_used_at: Option<Timestamp>) -> bool {
        registered_at <= self.registered_by && last_used_at.is_none_or(|at| at <= self.used_by) // Absent: it was never used.
    }
}

/// The room for registered clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientRoom {
    /// The most registered clients.
    pub most: u32,
    /// The most of one network that nobody has used yet.
    pub share: u32,
}

impl ClientRoom {
    /// Whether a network with so many unused clients has its share: its oldest goes for the next one.
    #[must_use]
    pub fn is_share_taken(self, unused: u32) -> bool {
        unused >= self.share
    }

    /// Whether all of the room is taken by so many clients: the oldest unused one goes, of the network that holds most of these.
    #[must_use]
    pub fn is_taken(self, clients: u32) -> bool {
        clients >= self.most
    }

    /// That one more may register beside so many clients, after others have gone.
    ///
    /// # Errors
    /// [`OAuthDenial::TooManyClients`]: all of them were used.
    pub fn admits(self, clients: u32) -> Result<(), OAuthDenial> {
        if self.is_taken(clients) { Err(OAuthDenial::TooManyClients) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;
    const NOW: i64 = 1_000 * DAY;

    #[test]
    fn a_client_goes_a_day_after_it_registered_or_half_a_year_after_its_last_use() {
        let at = Timestamp::from_unix;
        let idle = IdleClients::at(at(NOW));
        for (what, registered, used, goes) in [
            ("new", NOW, None, false),
            ("unused, in the last second of its day", NOW - DAY + 1, None, false),
            ("a second later", NOW - DAY, None, true),
            ("used at once, and new", NOW, Some(NOW), false),
            ("used, in the last second of its half year", NOW - 300 * DAY, Some(NOW - 180 * DAY + 1), false),
            ("a second later", NOW - 300 * DAY, Some(NOW - 180 * DAY), true),
            // Registering again with the same metadata gives it another day.
            ("used long ago, registered again", NOW - DAY + 1, Some(NOW - 300 * DAY), false),
        ] {
            assert_eq!(idle.hold(at(registered), used.map(at)), goes, "{what}");
        }
    }

    #[test]
    fn a_network_has_its_share_and_all_of_them_have_the_room() {
        let room = ClientRoom { most: 10, share: 3 };
        for (unused, clients, share_taken, taken) in [
            (0, 0, false, false),
            (2, 9, false, false),
            (3, 9, true, false),
            (4, 9, true, false),
            (2, 10, false, true),
            (3, 10, true, true),
            (0, 11, false, true),
        ] {
            assert_eq!(room.is_share_taken(unused), share_taken, "{unused}");
            assert_eq!(room.is_taken(clients), taken, "{clients}");
            assert_eq!(room.admits(clients).is_err(), taken, "{clients}");
        }
        assert_eq!(room.admits(10), Err(OAuthDenial::TooManyClients));
    }
}
