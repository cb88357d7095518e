//! Where a store of these tests keeps what it has.

use keyward_core::root_secret::RootSecret;
use keyward_sqlite::{Options, Schema, Sqlite};
use keyward_testkit::{FakeClock, contract};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// The store only compares it: no file is opened with another one.
const ROOT: &str = "1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// A directory with one database.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// The database's file.
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("keyward.db")
    }
}

impl contract::Home for Home {
    type Store = Sqlite;

    fn open(&self) -> Sqlite {
        let root = RootSecret::parse(ROOT).unwrap();
        let options = Options {
            path: &self.path(),
            components: &[],
            root_secret_checks: &root.check_values(),
            schema: Schema::Make,
            idempotency_bytes: keyward_core::idempotency::KEPT_BYTES,
            tiers: keyward_core::swap::Swap::new(keyward_core::limits::Tiers::default()),
            clock: Arc::new(FakeClock::new()),
        };
        Sqlite::open(&options).unwrap()
    }
}
