//! What a store is opened with.

use keyward_core::clock::Clock;
use keyward_core::limits::Tiers;
use keyward_core::swap::Swap;
use keyward_sql::Component;
use std::path::Path;
use std::sync::Arc;

/// What may be done with the file that is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// A database is made where there is none, readable by its user alone; one that is there is brought up to date.
    Make,
    /// A database of an older version is brought up to date: the older version cannot open it any more. One that is missing or empty
    /// is refused.
    BringUpToDate,
    /// A database of another version is left alone and refused.
    MustBeUpToDate,
}

/// What a store is opened with.
#[derive(Debug)]
pub struct Options<'a> {
    /// The database file.
    pub path: &'a Path,
    /// Further components with tables in the file, after the store's own.
    pub components: &'a [Component],
    /// The check values of the root secret, by version ([`keyward_core::root_secret::RootSecret::check_values`]).
    pub root_secret_checks: &'a [(u32, String)],
    /// What may be done with the file.
    pub schema: Schema,
    /// What every tier may have; it can change while the store is open.
    pub tiers: Swap<Tiers>,
    /// How many bytes of the answers of idempotent writes one account keeps ([`keyward_core::idempotency::KEPT_BYTES`]).
    pub idempotency_bytes: u64,
    /// The machine's clock. The store's own, [`keyward_sql::Store::clock`], does not go back when this one does.
    pub clock: Arc<dyn Clock>,
}
