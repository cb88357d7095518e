//! For how long a store keeps what is over, before it takes it away.

use crate::clock::Timestamp;

/// A day, in seconds.
const DAY: i64 = 86_400;

/// What is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// A session, a link to a password, a code or a grant, for a day: nothing that it gave is presented any more, and the audit trail has
    /// it. The replay of a code that is gone is not told from an unknown one.
    SignIn,
    /// An invitation that was not accepted, for 30 days: its inviter looks at it.
    Invitation,
    /// A key, for a week: then nothing but its digests stays in memory, so that the log can say why it is refused.
    Key,
}

impl Over {
    const fn kept(self) -> i64 {
        match self {
            Self::SignIn => DAY,
            Self::Invitation => 30 * DAY,
            Self::Key => 7 * DAY,
        }
    }

    /// What was over then, or before, is taken away at this time. It is one by which something may be forgotten
    /// ([`crate::clock::Moment::settled`]).
    #[must_use]
    pub fn before(self, settled: Timestamp) -> Timestamp {
        settled.plus_seconds(-self.kept())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_kept_for_its_time_to_the_second() {
        let at = Timestamp::from_unix;
        for (over, kept) in [(Over::SignIn, 86_400), (Over::Invitation, 2_592_000), (Over::Key, 604_800)] {
            let ended = at(1_000);
            assert!(over.before(at(1_000 + kept - 1)) < ended, "{over:?} in its last second");
            assert_eq!(over.before(at(1_000 + kept)), ended, "{over:?} a second later");
        }
    }
}
