//! What the lists of deals can be asked: the one table that code, schema and pages share.

use crate::values::{BUSINESS_PLANS, LOAN_TYPES, TRANSACTION_TYPES};
use keyward_core::list::{FilterField, Grammar, Kind, Operator, Paging};

/// `GET /deals`.
pub const DEALS: Grammar = Grammar {
    name: "deals",
    paging: Paging::Cursor,
    sorts: &["title", "loan_amount", "created_at", "updated_at"],
    filters: &[
        FilterField { name: "loan_type", kind: Kind::Choice(LOAN_TYPES), operators: &[Operator::Eq] },
        FilterField {
            name: "transaction_type",
            kind: Kind::Choice(TRANSACTION_TYPES),
            operators: &[Operator::Eq],
        },
        FilterField { name: "business_plan", kind: Kind::Choice(BUSINESS_PLANS), operators: &[Operator::Eq] },
        FilterField { name: "archived", kind: Kind::Flag, operators: &[Operator::Eq] },
        FilterField {
            name: "loan_amount",
            kind: Kind::Money,
            operators: &[Operator::Eq, Operator::Gt, Operator::Gte, Operator::Lt, Operator::Lte],
        },
        FilterField { name: "created_at", kind: Kind::Moment, operators: Operator::COMPARISONS },
        FilterField { name: "updated_at", kind: Kind::Moment, operators: Operator::COMPARISONS },
    ],
    fields: &[
        "id",
        "title",
        "loan_amount",
        "loan_type",
        "transaction_type",
        "business_plan",
        "description",
        "estimated_close_date",
        "close_date",
        "owner_account_id",
        "created_at",
        "updated_at",
        "archived",
        "archived_at",
    ],
    includes: &["financials", "properties", "team", "pipelines"],
};

/// `GET /deals/{deal_id}`: what one deal shows.
pub const DEAL: Grammar = DEALS.of_one();
/// `GET /deals/{deal_id}/properties`.
pub const PROPERTIES: Grammar = Grammar::plain("deal properties");
/// `GET /deals/{deal_id}/team`.
pub const TEAM: Grammar = Grammar::plain("deal team");
/// `GET /pipelines`.
pub const PIPELINES: Grammar = Grammar::plain("pipelines");
