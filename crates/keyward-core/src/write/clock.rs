//! The operator's word that the clock is right now: a later time that was read before was wrong.

use crate::clock::Timestamp;
use crate::effect::{Effect, Rendered, Subject};
use crate::id::KeyId;
use crate::permit::Administer;
use serde_json::{Map, Value, json};

/// Takes the newest time back to this one. What was made in the time that is taken back, and has an end, ends.
#[derive(Clone, Copy, Debug)]
pub struct AcceptClock {
    /// What the clock shows.
    pub to: Timestamp,
}

/// What it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockAccepted {
    /// The newest time before.
    pub from: Timestamp,
    /// The newest time now.
    pub to: Timestamp,
    /// The keys with an end that were made in the time that is taken back, which are revoked.
    pub keys: Vec<KeyId>,
    /// Whether the time that was recorded could not be read. `from` is the newest that was known from elsewhere.
    pub unread: bool,
}

fn times(name: &str, at: Timestamp) -> (String, Value) {
    (name.to_owned(), json!(at))
}

impl Effect for AcceptClock {
    type Action = Administer;
    type Done = ClockAccepted;
    const AUDIT: &'static str = "clock.accept";

    fn subject(_: &ClockAccepted) -> Subject {
        Subject { kind: "clock", id: 1, account: None }
    }

    fn changed(done: &ClockAccepted) -> bool {
        done.to < done.from || done.unread
    }

    /// The row itself has the time before, so that no row has an earlier time than the one above it unless a row says so.
    fn detail(done: &ClockAccepted) -> Option<Value> {
        let mut detail = Map::from_iter([times("from", done.from), times("to", done.to)]);
        if !done.keys.is_empty() {
            detail.insert("revoked_keys".to_owned(), json!(done.keys));
        }
        if done.unread {
            detail.insert("record".to_owned(), json!("unreadable"));
        }
        Some(detail.into())
    }

    fn render(done: &ClockAccepted) -> Rendered {
        Rendered::ok(&json!({ "from": done.from, "to": done.to }))
    }
}
