//! Counts of log lines that were dropped or left out, written to the log itself.

use crate::telemetry;
use crate::watch::{LeftOut, RequestLog};
use keyward_core::clock::{Clock, Timestamp};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(10);

/// Dropped lines that were reported already.
#[derive(Debug)]
struct Reported {
    since: Timestamp,
    lines: u64,
}

/// What was reported, from the start of the server to its stop.
#[derive(Debug)]
pub(crate) struct LogCounts(Mutex<Reported>);

impl LogCounts {
    /// From this time on.
    pub(crate) fn since(since: Timestamp) -> Self {
        Self(Mutex::new(Reported { since, lines: 0 }))
    }

    /// Writes the counts for as long as it runs.
    pub(crate) async fn forever(&self, log: &RequestLog, clock: &dyn Clock) {
        loop {
            tokio::time::sleep(EVERY).await;
            self.dropped(telemetry::lines_dropped(), clock.now());
            for left_out in log.floods.ended(clock.elapsed()) {
                report(left_out);
            }
        }
    }

    /// Writes what was left out of the minute that is not over, and what was dropped since the last look, at the end of the
    /// program.
    pub(crate) fn last(&self, log: &RequestLog, clock: &dyn Clock) {
        self.end(log.floods.all(), telemetry::lines_dropped(), clock.now());
    }

    fn end(&self, left_out: Vec<LeftOut>, lines: [(&'static str, u64); 2], now: Timestamp) {
        left_out.into_iter().for_each(report);
        self.dropped(lines, now);
    }

    fn dropped(&self, lines: [(&'static str, u64); 2], now: Timestamp) {
        dropped(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), lines, now);
    }
}

fn report(LeftOut { address, lines }: LeftOut) {
    match address {
        Some(address) => tracing::info!(
            target: "keyward::log",
            %address,
            left_out = lines,
            "{lines} more requests of this address are not in the log"
        ),
        None => tracing::info!(
            target: "keyward::log",
            left_out = lines,
            "{lines} more requests of further addresses are not in the log"
        ),
    }
}

/// One line when lines were dropped since the last look.
fn dropped(reported: &mut Reported, [severe, routine]: [(&'static str, u64); 2], now: Timestamp) {
    let all = severe.1.saturating_add(routine.1);
    let lines = all.saturating_sub(reported.lines);
    if lines == 0 {
        return;
    }
    let since = reported.since;
    tracing::warn!(
        target: "keyward::log",
        lines,
        severe = severe.1,
        routine = routine.1,
        %since,
        "{lines} log lines were dropped since {since}: what reads the log is too slow, or its disk is full"
    );
    *reported = Reported { since: now, lines: all };
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::EnvFilter;

    #[test]
    fn dropped_lines_are_reported_once_with_their_number() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_owned();
        let writer = move || std::fs::File::options().append(true).open(&path).unwrap();
        let (begin, later) = (Timestamp::from_unix(0), Timestamp::from_unix(10));
        let counts = LogCounts::since(begin);
        tracing::subscriber::with_default(telemetry::json(writer, EnvFilter::new("info")), || {
            counts.dropped([("severe", 0), ("routine", 0)], later);
            counts.dropped([("severe", 1), ("routine", 6)], later);
            counts.dropped([("severe", 1), ("routine", 6)], later);
            counts.dropped([("severe", 1), ("routine", 8)], later);
        });
        let text = std::fs::read_to_string(file.path()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(
            lines[0].contains("\"WARN\"") && lines[0].contains("7 log lines were dropped since 1970"),
            "{text}"
        );
        assert!(lines[1].contains("2 log lines were dropped since 1970-01-01T00:00:10"), "{text}");
    }

    #[test]
    fn a_stop_reports_what_was_dropped_since_the_last_look() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_owned();
        let writer = move || std::fs::File::options().append(true).open(&path).unwrap();
        let counts = LogCounts::since(Timestamp::from_unix(0));
        tracing::subscriber::with_default(telemetry::json(writer, EnvFilter::new("info")), || {
            counts.dropped([("severe", 0), ("routine", 3)], Timestamp::from_unix(10));
            let left_out = vec![LeftOut { address: None, lines: 5 }];
            counts.end(left_out, [("severe", 0), ("routine", 12)], Timestamp::from_unix(15));
        });
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(
            text.contains("5 more requests") && text.contains("9 log lines were dropped since"),
            "{text}"
        );
    }
}
