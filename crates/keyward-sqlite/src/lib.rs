//! The embedded store: one SQLite file, one writer, one owning process.
//!
//! | file | what |
//! | --- | --- |
//! | `open.rs`, `unmade.rs` | opening: lock, pragmas, migrations, root secret check, filling the directory |
//! | `migrate.rs` | embedded migrations, one table keyed by (component, version) |
//! | `writer.rs` | the one connection that writes, on a thread of its own |
//! | `reader.rs` | connections that read, on threads of their own |
//! | `queue.rs`, `payer.rs` | what waits for these threads: bounded, a share for each account or network |
//! | `endings.rs`, `health.rs` | revocations while the database cannot be written, and whether it can |
//! | `journal/`, `restore.rs` | what ended, in a file beside the database, and done in a copy that is put in its place |
//! | `place.rs`, `second_name.rs` | whether the file is still where it was opened, and the only name of it |
//! | `no_room.rs` | a file whose file system is full at the start |
//! | `copy.rs`, `examine.rs`, `checks.rs` | a whole copy, looking at one, and what is wrong with it |
//! | `tx.rs`, `commit.rs` | the transaction that executes effects, and the one `commit` |
//! | `accounts.rs`, `account_endings.rs`, `active_accounts.rs`, `identities.rs`, `keys.rs`, `strangers.rs`, `team.rs`, `team_roles.rs` | the SQL of identity |
//! | `clients.rs`, `grants.rs`, `sessions.rs`, `signing_keys.rs` | the SQL of sign-ins |
//! | `grant_endings.rs`, `key_endings.rs`, `to_end.rs` | what ends, whatever else its rows hold |
//! | `key_origins.rs`, `replaced.rs` | through which keys a secret came; secrets that were replaced, by which their keys are found |
//! | `erase.rs` | a user who is erased: what goes, and what stays |
//! | `operator.rs`, `operator_lists.rs`, `audit_reads.rs` | what the operator reads: lists, one account, one user, the audit trail |
//! | `root_secret.rs` | the SQL of a rotation of the root secret |
//! | `idempotency.rs`, `in_progress.rs`, `kept.rs` | the answers of claims, those that are being executed, how much they take |
//! | `clock.rs`, `accept_clock.rs` | the newest time, recorded, and taken back |
//! | `upkeep.rs`, `forget.rs`, `limit_windows.rs` | what is written, and taken away, in batches |
//! | `faults.rs`, `fail_point.rs` | faults made on purpose, for tests (feature `fault-injection`) |
//!
//! Durability: WAL with `synchronous = FULL`; an answer is given after the log reached the disk.

mod accept_clock;
mod account_endings;
mod accounts;
mod active_accounts;
mod audit_reads;
mod checks;
mod clients;
mod clock;
mod column;
mod commit;
mod connection;
mod copy;
mod descendants;
pub mod driver;
mod endings;
mod erase;
mod error;
mod examine;
mod fail_point;
#[cfg(feature = "fault-injection")]
pub mod faults;
mod forget;
mod grant_endings;
mod grants;
mod health;
mod idempotency;
mod identities;
mod in_progress;
mod invitation_endings;
mod journal;
mod kept;
mod key_endings;
mod key_labels;
mod key_origins;
mod keys;
mod limit_windows;
mod load;
mod migrate;
mod never_replayed;
mod new_users;
mod no_room;
mod open;
mod operator;
mod operator_lists;
pub mod params;
mod payer;
mod place;
mod queue;
mod reader;
mod replaced;
mod restore;
mod root_secret;
mod rows;
mod second_name;
mod sessions;
mod signing_keys;
mod strangers;
mod team;
mod team_roles;
#[cfg(test)]
mod testing;
mod to_end;
mod tx;
mod unmade;
mod upkeep;
pub mod value;
mod writer;

pub use copy::{BreakOff, Copied, copy, copy_served};
pub use driver::Row;
pub use error::store_error;
pub use examine::{Examined, examine};
pub use load::Listed;
pub use migrate::{Component, Migration};
pub use open::{OpenError, Options, Schema};
pub use params::{Params, params_from_iter};
pub use place::FileId;
pub use reader::Reads;
pub use restore::{LiveKey, Restored, WithoutJournal, restore};
pub use to_end::Named;
pub use tx::Tx;
pub use value::{FromValue, Owned, ToValue};

use keyward_core::clock::Clock;
use keyward_core::live::Directory;
use std::sync::Arc;

/// The store. Clones share it.
#[derive(Clone, Debug)]
pub struct Sqlite {
    // Before the writer: only a connection that can write may tidy up as the last to close.
    readers: Arc<reader::Readers>,
    writer: Arc<writer::Writer>,
    directory: Directory,
    left_out: Arc<keyward_core::left_out::LeftOut>,
    components: Arc<[Component]>,
    in_progress: in_progress::InProgress,
    clock: Arc<dyn Clock>,
    // The last: its handle of the file must outlive SQLite's own.
    place: Arc<place::Place>,
}

impl Sqlite {
    /// The clock by which everything is judged that this store knows: one that does not go back.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }
}
