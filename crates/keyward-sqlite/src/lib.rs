//! The embedded store: one SQLite file, one writer, one owning process.
//!
//! | file | what |
//! | --- | --- |
//! | `open.rs` | opening: lock, pragmas, migrations, root secret check, filling the directory |
//! | `migrate.rs` | embedded migrations, one table keyed by (component, version) |
//! | `writer.rs` | the one connection that writes, on a thread of its own |
//! | `reader.rs` | connections that read |
//! | `tx.rs`, `commit.rs` | the transaction that executes effects, and the one `commit` |
//! | `accounts.rs`, `active_accounts.rs`, `identities.rs`, `keys.rs`, `team.rs` | the SQL of identity |
//! | `clients.rs`, `grants.rs`, `sessions.rs`, `signing_keys.rs` | the SQL of sign-ins |
//! | `root_secret.rs` | the SQL of a rotation of the root secret |
//! | `idempotency.rs`, `in_progress.rs` | the answers of claims, and those that are being executed |
//! | `upkeep.rs` | what is written in batches |
//! | `faults.rs`, `fail_point.rs` | faults made on purpose, for tests (feature `fault-injection`) |
//!
//! Durability: WAL with `synchronous = FULL`; an answer is given after the log reached the disk.

mod accounts;
mod active_accounts;
mod clients;
mod commit;
mod error;
mod fail_point;
#[cfg(feature = "fault-injection")]
pub mod faults;
mod grants;
mod idempotency;
mod identities;
mod in_progress;
mod keys;
mod load;
mod migrate;
mod open;
mod operator;
mod reader;
mod root_secret;
mod rows;
mod sessions;
mod signing_keys;
mod team;
mod tx;
mod upkeep;
mod writer;

pub use error::store_error;
pub use migrate::{Component, Migration};
pub use open::{OpenError, Options};
pub use operator::copy;
pub use reader::Reads;
pub use tx::Tx;

use keyward_core::live::Directory;
use std::sync::Arc;

/// The store. Clones share it.
#[derive(Clone, Debug)]
pub struct Sqlite {
    // Before the writer: only a connection that can write may tidy up as the last to close.
    readers: Arc<reader::Readers>,
    writer: Arc<writer::Writer>,
    directory: Directory,
    left_out: u64,
    in_progress: in_progress::InProgress,
}
