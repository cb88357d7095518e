//! The resource side of the Lev API: deals. Types, rules and effects here; behind the feature `sqlite` their SQL.
//!
//! The door does not know this crate: whoever embeds the door does not get deals with it.

mod deal;
mod effects;
mod input;
mod reads;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod values;

pub use deal::{Deal, DealId, DealView};
pub use effects::{ArchiveDeal, Archived, CreateDeal, SeedDeal, SeedDeals, Seeded, UpdateDeal};
pub use input::{DealChanges, NewDeal};
pub use reads::DealReads;
