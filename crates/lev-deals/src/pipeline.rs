//! Pipelines, and where deals stand in them.

use keyward_core::clock::Timestamp;
use keyward_core::id::MAX_ID;
use keyward_core::input::{Fields, Invalid};
use keyward_core::json::Json;
use serde::Serialize;
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
