//! Everything that a store of deals can do, as one trait: the list of its effects is written here and nowhere else.

use crate::reads::{DealReads, DealUpkeep};
use crate::write::{
    ArchiveDeal, CreateDeal, GivePipelines, JoinTeam, LeaveTeam, MoveDeal, SeedDeals, UpdateDeal,
};
use keyward_core::effect::Commit;

keyward_core::all_of! {
/// Everything that a store of deals can do.
DealStore:
    Commit<CreateDeal>,
    Commit<UpdateDeal>,
    Commit<ArchiveDeal>,
    Commit<JoinTeam>,
    Commit<LeaveTeam>,
    Commit<MoveDeal>,
    Commit<GivePipelines>,
    Commit<SeedDeals>,
    DealReads,
    DealUpkeep,
}
