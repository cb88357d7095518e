//! The link between an outside issuer's subject and its user: made by the operator, or by a verified address.

use crate::effect::{Effect, Rendered, Subject};
use crate::id::{AccountId, UserId};
use crate::identity::{Claimant, Identity, IssuerAccounts};
use crate::jwt::Link;
use crate::permit::{Administer, SignIn};
use serde_json::json;
use std::sync::Arc;

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

    fn ends(done: &IdentityLinked) -> bool {
        !done.wanted.linked
    }

    fn subject(done: &IdentityLinked) -> Subject {
        Subject::user(done.wanted.user)
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

/// Links the subject of a verified token to the user with its verified address, as far as its issuer may say that: see
/// [`crate::identity::Addressee::claimed_by`]. Whoever is in no account yet accepts its one open invitation with it, or later by the same address: it
/// has come. Whoever is in one already is moved into no other.
#[derive(Clone, Debug)]
pub struct LinkByEmail {
    /// The `iss` of the token.
    pub issuer: Arc<str>,
    /// The `sub` of the token.
    pub subject: Arc<str>,
    /// The address, in lower case, that the issuer has verified.
    pub email: Arc<str>,
    /// What its user must have for it.
    pub link: Link,
    /// The slugs of the accounts that the issuer speaks for; none: all.
    pub accounts: Arc<[String]>,
    /// What the others speak for.
    pub issuers: IssuerAccounts,
}

impl LinkByEmail {
    /// Who says it.
    #[must_use]
    pub fn claimant(&self) -> Claimant<'_> {
        Claimant { issuer: &self.issuer, accounts: &self.accounts, link: self.link, issuers: &self.issuers }
    }
}

/// A subject was linked by its address.
#[derive(Clone, Debug)]
pub struct LinkedByEmail {
    /// The link.
    pub identity: Identity,
    /// The account whose invitation was accepted.
    pub joined: Option<AccountId>,
    /// Whether this was what linked it.
    pub now: bool,
}

impl Effect for LinkByEmail {
    type Action = SignIn;
    type Done = LinkedByEmail;
    const AUDIT: &'static str = "user.link";

    fn subject(done: &LinkedByEmail) -> Subject {
        // Its admins will look there.
        Subject { kind: "user", id: done.identity.user.0, account: done.joined }
    }

    fn changed(done: &LinkedByEmail) -> bool {
        done.now
    }

    fn detail(done: &LinkedByEmail) -> Option<serde_json::Value> {
        let Identity { issuer, subject, .. } = &done.identity;
        let (issuer, subject) = (&**issuer, &**subject);
        let joined: Vec<AccountId> = done.joined.into_iter().collect();
        Some(json!({ "issuer": issuer, "subject": subject, "linked": true, "joined_accounts": joined }))
    }

    fn render(done: &LinkedByEmail) -> Rendered {
        Rendered::ok(&json!({ "user_id": done.identity.user }))
    }
}
