//! A stop ends in time, however slow the disk is. What is not written by then is as after a crash: nothing that was acknowledged is
//! lost, but counters of limits may be, and the next start finds the log of the database as it was.

use super::Exit;
use crate::telemetry;
use std::process::exit;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;
use tokio::time::Instant;

/// From the order to stop, and the delay that may be set behind it, to the end of the process, at most. The unit in `packaging/systemd`
/// waits longer.
pub(super) const STOP: Duration = Duration::from_secs(18);
/// Of these, what the log may take for its last lines.
const LAST_LINES: Duration = Duration::from_secs(2);
/// So long after the order nothing more is begun that can be left: a disk that has taken all this time would not take that too.
const LATE: Duration = Duration::from_secs(12);

/// A stop, once it is ordered.
#[derive(Debug, Default)]
pub(super) struct Stop(OnceLock<Instant>);

impl Stop {
    /// It is ordered now, and ends in time: by a thread that is not joined, so what ends before that ends as usual.
    pub(super) fn begin(&self) {
        self.0.get_or_init(Instant::now);
        let ends = thread::Builder::new().name("keyward-stop".to_owned()).spawn(|| {
            thread::sleep(STOP.saturating_sub(LAST_LINES));
            give_up("counters of limits, last uses of keys and failed sign-ins may not be");
        });
        if let Err(error) = ends {
            tracing::warn!(%error, "a stop may take longer than it should");
        }
    }

    /// Ends the process as it is, where it is late. The counters of limits are written by now.
    pub(super) fn end_if_late(&self) {
        if self.0.get().is_some_and(|ordered| ordered.elapsed() > LATE) {
            give_up("last uses of keys and failed sign-ins may not be");
        }
    }
}

#[expect(clippy::exit, reason = "a thread that waits for a disk cannot be ended otherwise")]
fn give_up(what: &str) {
    let seconds = STOP.as_secs();
    tracing::error!(
        "the disk is too slow for a stop in {seconds} seconds: it ends as it is. What was acknowledged is saved; {what}"
    );
    telemetry::flush();
    exit(i32::from(Exit::Unknown.number()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_waits_longer_than_a_stop_takes_and_the_guides_name_its_time() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
        let unit = read("packaging/systemd/keyward.service");
        let waits = unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")?.parse().ok());
        assert!(waits.is_some_and(|seconds| Duration::from_secs(seconds) > STOP), "{unit}");
        let named = format!("{} seconds", STOP.as_secs());
        for guide in ["docs/guides/under-load.md", "docs/guides/operating.md"] {
            assert!(read(guide).contains(&named), "{guide}");
        }
    }
}
