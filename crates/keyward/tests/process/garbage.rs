//! Structured garbage over all routes and both doors: a smaller run of `cargo xtask soak garbage`.

#[path = "../rigs/garbage/mod.rs"]
mod rig;

use crate::street::server::Town;
use rig::{Plan, run};
use std::path::Path;

#[tokio::test]
async fn structured_garbage_is_answered_without_a_fault() {
    let town = Town::found(Path::new(env!("CARGO_BIN_EXE_keyward"))).await.unwrap();
    let heap = run(&town, Plan { requests: 20_000, seed: 19, pinned: false }).await.unwrap();
    println!("{heap}");
    assert!(heap.faults().is_empty(), "{:#?}\n{heap}", heap.faults());
}
