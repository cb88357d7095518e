//! The refresh tokens of a grant that were replaced before the last rotation, and may still be in their grace period.

use crate::clock::Timestamp;

/// The most that are remembered: a client that refreshes again and again loses the grace of the oldest.
const MOST: usize = 32;

/// Their numbers, and when each was replaced, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replaced(Vec<(u32, Timestamp)>);

impl Replaced {
    /// Reads what [`Replaced::to_text`] wrote. `None`: it is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let one = |part: &str| {
            let (number, at) = part.split_once('@')?;
            // Absent: what is no number was written by nobody here.
            Some((number.parse().ok()?, Timestamp::from_unix(at.parse().ok()?)))
        };
        text.split_ascii_whitespace().map(one).collect::<Option<_>>().map(Self)
    }

    /// As a store keeps it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let parts = self.0.iter().map(|(number, at)| format!("{number}@{}", at.unix()));
        parts.collect::<Vec<_>>().join(" ")
    }

    /// When the token of this number was replaced; `None`: it is not remembered.
    #[must_use]
    pub fn at(&self, number: u32) -> Option<Timestamp> {
        self.0.iter().find(|(own, _)| *own == number).map(|(_, at)| *at)
    }

    /// With one more, and without those whose grace of so many seconds is over.
    #[must_use]
    pub fn with(mut self, number: u32, at: Timestamp, grace: i64, now: Timestamp) -> Self {
        self.0.push((number, at));
        self.0.retain(|(_, at)| now < at.plus_seconds(grace));
        let oldest = self.0.len().saturating_sub(MOST);
        self.0.drain(..oldest);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_token_is_remembered_for_its_grace_and_thirty_two_of_them_at_most() {
        let at = Timestamp::from_unix;
        let three = (1..=3).fold(Replaced::default(), |all, number| {
            all.with(number, at(i64::from(number) * 10), 25, at(30))
        });
        assert_eq!((three.at(1), three.at(2), three.at(4)), (Some(at(10)), Some(at(20)), None));
        assert_eq!(three.to_text(), "1@10 2@20 3@30");
        assert_eq!(Replaced::parse("1@10 2@20 3@30"), Some(three.clone()));
        assert_eq!(three.with(4, at(40), 25, at(40)).to_text(), "2@20 3@30 4@40", "25 seconds are over");
        let many = (0..100).fold(Replaced::default(), |all, number| all.with(number, at(0), 9, at(1)));
        assert_eq!((many.at(67), many.at(68), many.at(99)), (None, Some(at(0)), Some(at(0))));
        assert_eq!(Replaced::default().with(1, at(5), 0, at(5)).to_text(), "", "without a grace nothing is");
        assert_eq!(Replaced::parse(""), Some(Replaced::default()));
        for wrong in ["1", "1@", "@1", "x@1", "1@x", "-1@1", "1@1,2@2"] {
            assert_eq!(Replaced::parse(wrong), None, "{wrong}");
        }
    }
}
