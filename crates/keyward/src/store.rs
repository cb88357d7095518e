//! What the program asks of a store. Which effects there are stands beside them: in keyward-core and in lev-deals.

use keyward_core::store::{KeyReads, SignInReads, TeamReads};
use keyward_core::write::store::IdentityStore;
use lev_deals::{DealReads, DealStore};

keyward_core::all_of! {
/// What handlers see of a store.
Reads: KeyReads, TeamReads, SignInReads, DealReads,
}

keyward_core::all_of! {
/// What the program asks of a store: the writes of requests go through their row's `commit`.
Store: IdentityStore, DealStore, Reads, std::fmt::Debug,
}
