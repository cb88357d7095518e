//! The closed sets of values, lower case on the wire. The later edition's values, and the samples of March 2026
//! (`acquisition` and `refinance` as loan types, `purchase` as a transaction type), which are kept as sent.

/// `loan_type`.
pub const LOAN_TYPES: &[&str] = &[
    "construction",
    "heavy_bridge",
    "light_bridge",
    "permanent",
    "land",
    "predevelopment",
    "tbd",
    "acquisition",
    "refinance",
];

/// `transaction_type`.
pub const TRANSACTION_TYPES: &[&str] = &["tbd", "acquisition", "refinance", "new_construction", "purchase"];

/// `business_plan`.
pub const BUSINESS_PLANS: &[&str] = &["stabilized", "value_add", "construction", "land"];

/// The value of a set that a stored text names.
#[must_use]
pub fn known(set: &'static [&'static str], text: &str) -> Option<&'static str> {
    set.iter().copied().find(|value| *value == text)
}
