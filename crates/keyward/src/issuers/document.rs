//! A document of an issuer, as it was fetched.

use std::time::Duration;

/// A document of an issuer that holds its keys.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its bytes.
    pub body: Vec<u8>,
    /// How long it may be kept, as the issuer says.
    pub max_age: Option<Duration>,
}
