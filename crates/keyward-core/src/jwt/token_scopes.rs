//! What the scopes of a token leave of its user's rights, and which of its names mean nothing here.
//!
//! 1. `scope`, `scp`, `scopes` and `permissions` are read together, with the claims that the issuer's entry adds. Each is a
//!    text of names with spaces between them (RFC 6749 §3.3), or a list of such texts; anything else is a mistake, never absent.
//! 2. A claim that is there and names none of ours gives nothing. Otherwise a token would gain rights when its issuer takes the
//!    last permission away (`permissions: []`).
//! 3. `scope` with nothing but OpenID Connect's own names is the exception: every client that signs somebody in has it, and its
//!    issuer says nothing about this API.
//! 4. A claim that the entry leaves out may not name scopes of ours: its issuer meant them to count.

use super::object::{Object, Wrong};
use super::rules::{Rules, Scopes};
use crate::denial::Denial;
use crate::grant::Grant;
use crate::scope::{Scope, ScopeSet};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The claims in which issuers write scopes.
pub const SCOPE_CLAIMS: [&str; 4] = ["scope", "scp", "scopes", "permissions"];

/// The names of OpenID Connect (Core §5.4, §11): they ask for claims about the user and for refresh tokens.
pub const OPENID_SCOPES: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// The most unknown names that are kept of a token, and the most characters of each.
const UNKNOWN: usize = 8;
const CHARACTERS: usize = 64;

/// How an issuer's names of scopes become ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeNames {
    /// What each of our names begins with at the issuer; a name without it is not ours.
    pub prefix: String,
    /// Names of the issuer without the prefix, and the scopes that they stand for.
    pub map: BTreeMap<String, ScopeSet>,
}

impl ScopeNames {
    /// The scopes that a name stands for, compared to the letter; `None`: it is not ours.
    #[must_use]
    pub fn scopes(&self, name: &str) -> Option<ScopeSet> {
        let bare = name.strip_prefix(self.prefix.as_str())?;
        let mapped = self.map.get(bare).copied();
        mapped.or_else(|| Scope::parse(bare).map(|scope| ScopeSet::NONE.with(scope)))
    }

    /// Whether a name is neither ours nor OpenID Connect's.
    #[must_use]
    pub fn is_unknown(&self, name: &str) -> bool {
        self.scopes(name).is_none() && !OPENID_SCOPES.contains(&name)
    }
}

/// The scopes of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenScopes {
    /// What they leave of its user's rights.
    pub(super) grant: Grant,
    /// Those of ours that stand in it.
    pub(super) literal: ScopeSet,
    /// Why it may do less than its user, and what was not understood; `None`: it may do what its user may.
    pub(super) report: Option<ScopeReport>,
}

impl TokenScopes {
    /// Reads them.
    ///
    /// # Errors
    /// [`Denial::TokenClaims`] where a claim is neither a text nor a list of texts, [`Denial::TokenScopesUnread`] where one that
    /// the entry leaves out names scopes of ours.
    pub(super) fn read(object: &Object<'_>, rules: &Rules) -> Result<Self, Denial> {
        let claims = ScopeClaim::all(object, rules)?;
        if claims.iter().any(|claim| claim.is_unread(rules)) {
            return Err(Denial::TokenScopesUnread);
        }
        let names = || claims.iter().filter(|claim| claim.is_listed).flat_map(ScopeClaim::names);
        let ours = names().filter_map(|name| rules.scope_names.scopes(name));
        let literal: ScopeSet = ours.flat_map(ScopeSet::iter).collect();
        let narrowing = claims.iter().filter(|claim| claim.narrows());
        let narrowed_by: Vec<String> = narrowing.map(|claim| claim.name.to_owned()).collect();
        let grant = match rules.scopes {
            Scopes::Ignore => Grant::FullAccess,
            Scopes::Narrow if narrowed_by.is_empty() => Grant::FullAccess,
            Scopes::Narrow | Scopes::Require => Grant::Fixed(literal),
        };
        // Of our own tokens everything is known.
        let report = (matches!(grant, Grant::Fixed(_)) && !rules.own).then(|| ScopeReport {
            narrowed_by,
            unknown: unknown(&claims, rules),
            left: literal,
        });
        Ok(Self { grant, literal, report })
    }
}

/// The first few names that are neither ours nor OpenID Connect's.
fn unknown(claims: &[ScopeClaim<'_>], rules: &Rules) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in claims.iter().flat_map(ScopeClaim::names).filter(|name| rules.scope_names.is_unknown(name)) {
        let name: String = name.chars().take(CHARACTERS).collect();
        if found.len() < UNKNOWN && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// Why a token may do less than its user, for the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeReport {
    /// The claims whose presence narrows it; none: the entry requires scopes.
    pub narrowed_by: Vec<String>,
    /// The first few of its names that are neither ours nor OpenID Connect's, each cut at a length.
    pub unknown: Vec<String>,
    /// The scopes that it is narrowed to.
    pub left: ScopeSet,
}

impl ScopeReport {
    /// It in a sentence or two.
    #[must_use]
    pub fn text(&self) -> String {
        let by = match self.narrowed_by.as_slice() {
            [] => "scopes = \"require\"".to_owned(),
            claims => claims.join(", "),
        };
        let left = match self.left.names().as_slice() {
            [] => "nothing but /me".to_owned(),
            names => names.join(" "),
        };
        let narrowed = format!("{by} narrows it to {left}.");
        if self.unknown.is_empty() {
            return narrowed;
        }
        let unknown: Vec<String> = self.unknown.iter().map(|name| format!("{name:?}")).collect();
        format!(
            "{narrowed} Not scopes of this API: {}; scope_prefix and scope_map translate names.",
            unknown.join(", ")
        )
    }
}

/// A claim of a token that names scopes.
#[derive(Debug)]
pub(super) struct ScopeClaim<'t> {
    name: &'t str,
    texts: Vec<Cow<'t, str>>,
    /// Whether the entry lists it.
    is_listed: bool,
}

impl<'t> ScopeClaim<'t> {
    /// Those that the token has: of the usual ones, and of those that the entry adds.
    pub(super) fn all(object: &Object<'t>, rules: &'t Rules) -> Result<Vec<Self>, Denial> {
        let added = rules.scope_claims.iter().map(String::as_str).filter(|name| !SCOPE_CLAIMS.contains(name));
        let mut found = Vec::new();
        for name in SCOPE_CLAIMS.into_iter().chain(added) {
            if let Some(texts) = object.text_or_texts(name).map_err(|Wrong| Denial::TokenClaims)? {
                let is_listed = rules.scope_claims.iter().any(|listed| listed == name);
                found.push(Self { name, texts, is_listed });
            }
        }
        Ok(found)
    }

    /// What the claim is called.
    pub(super) fn name(&self) -> &'t str {
        self.name
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().flat_map(|text| text.split(' ')).filter(|name| !name.is_empty())
    }

    /// Whether it names scopes of ours, and the entry leaves it out.
    pub(super) fn is_unread(&self, rules: &Rules) -> bool {
        !self.is_listed && self.names().any(|name| rules.scope_names.scopes(name).is_some())
    }

    /// Whether its presence says that the issuer decides what the token may do.
    fn narrows(&self) -> bool {
        let is_bare = self.name == "scope" && self.names().next().is_some();
        !(is_bare && self.names().all(|name| OPENID_SCOPES.contains(&name)))
    }
}

#[cfg(test)]
mod tests;
