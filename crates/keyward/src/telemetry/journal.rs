//! Levels for the journal of systemd: a number in angle brackets at the beginning of each line (sd-daemon(3)), so that
//! `journalctl -p err` finds errors. The journal takes it off again.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use tracing::Level;

/// Whether standard error leads to the journal: systemd names the device and inode of that stream in `JOURNAL_STREAM`
/// (systemd.exec(5)), and a process below it may have another standard error.
pub(super) fn has_stderr(journal_stream: Option<&str>) -> bool {
    // Absent: standard error that cannot be looked at is not known to be the journal's.
    journal_stream.is_some_and(|named| is_stream(named, std::io::stderr().as_fd()).unwrap_or(false))
}

fn is_stream(named: &str, stream: std::os::fd::BorrowedFd<'_>) -> std::io::Result<bool> {
    let file = File::from(stream.try_clone_to_owned()?).metadata()?;
    Ok(named == format!("{}:{}", file.dev(), file.ino()))
}

/// What stands before a line of this level.
pub(super) fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        Level::DEBUG | Level::TRACE => "<7>",
    }
}

/// The lines of an event, each with its level: a field of several lines is of one level.
pub(super) fn marked(event: &[u8], priority: &str) -> Vec<u8> {
    let lines = event.split_inclusive(|byte| *byte == b'\n');
    lines.flat_map(|line| priority.bytes().chain(line.iter().copied())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_an_event_has_its_level() {
        assert_eq!(marked(b"one\n", priority(Level::WARN)), b"<4>one\n");
        assert_eq!(marked(b"one\ntwo\n", priority(Level::ERROR)), b"<3>one\n<3>two\n");
        assert_eq!(marked(b"", "<6>"), b"");
    }

    #[test]
    fn a_stream_is_the_journals_when_device_and_inode_are_those_that_systemd_names() {
        let file = tempfile::tempfile().unwrap();
        let own = file.metadata().unwrap();
        let named = format!("{}:{}", own.dev(), own.ino());
        assert!(is_stream(&named, file.as_fd()).unwrap());
        for other in [format!("{}:{}", own.dev(), own.ino() + 1), String::new(), "8:12345".to_owned()] {
            assert!(!is_stream(&other, file.as_fd()).unwrap(), "{other}");
        }
        assert!(!has_stderr(None));
    }
}
