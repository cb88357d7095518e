//! The order about the rows that cannot be read.

use super::error::AdminError;
use crate::store::Store;
use keyward_core::left_out::LeftOut;
use serde_json::{Value, json};

/// Names those that were left out at the start, those that lists leave out, after a look at all that there are, and whether the time
/// that was recorded is one of them.
pub(super) async fn tell(store: &dyn Store) -> Result<Value, AdminError> {
    store.look_through().await?;
    let (at_start, of_lists) = (store.left_out(), store.left_out_of_lists());
    Ok(json!({
        "count": at_start.count(),
        "rows": named(at_start),
        "of_lists": { "count": of_lists.count(), "rows": named(&of_lists) },
        "clock_unreadable": store.directory().clock().is_unread(),
    }))
}

fn named(rows: &LeftOut) -> Vec<String> {
    rows.named().iter().map(|row| format!("{} {}", row.table, row.row)).collect()
}
