//! Places in the commit at which a test can end the process, as a power cut would: without the feature they are nothing.

/// How long a write to a slow disk takes: longer than any test waits for it.
#[cfg(feature = "fault-injection")]
const SLOW: std::time::Duration = std::time::Duration::from_secs(60);

/// Ends the process here, if the variable `KEYWARD_FAIL_AT` names this place, and the count that stands behind it has run out
/// (`commit:3` ends it the third time). With `slow:` and a path, commits wait instead, as for a slow disk, while that file is there.
#[cfg(feature = "fault-injection")]
pub fn fail_point(place: &str) {
    use std::sync::atomic::{AtomicI64, Ordering};
    static LEFT: AtomicI64 = AtomicI64::new(-1);
    let Ok(wanted) = std::env::var("KEYWARD_FAIL_AT") else { return };
    if let Some(file) = wanted.strip_prefix("slow:") {
        if place == "commit" && std::path::Path::new(file).exists() {
            std::thread::sleep(SLOW);
        }
        return;
    }
    // Absent: the first time.
    let (name, count) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    if name != place {
        return;
    }
    // The first to come reads the count.
    // Absent: what is no number is the first time.
    let _ = LEFT.compare_exchange(-1, count.parse().unwrap_or(1), Ordering::SeqCst, Ordering::SeqCst);
    if LEFT.fetch_sub(1, Ordering::SeqCst) == 1 {
        // As `kill -9`: nothing is flushed, nothing is dropped.
        let _ = std::process::Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
        std::process::abort();
    }
}

/// Nothing.
#[cfg(not(feature = "fault-injection"))]
pub const fn fail_point(_: &str) {}
