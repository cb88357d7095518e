//! True answers, as a server gave them. They lie in a file that a test compares with what is answered today.

use crate::problem::status;
use crate::routes::OperationId;
use keyward_core::denial::Code;
use serde_json::Value;
use std::sync::LazyLock;

/// The id of every request in the examples.
pub(crate) const REQUEST_ID: &str = "7f0f8a5e-9d1b-4c56-8f3e-2d1a6b4c9e70";

static EXAMPLES: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());

/// The body of an operation's answer of that status.
pub(super) fn of(id: OperationId, status: u16) -> Option<Value> {
    EXAMPLES.get(id.name())?.get(status.to_string()).cloned()
}

/// An error of that code, of whatever operation there is an example.
pub(super) fn of_fault(code: Code) -> Option<Value> {
    let status = status(code).as_u16();
    OperationId::ALL.iter().find_map(|id| of(*id, status))
}
