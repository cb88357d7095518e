//! Who is calling: the caller that a credential proves, and the principal that it is in one account.

use crate::account::Membership;
use crate::address::ClientAddress;
use crate::api_key::Digest;
use crate::clock::Timestamp;
use crate::grant::Grant;
use crate::id::{AccountId, KeyId, UserId};
use crate::jwt::Verified;
use crate::oauth::GrantId;
use crate::opaque::TokenDigest;
use crate::role::Role;
use crate::scope::{Scope, ScopeSet};
use ipnet::IpNet;
use std::sync::Arc;

/// The API key that a request came with.
#[derive(Clone, Debug)]
pub struct KeyCredential {
    /// The key.
    pub id: KeyId,
    /// The digest of the very secret that was presented: rotation can end it while the key lives on.
    pub digest: Digest,
    /// Whether that secret is the key's own, and not one in its grace.
    pub current: bool,
    /// Where the request came from.
    pub from: ClientAddress,
    /// What the key may do at most.
    pub grant: Grant,
    /// The end of the key, if it has one.
    pub expires_at: Option<Timestamp>,
    /// The ranges that it may be used from; `None`: from everywhere.
    pub allowed_ips: Option<Arc<[IpNet]>>,
    /// Its user's place in its account.
    pub member: Membership,
}

/// Whose a token is, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenOf {
    /// By the link between an outside issuer's subject and its user: its id.
    Link(i64),
    /// By a grant that its user gave here.
    Grant(GrantId),
}

/// The session that a page was asked for by.
#[derive(Clone, Copy, Debug)]
pub struct SessionCredential {
    /// Its id.
    pub id: i64,
    /// The digest of its token.
    pub digest: TokenDigest,
    /// Since when.
    pub created_at: Timestamp,
    /// Its end.
    pub ends_at: Timestamp,
}

/// The verified JWT that a request came with.
#[derive(Clone, Debug)]
pub struct JwtCredential {
    /// Whose it is.
    pub of: TokenOf,
    /// The token, as it was verified.
    pub token: Arc<Verified>,
}

/// The credential of a request.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An API key.
    ApiKey(KeyCredential),
    /// An access token of an issuer that is trusted.
    Jwt(JwtCredential),
    /// A person in a browser.
    Session(SessionCredential),
}

impl Credential {
    /// The kind, as logs and audit name it. A JWT of our own is known by its `grant`, one of another issuer by its user's link.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ApiKey(_) => "api_key",
            Self::Jwt(JwtCredential { of: TokenOf::Link(_), .. }) => "jwt",
            Self::Jwt(JwtCredential { of: TokenOf::Grant(_), .. }) => "grant",
            Self::Session(_) => "session",
        }
    }

    /// The id within its kind: a key's or a session's own; of a JWT, that of its grant, or of the link between its subject and its
    /// user. Never a secret.
    #[must_use]
    pub fn id(&self) -> i64 {
        match self {
            Self::ApiKey(key) => key.id.0,
            Self::Jwt(JwtCredential { of: TokenOf::Link(id), .. }) => *id,
            Self::Jwt(JwtCredential { of: TokenOf::Grant(grant), .. }) => grant.0,
            Self::Session(session) => session.id,
        }
    }

    /// Its end, if it has one.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::ApiKey(key) => key.expires_at,
            Self::Jwt(jwt) => Some(jwt.token.expires_at),
            Self::Session(session) => Some(session.ends_at),
        }
    }

    /// What it may do at most.
    #[must_use]
    pub fn grant(&self) -> Grant {
        match self {
            Self::ApiKey(key) => key.grant,
            Self::Jwt(jwt) => jwt.token.grant,
            // Whoever is there in person may do what that person may.
            Self::Session(_) => Grant::FullAccess,
        }
    }

    /// Whether a right that must stand in it literally does: whatever a JWT's issuer is trusted with, its user must have been
    /// asked for this one.
    #[must_use]
    pub fn says(&self, scope: Scope) -> bool {
        match self {
            Self::ApiKey(_) | Self::Session(_) => true,
            Self::Jwt(jwt) => jwt.token.literal.contains(scope),
        }
    }

    /// Whether this is the API key of that id.
    #[must_use]
    pub fn is_key(&self, id: KeyId) -> bool {
        matches!(self, Self::ApiKey(key) if key.id == id)
    }
}

/// A credential that is known and was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// Its kind, as [`Credential::kind`].
    pub kind: &'static str,
    /// Its id within its kind.
    pub id: i64,
    /// The user that it is bound to.
    pub user: UserId,
    /// The account that it is bound to, if it is bound to one.
    pub account: Option<AccountId>,
}

/// An authenticated caller, before an account is chosen.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The user behind the credential.
    pub user: UserId,
    /// The credential.
    pub credential: Credential,
}

/// A caller in one account (or, on the few routes that allow it, in none), with what it may do now.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The user behind the credential.
    pub user: UserId,
    /// The credential.
    pub credential: Credential,
    /// The account of this request and the user's role there.
    pub member: Option<Membership>,
    /// The effective scopes: the credential's, intersected with the role's, now.
    pub scopes: ScopeSet,
}

impl Principal {
    /// The caller in the account that its credential is bound to; a JWT is bound to none.
    #[must_use]
    pub fn of(caller: Caller) -> Self {
        let member = match &caller.credential {
            Credential::ApiKey(key) => Some(key.member),
            Credential::Jwt(_) | Credential::Session(_) => None,
        };
        Self::within(caller, member)
    }

    /// The caller with this place in an account. Without one, its scopes are the credential's alone.
    #[must_use]
    pub(crate) fn within(caller: Caller, member: Option<Membership>) -> Self {
        let grant = caller.credential.grant();
        // Absent: without an account no action of an account has a permit; the scopes are for `/me` to show.
        let scopes = member.map_or_else(|| grant.most(), |member| grant.under(member.role));
        Self { user: caller.user, credential: caller.credential, member, scopes }
    }

    /// Whether the scope is among the effective ones.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// Whether the user is an admin of the request's account.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.member.is_some_and(|member| member.role == Role::Admin)
    }
}
