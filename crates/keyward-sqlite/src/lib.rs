//! The embedded store: one SQLite file, one writer, one owning process. What it writes and reads is `keyward-sql`'s.
//!
//! | file | what |
//! | --- | --- |
//! | `open.rs`, `options.rs`, `open_error.rs`, `unmade.rs` | opening: what with, why not, and in which order |
//! | `own.rs`, `connect.rs` | the lock, and the pragmas of the connection that writes |
//! | `embedded.rs` | what is this store's own of a store |
//! | `migrate.rs` | embedded migrations, one table keyed by (component, version) |
//! | `connection.rs`, `statements.rs`, `column.rs`, `says.rs` | the driver: statements, columns, and what SQLite's errors mean |
//! | `writer.rs` | the one connection that writes, on a thread of its own |
//! | `reader.rs` | connections that read, on threads of their own |
//! | `revocations/`, `restore.rs` | what ended, in a file beside the database, and done in a copy that is put in its place |
//! | `place.rs`, `mark.rs`, `second_name.rs` | whether the file is still where it was opened, and the only name of it |
//! | `room.rs`, `no_room.rs` | whether there is room, and a file whose file system is full at the start |
//! | `copy.rs`, `examine.rs`, `checks.rs` | a whole copy, looking at one, and what is wrong with it |
//! | `faults.rs`, `full_disk.rs`, `run.rs` | faults made on purpose, for tests (feature `fault-injection`) |
//!
//! Durability: WAL with `synchronous = FULL`; an answer is given after the log reached the disk.

mod checks;
mod column;
mod connect;
mod connection;
mod copy;
mod embedded;
mod examine;
#[cfg(feature = "fault-injection")]
pub mod faults;
#[cfg(feature = "fault-injection")]
mod full_disk;
mod mark;
mod migrate;
mod no_room;
mod open;
mod open_error;
mod options;
mod own;
mod place;
mod reader;
mod restore;
mod revocations;
mod room;
#[cfg(feature = "fault-injection")]
mod run;
mod says;
mod second_name;
mod statements;
#[cfg(test)]
mod testing;
mod unmade;
mod writer;

pub use copy::{BreakOff, Copied, copy, copy_served};
pub use embedded::Embedded;
pub use examine::{Examined, examine};
pub use keyward_sql::load::Listed;
pub use keyward_sql::restored::LiveKey;
pub use keyward_sql::{Component, Migration};
pub use open_error::OpenError;
pub use options::{Options, Schema};
pub use place::FileId;
pub use restore::{Restored, WithoutJournal, restore};

/// The store.
pub type Sqlite = keyward_sql::Store<Embedded>;
