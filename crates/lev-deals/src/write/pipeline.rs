//! A deal that is moved in a pipeline, and the pipelines that accounts are given.

use crate::id::DealId;
use crate::pipeline::Target;
use keyward_core::clock::Timestamp;
use keyward_core::effect::{Effect, Rendered, Repeatable, Subject};
use keyward_core::id::AccountId;
use keyward_core::permit::{Administer, WriteDeals};
use keyward_core::preconditions::Preconditions;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// Puts a deal somewhere in a pipeline.
#[derive(Debug)]
pub struct MoveDeal {
    /// The deal; `None` when the path named no id at all.
    pub deal: Option<DealId>,
    /// The id as it was sent, for the refusal.
    pub as_sent: String,
    /// Where to.
    pub to: Target,
    /// The states of the deal in which it may be done.
    pub conditions: Preconditions,
}

/// A deal stands somewhere.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DealPlace)]
pub struct Moved {
    /// The deal.
    #[schema(value_type = i64, minimum = 1)]
    pub deal_id: DealId,
    /// The pipeline.
    #[schema(minimum = 1)]
    pub pipeline_id: i64,
    /// The status.
    #[schema(minimum = 1)]
    pub pipeline_status_id: i64,
    /// The status: what the account calls it, else its key.
    pub status_name: String,
    /// When the deal came there.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// The deal's account.
    #[serde(skip)]
    #[schema(ignore)]
    pub account: AccountId,
    /// Whether this was what moved it.
    #[serde(skip)]
    #[schema(ignore)]
    pub now: bool,
}

impl Repeatable for MoveDeal {}

impl Effect for MoveDeal {
    type Action = WriteDeals;
    type Done = Moved;
    const AUDIT: &'static str = "deal.move";
    const CONDITIONAL: bool = true;

    fn subject(done: &Moved) -> Subject {
        Subject { kind: "deal", id: done.deal_id.0, account: Some(done.account) }
    }

    fn changed(done: &Moved) -> bool {
        done.now
    }

    fn detail(done: &Moved) -> Option<serde_json::Value> {
        Some(json!({ "pipeline_id": done.pipeline_id, "pipeline_status_id": done.pipeline_status_id }))
    }

    fn render(done: &Moved) -> Rendered {
        Rendered::ok(done)
    }
}

/// Gives every account that has no pipeline the usual ones: the operator's.
#[derive(Clone, Copy, Debug)]
pub struct GivePipelines;

/// How many accounts were given pipelines.
#[derive(Clone, Copy, Debug)]
pub struct PipelinesGiven(pub usize);

impl Effect for GivePipelines {
    type Action = Administer;
    type Done = PipelinesGiven;
    const AUDIT: &'static str = "pipelines.give";

    fn subject(_: &PipelinesGiven) -> Subject {
        Subject { kind: "pipelines", id: 0, account: None }
    }

    fn changed(done: &PipelinesGiven) -> bool {
        done.0 > 0
    }

    fn detail(done: &PipelinesGiven) -> Option<serde_json::Value> {
        Some(json!({ "accounts": done.0 }))
    }

    fn render(done: &PipelinesGiven) -> Rendered {
        Rendered::ok(&json!({ "accounts": done.0 }))
    }
}
