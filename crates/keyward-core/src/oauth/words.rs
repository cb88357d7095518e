//! Scopes as clients ask for them, and as people are told them.

use crate::scope::{Scope, ScopeSet};

/// What a client asked for by `scope` (RFC 6749 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Ours.
    pub scopes: ScopeSet,
    /// `openid`: who its user is.
    pub openid: bool,
    /// `email`: the address.
    pub email: bool,
    /// `profile`: the name and the picture.
    pub profile: bool,
    /// `offline_access`: to stay connected.
    pub offline: bool,
}

/// What else than our scopes can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// `openid`.
    Openid,
    /// `email`.
    Email,
}

impl Asked {
    /// Nothing at all.
    const NOTHING: Self =
        Self { scopes: ScopeSet::NONE, openid: false, email: false, profile: false, offline: false };

    /// What our own MCP endpoint suggests to clients: to work with deals. A client that wants it asks for it by name.
    #[must_use]
    pub fn usual() -> Self {
        let scopes = [Scope::AccountRead, Scope::DealsRead, Scope::DealsWrite, Scope::PipelinesRead];
        Self { scopes: scopes.into_iter().collect(), ..Self::NOTHING }
    }

    /// What an absent or empty `scope` asks for: reading alone. The documentation names it (RFC 6749 §3.3).
    #[must_use]
    pub fn unnamed() -> Self {
        Self::usual().read_only()
    }

    /// Reads `scope`. What is unknown is left out (RFC 6749 §3.3 lets a server do so, and tell what it granted); `None`: nothing
    /// that was asked for is known.
    #[must_use]
    pub fn read(text: Option<&str>) -> Option<Self> {
        // Absent: as an empty one: reading alone.
        let mut names = text.unwrap_or_default().split(' ').filter(|name| !name.is_empty()).peekable();
        if names.peek().is_none() {
            return Some(Self::unnamed());
        }
        let mut asked = Self::NOTHING;
        for name in names {
            match name {
                "openid" => asked.openid = true,
                "email" => asked.email = true,
                "profile" => asked.profile = true,
                "offline_access" => asked.offline = true,
                name => {
                    // Absent: a name that is not ours adds nothing.
                    asked.scopes = Scope::parse(name).map_or(asked.scopes, |scope| asked.scopes.with(scope))
                }
            }
        }
        let about_user = asked.openid || asked.email || asked.profile;
        (about_user || !asked.scopes.is_empty()).then_some(asked)
    }

    /// The names, as they are granted.
    #[must_use]
    pub fn to_text(self) -> String {
        let own = [
            (self.openid, "openid"),
            (self.email, "email"),
            (self.profile, "profile"),
            (self.offline, "offline_access"),
        ];
        let own = own.into_iter().filter(|(is, _)| *is).map(|(_, name)| name);
        own.chain(self.scopes.names()).collect::<Vec<_>>().join(" ")
    }

    /// What is given of this to whom that was granted. To stay connected is of the grant, and opens nothing.
    #[must_use]
    pub fn within(self, granted: Self) -> Self {
        Self {
            scopes: self.scopes.intersect(granted.scopes),
            openid: self.openid && granted.openid,
            email: self.email && granted.email,
            profile: self.profile && granted.profile,
            offline: granted.offline,
        }
    }

    /// Only what reads.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { scopes: self.scopes.intersect(ScopeSet::reads()), ..self }
    }
}

/// What an application with these scopes can see, in plain words.
#[must_use]
pub fn sees(scopes: ScopeSet) -> Vec<&'static str> {
    words(scopes, true)
}

/// What it can change.
#[must_use]
pub fn changes(scopes: ScopeSet) -> Vec<&'static str> {
    words(scopes, false)
}

fn words(scopes: ScopeSet, reads: bool) -> Vec<&'static str> {
    scopes.iter().filter(|scope| ScopeSet::reads().contains(*scope) == reads).map(plain).collect()
}

/// One scope in plain words.
const fn plain(scope: Scope) -> &'static str {
    match scope {
        Scope::AccountRead => "see your account, its team and its API keys' names",
        Scope::AccountWrite => "make, rotate and revoke API keys, and manage the team if you may",
        Scope::AiActions => "start actions of the assistant",
        Scope::BillingRead => "see billing",
        Scope::ChecklistsRead => "see your checklists",
        Scope::ChecklistsWrite => "create and change checklists",
        Scope::CompaniesRead => "see your companies",
        Scope::CompaniesWrite => "create and change companies",
        Scope::ContactsRead => "see your contacts",
        Scope::ContactsWrite => "create and change contacts",
        Scope::DealsRead => "see your deals",
        Scope::DealsWrite => "create and change deals",
        Scope::DocumentsRead => "see your documents",
        Scope::DocumentsWrite => "add and change documents",
        Scope::LendersRead => "see lenders",
        Scope::MarketRead => "see market figures",
        Scope::PipelinesRead => "see your pipelines",
        Scope::PipelinesWrite => "create and change pipelines",
        Scope::PlacementsRead => "see your placements",
        Scope::PlacementsWrite => "create and change placements",
        Scope::TermsheetsRead => "see your term sheets",
        Scope::TermsheetsWrite => "create and change term sheets",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_scope_asks_for_reading_alone_and_unknown_names_are_left_out() {
        for absent in [None, Some(""), Some("  ")] {
            let asked = Asked::read(absent).unwrap();
            assert_eq!(asked.to_text(), "account:read deals:read pipelines:read", "{absent:?}");
        }
        let asked = Asked::read(Some("openid phone profile deals:read")).unwrap();
        assert_eq!(asked.to_text(), "openid profile deals:read");
        assert_eq!(Asked::read(Some("address phone")), None);
        assert_eq!(Asked::read(Some("offline_access")), None);
    }

    /// C13: consent, then refreshes, each with scopes of its own.
    #[test]
    fn no_walk_over_scopes_leads_to_more_than_was_granted() {
        let (mut state, mut steps, mut wider) = (0x9E37_79B9_7F4A_7C15_u64, 0_u32, 0_u32);
        let mut some = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let bits = state >> 24;
            let scopes = Scope::ALL.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
            let scopes = scopes.map(|(_, scope)| *scope).collect();
            Asked {
                scopes,
                openid: bits >> 37 & 1 == 1,
                email: bits >> 38 & 1 == 1,
                profile: bits >> 36 & 1 == 1,
                offline: bits >> 39 & 1 == 1,
            }
        };
        for walk in 0..10_000 {
            let consent = some();
            let granted = if walk % 3 == 0 { consent.read_only() } else { consent };
            for _ in 0..100 {
                let asked = some();
                let given = asked.within(granted);
                let more = !given.scopes.without(granted.scopes).is_empty()
                    || !given.scopes.without(asked.scopes).is_empty()
                    || !given.scopes.without(consent.scopes).is_empty()
                    || given.openid && !(granted.openid && asked.openid)
                    || given.email && !(granted.email && asked.email)
                    || given.profile && !(granted.profile && asked.profile);
                wider += u32::from(more);
                steps += 1;
            }
        }
        println!("{steps} steps over scopes: wider than was granted {wider}");
        assert_eq!((steps, wider), (1_000_000, 0));
    }

    proptest! {
        #[test]
        fn what_is_read_is_never_more_than_what_was_asked(names in proptest::collection::vec(
            prop_oneof![proptest::sample::select(Scope::NAMES.to_vec()), Just("openid"), Just("email"), Just("profile"), Just("x:y"), Just("DEALS:READ")], 1..8)) {
            let text = names.join(" ");
            if let Some(asked) = Asked::read(Some(&text)) {
                for granted in asked.to_text().split(' ') {
                    prop_assert!(names.contains(&granted), "{granted}");
                }
                prop_assert!(asked.read_only().scopes.without(asked.scopes).is_empty());
                prop_assert!(changes(asked.read_only().scopes).is_empty());
            }
        }
    }
}
