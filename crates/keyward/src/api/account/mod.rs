//! The account of the request.

pub(crate) mod team;
