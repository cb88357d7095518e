//! What an account may have: reads and writes per minute, and live keys. The tier says it, and the operator can say
//! otherwise for one account.

use crate::account::Account;
use crate::api_key::KeyCeiling;
use crate::tier::Tier;
use serde::{Serialize, Serializer};

/// Requests per minute, of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// At most so many in any 60 seconds: 1 to [`Rate::MOST`].
    PerMinute(u32),
    /// As many as there are.
    Unlimited,
}

impl Rate {
    /// The highest figure; above it, say [`Rate::Unlimited`].
    pub const MOST: u32 = 100_000;

    /// Reads a figure or `unlimited`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "unlimited" {
            return Some(Self::Unlimited);
        }
        // `parse` would also take a plus sign.
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // Absent: no figure, which is a mistake.
        digits.then(|| text.parse().ok())?.and_then(Self::of)
    }

    /// A figure that may be one.
    #[must_use]
    pub fn of(figure: u32) -> Option<Self> {
        (1..=Self::MOST).contains(&figure).then_some(Self::PerMinute(figure))
    }
}

/// As `/me` shows it: the figure, or null for no limit.
impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::PerMinute(figure) => serializer.serialize_u32(*figure),
            Self::Unlimited => serializer.serialize_none(),
        }
    }
}

/// What applies to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Reads per minute.
    pub reads: Rate,
    /// Writes per minute.
    pub writes: Rate,
    /// Live keys.
    pub keys: u32,
}

/// What every tier may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiers {
    /// Of [`Tier::Free`].
    pub free: Limits,
    /// Of [`Tier::Standard`].
    pub standard: Limits,
    /// Of [`Tier::Enterprise`].
    pub enterprise: Limits,
}

impl Tiers {
    /// Of this tier.
    #[must_use]
    pub const fn of(&self, tier: Tier) -> Limits {
        match tier {
            Tier::Free => self.free,
            Tier::Standard => self.standard,
            Tier::Enterprise => self.enterprise,
        }
    }
}

impl Default for Tiers {
    /// The figures of March 2026, and those that we set beside them.
    fn default() -> Self {
        let limits = |reads, writes, keys| Limits {
            reads: Rate::PerMinute(reads),
            writes: Rate::PerMinute(writes),
            keys,
        };
        Self { free: limits(60, 10, 2), standard: limits(200, 30, 10), enterprise: limits(1000, 150, 50) }
    }
}

/// What the operator has said for one account; `None`: as its tier says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Overrides {
    /// Reads per minute.
    pub reads: Option<Rate>,
    /// Writes per minute.
    pub writes: Option<Rate>,
    /// Live keys: 1 to [`Overrides::MOST_KEYS`].
    pub keys: Option<u32>,
}

impl Overrides {
    /// The most live keys that an account can be given.
    pub const MOST_KEYS: u32 = 10_000;
}

impl Account {
    /// What applies to it.
    #[must_use]
    pub fn limits(&self, tiers: &Tiers) -> Limits {
        let (tier, own) = (tiers.of(self.tier), self.overrides);
        Limits {
            // Absent: the operator said nothing for this account, so its tier decides.
            reads: own.reads.unwrap_or(tier.reads),
            // Absent: its tier decides.
            writes: own.writes.unwrap_or(tier.writes),
            // Absent: its tier decides.
            keys: own.keys.unwrap_or(tier.keys),
        }
    }

    /// How many live keys it may have, and what says so.
    #[must_use]
    pub fn key_ceiling(&self, tiers: &Tiers) -> KeyCeiling {
        let tier = self.overrides.keys.is_none().then_some(self.tier);
        KeyCeiling { most: self.limits(tiers).keys, tier }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AccountId;

    #[test]
    fn a_rate_is_a_figure_within_bounds_or_unlimited() {
        assert_eq!(Rate::parse("1"), Some(Rate::PerMinute(1)));
        assert_eq!(Rate::parse("100000"), Some(Rate::PerMinute(100_000)));
        assert_eq!(Rate::parse("unlimited"), Some(Rate::Unlimited));
        for bad in ["", "0", "100001", "-1", "+1", "1.5", "Unlimited", "many", "99999999999999999999"] {
            assert_eq!(Rate::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_override_replaces_its_own_figure_and_no_other() {
        let mut account = Account {
            id: AccountId(1),
            slug: String::new(),
            name: String::new(),
            account_type: None,
            tier: Tier::Free,
            overrides: Overrides::default(),
            disabled: false,
        };
        let tiers = Tiers::default();
        assert_eq!(account.limits(&tiers), tiers.free);
        account.overrides = Overrides { writes: Some(Rate::Unlimited), ..Overrides::default() };
        let (reads, keys) = (Rate::PerMinute(60), 2);
        assert_eq!(account.limits(&tiers), Limits { reads, writes: Rate::Unlimited, keys });
    }
}
