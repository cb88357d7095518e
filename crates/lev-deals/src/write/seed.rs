//! Sample data.

use crate::deal::Deal;
use crate::financials::Financials;
use crate::property::Property;
use keyward_core::effect::{Effect, Rendered, Subject};
use keyward_core::id::{AccountId, UserId};
use keyward_core::permit::Administer;
use serde_json::json;

/// A deal of the sample data.
#[derive(Debug)]
pub struct SeedDeal {
    /// The deal; its id and version are not used.
    pub deal: Deal,
    /// Who is on its team; the first leads it.
    pub team: Vec<UserId>,
    /// Its financials; ids and times are not used.
    pub financials: Option<Financials>,
    /// Its properties; their ids are not used.
    pub properties: Vec<Property>,
    /// Where it stands: the places of a pipeline and of a status in it, counted from 0, among those of its account.
    pub place: Option<(usize, usize)>,
}

impl SeedDeal {
    /// A deal with a team and nothing else.
    #[must_use]
    pub fn plain(deal: Deal, team: Vec<UserId>) -> Self {
        Self { deal, team, financials: None, properties: Vec::new(), place: None }
    }
}

/// Fills an account with sample data: the operator's.
#[derive(Debug)]
pub struct SeedDeals {
    /// The account.
    pub account: AccountId,
    /// The deals.
    pub deals: Vec<SeedDeal>,
}

/// Sample data was made.
#[derive(Clone, Copy, Debug)]
pub struct Seeded {
    /// The account.
    pub account: AccountId,
    /// How many deals.
    pub deals: usize,
}

impl Effect for SeedDeals {
    type Action = Administer;
    type Done = Seeded;
    const AUDIT: &'static str = "deal.seed";

    fn subject(done: &Seeded) -> Subject {
        Subject { kind: "account", id: done.account.0, account: Some(done.account) }
    }

    fn render(done: &Seeded) -> Rendered {
        Rendered::created(&json!({ "deals": done.deals }))
    }
}
