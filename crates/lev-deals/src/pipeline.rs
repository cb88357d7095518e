//! Pipelines, and where deals stand in them.

use crate::deal::DealId;
use keyward_core::clock::Timestamp;
use keyward_core::effect::{Effect, Rendered, Subject};
use keyward_core::id::{AccountId, MAX_ID};
use keyward_core::input::{Fields, Invalid};
use keyward_core::json::Json;
use keyward_core::permit::{Administer, WriteDeals};
use keyward_core::preconditions::Preconditions;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// The most pipelines that a deal shows, and that a new one can be put into.
pub const MAX_SHOWN: usize = 10;

/// A pipeline: the steps that deals of one kind go through. Which there are belongs to the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Pipeline {
    /// Its id.
    #[schema(minimum = 1)]
    pub id: i64,
    /// What kind it is. The account may have kinds of its own.
    #[schema(required, extensions(("x-extensible-enum" = json!(["financing", "acquisition"]))))]
    pub pipeline_type: Option<String>,
    /// What people call it.
    #[schema(required)]
    pub pipeline_name: Option<String>,
    /// What it is for.
    #[schema(required)]
    pub description: Option<String>,
    /// The account that owns it.
    #[schema(minimum = 1)]
    pub owner_account_id: i64,
    /// Its place among the account's pipelines.
    #[schema(value_type = i32)]
    pub order: i64,
    /// Its statuses, in their order.
    pub statuses: Vec<Status>,
}

/// A status of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PipelineStatus)]
pub struct Status {
    /// Its id.
    #[schema(minimum = 1)]
    pub id: i64,
    /// Its key. The account may have statuses of its own: look them up, do not hard-code them.
    #[schema(extensions(("x-extensible-enum" = json!(["new", "quoting", "term_sheet", "closing", "closed"]))))]
    pub status: String,
    /// What the account calls it.
    #[schema(required)]
    pub custom_status_name: Option<String>,
    /// What it means.
    #[schema(required)]
    pub description: Option<String>,
    /// Its place in the pipeline.
    #[schema(value_type = i32)]
    pub order: i64,
    /// The name of its icon.
    #[schema(required)]
    pub icon: Option<String>,
}

/// Where a deal stands, as `include=pipelines` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DealPipeline)]
pub struct Place {
    /// The pipeline.
    #[schema(minimum = 1)]
    pub pipeline_id: i64,
    /// The status: what the account calls it, else its key.
    pub status_name: String,
    /// When the deal came there.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

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

/// Where a deal is to be put.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The pipeline.
    pub pipeline: i64,
    /// The status; `None`: the pipeline's first.
    pub status: Option<i64>,
}

impl Target {
    /// Reads the body of `POST /deals/{deal_id}/pipeline`.
    ///
    /// # Errors
    /// [`Invalid`] with every mistake.
    pub fn read(body: &Json) -> Result<Self, Invalid> {
        let mut fields = Fields::of(body)?;
        let read = Self::take(&mut fields);
        fields.finish()?;
        // `finish` has reported a missing one.
        read.ok_or_else(|| Invalid::one("pipeline_id", "pipeline_id is required"))
    }

    /// Takes the members of the body.
    pub fn take(fields: &mut Fields<'_>) -> Option<Self> {
        let pipeline = fields.integer("pipeline_id", 1..=MAX_ID);
        let pipeline = fields.required("pipeline_id", pipeline);
        let status = fields.integer("pipeline_status_id", 1..=MAX_ID).value();
        Some(Self { pipeline: pipeline?, status })
    }
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

/// A pipeline that every account begins with.
#[derive(Debug)]
pub(crate) struct Usual {
    pub(crate) kind: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// Key, description and icon, in order.
    pub(crate) statuses: &'static [(&'static str, &'static str, &'static str)],
}

/// What every account begins with.
pub(crate) const USUAL: &[Usual] = &[
    Usual {
        kind: "financing",
        name: "Financing",
        description: "Finding a loan for a property, from the first look to the closing.",
        statuses: &[
            ("new", "Not yet looked at.", "inbox"),
            ("quoting", "Lenders are asked for quotes.", "chat"),
            ("term_sheet", "A term sheet is being negotiated.", "document"),
            ("closing", "A term sheet is signed; the loan is being closed.", "signature"),
            ("closed", "The loan is closed.", "check"),
        ],
    },
    Usual {
        kind: "acquisition",
        name: "Acquisition",
        description: "Buying a property.",
        statuses: &[
            ("new", "Not yet looked at.", "inbox"),
            ("underwriting", "The property is being underwritten.", "calculator"),
            ("offer", "An offer is out.", "envelope"),
            ("diligence", "The offer is accepted; diligence is going on.", "magnifier"),
            ("closed", "The property is bought.", "check"),
        ],
    },
];
