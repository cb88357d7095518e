//! Whether the API answers.

pub(crate) mod get;
