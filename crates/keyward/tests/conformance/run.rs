//! The runner, from an npm package, through a proxy that adds the credential: the runner itself knows none.

use crate::serve::served;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn clients() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients");
    let folder = std::env::var_os("KEYWARD_TEST_CLIENTS").map_or_else(beside, PathBuf::from);
    let module = folder.join("node_modules/@modelcontextprotocol/conformance");
    assert!(module.exists(), "{} is missing: run `cargo xtask test`, which installs it", module.display());
    folder
}

async fn passes(revision: &str, scenarios: u64) {
    let (served, out) = (served().await, tempfile::tempdir().unwrap());
    let mut judge = Command::new("node");
    judge.arg(clients().join("mcp/conformance.mjs")).args([
        &served.address.port().to_string(),
        &served.keys[0],
        revision,
        out.path().to_str().unwrap(),
    ]);
    let judged =
        tokio::task::spawn_blocking(move || judge.stdin(Stdio::null()).output()).await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&judged.stdout).into_owned();
    assert!(judged.status.success(), "{told}\n{}", String::from_utf8_lossy(&judged.stderr));
    let counts: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    println!("{revision}: {counts}");
    assert_eq!((counts["scenarios"].as_u64(), counts["passed"].as_u64()), (Some(scenarios), Some(scenarios)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_server_scenario_of_2025_11_25_passes() {
    passes("2025-11-25", 30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_server_scenario_of_2026_07_28_passes() {
    passes("2026-07-28", 37).await;
}
