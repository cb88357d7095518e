//! What a credential may do at most.

use crate::role::Role;
use crate::scope::ScopeSet;

/// What a credential may do at most. What it may do now is this, intersected with its user's role now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// All that its user may do at any moment (`permission: full_access`).
    FullAccess,
    /// Every `:read` that its user may do at any moment (`permission: read_only`).
    ReadOnly,
    /// These scopes, and no more.
    Fixed(ScopeSet),
}

impl Grant {
    /// The scopes that it gives at most.
    #[must_use]
    pub fn most(self) -> ScopeSet {
        match self {
            Self::FullAccess => ScopeSet::all(),
            Self::ReadOnly => ScopeSet::reads(),
            Self::Fixed(scopes) => scopes,
        }
    }

    /// The effective scopes under a role.
    #[must_use]
    pub fn under(self, role: Role) -> ScopeSet {
        self.most().intersect(role.scopes())
    }

    /// What `permission` shows: the preset's name, or nothing for a fixed list.
    #[must_use]
    pub fn permission(self) -> Option<&'static str> {
        match self {
            Self::FullAccess => Some("full_access"),
            Self::ReadOnly => Some("read_only"),
            Self::Fixed(_) => None,
        }
    }
}
