//! The properties of a deal.

use serde::Serialize;
use utoipa::ToSchema;

/// A property that a deal is about.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = DealProperty)]
pub struct Property {
    /// Its id.
    #[schema(minimum = 1)]
    pub id: i64,
    /// What it is called.
    #[schema(required)]
    pub name: Option<String>,
    /// Street and number.
    #[schema(required)]
    pub address: Option<String>,
    /// City.
    #[schema(required)]
    pub city: Option<String>,
    /// State, in two letters.
    #[schema(required)]
    pub state: Option<String>,
    /// Postal code.
    #[schema(required)]
    pub zip: Option<String>,
    /// What kind of asset it is.
    #[schema(required)]
    pub asset_type_id: Option<i64>,
    /// How many units it has.
    #[schema(required, value_type = Option<i32>)]
    pub units: Option<i64>,
    /// Its area in square feet.
    #[schema(required)]
    pub square_footage: Option<f64>,
    /// The year in which it was built.
    #[schema(required, value_type = Option<i32>)]
    pub year_built: Option<i64>,
}
