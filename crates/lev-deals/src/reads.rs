//! What can be read of deals.

use crate::deal::{Deal, DealId};
use keyward_core::BoxFuture;
use keyward_core::page::Listed;
use keyward_core::permit::{Permit, ReadDeals};
use keyward_core::store::StoreError;

/// Reads of deals. What the permit's holder may not see is not there.
pub trait DealReads: Send + Sync {
    /// A page of deals, archived ones included, by id, after the deal of that id.
    fn list_deals<'a>(
        &'a self,
        permit: &'a Permit<ReadDeals>,
        after: i64,
        limit: u32,
    ) -> BoxFuture<'a, Result<Listed<Deal>, StoreError>>;

    /// One deal, archived or not.
    fn get_deal<'a>(
        &'a self,
        permit: &'a Permit<ReadDeals>,
        id: DealId,
    ) -> BoxFuture<'a, Result<Option<Deal>, StoreError>>;
}
