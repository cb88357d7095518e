//! Where the embedded store of these tests keeps what it has.

use super::bench::must;
use super::store::DealHome;
use keyward_core::root_secret::RootSecret;
use keyward_sqlite::faults::change_by_force;
use keyward_sqlite::{OpenError, Options, Schema, Sqlite};
use keyward_testkit::FakeClock;
use keyward_testkit::patience::patiently;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// The store only compares it: no file is opened with another one.
const ROOT: &str = "1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// A directory with one database, in which a fault can be planted.
pub(crate) struct Home {
    directory: TempDir,
    /// Statements that are executed before each opening.
    fault: Option<&'static str>,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { directory: must("a directory", TempDir::new()), fault: None }
    }

    /// One whose store has a fault from the beginning.
    pub(crate) fn with_fault(fault: &'static str) -> Self {
        Self { fault: Some(fault), ..Self::new() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("keyward.db")
    }

    fn open_as_it_is(&self) -> Sqlite {
        let root = must("a root secret", RootSecret::parse(ROOT));
        let options = Options {
            path: &self.path(),
            components: &[lev_deals::sql::COMPONENT],
            root_secret_checks: &root.check_values(),
            schema: Schema::Make,
            idempotency_bytes: keyward_core::idempotency::KEPT_BYTES,
            tiers: keyward_core::swap::Swap::new(keyward_core::limits::Tiers::default()),
            clock: Arc::new(FakeClock::new()),
        };
        let opened = patiently(|| Sqlite::open(&options), |error| matches!(error, OpenError::InUse(_)));
        must("the store is opened", opened)
    }
}

impl DealHome for Home {
    type Store = Sqlite;

    fn open(&self) -> Sqlite {
        if let Some(fault) = self.fault {
            // Opened once before, so that there are tables.
            drop(self.open_as_it_is());
            must("a fault is planted", change_by_force(&self.path(), fault));
        }
        self.open_as_it_is()
    }
}
