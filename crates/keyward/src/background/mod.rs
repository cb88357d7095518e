//! What goes on beside the requests.

pub(crate) mod flush;
