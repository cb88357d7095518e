//! A grant that is given up by its client, or ended by its person with all others of that application.

use super::of_ended;
use crate::effect::{Effect, Rendered, Subject};
use crate::id::UserId;
use crate::oauth::{EndedGrant, GrantId};
use crate::permit::{EndSignIns, Present};
use serde_json::{Value, json};
use std::sync::Arc;

/// A client gives a grant of its own up (RFC 7009).
#[derive(Clone, Debug)]
pub struct RevokeGrant {
    /// The grant.
    pub grant: GrantId,
    /// The client, already authenticated.
    pub client: Arc<str>,
}

/// A grant is no more.
#[derive(Clone, Debug)]
pub struct GrantRevoked {
    /// The grant.
    pub grant: EndedGrant,
    /// Whether this was what ended it.
    pub now: bool,
}

impl Effect for RevokeGrant {
    type Action = Present;
    type Done = GrantRevoked;
    const AUDIT: &'static str = "oauth_grant.revoke";

    fn ends(_: &GrantRevoked) -> bool {
        true
    }

    fn subject(done: &GrantRevoked) -> Subject {
        of_ended(&done.grant)
    }

    fn actor(done: &GrantRevoked) -> Option<UserId> {
        done.grant.user
    }

    fn changed(done: &GrantRevoked) -> bool {
        done.now
    }

    fn render(_: &GrantRevoked) -> Rendered {
        Rendered::empty()
    }
}

/// A person disconnects an application: every grant that it has from this person ends.
#[derive(Clone, Debug)]
pub struct Disconnect {
    /// The `client_id`.
    pub client: Arc<str>,
}

/// An application is disconnected.
#[derive(Clone, Debug)]
pub struct Disconnected {
    /// Whose.
    pub user: UserId,
    /// The `client_id`.
    pub client: Arc<str>,
    /// How many grants ended.
    pub grants: usize,
}

impl Effect for Disconnect {
    type Action = EndSignIns;
    type Done = Disconnected;
    const AUDIT: &'static str = "oauth_grant.disconnect";
    const IN_ACCOUNT: bool = false;

    fn ends(_: &Disconnected) -> bool {
        true
    }

    fn subject(done: &Disconnected) -> Subject {
        Subject::user(done.user)
    }

    fn changed(done: &Disconnected) -> bool {
        done.grants > 0
    }

    fn detail(done: &Disconnected) -> Option<Value> {
        Some(json!({ "client_id": &*done.client, "grants_ended": done.grants }))
    }

    fn render(_: &Disconnected) -> Rendered {
        Rendered::empty()
    }
}
