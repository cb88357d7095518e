//! A client presents a code.

use super::{of_ended, of_grant};
use crate::clock::Timestamp;
use crate::effect::{Effect, Rendered, Subject};
use crate::id::UserId;
use crate::oauth::{Client, EndedGrant, GrantEnd, OAuthGrant, Resources};
use crate::opaque::TokenDigest;
use crate::permit::Present;
use serde_json::{Value, json};

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
        Rendered::empty()
    }
}
