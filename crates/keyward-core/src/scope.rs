//! Scopes: the granular names of what a credential may do (`deals:read`), and sets of them.

use std::fmt;

macro_rules! scopes {
    ($($variant:ident => $name:literal),* $(,)?) => {
        /// One right by name, in alphabetical order of the names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "each variant is its name; the domains are listed in the module")]
        pub enum Scope { $($variant),* }

        impl Scope {
            /// Every scope, in alphabetical order of the names.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// Every name, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The scope of this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

scopes! {
    AccountRead => "account:read",
    AccountWrite => "account:write",
    AiActions => "ai:actions",
    BillingRead => "billing:read",
    ChecklistsRead => "checklists:read",
    ChecklistsWrite => "checklists:write",
    CompaniesRead => "companies:read",
    CompaniesWrite => "companies:write",
    ContactsRead => "contacts:read",
    ContactsWrite => "contacts:write",
    DealsRead => "deals:read",
    DealsWrite => "deals:write",
    DocumentsRead => "documents:read",
    DocumentsWrite => "documents:write",
    LendersRead => "lenders:read",
    MarketRead => "market:read",
    PipelinesRead => "pipelines:read",
    PipelinesWrite => "pipelines:write",
    PlacementsRead => "placements:read",
    PlacementsWrite => "placements:write",
    TermsheetsRead => "termsheets:read",
    TermsheetsWrite => "termsheets:write",
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct ScopeSet(u32);

impl ScopeSet {
    /// No scope at all.
    pub const NONE: Self = Self(0);

    /// Every scope there is.
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.iter().copied().collect()
    }

    /// Every scope whose name ends in `:read`: the preset `read_only`.
    #[must_use]
    pub fn reads() -> Self {
        Scope::ALL.iter().copied().filter(|s| s.name().ends_with(":read")).collect()
    }

    /// This set with one more.
    #[must_use]
    pub fn with(self, scope: Scope) -> Self {
        Self(self.0 | 1 << scope as u32)
    }

    /// Whether the scope is in the set.
    #[must_use]
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u32) != 0
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is here and not in `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes, in alphabetical order of their names.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |s| self.contains(*s))
    }

    /// The names, sorted: what `granted_scopes` shows.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Scope::name).collect()
    }

    /// The names as one text separated by spaces (RFC 6749 §3.3): how the store keeps a set.
    #[must_use]
    pub fn to_text(self) -> String {
        self.names().join(" ")
    }

    /// Reads what [`ScopeSet::to_text`] wrote; `None` when a name is unknown.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        text.split_ascii_whitespace().map(Scope::parse).collect()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        scopes.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_sorted_and_round_trip() {
        assert!(Scope::NAMES.is_sorted());
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.name()), Some(*scope));
        }
    }

    #[test]
    fn the_read_preset_holds_no_write_and_no_action() {
        for scope in ScopeSet::reads().iter() {
            assert!(scope.name().ends_with(":read"), "{scope}");
        }
        assert_eq!(ScopeSet::reads().iter().count(), 12);
    }

    proptest! {
        #[test]
        fn sets_obey_the_laws_of_sets(a in 0_u32..1 << 22, b in 0_u32..1 << 22) {
            let (a, b) = (ScopeSet(a), ScopeSet(b));
            prop_assert_eq!(ScopeSet::from_text(&a.to_text()), Some(a));
            prop_assert!(a.intersect(b).without(a).is_empty());
            prop_assert_eq!(a.without(b).intersect(b), ScopeSet::NONE);
            prop_assert_eq!(a.iter().collect::<ScopeSet>(), a);
        }
    }
}
