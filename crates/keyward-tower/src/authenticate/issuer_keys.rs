//! What the scheme of JWTs asks of an issuer's keys.

use keyward_core::BoxFuture;
use keyward_core::address::ClientAddress;
use keyward_core::jwt::{Algorithm, Found, KeySet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Where an issuer's keys come from.
pub trait IssuerKeys: Send + Sync + fmt::Debug {
    /// The keys that are believed now.
    fn known(&self) -> Option<Arc<KeySet>>;

    /// A token needs a key that is not known: waits, for a bounded time, until [`Self::known`] has it or a fetch that began
    /// after this call has ended.
    fn refresh<'a>(&'a self, wanted: KeyQuery<'a>) -> BoxFuture<'a, KeyFetch>;
}

/// The key that a token needs, and where the token came from.
#[derive(Clone, Copy, Debug)]
pub struct KeyQuery<'t> {
    /// The name of the key in the token's header.
    pub kid: Option<&'t str>,
    /// What the token is signed with.
    pub algorithm: Algorithm,
    /// The client's address, which has a share of the places to wait in.
    pub from: ClientAddress,
}

impl KeyQuery<'_> {
    /// Whether a set has it, alone or among several that could be meant: then no newer set is needed.
    #[must_use]
    pub fn is_in(&self, set: &KeySet) -> bool {
        !matches!(set.find(self.kid, self.algorithm), Found::None)
    }
}

/// How far [`IssuerKeys::known`] can be trusted not to have a key.
///
/// A duration is the `Retry-After` of the refusal: the time until the fetch that is under way has ended, or the next one may
/// begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFetch {
    /// It has the key, or a fetch that began after the question ended well: a key that is absent does not exist.
    Current,
    /// No such fetch has ended yet.
    Later(Duration),
    /// It failed, or the issuer is out of reach.
    Failed(Duration),
}
