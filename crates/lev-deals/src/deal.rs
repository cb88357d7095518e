//! A deal, and how the API shows it.

use crate::financials::Financials;
use crate::id::DealId;
use crate::pipeline::Place;
use crate::property::Property;
use crate::team::TeamMember;
use crate::values::{BUSINESS_PLANS, LOAN_TYPES, TRANSACTION_TYPES};
use keyward_core::clock::Timestamp;
use keyward_core::id::AccountId;
use keyward_core::money::Cents;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A deal as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    /// Its id.
    pub id: DealId,
    /// The account that owns it.
    pub owner_account: AccountId,
    /// 1 to 255 characters.
    pub title: String,
    /// The loan.
    pub loan_amount: Option<Cents>,
    /// One of [`crate::values::LOAN_TYPES`].
    pub loan_type: Option<&'static str>,
    /// One of [`crate::values::TRANSACTION_TYPES`].
    pub transaction_type: Option<&'static str>,
    /// One of [`crate::values::BUSINESS_PLANS`].
    pub business_plan: Option<&'static str>,
    /// Free text.
    pub description: Option<String>,
    /// `YYYY-MM-DD`.
    pub estimated_close_date: Option<String>,
    /// `YYYY-MM-DD`: when it really closed.
    pub close_date: Option<String>,
    /// Counts the changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was archived.
    pub archived_at: Option<Timestamp>,
}

impl Deal {
    /// A deal of which nothing but the title is known yet.
    #[must_use]
    pub fn new(owner_account: AccountId, title: String, now: Timestamp) -> Self {
        Self {
            id: DealId(0),
            owner_account,
            title,
            loan_amount: None,
            loan_type: None,
            transaction_type: None,
            business_plan: None,
            description: None,
            estimated_close_date: None,
            close_date: None,
            version: 1,
            created_at: now,
            updated_at: now,
            archived_at: None,
        }
    }

    /// The strong entity tag of this state (RFC 9110 §8.8.3), quotes included. It names the state of the deal, which
    /// is `data` in every answer that shows it whole.
    #[must_use]
    pub fn etag(&self) -> String {
        self.id.etag(self.version)
    }

    /// Where it is, relative to the API's base.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/deals/{}", self.id.0)
    }

    /// How the API shows it.
    #[must_use]
    pub fn view(&self) -> DealView<'_> {
        self.view_with(Included::none())
    }

    /// How the API shows it, with what hangs on it.
    #[must_use]
    pub fn view_with<'a>(&'a self, included: &'a Included) -> DealView<'a> {
        DealView {
            id: self.id,
            title: &self.title,
            // Absent: never, an amount is a JSON number.
            loan_amount: self.loan_amount.and_then(|cents| RawValue::from_string(cents.to_json_text()).ok()),
            loan_type: self.loan_type,
            transaction_type: self.transaction_type,
            business_plan: self.business_plan,
            description: self.description.as_deref(),
            estimated_close_date: self.estimated_close_date.as_deref(),
            close_date: self.close_date.as_deref(),
            owner_account_id: self.owner_account,
            created_at: self.created_at,
            updated_at: self.updated_at,
            archived: self.archived_at.is_some(),
            archived_at: self.archived_at,
            financials: included.financials.as_ref().map(Option::as_ref),
            properties: included.properties.as_deref(),
            team: included.team.as_deref(),
            pipelines: included.pipelines.as_deref(),
        }
    }
}

/// What hangs on a deal, as far as it was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Included {
    /// The financials; the inner `None`: the deal has none.
    pub financials: Option<Option<Financials>>,
    /// The properties.
    pub properties: Option<Vec<Property>>,
    /// The team.
    pub team: Option<Vec<TeamMember>>,
    /// Where it stands.
    pub pipelines: Option<Vec<Place>>,
}

static NOTHING: Included = Included { financials: None, properties: None, team: None, pipelines: None };

impl Included {
    /// Nothing was asked for.
    #[must_use]
    pub fn none() -> &'static Self {
        &NOTHING
    }
}

/// A deal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deal)]
pub struct DealView<'a> {
    /// The deal's id.
    #[schema(value_type = i64, minimum = 1)]
    pub id: DealId,
    /// What it is called.
    #[schema(min_length = 1, max_length = 255)]
    pub title: &'a str,
    /// The loan, in units of the currency with at most two decimal places.
    // Written from cents, so that no digit is lost on the way through a float.
    #[schema(required, value_type = Option<f64>, minimum = 0)]
    pub loan_amount: Option<Box<RawValue>>,
    /// What kind of loan it is.
    #[schema(required, extensions(("enum" = json!(LOAN_TYPES))))]
    pub loan_type: Option<&'static str>,
    /// What the loan is for.
    #[schema(required, extensions(("enum" = json!(TRANSACTION_TYPES))))]
    pub transaction_type: Option<&'static str>,
    /// What is planned with the property.
    #[schema(required, extensions(("enum" = json!(BUSINESS_PLANS))))]
    pub business_plan: Option<&'static str>,
    /// Free text.
    #[schema(required, max_length = 10_000)]
    pub description: Option<&'a str>,
    /// When it is expected to close.
    #[schema(required, format = Date)]
    pub estimated_close_date: Option<&'a str>,
    /// When it really closed.
    #[schema(required, format = Date)]
    pub close_date: Option<&'a str>,
    /// The account that owns it.
    #[schema(value_type = i64, minimum = 1)]
    pub owner_account_id: AccountId,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it, or what hangs on it, was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Whether it is archived. Independent of where it stands in a pipeline. Later edition.
    pub archived: bool,
    /// When it was archived. Later edition.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub archived_at: Option<Timestamp>,
    /// With `include=financials`; null: the deal has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub financials: Option<Option<&'a Financials>>,
    /// With `include=properties`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Property>)]
    pub properties: Option<&'a [Property]>,
    /// With `include=team`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<TeamMember>)]
    pub team: Option<&'a [TeamMember]>,
    /// With `include=pipelines`: where it stands, at most 10. Later edition.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Place>)]
    pub pipelines: Option<&'a [Place]>,
}
