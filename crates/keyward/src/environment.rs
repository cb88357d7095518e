//! The variables of the environment.

use crate::config::{NOT_TEXT, Variables, is_empty};
use std::ffi::OsString;

/// A variable of ours is not text.
#[derive(Debug, thiserror::Error)]
#[error("{0}: {NOT_TEXT}")]
pub(crate) struct VariableError(String);

/// A variable of the environment that is not ours.
pub(crate) fn variable(name: &str) -> Option<String> {
    // Absent: what asks for traces, and asks for none when it is not text. No right hangs on it.
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A variable of ours. One that is set and empty counts as not set, and the configuration warns of it.
///
/// # Errors
/// When it is not text: it is never as if it were not there.
pub(crate) fn own_variable(name: &str) -> Result<Option<String>, VariableError> {
    let value = std::env::var_os(name).filter(|value| !is_empty(value));
    let text = value.map(OsString::into_string).transpose();
    text.map_err(|_| VariableError(name.to_owned()))
}

/// Whether a variable says something, whatever it is.
pub(crate) fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !is_empty(&value))
}

/// The variables that begin like ours.
pub(crate) fn variables() -> Variables {
    let all = std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value));
    all.filter(|(name, _)| name.starts_with("KEYWARD_")).collect()
}
