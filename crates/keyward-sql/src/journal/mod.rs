//! The journal of revocations: what ended, where a copy of the database that is put in its place can learn of it. The store keeps
//! the journal itself; here is what its entries say, and doing it in a database that does not have it yet.
//!
//! | file | what |
//! | --- | --- |
//! | `entry.rs` | its lines |
//! | `of.rs` | what an execution has ended, as entries |
//! | `outside.rs` | what a store keeps of them outside its rows |
//! | `kept.rs` | what the database says of its journal |
//! | `again.rs`, `again_on_teams.rs`, `held.rs` | doing an entry in the rows, and else in memory |

mod again;
mod again_on_teams;
mod entry;
mod held;
mod kept;
mod of;
mod outside;

pub use again::{Applied, apply};
pub use entry::{Ended, Entry, Header, Line, RowName, fold};
pub use held::hold;
pub use kept::{Kept, keep};
pub(crate) use of::{hex, row_name};
pub use outside::{CatchUp, Journal, Noted, Unwritten};
