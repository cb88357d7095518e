//! A deal that is made, changed, archived.

use crate::deal::Deal;
use crate::id::DealId;
use crate::input::{DealChanges, NewDeal};
use keyward_core::effect::{Effect, Rendered, Repeatable, Subject};
use keyward_core::id::AccountId;
use keyward_core::permit::WriteDeals;
use keyward_core::preconditions::Preconditions;

/// Makes a deal. Its maker is on its team.
#[derive(Debug)]
pub struct CreateDeal(pub NewDeal);

impl Repeatable for CreateDeal {}

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

impl Repeatable for UpdateDeal {}

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

impl Repeatable for ArchiveDeal {}

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

fn subject(deal: &Deal) -> Subject {
    Subject { kind: "deal", id: deal.id.0, account: Some(deal.owner_account) }
}
