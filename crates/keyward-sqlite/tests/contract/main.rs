//! The embedded store keeps the contract of every store.
//!
//! | file | what |
//! | --- | --- |
//! | `crash.rs` | a process that ends at any place of a commit |
//! | `home.rs` | where a store of these tests keeps what it has |
//! | `postgres.rs` | which of the statements PostgreSQL prepares |
//! | `planted.rs`, `planted/` | a store with one planted fault breaks the rule that is about it |

#[cfg(test)]
#[cfg(feature = "fault-injection")]
mod crash;
#[cfg(test)]
mod home;
#[cfg(test)]
#[cfg(feature = "fault-injection")]
mod planted;
#[cfg(test)]
#[cfg(feature = "fault-injection")]
mod postgres;

#[cfg(test)]
use home::Home;

keyward_testkit::store_contract!(Home::new());
