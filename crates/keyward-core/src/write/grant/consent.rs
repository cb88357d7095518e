//! A person lets an application act for it.

use super::of_grant;
use crate::effect::{Effect, Rendered, Subject};
use crate::id::AccountId;
use crate::oauth::{Asked, Client, OAuthGrant, Resources};
use crate::opaque::TokenDigest;
use crate::permit::ManageSignIns;
use serde_json::{Value, json};
use uuid::Uuid;

/// A code is good for so long, in seconds.
pub const CONSENT_SECONDS: i64 = 60;

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
        Rendered::empty()
    }
}
