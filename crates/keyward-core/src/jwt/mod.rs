//! JSON Web Tokens as access tokens: what may be read before the signature is checked, which keys are believed, what the
//! claims must say (RFC 7515, RFC 7517, RFC 7519, RFC 8725, RFC 9068).
//!
//! The way of a token: [`Token::read`] takes it apart and refuses whatever can be read in two ways; its `iss` chooses one
//! [`Rules`]; [`Rules::header`] judges algorithm and kind; [`KeySet::find`] names the one key; [`Key::verifies`] checks the
//! signature; [`Rules::claims`] judges the rest, and only it makes a [`Verified`]. [`Memory`] remembers that by the exact bytes.
//!
//! What a token's user may do is never part of all this: that is looked up anew for each request.

mod algorithm;
mod audience;
mod claims;
mod compact;
mod finding;
mod id_token;
mod key;
mod key_life;
mod key_set;
mod memory;
mod number;
mod object;
mod refused;
mod required;
mod roca;
mod rules;
mod sign;
mod token_scopes;

pub use algorithm::Algorithm;
pub use claims::Verified;
pub use compact::{Token, Typ, claims};
pub use id_token::IdToken;
pub use key::{Key, KeyPrint, Unfit};
pub use key_life::{COOL_DOWN, FETCH_DEADLINE, KeyLife, KeyQuestion, KeyStep, MAX_AGE, MAX_STALE, MIN_AGE};
pub use key_set::{Found, KeySet, KeySetError, MAX_BYTES, Unusable};
pub use memory::{Fingerprint, Memory};
pub use refused::RefusedToken;
pub use rules::{CLIENT_CLAIMS, Email, Link, Rules, Scopes};
pub use sign::{SigningError, SigningKey};
pub use token_scopes::{OPENID_SCOPES, SCOPE_CLAIMS, ScopeNames, ScopeReport};
