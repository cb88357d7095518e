//! The writes on grants: consent, codes, refresh tokens, and their end. Nothing of their answers goes through the API's envelope:
//! whoever asked has a form of its own.

mod consent;
mod end;
mod redeem;
mod refresh;

pub use consent::{CONSENT_SECONDS, GiveConsent, Given};
pub use end::{Disconnect, Disconnected, GrantRevoked, RevokeGrant};
pub use redeem::{RedeemCode, Redeemed};
pub use refresh::{RefreshGrant, Refreshed};

use crate::effect::Subject;
use crate::oauth::{EndedGrant, OAuthGrant};

fn of_grant(grant: &OAuthGrant) -> Subject {
    Subject { kind: "oauth_grant", id: grant.id.0, account: grant.account }
}

fn of_ended(grant: &EndedGrant) -> Subject {
    Subject { kind: "oauth_grant", id: grant.id.0, account: grant.account }
}
