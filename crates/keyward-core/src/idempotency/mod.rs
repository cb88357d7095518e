//! A write that carries an `Idempotency-Key` is executed once: a retry gets the first answer again.
//!
//! | file | what |
//! | --- | --- |
//! | `fingerprint.rs` | what makes two requests the same |
//! | `claim.rs` | what a request asks for: whose it is, by which key, and what it says |
//! | `record.rs` | for how long a record answers, what, and to which request |
//! | `seal.rs` | an answer that shows a secret, so that only the client's own retry can open it |
//!
//! The record is written in the effect's own transaction, so a crash leaves both or neither. A key is a secret: it is kept
//! nowhere, only looked up by its HMAC under the root secret.

mod claim;
mod fingerprint;
mod record;
mod seal;

pub use claim::{Claim, Claims, Scope, is_unguessable};
pub use fingerprint::Fingerprint;
pub use record::Record;
pub use seal::{Sealed, Sealing};

/// How long an answer is kept, in seconds from its completion: 24 hours.
pub const KEPT_SECONDS: i64 = 24 * 60 * 60;

/// How many bytes of kept answers one account has, unless it is set otherwise: 512 MiB. At 150 writes a minute, the most of the
/// highest tier, a day of answers of nearly 2 KiB.
pub const KEPT_BYTES: u64 = 512 * 1024 * 1024;

/// How long an answer that shows a secret can be opened, in seconds from its completion: an hour.
pub const SECRET_SECONDS: i64 = 60 * 60;
