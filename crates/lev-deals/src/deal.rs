//! A deal, and how the API shows it.

use keyward_core::clock::Timestamp;
use keyward_core::id::AccountId;
use keyward_core::money::Cents;
use serde::Serialize;
use serde_json::value::RawValue;

/// A deal's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct DealId(pub i64);

impl DealId {
    /// Reads the id from a path segment; `None` when it is no id at all.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        keyward_core::id::parse(text).map(Self)
    }
}

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
        format!("\"d{}-{}\"", self.id.0, self.version)
    }

    /// Where it is, relative to the API's base.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/deals/{}", self.id.0)
    }

    /// How the API shows it.
    #[must_use]
    pub fn view(&self) -> DealView<'_> {
        DealView {
            id: self.id,
            title: &self.title,
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
        }
    }
}

/// A deal on the wire.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the fields of Deal, as the API names them")]
pub struct DealView<'a> {
    pub id: DealId,
    pub title: &'a str,
    /// Written from cents, so that no digit is lost on the way through a float.
    pub loan_amount: Option<Box<RawValue>>,
    pub loan_type: Option<&'static str>,
    pub transaction_type: Option<&'static str>,
    pub business_plan: Option<&'static str>,
    pub description: Option<&'a str>,
    pub estimated_close_date: Option<&'a str>,
    pub close_date: Option<&'a str>,
    pub owner_account_id: AccountId,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub archived: bool,
    pub archived_at: Option<Timestamp>,
}
