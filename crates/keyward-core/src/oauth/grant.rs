//! A grant: what a person has let an application do, until one of many things ends it.

use super::family::Family;
use super::words::Asked;
use crate::clock::Timestamp;
use crate::denial::OAuthDenial;
use crate::id::{AccountId, UserId};
use crate::scope::ScopeSet;
use std::sync::Arc;

/// The previous refresh token answers with the same successor for so long after its rotation, in seconds, unless the operator sets
/// another period: parallel clients and lost answers stay alive.
pub const GRACE_SECONDS: i64 = 30;
/// The longest period that can be set, in seconds.
pub const LONGEST_GRACE_SECONDS: i64 = 3_600;
/// The longest that a grant lives, in days, however often it is refreshed.
pub const LONGEST_DAYS: i64 = 365;

/// The id of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrantId(pub i64);

/// Which of our resources tokens are for (RFC 8707).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// The API.
    pub api: bool,
    /// The MCP server.
    pub mcp: bool,
}

impl Resources {
    /// Whether all of these are among those.
    #[must_use]
    pub fn within(self, other: Self) -> bool {
        (other.api || !self.api) && (other.mcp || !self.mcp)
    }
}

/// Which grants end. They are ended by what names them, and nothing else of them is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grants {
    /// This one.
    One(GrantId),
    /// All that a user gave.
    OfUser(UserId),
    /// All that a client was given.
    OfClient(Arc<str>),
    /// All that a user gave to a client.
    OfUserTo(UserId, Arc<str>),
    /// All of a user that act in this account alone.
    BoundTo(UserId, AccountId),
}

impl Grants {
    /// Whether a grant is one of these.
    #[must_use]
    pub fn include(&self, grant: &OAuthGrant) -> bool {
        match self {
            Self::One(id) => grant.id == *id,
            Self::OfUser(user) => grant.user == *user,
            Self::OfClient(client) => grant.client == *client,
            Self::OfUserTo(user, client) => grant.user == *user && grant.client == *client,
            Self::BoundTo(user, account) => {
                grant.user == *user && grant.bound && grant.account == Some(*account)
            }
        }
    }
}

/// What is read of a grant that ends: whose it is, as far as its row says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedGrant {
    /// Its id.
    pub id: GrantId,
    /// Who gave it; `None`: that cannot be read.
    pub user: Option<UserId>,
    /// The account that it acted in; `None`: there was none, or it cannot be read.
    pub account: Option<AccountId>,
}

/// Why a grant is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantEnd {
    /// Its user disconnected the application.
    Disconnected,
    /// Its client revoked it (RFC 7009).
    Revoked,
    /// Its code was used twice.
    CodeReplayed,
    /// A refresh token was used that had been replaced.
    RefreshReused,
    /// Its user has a new password.
    PasswordChanged,
    /// Its user is no longer in the account that it was for.
    MemberRemoved,
    /// Its client is gone.
    ClientDeleted,
    /// Its user was disabled.
    UserDisabled,
    /// It was given by a clock that was ahead.
    ClockAccepted,
}

impl GrantEnd {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Disconnected,
        Self::Revoked,
        Self::CodeReplayed,
        Self::RefreshReused,
        Self::PasswordChanged,
        Self::MemberRemoved,
        Self::ClientDeleted,
        Self::UserDisabled,
        Self::ClockAccepted,
    ];

    /// The word, in the store and in the audit trail.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Revoked => "revoked",
            Self::CodeReplayed => "code_replayed",
            Self::RefreshReused => "refresh_reused",
            Self::PasswordChanged => "password_changed",
            Self::MemberRemoved => "member_removed",
            Self::ClientDeleted => "client_deleted",
            Self::UserDisabled => "user_disabled",
            Self::ClockAccepted => "clock_accepted",
        }
    }
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthGrant {
    /// Its id: what its access tokens name.
    pub id: GrantId,
    /// Who gave it.
    pub user: UserId,
    /// The `client_id` that it was given to.
    pub client: Arc<str>,
    /// The name that the client had then.
    pub client_name: String,
    /// What the application may do at most.
    pub scopes: ScopeSet,
    /// Whether it is told who its user is.
    pub openid: bool,
    /// Whether it is told the address.
    pub email: bool,
    /// Whether it receives the name and the picture.
    pub profile: bool,
    /// Whether it asked to stay connected.
    pub offline: bool,
    /// Which of our resources it is for.
    pub resources: Resources,
    /// The account that it acts in; `None`: its user was in none.
    pub account: Option<AccountId>,
    /// Whether it acts in no other.
    pub bound: bool,
    /// What its refresh tokens are derived from besides the root secret.
    pub nonce: [u8; 16],
    /// Its refresh tokens, once its code was redeemed by a client that gets them.
    pub family: Option<Family>,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub ends_at: Timestamp,
    /// When a token was last issued for it.
    pub last_used_at: Option<Timestamp>,
    /// Whether it was ended before that.
    pub ended: bool,
}

impl OAuthGrant {
    /// Whether it holds now.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        !self.ended && now < self.ends_at
    }

    /// All that its client may have of it.
    #[must_use]
    pub fn granted(&self) -> Asked {
        Asked {
            scopes: self.scopes,
            openid: self.openid,
            email: self.email,
            profile: self.profile,
            offline: self.offline,
        }
    }

    /// The end of the whole of it, however often it is refreshed.
    #[must_use]
    pub fn last_end(&self) -> Timestamp {
        self.created_at.plus_seconds(LONGEST_DAYS * 86_400)
    }

    /// When it ends without being refreshed again, if it is refreshed now and lives for `lives` seconds.
    #[must_use]
    pub fn end_after_refresh(&self, lives: i64, now: Timestamp) -> Timestamp {
        now.plus_seconds(lives).min(self.last_end())
    }

    /// That a token for these resources may be issued for it; `None`: for its own (RFC 8707 §2.2).
    ///
    /// # Errors
    /// [`OAuthDenial::ResourceUnknown`].
    pub fn covers(&self, resources: Option<Resources>) -> Result<(), OAuthDenial> {
        match resources {
            Some(asked) if !asked.within(self.resources) => Err(OAuthDenial::ResourceUnknown),
            Some(_) | None => Ok(()),
        }
    }

    /// That a refresh may ask for these resources and scopes; `None`: for its own (RFC 6749 §6).
    ///
    /// # Errors
    /// [`OAuthDenial::ResourceUnknown`], [`OAuthDenial::ScopeWider`].
    pub fn narrows_to(
        &self,
        resources: Option<Resources>,
        scopes: Option<ScopeSet>,
    ) -> Result<(), OAuthDenial> {
        self.covers(resources)?;
        match scopes {
            Some(scopes) if !scopes.without(self.scopes).is_empty() => Err(OAuthDenial::ScopeWider),
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether a grant is another client's. A client that cannot be read (`None`) is no other: a client that proved itself may still end
/// the grant.
#[must_use]
pub fn is_of_another(own: Option<&str>, client: &str) -> bool {
    own.is_some_and(|own| own != client)
}
