//! What the contract is about: a store of deals, and where it keeps what it has.

use keyward_core::effect::Commit;
use keyward_core::store::{OperatorReads, Upkeep};
use keyward_core::write::account::CreateAccount;
use keyward_core::write::key::IssueKey;
use keyward_core::write::member::{AddMember, RemoveMember, SetRole};
use keyward_core::write::user::CreateUser;
use lev_deals::write::{
    ArchiveDeal, CreateDeal, GivePipelines, JoinTeam, LeaveTeam, MoveDeal, SeedDeals, UpdateDeal,
};
use lev_deals::{DealReads, DealUpkeep};

/// A trait that is nothing but others, and that each type has which has all of them: their list is written once.
macro_rules! all_of {
    ($(#[$about:meta])* $name:ident: $($part:path),* $(,)?) => {
        $(#[$about])*
        pub(crate) trait $name: $($part +)* {}

        impl<S> $name for S where S: $($part +)* {}
    };
}

all_of! {
/// Everything that a store of deals can do, and what its rules need of identity.
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
    Commit<CreateAccount>,
    Commit<CreateUser>,
    Commit<AddMember>,
    Commit<RemoveMember>,
    Commit<SetRole>,
    Commit<IssueKey>,
    OperatorReads,
    Upkeep,
}

/// Where a store keeps what it has.
pub(crate) trait DealHome {
    /// The store.
    type Store: DealStore;

    /// Opens the store: an empty one the first time, and then the one with all that was written. One at a time is open.
    fn open(&self) -> Self::Store;
}
