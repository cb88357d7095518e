//! The embedded store keeps the contract of every store.

use keyward_sqlite::{Options, Sqlite};
use keyward_testkit::{FakeClock, contract};
use std::sync::Arc;
use tempfile::TempDir;

#[tokio::test]
async fn the_embedded_store_keeps_the_contract() {
    let directory = TempDir::new().unwrap();
    let count = std::cell::Cell::new(0);
    contract::keeps(|| {
        count.set(count.get() + 1);
        let options = Options {
            path: &directory.path().join(format!("{}.db", count.get())),
            components: &[],
            root_secret_checks: &[],
            schema: keyward_sqlite::Schema::Make,
            idempotency_bytes: keyward_core::idempotency::KEPT_BYTES,
            tiers: keyward_core::swap::Swap::new(keyward_core::limits::Tiers::default()),
            clock: Arc::new(FakeClock::new()),
        };
        Sqlite::open(&options).unwrap()
    })
    .await;
}
