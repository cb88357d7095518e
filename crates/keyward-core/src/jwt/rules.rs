//! What the tokens of one issuer must be.

use super::algorithm::Algorithm;
use super::compact::{Token, Typ};
use super::token_scopes::ScopeNames;
use crate::denial::Denial;
use std::sync::Arc;

/// The claims that can stand in for `aud`: those that name the client.
pub const CLIENT_CLAIMS: [&str; 2] = ["client_id", "azp"];

/// The rules of one issuer for one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Its `iss`, compared to the letter.
    pub issuer: String,
    /// The names of which `aud` must hold one.
    pub audiences: Vec<String>,
    /// The setting that lists them.
    pub audience_setting: &'static str,
    /// The claim that must hold one of them where a token has no `aud`; `None`: such a token is refused. A token that does have
    /// `aud` must not name this claim's value in it, as every ID token does.
    pub audience_claim: Option<&'static str>,
    /// The algorithms that are taken. A token cannot choose another.
    pub algorithms: Vec<Algorithm>,
    /// What a token may say that it is.
    pub kinds: Vec<Typ>,
    /// What the claim `typ` must hold, by which the issuer marks access tokens; with it, `nonce` makes no ID token of one. `None`:
    /// the claim is not read.
    pub payload_typ: Option<&'static str>,
    /// Seconds by which the clocks may differ.
    pub leeway: i64,
    /// The longest token, in bytes.
    pub max_bytes: usize,
    /// The longest life of a token, in seconds.
    pub max_lifetime: i64,
    /// What its scopes mean.
    pub scopes: Scopes,
    /// The slugs of the accounts that its tokens can act in; none: all.
    pub accounts: Arc<[String]>,
    /// The claims that name scopes.
    pub scope_claims: Vec<String>,
    /// What its names of scopes mean.
    pub scope_names: ScopeNames,
    /// How its subjects become users.
    pub link: Link,
    /// Where the address is.
    pub email: Email,
    /// Whether it is our own issuer, whose tokens name the grant that they are for.
    pub own: bool,
}

/// What the scopes of a token mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scopes {
    /// Nothing: the role decides.
    Ignore,
    /// They narrow what the role gives. Where the token has no claim of scopes, or only OpenID Connect's own names in `scope`, the
    /// role decides.
    Narrow,
    /// They are what it may do at most; none of ours: nothing.
    Require,
}

/// How a subject that no user has becomes one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// By an open invitation to its verified address.
    Invitation,
    /// By its verified address.
    VerifiedEmail,
}

/// The claims that say an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// The address.
    pub claim: String,
    /// Whether the issuer has verified it: only `true` says so.
    pub verified_claim: String,
}

impl Rules {
    /// Judges what a token says of itself, before a key is looked for; the algorithm to verify with.
    ///
    /// # Errors
    /// [`Denial::TokenTooLong`], [`Denial::TokenAlgorithm`], [`Denial::TokenType`].
    pub fn header(&self, token: &Token<'_>) -> Result<Algorithm, Denial> {
        if token.length() > self.max_bytes {
            return Err(Denial::TokenTooLong);
        }
        let algorithm = token.algorithm.filter(|algorithm| self.algorithms.contains(algorithm));
        let algorithm = algorithm.ok_or(Denial::TokenAlgorithm)?;
        let taken = token.typ != Typ::Other && self.kinds.contains(&token.typ);
        if taken { Ok(algorithm) } else { Err(Denial::TokenType) }
    }
}
