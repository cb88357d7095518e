//! A key that is ended for good, alone or with what it made.

use super::descendants::{Descendants, RevokedKeyView};
use crate::effect::{Effect, Rendered, Repeatable, Subject};
use crate::id::{AccountId, KeyId};
use crate::permit::RevokeKeys;

/// A key is ended for good.
#[derive(Clone, Debug)]
pub struct RevokeKey {
    /// The key; `None` when the path named no id at all.
    pub key: Option<KeyId>,
    /// The id as it was sent, for the refusal.
    pub as_sent: String,
    /// Whether what it made ends with it, as far as the caller may.
    pub descendants: bool,
}

/// A key is revoked, now or already before.
#[derive(Clone, Debug)]
pub struct KeyRevoked {
    /// The key.
    pub key: KeyId,
    /// Its account; `None`: that cannot be read.
    pub account: Option<AccountId>,
    /// Whether this was what revoked it.
    pub now: bool,
    /// What ended with it, if that was asked for, and its holder may end more than itself.
    pub descendants: Option<Descendants>,
}

impl Repeatable for RevokeKey {}

impl Effect for RevokeKey {
    type Action = RevokeKeys;
    type Done = KeyRevoked;
    const AUDIT: &'static str = "api_key.revoke";
    const FLAG: Option<&'static str> = Some("descendants");

    fn ends(_: &KeyRevoked) -> bool {
        true
    }

    fn subject(done: &KeyRevoked) -> Subject {
        Subject { kind: Subject::API_KEY, id: done.key.0, account: done.account }
    }

    fn changed(done: &KeyRevoked) -> bool {
        done.now || done.descendants.as_ref().is_some_and(Descendants::ended)
    }

    fn detail(done: &KeyRevoked) -> Option<serde_json::Value> {
        done.descendants.as_ref().map(Descendants::told)
    }

    fn render(done: &KeyRevoked) -> Rendered {
        match &done.descendants {
            None => Rendered::deleted(),
            some => Rendered::ok(&RevokedKeyView::of(some.as_ref())),
        }
    }
}
