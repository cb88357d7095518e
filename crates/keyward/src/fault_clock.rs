//! The machine's clock, moved for tests (feature `fault-injection`) by as many seconds as stand in the file that
//! `KEYWARD_FAULT_CLOCK` names. It is read at every reading, so that the clock can be moved under a running server.

use keyward_core::clock::{Clock, SystemClock, Timestamp};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug)]
struct MovedClock {
    inner: SystemClock,
    file: PathBuf,
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        // Absent: the clock is not moved.
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        self.inner.now().plus_seconds(text.trim().parse().unwrap_or(0))
    }

    fn elapsed(&self) -> Duration {
        self.inner.elapsed()
    }
}

/// The clock that the variable asks for.
pub(crate) fn clock() -> Arc<dyn Clock> {
    match std::env::var_os("KEYWARD_FAULT_CLOCK") {
        Some(file) => Arc::new(MovedClock { inner: SystemClock::new(), file: file.into() }),
        None => Arc::new(SystemClock::new()),
    }
}
