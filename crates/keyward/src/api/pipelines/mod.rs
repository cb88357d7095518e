//! Pipelines: the steps that deals go through.

pub(crate) mod get;
pub(crate) mod list;
