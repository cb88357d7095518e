//! Counts of log lines that were dropped or left out, written to the log itself.

use crate::app::App;
use crate::telemetry;
use crate::watch::LeftOut;
use keyward_core::clock::Timestamp;
use std::time::Duration;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(10);

/// Dropped lines that were reported already.
#[derive(Debug)]
pub(crate) struct Reported {
    since: Timestamp,
    lines: u64,
}

/// Writes the counts for as long as it runs.
pub(crate) async fn forever(app: &App) {
    let mut reported = Reported { since: app.clock.now(), lines: 0 };
    loop {
        tokio::time::sleep(EVERY).await;
        dropped(&mut reported, telemetry::lines_dropped(), app.clock.now());
        for left_out in app.log.floods.ended(app.clock.elapsed()) {
            report(left_out);
        }
    }
}

/// Writes what was left out of the minute that is not over, at the end of the program.
pub(crate) fn last(app: &App) {
    app.log.floods.all().into_iter().for_each(report);
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
        let mut reported = Reported { since: begin, lines: 0 };
        tracing::subscriber::with_default(telemetry::json(writer, EnvFilter::new("info")), || {
            dropped(&mut reported, [("severe", 0), ("routine", 0)], later);
            dropped(&mut reported, [("severe", 1), ("routine", 6)], later);
            dropped(&mut reported, [("severe", 1), ("routine", 6)], later);
            dropped(&mut reported, [("severe", 1), ("routine", 8)], later);
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
}
