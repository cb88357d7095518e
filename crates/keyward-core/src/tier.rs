//! Tiers: what an account has paid for. Ceilings of keys and figures of limits.

use crate::limits::{Limits, Rate};

/// The tier of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// 2 live keys, 60 reads and 10 writes a minute.
    Free,
    /// 10 live keys, 200 reads and 30 writes a minute.
    Standard,
    /// 50 live keys, 1000 reads and 150 writes a minute.
    Enterprise,
}

impl Tier {
    /// Every tier.
    pub const ALL: &'static [Self] = &[Self::Free, Self::Standard, Self::Enterprise];

    /// The name on the wire and in the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Standard => "standard",
            Self::Enterprise => "enterprise",
        }
    }

    /// The tier of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|tier| tier.name() == name)
    }

    /// What an account of this tier may have, if nothing else is said for it.
    #[must_use]
    pub const fn limits(self) -> Limits {
        let (reads, writes, keys) = match self {
            Self::Free => (60, 10, 2),
            Self::Standard => (200, 30, 10),
            Self::Enterprise => (1000, 150, 50),
        };
        Limits { reads: Rate::PerMinute(reads), writes: Rate::PerMinute(writes), keys }
    }
}
