//! `cargo xtask soak fuzz [SECONDS]`: every fuzz target for so long, beginning with what is kept in `fuzz/corpus`.
//!
//! It needs no other compiler than the project's: coverage counters come from flags that are stable, the fuzzer from the crate
//! `libfuzzer-sys`. What it finds new stays in `fuzz/target/grown`, for the next run; an input that fails goes to
//! `fuzz/artifacts`, and belongs into the corpus once it is mended.

use crate::command::{Failed, Outcome, cargo, run};
use std::path::Path;
use std::process::Command;

const TARGETS: [&str; 3] = ["bearer", "jws", "jwks"];

const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1";

/// Builds, and fuzzes each target for that many seconds (180).
pub(crate) fn soak(root: &Path, extra: &[&str]) -> Outcome {
    let seconds = extra.first().unwrap_or(&"180");
    let (folder, host) = (root.join("fuzz"), host()?);
    // With a target the flags are for the program alone, and not for what builds it.
    let build = ["build", "--release", "--locked", "--target", &host];
    run(cargo(&folder).args(build).env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", folder.join("target")))?;
    for target in TARGETS {
        println!("fuzz: {target}, {seconds} s");
        let program = folder.join("target").join(&host).join("release").join(target);
        let (kept, grown) = (folder.join("corpus").join(target), folder.join("target/grown").join(target));
        let made =
            std::fs::create_dir_all(&grown).and_then(|()| std::fs::create_dir_all(folder.join("artifacts")));
        if let Err(error) = made {
            eprintln!("{}: {error}", grown.display());
            return Err(Failed(1));
        }
        let limits = ["-rss_limit_mb=512", "-timeout=1", "-print_final_stats=1", "-max_len=16384"];
        let mut fuzz = Command::new(&program);
        fuzz.args([&grown, &kept]).args(limits).arg(format!("-max_total_time={seconds}"));
        run(fuzz.arg(format!("-artifact_prefix={}/", folder.join("artifacts").display())))?;
    }
    Ok(())
}

/// The kind of machine that programs are built for here.
fn host() -> Result<String, Failed> {
    let output = Command::new("rustc").arg("-vV").output().map_err(|error| {
        eprintln!("rustc: {error}");
        Failed(1)
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or(Failed(1))
}
