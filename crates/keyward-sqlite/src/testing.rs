//! A store for this crate's own tests.

use crate::{Options, Sqlite};
use keyward_testkit::FakeClock;
use std::path::Path;
use std::sync::Arc;

/// Opens one.
pub(crate) fn open(path: &Path) -> Sqlite {
    let options = Options {
        path,
        components: &[],
        root_secret_checks: &[],
        migrate: true,
        tiers: keyward_core::swap::Swap::new(keyward_core::limits::Tiers::default()),
        idempotency_bytes: keyward_core::idempotency::KEPT_BYTES,
        clock: Arc::new(FakeClock::new()),
    };
    Sqlite::open(&options).unwrap()
}
