//! The resource side of the Lev API: deals and what hangs on them. Types, rules and effects here; behind the feature `sql`
//! their SQL.
//!
//! The door does not know this crate: whoever embeds the door does not get deals with it.
//!
//! | file | what |
//! | --- | --- |
//! | `id.rs`, `deal.rs`, `input.rs` | a deal: how it is shown, and what may be sent |
//! | `financials.rs`, `property.rs`, `team.rs`, `pipeline.rs` | what hangs on it |
//! | `list.rs`, `values.rs` | what lists can be asked, and the closed sets of values |
//! | `reads.rs`, `store.rs` | what can be read, and all that a store does |
//! | `write/` | each write |
//! | `sql/` | the SQL |

mod deal;
pub mod financials;
mod id;
mod input;
pub mod list;
pub mod pipeline;
mod property;
mod reads;
#[cfg(feature = "sql")]
pub mod sql;
mod store;
pub mod team;
pub mod values;
pub mod write;

pub use deal::{Deal, DealView, Included};
pub use id::DealId;
pub use input::{DealChanges, NewDeal};
pub use pipeline::Pipeline;
pub use property::Property;
pub use reads::{DealReads, DealUpkeep, Include, OfDeal};
pub use store::DealStore;
pub use team::{NewTeamMember, TeamMember};
