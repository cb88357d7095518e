//! The order about the clock.

use super::desk::Desk;
use super::error::AdminError;
use crate::transport::date;
use keyward_core::write::clock::AcceptClock;
use serde_json::{Value, json};

/// Takes the time that the machine's clock shows for the right one.
pub(super) async fn accept(desk: &Desk) -> Result<Value, AdminError> {
    // A reading, of which the watch knows what the machine's clock showed.
    desk.clock.now();
    let to = desk.store.directory().clock().wall();
    if !date::is_writable(to) {
        let text = "the machine's clock shows a time before 1970 or after 9999; set it first";
        return Err(AdminError::unavailable(text));
    }
    let done = desk.operator().commit(AcceptClock { to }).await?;
    Ok(json!({
        "recorded": done.from, "now": done.to, "taken_back": done.to < done.from, "revoked_keys": done.keys,
        "record_unreadable": done.unread,
    }))
}
