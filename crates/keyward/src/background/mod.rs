//! What is done beside requests.

pub(crate) mod counters;
pub(crate) mod flush;
pub(crate) mod purge;
pub(crate) mod signing;
