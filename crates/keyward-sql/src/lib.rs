//! What every write and read is in SQL, once, over a driver: the rules of a store do not know which database it has.
//!
//! | file | what |
//! | --- | --- |
//! | `driver.rs`, `value.rs`, `params.rs` | what a database must be able to do: run statements with parameters, hand rows over |
//! | `dialect.rs` | what the databases do not say in the same way |
//! | `store.rs`, `reads.rs`, `desk.rs` | a store over a backend: its reads, its pieces of work |
//! | `component.rs` | the parts of the program that have tables |
//! | `tx.rs`, `commit.rs`, `take_in.rs` | the transaction that executes effects, the one `commit`, and what memory learns of it |
//! | `rows.rs`, `to_end.rs` | rows as the words of the core; what an ending reads of them |
//! | `load.rs` | what the directory must know before the first request |
//! | `accounts.rs`, `account_endings.rs`, `active_accounts.rs`, `identities.rs`, `keys.rs`, `key_labels.rs`, `new_users.rs`, `strangers.rs`, `team.rs`, `team_roles.rs` | the SQL of identity |
//! | `clients.rs`, `grants.rs`, `sessions.rs`, `signing_keys.rs` | the SQL of sign-ins |
//! | `grant_endings.rs`, `invitation_endings.rs`, `key_endings.rs`, `descendants.rs` | what ends, whatever else its rows hold |
//! | `key_origins.rs`, `replaced.rs` | through which keys a secret came; secrets that were replaced, by which their keys are found |
//! | `erase.rs` | a user who is erased: what goes, and what stays |
//! | `operator.rs`, `operator_lists.rs`, `audit_reads.rs` | what the operator reads: lists, one account, one user, the audit trail |
//! | `own_secret.rs`, `root_secret.rs` | which root secret a store belongs to; the SQL of its rotation |
//! | `idempotency.rs`, `in_progress.rs`, `kept.rs` | the answers of claims, those that are being executed, how much they take |
//! | `endings.rs`, `health.rs` | revocations while the database cannot be written, and whether it can |
//! | `journal/`, `restored.rs` | what ended, done again in a database that does not have it; what ends in a copy that is put back |
//! | `clock.rs`, `accept_clock.rs` | the newest time, recorded, and taken back |
//! | `upkeep.rs`, `forget.rs`, `limit_windows.rs` | what is written, and taken away, in batches |
//! | `queue.rs`, `payer.rs` | what waits for connections: bounded, a share for each account or network |
//! | `fail_point.rs` | places in a commit at which a test can end the process (feature `fault-injection`) |
//!
//! Statements are in the dialect that all databases of ours read; parameters are `?1`, `?2` and so on.

// By this name the driver that the tests include calls this crate.
#[cfg(test)]
extern crate self as keyward_sql;

mod accept_clock;
mod account_endings;
mod accounts;
mod active_accounts;
mod audit_reads;
mod clients;
pub mod clock;
#[cfg(test)]
#[path = "../../keyward-sqlite/src/column.rs"]
mod column;
mod commit;
mod component;
mod descendants;
pub mod desk;
mod dialect;
pub mod driver;
pub mod endings;
mod erase;
mod error;
mod fail_point;
mod forget;
mod grant_endings;
mod grants;
pub mod health;
mod idempotency;
mod identities;
mod in_progress;
mod invitation_endings;
pub mod journal;
pub mod kept;
mod key_endings;
mod key_labels;
mod key_origins;
mod keys;
mod limit_windows;
pub mod load;
mod never_replayed;
mod new_users;
mod operator;
mod operator_lists;
pub mod own_secret;
pub mod params;
pub mod payer;
pub mod queue;
mod reads;
mod replaced;
pub mod restored;
mod root_secret;
mod rows;
#[cfg(test)]
#[path = "../../keyward-sqlite/src/says.rs"]
mod says;
mod sessions;
mod signing_keys;
#[cfg(test)]
#[path = "../../keyward-sqlite/src/statements.rs"]
mod statements;
mod store;
mod strangers;
mod take_in;
mod team;
mod team_roles;
#[cfg(test)]
mod testing;
mod to_end;
mod tx;
mod upkeep;
pub mod value;

pub use component::{Component, Migration};
pub use dialect::Dialect;
pub use driver::Row;
pub use error::unavailable;
pub use fail_point::fail_point;
pub use params::{Params, params_from_iter};
pub use reads::Reads;
pub use store::{Backend, Open, Opened, Read, Sizes, Store, Work};
pub use team::look_through;
pub use to_end::Named;
pub use tx::{Finished, Tx};
pub use value::{FromValue, Owned, ToValue};
