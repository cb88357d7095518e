//! The role of a user in one account, and the scopes that it gives.

use crate::scope::{Scope, ScopeSet};

/// What a member is in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything, on every deal; lists and revokes every key of the account.
    Admin,
    /// Everything, on deals whose team includes it; manages its own keys only.
    Editor,
    /// Reads deals whose team includes it; manages its own keys.
    Viewer,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Self] = &[Self::Admin, Self::Editor, Self::Viewer];

    /// The name on the wire and in the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.name() == name)
    }

    /// Whether this role gives less than the other one. An admin has an editor's scopes, and reaches more with them.
    #[must_use]
    pub fn is_below(self, other: Self) -> bool {
        let rank = |role| match role {
            Self::Admin => 2,
            Self::Editor => 1,
            Self::Viewer => 0,
        };
        rank(self) < rank(other)
    }

    /// The scopes that the role gives. `account:write` of editors and viewers reaches their own keys only.
    #[must_use]
    pub fn scopes(self) -> ScopeSet {
        match self {
            Self::Admin | Self::Editor => ScopeSet::all(),
            Self::Viewer => ScopeSet::reads().with(Scope::AccountWrite),
        }
    }
}
