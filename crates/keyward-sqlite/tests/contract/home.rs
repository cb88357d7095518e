//! Where a store of these tests keeps what it has.

use keyward_core::root_secret::RootSecret;
use keyward_sqlite::{OpenError, Options, Schema, Sqlite};
use keyward_testkit::patience::patiently;
use keyward_testkit::{FakeClock, contract};
use std::path::{Path, PathBuf};
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

    /// A copy of all that lies beside this file, while nobody has it open.
    #[cfg(feature = "fault-injection")]
    pub(crate) fn copy_of(file: &Path) -> Self {
        let copy = Self::new();
        for entry in std::fs::read_dir(file.parent().unwrap()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.0.path().join(entry.file_name())).unwrap();
        }
        copy
    }

    /// The database's file.
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("keyward.db")
    }
}

impl contract::Home for Home {
    type Store = Sqlite;

    fn open(&self) -> Sqlite {
        open(&self.path())
    }
}

/// Opens the store that lies in this file.
pub(crate) fn open(path: &Path) -> Sqlite {
    let root = RootSecret::parse(ROOT).unwrap();
    let options = Options {
        path,
        components: &[],
        root_secret_checks: &root.check_values(),
        schema: Schema::Make,
        idempotency_bytes: keyward_core::idempotency::KEPT_BYTES,
        tiers: keyward_core::swap::Swap::new(keyward_core::limits::Tiers::default()),
        clock: Arc::new(FakeClock::new()),
    };
    patiently(|| Sqlite::open(&options), |error| matches!(error, OpenError::InUse(_))).unwrap()
}
