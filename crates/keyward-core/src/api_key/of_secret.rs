//! Which key has, or had, a secret.

use crate::clock::Timestamp;
use crate::id::KeyId;
use crate::made_by::MadeBy;

/// The key that has, or had, a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyOfSecret {
    /// The key.
    pub key: KeyId,
    /// `None`: it is the current one.
    pub replaced: Option<Replaced>,
}

/// How a secret of a key gave way to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// When; `None`: that was not recorded.
    pub at: Option<Timestamp>,
    /// By what; `None`: that was not recorded.
    pub by: Option<MadeBy>,
}
