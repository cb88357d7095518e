//! What can be read of deals.

use crate::deal::{Deal, Included};
use crate::financials::Financials;
use crate::id::DealId;
use crate::pipeline::Pipeline;
use crate::property::Property;
use crate::team::TeamMember;
use keyward_core::BoxFuture;
use keyward_core::list::{Asked, Filter, Listed, Window};
use keyward_core::permit::{Permit, ReadDeals, ReadPipelines};
use keyward_core::store::StoreError;

/// What is to be read with a deal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Include {
    /// Its financials.
    pub financials: bool,
    /// Its properties.
    pub properties: bool,
    /// Its team.
    pub team: bool,
    /// Where it stands.
    pub pipelines: bool,
}

impl Include {
    /// What `include` asks for.
    #[must_use]
    pub fn of(asked: &Asked) -> Self {
        Self {
            financials: asked.includes("financials"),
            properties: asked.includes("properties"),
            team: asked.includes("team"),
            pipelines: asked.includes("pipelines"),
        }
    }
}

/// A page of something that belongs to one deal; `None`: there is no such deal in the permit's sight.
pub type OfDeal<T> = Result<Option<T>, StoreError>;

/// Reads of deals. What the permit's holder may not see is not there.
pub trait DealReads: Send + Sync {
    /// A page of deals, archived ones included, with what is to be read with them: a fixed number of queries, however many
    /// deals there are.
    fn list_deals<'a>(
        &'a self,
        permit: &'a Permit<ReadDeals>,
        filter: Filter,
        window: Window,
        include: Include,
    ) -> BoxFuture<'a, Result<Listed<(Deal, Included)>, StoreError>>;

    /// One deal, archived or not.
    fn get_deal<'a>(
        &'a self,
        permit: &'a Permit<ReadDeals>,
        id: DealId,
        include: Include,
    ) -> BoxFuture<'a, OfDeal<(Deal, Included)>>;

    /// The financials of a deal; the inner `None`: it has none.
    fn financials<'a>(
        &'a self,
        permit: &'a Permit<ReadDeals>,
        deal: DealId,
    ) -> BoxFuture<'a, OfDeal<Option<Financials>>>;

    /// A page of a deal's properties, by id.
    fn properties<'a>(
        &'a self,
        permit: &'a Permit<ReadDeals>,
        deal: DealId,
        window: Window,
    ) -> BoxFuture<'a, OfDeal<Listed<Property>>>;

    /// A page of a deal's team, by the id of the assignment. Who is no longer a member of the account is not on it.
    fn deal_team<'a>(
        &'a self,
        permit: &'a Permit<ReadDeals>,
        deal: DealId,
        window: Window,
    ) -> BoxFuture<'a, OfDeal<Listed<TeamMember>>>;

    /// A page of the account's pipelines, by id.
    fn list_pipelines<'a>(
        &'a self,
        permit: &'a Permit<ReadPipelines>,
        window: Window,
    ) -> BoxFuture<'a, Result<Listed<Pipeline>, StoreError>>;

    /// One pipeline.
    fn get_pipeline<'a>(
        &'a self,
        permit: &'a Permit<ReadPipelines>,
        id: i64,
    ) -> BoxFuture<'a, Result<Option<Pipeline>, StoreError>>;
}

/// What the operator's side asks.
pub trait DealUpkeep: Send + Sync {
    /// Whether an account has no pipeline: then [`crate::write::GivePipelines`] has something to do.
    fn lacks_pipelines(&self) -> BoxFuture<'_, Result<bool, StoreError>>;
}
