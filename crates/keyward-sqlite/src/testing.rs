//! A store for this crate's own tests.

use crate::{Options, Sqlite};
use keyward_sql::journal::{Ended, RowName};
use keyward_testkit::FakeClock;
use std::path::Path;
use std::sync::Arc;

/// Opens one.
pub(crate) fn open(path: &Path) -> Sqlite {
    Sqlite::open(&options(path)).unwrap()
}

/// Opens one as on a file system that is full.
pub(crate) fn open_without_room(path: &Path) -> Sqlite {
    crate::open::open_by(&options(path), crate::no_room::connect_alone, keyward_sql::load::everything)
        .unwrap()
}

fn options(path: &Path) -> Options<'_> {
    Options {
        path,
        components: &[],
        root_secret_checks: &[],
        schema: crate::Schema::Make,
        tiers: keyward_core::swap::Swap::new(keyward_core::limits::Tiers::default()),
        idempotency_bytes: keyward_core::idempotency::KEPT_BYTES,
        clock: Arc::new(FakeClock::new()),
    }
}

/// What ended, for tests of the journal.
pub(crate) trait OfKey {
    /// That a key ended whose account cannot be read.
    fn key(id: i64) -> Self;
}

impl OfKey for Ended {
    fn key(id: i64) -> Self {
        Self::Key { key: RowName(id, Some(1)), account: None }
    }
}
