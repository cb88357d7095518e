//! The writes of the authorization server.

use super::client::Client;
use super::grant::{EndedGrant, GrantEnd, OAuthGrant, Resources};
use super::refresh::Presented;
use super::words::Asked;
use crate::address::ClientAddress;
use crate::clock::Timestamp;
use crate::effect::{Effect, Rendered, Subject};
use crate::id::{AccountId, UserId};
use crate::opaque::TokenDigest;
use crate::permit::{Administer, EndSignIns, ManageSignIns, Present, Register};
use crate::scope::ScopeSet;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// A code is good for so long, in seconds.
pub const CONSENT_SECONDS: i64 = 60;

fn of_client(id: i64) -> Subject {
    Subject { kind: "oauth_client", id, account: None }
}

fn of_grant(grant: &OAuthGrant) -> Subject {
    Subject { kind: "oauth_grant", id: grant.id.0, account: grant.account }
}

fn of_ended(grant: &EndedGrant) -> Subject {
    Subject { kind: "oauth_grant", id: grant.id.0, account: grant.account }
}

/// Nothing of these answers goes through the API's envelope: whoever asked has a form of its own.
fn nothing() -> Rendered {
    Rendered::ok(&json!({}))
}

/// The operator makes a client known.
#[derive(Clone, Debug)]
pub struct CreateClient(pub Client);

/// An application makes itself known (RFC 7591). The same public metadata again are the same client.
#[derive(Clone, Debug)]
pub struct RegisterClient {
    /// The client, if it is a new one.
    pub client: Client,
    /// The digest of its metadata, if it is a public client.
    pub same: Option<TokenDigest>,
    /// Where it came from; clients of one network share a part of the room.
    pub network: ClientAddress,
    /// The most registered clients there may be.
    pub most: u32,
    /// The most of one network that nobody has used yet.
    pub share: u32,
}

/// A client goes, and all its grants with it. Of one that is a document, which nobody here can take away, the grants go.
#[derive(Clone, Debug)]
pub struct DeleteClient {
    /// Its `client_id`.
    pub id: Arc<str>,
}

/// A client is gone.
#[derive(Clone, Debug)]
pub struct ClientDeleted {
    /// The id of its row; a client that is a document has none.
    pub row: Option<i64>,
    /// Its `client_id`.
    pub id: Arc<str>,
    /// How many of its grants ended.
    pub grants: usize,
}

impl Effect for CreateClient {
    type Action = Administer;
    type Done = (i64, Client);
    const AUDIT: &'static str = "oauth_client.create";

    fn subject((row, _): &Self::Done) -> Subject {
        of_client(*row)
    }

    fn detail((_, client): &Self::Done) -> Option<Value> {
        Some(json!({ "client_id": &*client.id, "name": client.name }))
    }

    fn render(_: &Self::Done) -> Rendered {
        nothing()
    }
}

impl Effect for RegisterClient {
    type Action = Register;
    /// The row, the client, and whether it is new and took nobody's place: a flood that pushes out its own registrations
    /// leaves no rows in the audit trail.
    type Done = (i64, Client, bool);
    const AUDIT: &'static str = "oauth_client.register";
    const ATTEMPT: bool = true;

    fn subject((row, ..): &Self::Done) -> Subject {
        of_client(*row)
    }

    fn changed((_, _, new): &Self::Done) -> bool {
        *new
    }

    fn detail((_, client, _): &Self::Done) -> Option<Value> {
        Some(json!({ "client_id": &*client.id, "name": client.name }))
    }

    fn render(_: &Self::Done) -> Rendered {
        nothing()
    }
}

impl Effect for DeleteClient {
    type Action = Administer;
    type Done = ClientDeleted;
    const AUDIT: &'static str = "oauth_client.delete";

    fn ends(_: &ClientDeleted) -> bool {
        true
    }

    fn subject(done: &ClientDeleted) -> Subject {
        // Absent: the trail names the client by its id alone, which stands beside it.
        of_client(done.row.unwrap_or(0))
    }

    fn detail(done: &ClientDeleted) -> Option<Value> {
        Some(json!({ "client_id": &*done.id, "grants_ended": done.grants }))
    }

    fn render(_: &ClientDeleted) -> Rendered {
        nothing()
    }
}

/// A person lets an application act for it: a grant, and a code for it.
#[derive(Clone, Debug)]
pub struct GiveConsent {
    /// The client.
    pub client: Client,
    /// What it may do.
    pub asked: Asked,
    /// For which of our resources.
    pub resources: Resources,
    /// The account to act in; the person must be a member there.
    pub account: Option<AccountId>,
    /// Whether it acts in no other.
    pub bound: bool,
    /// Where the code is sent.
    pub redirect_uri: String,
    /// The PKCE challenge.
    pub challenge: String,
    /// OpenID Connect's `nonce`.
    pub oidc_nonce: Option<String>,
    /// The form that was answered: each is answered once.
    pub form: Uuid,
    /// The digest of the code.
    pub code: TokenDigest,
    /// What the grant's refresh tokens are derived from.
    pub nonce: [u8; 16],
    /// When it ends without being refreshed, in seconds from now.
    pub lives: i64,
}

/// A grant was given.
#[derive(Clone, Debug)]
pub struct Given(pub OAuthGrant);

impl Effect for GiveConsent {
    type Action = ManageSignIns;
    type Done = Given;
    const AUDIT: &'static str = "oauth_grant.create";

    fn subject(done: &Given) -> Subject {
        of_grant(&done.0)
    }

    fn detail(done: &Given) -> Option<Value> {
        let OAuthGrant { client, client_name, scopes, bound, .. } = &done.0;
        let scopes = scopes.names();
        Some(json!({ "client_id": &**client, "client_name": client_name, "scopes": scopes, "bound": bound }))
    }

    fn render(_: &Given) -> Rendered {
        nothing()
    }
}

/// A client presents a code.
#[derive(Clone, Debug)]
pub struct RedeemCode {
    /// The digest of the code.
    pub code: TokenDigest,
    /// The client, already authenticated.
    pub client: Client,
    /// The redirect URI, if it is said again.
    pub redirect_uri: Option<String>,
    /// The PKCE verifier.
    pub verifier: String,
    /// The resources that the token is to be for.
    pub resources: Option<Resources>,
    /// The version of the root secret that refresh tokens are derived from.
    pub version: u32,
    /// When the grant ends without being refreshed, in seconds from now; and without refresh tokens at all.
    pub lives: (i64, i64),
}

/// What came of a code. A replay changes something too, so it is no refusal here.
#[derive(Clone, Debug)]
pub enum Redeemed {
    /// It is the grant's.
    Granted {
        /// The grant.
        grant: OAuthGrant,
        /// OpenID Connect's `nonce`.
        oidc_nonce: Option<String>,
        /// When the person signed in.
        signed_in_at: Timestamp,
    },
    /// It had been redeemed: the grant is ended.
    Replayed(EndedGrant),
}

impl Effect for RedeemCode {
    type Action = Present;
    type Done = Redeemed;
    const AUDIT: &'static str = "oauth_grant.redeem";

    fn ends(done: &Redeemed) -> bool {
        matches!(done, Redeemed::Replayed(_))
    }

    fn subject(done: &Redeemed) -> Subject {
        match done {
            Redeemed::Granted { grant, .. } => of_grant(grant),
            Redeemed::Replayed(grant) => of_ended(grant),
        }
    }

    fn actor(done: &Redeemed) -> Option<UserId> {
        match done {
            Redeemed::Granted { grant, .. } => Some(grant.user),
            Redeemed::Replayed(grant) => grant.user,
        }
    }

    fn detail(done: &Redeemed) -> Option<Value> {
        match done {
            Redeemed::Granted { .. } => None,
            Redeemed::Replayed(_) => Some(json!({ "ended": GrantEnd::CodeReplayed.word() })),
        }
    }

    fn render(_: &Redeemed) -> Rendered {
        nothing()
    }
}

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
        nothing()
    }
}

/// A client gives a grant of its own up (RFC 7009).
#[derive(Clone, Debug)]
pub struct RevokeGrant {
    /// The grant.
    pub grant: super::GrantId,
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
        nothing()
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
        Subject { kind: "user", id: done.user.0, account: None }
    }

    fn changed(done: &Disconnected) -> bool {
        done.grants > 0
    }

    fn detail(done: &Disconnected) -> Option<Value> {
        Some(json!({ "client_id": &*done.client, "grants_ended": done.grants }))
    }

    fn render(_: &Disconnected) -> Rendered {
        nothing()
    }
}
