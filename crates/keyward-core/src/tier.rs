//! Tiers: what an account has paid for. What it may have for that stands in [`crate::limits`].

/// The tier of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// The least.
    Free,
    /// The usual one.
    Standard,
    /// The most.
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
}
