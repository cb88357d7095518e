//! What is done beside requests.

pub(crate) mod certificate;
pub(crate) mod clock;
pub(crate) mod counters;
pub(crate) mod failed_sign_ins;
pub(crate) mod flush;
pub(crate) mod log_counts;
pub(crate) mod panics;
pub(crate) mod place;
pub(crate) mod purge;
pub(crate) mod signing;
pub(crate) mod supervisor;
