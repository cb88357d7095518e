//! The caller itself.

pub(crate) mod accounts;
pub(crate) mod active_account;
pub(crate) mod get;
