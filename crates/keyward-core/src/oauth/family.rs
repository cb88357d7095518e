//! The refresh tokens of a grant: one line of numbers, of which one is current. What a presented token does is decided here.
//!
//! A refresh token is used once, and its successor replaces it. A client that lost the response, or refreshes twice at once, may present
//! the token again for a grace period. After that its use means that somebody else has it, and the grant ends (RFC 9700 §4.14.2).

use super::replaced::Replaced;
use crate::clock::{Moment, Timestamp};
use std::cmp::Ordering;

/// A token that is replaced while the clock is taken back is not in its grace period for more than this, in seconds.
const AHEAD: i64 = 60;

/// The current token of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// The number of the current token, from 1.
    pub number: u32,
    /// The version of the root secret that the current token is derived from.
    pub version: u32,
    /// When the one before was replaced.
    pub rotated_at: Timestamp,
}

impl Family {
    /// With its first token, derived from this version of the root secret.
    #[must_use]
    pub fn begin(version: u32, now: Timestamp) -> Self {
        Self { number: 1, version, rotated_at: now }
    }

    /// With the successor of its current token.
    #[must_use]
    pub fn next(self, version: u32, now: Timestamp) -> Self {
        Self { number: self.number + 1, version, rotated_at: now }
    }

    /// What is remembered of replaced tokens after [`Family::next`]. The one before the current token was replaced when that became the
    /// current one.
    #[must_use]
    pub fn remember(self, replaced: Replaced, grace: i64, now: Timestamp) -> Replaced {
        replaced.with(self.number.saturating_sub(1), self.rotated_at, grace, now)
    }
}

/// What a store holds of a family, as far as its row can be read. A token that leaked ends its grant whatever else the row holds, and
/// what cannot be read makes no token good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFamily {
    /// Whether the grant was ended.
    pub ended: bool,
    /// When the grant ends on its own; `None`: that cannot be read.
    pub ends_at: Option<Timestamp>,
    /// The number of the current token; `None`: that cannot be read.
    pub number: Option<i64>,
    /// The version of the root secret that it is derived from; `None`: that cannot be read.
    pub version: Option<i64>,
    /// When the one before it was replaced; `None`: that cannot be read.
    pub rotated_at: Option<Timestamp>,
    /// Those that were replaced before; where that cannot be read, none.
    pub replaced: Replaced,
}

/// What a refresh token that was made here does, before the rest of its grant is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Nothing: the grant is over.
    GrantOver,
    /// Nothing: it is none of this family.
    Unknown,
    /// It is the current one, and is replaced.
    Rotate,
    /// It was replaced just now: the same successor is returned again.
    Repeat,
    /// It was replaced before: the grant ends.
    Reused,
}

impl StoredFamily {
    /// What the token of this number and this version of the root secret does, with a grace period of `grace` seconds.
    #[must_use]
    pub fn present(&self, (number, version): (u32, u32), grace: i64, clock: Moment) -> Refresh {
        if self.is_over(clock.passed) {
            return Refresh::GrantOver;
        }
        // The current one is not known, so this one counts as replaced: the row gives no token any more.
        let Some(current) = self.number else { return Refresh::Reused };
        match i64::from(number).cmp(&current) {
            // A restored copy of the database does not know it yet.
            Ordering::Greater => Refresh::Unknown,
            // So it is with one that was made after a rotation of the root secret that the copy does not know.
            Ordering::Equal if self.version.is_some_and(|own| own != i64::from(version)) => Refresh::Unknown,
            Ordering::Equal => Refresh::Rotate,
            Ordering::Less if self.has_just_replaced(number, grace, clock) => Refresh::Repeat,
            Ordering::Less => Refresh::Reused,
        }
    }

    fn is_over(&self, passed: Timestamp) -> bool {
        self.ended || self.ends_at.is_some_and(|end| end <= passed)
    }

    /// Whether this number was replaced within its grace period. While the clock is behind, of the one before the current one also where
    /// that is not known: the grant does not end for it, and nothing is issued either.
    fn has_just_replaced(&self, number: u32, grace: i64, clock: Moment) -> bool {
        let is_previous = self.number == Some(i64::from(number) + 1);
        let at = if is_previous { self.rotated_at } else { self.replaced.at(number) };
        // In a time that was taken back since, it was not just replaced for as long.
        let is_of_then =
            |at: Timestamp| at < clock.passed.plus_seconds(grace.min(AHEAD)) || (clock.behind && is_previous);
        at.is_some_and(|at| clock.passed < at.plus_seconds(grace) && is_of_then(at))
    }
}

#[cfg(test)]
mod tests;
