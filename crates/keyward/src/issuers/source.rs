//! Where the keys of an issuer come from.

use super::document::Document;
use super::fetch::FetchError;
use keyward_core::BoxFuture;
use std::fmt;

/// Where an issuer's keys can be had.
pub trait KeySource: Send + Sync + fmt::Debug {
    /// The key set as it is now.
    fn fetch(&self) -> BoxFuture<'_, Result<Document, FetchError>>;
}
