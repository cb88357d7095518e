//! The writes on keys.

mod descendants;
mod make;
mod prepare;
mod relabel;
mod revoke;
mod revoke_all;
mod rotate;
mod shown;

pub use descendants::{Descendants, RevokedKeyView};
pub use make::{CreateKey, IssueKey, KeyMade};
pub use prepare::{ActivateKey, KeyActivated, PrepareKey};
pub use relabel::{KeyRelabelled, RelabelKey};
pub use revoke::{KeyRevoked, RevokeKey};
pub use revoke_all::{KeysRevoked, RevokeKeysOf};
pub use rotate::{KeyRotated, RotateKey};
pub use shown::ShownKey;
