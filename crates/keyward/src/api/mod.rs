//! The handlers: one file a verb. A handler takes the call and the permit, reads the input, asks the rule, and returns
//! data or an effect.

pub(crate) mod account;
pub(crate) mod api_keys;
pub(crate) mod auth;
pub(crate) mod deals;
pub(crate) mod health;
pub(crate) mod me;
pub(crate) mod pipelines;
