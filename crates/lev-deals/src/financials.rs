//! The financials of a deal: one record, its figures in one table.

use crate::id::DealId;
use keyward_core::clock::Timestamp;
use keyward_core::input::{Field, Fields};
use keyward_core::money::Cents;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// What a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An amount of money.
    Money,
    /// A ratio, as a decimal: 0.95.
    Ratio,
    /// A whole number of currency units.
    Whole,
    /// A date, `YYYY-MM-DD`.
    Date,
    /// Yes or no.
    Flag,
}

/// Every figure, by its name on the wire and in the store, in the order of the answer.
pub const FIGURES: &[(&str, Kind)] = &[
    ("purchase_price", Kind::Money),
    ("asking_price", Kind::Money),
    ("estimated_value", Kind::Money),
    ("in_place_noi", Kind::Money),
    ("stabilized_noi", Kind::Money),
    ("stabilized_value", Kind::Money),
    ("stabilized_occupancy", Kind::Ratio),
    ("going_in_cap_rate", Kind::Ratio),
    ("going_in_cap_rate_as_of_date", Kind::Date),
    ("capex", Kind::Money),
    ("historical_capex", Kind::Money),
    ("land_cost", Kind::Money),
    ("total_cost", Kind::Money),
    ("total_cost_basis", Kind::Money),
    ("cost_basis_to_date", Kind::Money),
    ("imputed_land_value", Kind::Money),
    ("existing_debt", Kind::Money),
    ("estimated_cost_basis_if_refinance", Kind::Money),
    ("exchange_amount", Kind::Money),
    ("exchange_required_closing_date", Kind::Date),
    ("date_of_purchase_if_refinance", Kind::Date),
    ("construction_start_date", Kind::Date),
    ("construction_completion_date", Kind::Date),
    ("debt_maturity_date", Kind::Date),
    ("outstanding_loan_amount_at_closing", Kind::Money),
    ("investment_sales_brokerage_fee", Kind::Money),
    ("debt_placement_brokerage_fee", Kind::Money),
    ("environmental_cost", Kind::Money),
    ("appraisal_cost", Kind::Money),
    ("survey_cost", Kind::Money),
    ("snda_and_estoppel_cost", Kind::Money),
    ("estimated_borrower_counsel_cost", Kind::Money),
    ("estimated_lender_counsel_cost", Kind::Money),
    ("other_closing_costs", Kind::Whole),
    ("cash_out", Kind::Flag),
    ("recent_phase_available", Kind::Flag),
    ("recent_appraisal_available", Kind::Flag),
    ("survey_available", Kind::Flag),
    ("borrower_counsel_engaged", Kind::Flag),
];

/// The figures that a client may write, as `deal_financials`.
pub const WRITABLE: [&str; 5] =
    ["purchase_price", "estimated_value", "total_cost", "total_cost_basis", "land_cost"];

/// A figure's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Figure {
    /// [`Kind::Money`].
    Money(Cents),
    /// [`Kind::Ratio`].
    Ratio(f64),
    /// [`Kind::Whole`].
    Whole(i64),
    /// [`Kind::Date`].
    Date(String),
    /// [`Kind::Flag`].
    Flag(bool),
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            // As it is written, without a float in between.
            // Absent: never, an amount is a JSON number.
            Self::Money(cents) => RawValue::from_string(cents.to_json_text()).ok().serialize(to),
            Self::Ratio(ratio) => ratio.serialize(to),
            Self::Whole(number) => number.serialize(to),
            Self::Date(date) => date.serialize(to),
            Self::Flag(flag) => flag.serialize(to),
        }
    }
}

/// The financials of a deal.
#[derive(Clone, Debug, PartialEq)]
pub struct Financials {
    /// The record's id.
    pub id: i64,
    /// The deal.
    pub deal: DealId,
    /// The figures, each in the place that it has in [`FIGURES`].
    pub figures: Vec<Option<Figure>>,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Serialize for Financials {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("deal_id", &self.deal)?;
        for ((name, _), figure) in FIGURES.iter().zip(&self.figures) {
            map.serialize_entry(name, figure)?;
        }
        map.serialize_entry("updated_at", &self.updated_at)?;
        map.end()
    }
}

impl Financials {
    /// The JSON Schema of the record.
    #[must_use]
    pub fn schema() -> Value {
        let id =
            |text: &str| json!({ "type": "integer", "format": "int64", "minimum": 1, "description": text });
        let mut properties = Map::new();
        properties.insert("id".to_owned(), id("The record's id."));
        properties.insert("deal_id".to_owned(), id("The deal."));
        for (name, kind) in FIGURES {
            properties.insert((*name).to_owned(), figure_schema(*kind));
        }
        let updated =
            json!({ "type": "string", "format": "date-time", "description": "When it was last changed." });
        properties.insert("updated_at".to_owned(), updated);
        let required: Vec<&String> = properties.keys().collect();
        json!({
            "type": "object",
            "description": "The financials of a deal. Null: not known.",
            "required": required,
            "properties": properties,
        })
    }
}

fn figure_schema(kind: Kind) -> Value {
    match kind {
        Kind::Money => {
            json!({ "type": ["number", "null"], "format": "double", "minimum": 0, "description": "An amount of money." })
        }
        Kind::Ratio => {
            json!({ "type": ["number", "null"], "format": "double", "description": "A ratio, as a decimal: 0.95." })
        }
        Kind::Whole => {
            json!({ "type": ["integer", "null"], "format": "int64", "description": "An amount of money, in whole units." })
        }
        Kind::Date => json!({ "type": ["string", "null"], "format": "date", "description": "A date." }),
        Kind::Flag => json!({ "type": ["boolean", "null"], "description": "Whether it is so." }),
    }
}

/// What a client may say of the financials: [`WRITABLE`], in that order. Absent is not null.
#[derive(Clone, Debug)]
pub struct FinancialChanges(pub [Field<Cents>; 5]);

impl FinancialChanges {
    /// Reads `deal_financials`.
    pub(crate) fn take(fields: &mut Fields<'_>) -> Field<Self> {
        fields.object("deal_financials", |inner| {
            let changes = Self(WRITABLE.map(|name| inner.money(name)));
            inner.not_empty("deal_financials must contain at least one field");
            changes
        })
    }

    /// Whether there is an amount among them: nulls alone make no record.
    #[must_use]
    pub fn has_amount(&self) -> bool {
        self.0.iter().any(|field| matches!(field, Field::Value(_)))
    }
}
