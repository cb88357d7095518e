//! Reads the clock also where nobody asks for it, records the newest time, and logs that the clock is behind or cannot be judged.

use crate::store::Store;
use keyward_core::clock::{Clock, ClockWatch};
use std::time::Duration;

/// Between two readings.
const INTERVAL: Duration = Duration::from_secs(5);
/// The newest time is recorded at every so many readings.
const RECORDED_EVERY: u32 = 6;
/// While the clock is behind, it is logged at every so many readings.
const LOGGED_EVERY: u32 = 60;

/// Reads the clock for as long as it runs.
pub(crate) async fn forever(store: &dyn Store, clock: &dyn Clock) {
    let mut behind_for = 0;
    for reading in 0_u32.. {
        behind_for = read(&store.directory().clock(), clock, behind_for);
        if reading.is_multiple_of(RECORDED_EVERY) {
            record(store).await;
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Records the newest time.
pub(crate) async fn record(store: &dyn Store) {
    if let Err(error) = store.record_clock().await {
        tracing::warn!(%error, "the time could not be recorded");
    }
}

/// One reading; for how many readings the clock has been behind.
fn read(watch: &ClockWatch, clock: &dyn Clock, behind_for: u32) -> u32 {
    clock.now();
    if !watch.is_behind() {
        if behind_for > 0 {
            tracing::info!("the clock is right again: credentials with an end work");
        }
        return 0;
    }
    if behind_for.is_multiple_of(LOGGED_EVERY) {
        report(watch);
    }
    behind_for.wrapping_add(1)
}

fn report(watch: &ClockWatch) {
    let (clock, recorded) = (watch.wall(), watch.newest());
    if watch.is_unread() {
        tracing::error!(
            %clock,
            "the time that was recorded cannot be read: credentials with an end are answered 503; if the clock is right run keyward \
             clock accept"
        );
    } else {
        tracing::error!(
            %clock,
            %recorded,
            "the clock is behind a time that was recorded: credentials with an end are answered 503; correct the clock, or if it is \
             right run keyward clock accept"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry;
    use keyward_core::clock::SteadyClock;
    use keyward_testkit::FakeClock;
    use std::sync::Arc;
    use tracing_subscriber::EnvFilter;

    #[test]
    fn a_clock_that_is_behind_is_logged_at_once_and_again_and_when_it_is_right() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_owned();
        let writer = move || std::fs::File::options().append(true).open(&path).unwrap();
        let (fake, watch) = (FakeClock::new(), ClockWatch::default());
        let clock = SteadyClock::new(Arc::new(fake.clone()), watch.clone());
        tracing::subscriber::with_default(telemetry::json(writer, EnvFilter::new("info")), || {
            let mut behind_for = read(&watch, &clock, 0);
            fake.advance(-3_600);
            for _ in 0..=LOGGED_EVERY {
                behind_for = read(&watch, &clock, behind_for);
            }
            fake.advance(3_600);
            behind_for = read(&watch, &clock, behind_for);
            assert_eq!(read(&watch, &clock, behind_for), 0);
        });
        let log = std::fs::read_to_string(file.path()).unwrap();
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.len(), 3, "{log}");
        assert!(
            lines[..2].iter().all(|line| line.contains("ERROR") && line.contains("2026-03-20T14:30:45Z")),
            "{log}"
        );
        assert!(lines[2].contains("right again"), "{log}");
    }
}
