//! A rate, as figures are shown.

use keyward_core::limits::Rate;
use serde_json::{Value, json};

/// A rate, as figures are shown.
pub(super) fn shown_rate(rate: Rate) -> Value {
    match rate {
        Rate::PerMinute(figure) => json!(figure),
        Rate::Unlimited => json!("unlimited"),
    }
}
