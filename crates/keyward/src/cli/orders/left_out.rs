//! The rows that the database's process left out when it opened the file, for `keyward doctor`.

use super::Given;
use crate::cli::{CliError, Source};
use crate::operate::Order;
use serde_json::Value;

/// Of the running server; of the file, when none runs.
pub(in crate::cli) async fn rows_left_out(source: Source) -> Result<Value, CliError> {
    Given { source, json: true }.addressee()?.tell(Order::LeftOut).await
}
