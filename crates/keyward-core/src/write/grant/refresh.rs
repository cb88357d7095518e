//! A client presents a refresh token.

use super::{of_ended, of_grant};
use crate::effect::{Effect, Rendered, Subject};
use crate::id::UserId;
use crate::oauth::refresh::Presented;
use crate::oauth::{EndedGrant, GrantEnd, OAuthGrant, Resources};
use crate::permit::Present;
use crate::scope::ScopeSet;
use serde_json::{Value, json};
use std::sync::Arc;

/// A client presents a refresh token that was made here.
#[derive(Clone, Debug)]
pub struct RefreshGrant {
    /// The token.
    pub presented: Presented,
    /// The client, already authenticated.
    pub client: Arc<str>,
    /// The scopes that the access token is to have; `None`: all of the grant.
    pub scopes: Option<ScopeSet>,
    /// The resources that it is to be for.
    pub resources: Option<Resources>,
    /// The version of the root secret that a successor is derived from.
    pub version: u32,
    /// When the grant ends without being refreshed again, in seconds from now.
    pub lives: i64,
    /// How long a token is still taken after it was replaced, in seconds.
    pub grace: i64,
}

/// What came of a refresh token.
#[derive(Clone, Debug)]
pub enum Refreshed {
    /// The grant, with the successor as its current one; whether this was what replaced the presented one.
    Granted(OAuthGrant, bool),
    /// It had been replaced: the grant is ended.
    Reused(EndedGrant),
}

impl Effect for RefreshGrant {
    type Action = Present;
    type Done = Refreshed;
    const AUDIT: &'static str = "oauth_grant.refresh";

    fn ends(done: &Refreshed) -> bool {
        matches!(done, Refreshed::Reused(_))
    }

    fn subject(done: &Refreshed) -> Subject {
        match done {
            Refreshed::Granted(grant, _) => of_grant(grant),
            Refreshed::Reused(grant) => of_ended(grant),
        }
    }

    fn actor(done: &Refreshed) -> Option<UserId> {
        match done {
            Refreshed::Granted(grant, _) => Some(grant.user),
            Refreshed::Reused(grant) => grant.user,
        }
    }

    fn changed(done: &Refreshed) -> bool {
        // A refresh every quarter of an hour would drown what matters; that a grant ended does.
        matches!(done, Refreshed::Reused(_))
    }

    fn detail(done: &Refreshed) -> Option<Value> {
        matches!(done, Refreshed::Reused(_)).then(|| json!({ "ended": GrantEnd::RefreshReused.word() }))
    }

    fn render(_: &Refreshed) -> Rendered {
        Rendered::empty()
    }
}
