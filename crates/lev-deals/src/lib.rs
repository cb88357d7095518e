//! The resource side of the Lev API: deals and what hangs on them. Types, rules and effects here; behind the feature `sql`
//! their SQL.
//!
//! The door does not know this crate: whoever embeds the door does not get deals with it.
//!
//! | file | what |
//! | --- | --- |
//! | `deal.rs`, `input.rs`, `effects.rs` | a deal: how it is shown, what may be sent, its writes |
//! | `financials.rs`, `property.rs`, `team.rs`, `pipeline.rs` | what hangs on it |
//! | `list.rs`, `values.rs` | what lists can be asked, and the closed sets of values |
//! | `reads.rs` | what can be read |
//! | `sql/` | the SQL |

mod deal;
mod effects;
pub mod financials;
mod input;
pub mod list;
pub mod pipeline;
mod property;
mod reads;
#[cfg(feature = "sql")]
pub mod sql;
pub mod team;
pub mod values;

pub use deal::{Deal, DealId, DealView, Included};
pub use effects::{ArchiveDeal, Archived, CreateDeal, SeedDeal, SeedDeals, Seeded, UpdateDeal};
pub use input::{DealChanges, NewDeal};
pub use pipeline::{GivePipelines, MoveDeal, Pipeline};
pub use property::Property;
pub use reads::{DealReads, DealUpkeep, Include, OfDeal};
pub use team::{JoinTeam, LeaveTeam, NewTeamMember, TeamMember};
