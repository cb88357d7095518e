//! The writes of deals.

use crate::deal::{Deal, DealId};
use crate::financials::Financials;
use crate::input::{DealChanges, NewDeal};
use crate::property::Property;
use keyward_core::effect::{Effect, Rendered, Subject};
use keyward_core::id::{AccountId, UserId};
use keyward_core::permit::{Administer, WriteDeals};
use keyward_core::preconditions::Preconditions;
use serde_json::json;

/// Makes a deal. Its maker is on its team.
#[derive(Debug)]
pub struct CreateDeal(pub NewDeal);

impl Effect for CreateDeal {
    type Action = WriteDeals;
    type Done = Deal;
    const AUDIT: &'static str = "deal.create";

    fn subject(done: &Deal) -> Subject {
        subject(done)
    }

    fn render(done: &Deal) -> Rendered {
        Rendered::created(&done.view()).with_etag(done.etag()).with_location(done.path())
    }
}

/// Changes a deal.
#[derive(Debug)]
pub struct UpdateDeal {
    /// The deal; `None` when the path named no id at all.
    pub deal: Option<DealId>,
    /// The id as it was sent, for the refusal.
    pub as_sent: String,
    /// The states in which it may be changed.
    pub conditions: Preconditions,
    /// The changes.
    pub changes: DealChanges,
}

impl Effect for UpdateDeal {
    type Action = WriteDeals;
    type Done = Deal;
    const AUDIT: &'static str = "deal.update";
    const CONDITIONAL: bool = true;

    fn subject(done: &Deal) -> Subject {
        subject(done)
    }

    fn render(done: &Deal) -> Rendered {
        Rendered::ok(&done.view()).with_etag(done.etag())
    }
}

/// Archives a deal. Archiving it again changes nothing.
#[derive(Debug)]
pub struct ArchiveDeal {
    /// The deal; `None` when the path named no id at all.
    pub deal: Option<DealId>,
    /// The id as it was sent, for the refusal.
    pub as_sent: String,
    /// The states in which it may be archived.
    pub conditions: Preconditions,
}

/// A deal is archived, now or already before.
#[derive(Clone, Copy, Debug)]
pub struct Archived {
    /// The deal.
    pub deal: DealId,
    /// Its account.
    pub account: AccountId,
    /// Whether this was what archived it.
    pub now: bool,
}

impl Effect for ArchiveDeal {
    type Action = WriteDeals;
    type Done = Archived;
    const AUDIT: &'static str = "deal.archive";
    const CONDITIONAL: bool = true;

    fn subject(done: &Archived) -> Subject {
        Subject { kind: "deal", id: done.deal.0, account: Some(done.account) }
    }

    fn changed(done: &Archived) -> bool {
        done.now
    }

    fn render(_: &Archived) -> Rendered {
        Rendered::deleted()
    }
}

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

fn subject(deal: &Deal) -> Subject {
    Subject { kind: "deal", id: deal.id.0, account: Some(deal.owner_account) }
}
