//! Questions about credentials.

pub(crate) mod validate_api_key;
