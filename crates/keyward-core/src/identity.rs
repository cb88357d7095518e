//! Which person an outside issuer's subject is.

mod claim;
mod link;

pub use claim::{Addressee, Claimant, Claimed, IssuerAccounts};
pub use link::Linking;

use crate::id::UserId;
use std::sync::Arc;

/// The longest `iss` and `sub` that are taken, in bytes. OpenID Connect Core §2 keeps a `sub` to 255.
pub const MOST: usize = 255;

/// A subject of an issuer, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its id.
    pub id: i64,
    /// The user.
    pub user: UserId,
    /// The `iss` of its tokens, exactly.
    pub issuer: Arc<str>,
    /// The `sub` of its tokens, exactly.
    pub subject: Arc<str>,
}
