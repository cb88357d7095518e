//! The writes of deals and of what hangs on them, each as a value. Nothing that is only known imports them.

mod deal;
mod pipeline;
mod seed;
mod team;

pub use deal::{ArchiveDeal, Archived, CreateDeal, UpdateDeal};
pub use pipeline::{GivePipelines, MoveDeal, Moved, PipelinesGiven};
pub use seed::{SeedDeal, SeedDeals, Seeded};
pub use team::{JoinTeam, Joined, LeaveTeam, Left};
