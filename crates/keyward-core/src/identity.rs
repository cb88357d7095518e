//! Which person an outside issuer's subject is.

use crate::effect::{Effect, Rendered, Subject};
use crate::id::UserId;
use crate::permit::Administer;
use serde_json::json;

/// The longest `iss` and `sub` that are taken, in bytes. OpenID Connect Core §2 keeps a `sub` to 255.
pub const MOST: usize = 255;

/// Links an issuer's subject to a user, or takes the link away. A subject is one user's; a user may have several.
#[derive(Clone, Debug)]
pub struct LinkIdentity {
    /// The user.
    pub user: UserId,
    /// The `iss` of its tokens, exactly.
    pub issuer: String,
    /// The `sub` of its tokens, exactly.
    pub subject: String,
    /// Whether there is to be a link.
    pub linked: bool,
}

/// There is a link, or none, as was wanted.
#[derive(Clone, Debug)]
pub struct IdentityLinked {
    /// What was wanted.
    pub wanted: LinkIdentity,
    /// Whether this was what changed it.
    pub now: bool,
}

impl Effect for LinkIdentity {
    type Action = Administer;
    type Done = IdentityLinked;
    const AUDIT: &'static str = "user.link";

    fn subject(done: &IdentityLinked) -> Subject {
        Subject { kind: "user", id: done.wanted.user.0, account: None }
    }

    fn changed(done: &IdentityLinked) -> bool {
        done.now
    }

    fn detail(done: &IdentityLinked) -> Option<serde_json::Value> {
        let LinkIdentity { issuer, subject, linked, .. } = &done.wanted;
        Some(json!({ "issuer": issuer, "subject": subject, "linked": linked }))
    }

    fn render(done: &IdentityLinked) -> Rendered {
        Rendered::ok(&json!({ "user_id": done.wanted.user, "linked": done.wanted.linked }))
    }
}
