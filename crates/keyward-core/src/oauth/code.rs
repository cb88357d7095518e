//! Authorization codes: what a presented code does to its grant.
//!
//! A code is redeemed once, within [`super::CONSENT_SECONDS`], by the client that it was issued to, with the redirect URI and the PKCE
//! verifier of its request (RFC 6749 §4.1.3, RFC 7636 §4.6). A code that is presented again ends its grant (RFC 6749 §4.1.2).

use super::family::Family;
use super::grant::{OAuthGrant, Resources, is_of_another};
use super::pkce;
use crate::clock::{Moment, Timestamp};
use crate::denial::{Denial, OAuthDenial};

/// What is read of a code before the rest of its rows: a code that leaked ends its grant whatever else these hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeOutline<'c> {
    /// The client of its grant; `None`: that cannot be read.
    pub client: Option<&'c str>,
    /// Whether it was redeemed.
    pub redeemed: bool,
}

/// How often a code was presented by its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeUse {
    /// It was not redeemed yet.
    First,
    /// It was redeemed before: its grant ends.
    Replay,
}

impl CodeOutline<'_> {
    /// How often its client has presented it. A replay ends the grant whether the rest of the request is right or not: somebody has the
    /// code who should not (RFC 6749 §4.1.2).
    ///
    /// # Errors
    /// [`OAuthDenial::CodeOfAnother`]: another client presents it, which changes nothing.
    pub fn present(self, client: &str) -> Result<CodeUse, OAuthDenial> {
        match (is_of_another(self.client, client), self.redeemed) {
            (true, _) => Err(OAuthDenial::CodeOfAnother),
            (false, true) => Ok(CodeUse::Replay),
            (false, false) => Ok(CodeUse::First),
        }
    }
}

/// A code that was not redeemed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCode {
    /// Where it was sent.
    pub redirect_uri: String,
    /// The PKCE challenge of its request.
    pub challenge: String,
    /// OpenID Connect's `nonce`.
    pub oidc_nonce: Option<String>,
    /// When the person signed in.
    pub signed_in_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// What a client sends with a code.
#[derive(Clone, Copy, Debug)]
pub struct CodeRequest<'r> {
    /// The redirect URI, if it is repeated.
    pub redirect_uri: Option<&'r str>,
    /// The PKCE verifier.
    pub verifier: &'r str,
    /// The resources that the token is to be for.
    pub resources: Option<Resources>,
    /// Whether the client receives refresh tokens without asking for them.
    pub refreshes: bool,
    /// The version of the root secret that a refresh token is derived from.
    pub version: u32,
    /// When the grant ends without being refreshed, in seconds from now; and without refresh tokens at all.
    pub lives: (i64, i64),
}

/// A grant after its code was redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redemption {
    /// When it ends.
    pub ends_at: Timestamp,
    /// Its first refresh token, if its client receives any.
    pub family: Option<Family>,
}

impl OAuthGrant {
    /// What redeeming its code makes of it. A request that does not fit uses nothing up: the client that the code belongs to may still
    /// come.
    ///
    /// # Errors
    /// [`OAuthDenial::CodeExpired`], [`OAuthDenial::CodeOfAnother`] for another redirect URI, [`OAuthDenial::VerifierWrong`],
    /// [`OAuthDenial::ResourceUnknown`], [`OAuthDenial::GrantOver`], and [`Denial::ClockBehind`], in this order.
    pub fn redeem(
        &self,
        code: &StoredCode,
        request: CodeRequest<'_>,
        clock: Moment,
    ) -> Result<Redemption, Denial> {
        self.admits(code, request, clock.passed).map_err(Denial::OAuth)?;
        clock.judges_ends()?;
        let refreshes = request.refreshes || self.offline;
        let (with, without) = request.lives;
        Ok(Redemption {
            ends_at: clock.now.plus_seconds(if refreshes { with } else { without }),
            family: refreshes.then(|| Family::begin(request.version, clock.now)),
        })
    }

    fn admits(
        &self,
        code: &StoredCode,
        request: CodeRequest<'_>,
        passed: Timestamp,
    ) -> Result<(), OAuthDenial> {
        if code.expires_at <= passed {
            return Err(OAuthDenial::CodeExpired);
        }
        if request.redirect_uri.is_some_and(|uri| uri != code.redirect_uri) {
            return Err(OAuthDenial::CodeOfAnother);
        }
        if !pkce::verifies(request.verifier, &code.challenge) {
            return Err(OAuthDenial::VerifierWrong);
        }
        self.covers(request.resources)?;
        if self.is_live(passed) { Ok(()) } else { Err(OAuthDenial::GrantOver) }
    }
}

#[cfg(test)]
mod tests;
