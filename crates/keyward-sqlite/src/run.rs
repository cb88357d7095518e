//! The statements that were run, for tests that try each of them elsewhere.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The texts of the statements that stores of this process have run so far, each once.
#[must_use]
pub fn statements() -> Vec<String> {
    STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
}

static STATEMENTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

pub(crate) fn note_statement(sql: &str) {
    let mut statements = STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if !statements.contains(sql) {
        statements.insert(sql.to_owned());
    }
}
