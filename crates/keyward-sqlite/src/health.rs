//! Whether the database can be written, as far as the last writes say.

use keyward_core::store::StoreError;
use rusqlite::ErrorCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Why the last write failed; nothing, if one succeeded since. And how many endings wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Health {
    fault: Mutex<Option<&'static str>>,
    endings: AtomicU64,
    /// Why endings wait.
    waits: Mutex<Option<&'static str>>,
    /// How many entries are not in the journal.
    unjournaled: AtomicU64,
}

impl Health {
    /// A write has reached the disk.
    pub(crate) fn wrote(&self) {
        self.set(None);
    }

    /// A write failed with this; whether it is the first that the disk refuses since one succeeded. What lies in the write itself,
    /// or passes with another program's lock, says nothing.
    pub(crate) fn failed(&self, error: &StoreError) -> bool {
        fault(error).is_some_and(|fault| self.set(Some(fault)).is_none())
    }

    /// What is amiss. Also while an ending waits, whatever the last write came to: a restart would lose it, and no write that
    /// gives a right is done before it.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let fault = *self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.or_else(|| *self.waits.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Why endings wait, if any does, and how many are not written.
    pub(crate) fn unwritten(&self, waits: Option<&'static str>, endings: usize) {
        *self.waits.lock().unwrap_or_else(PoisonError::into_inner) = waits;
        self.endings.store(endings as u64, Ordering::Relaxed);
    }

    /// How many endings are not written.
    pub(crate) fn endings(&self) -> u64 {
        self.endings.load(Ordering::Relaxed)
    }

    /// So many entries could not be appended to the journal.
    pub(crate) fn unjournaled(&self, entries: usize) {
        self.unjournaled.store(entries as u64, Ordering::Relaxed);
    }

    /// How many could not be.
    pub(crate) fn not_in_journal(&self) -> u64 {
        self.unjournaled.load(Ordering::Relaxed)
    }

    /// Notes it; what was noted before.
    fn set(&self, fault: Option<&'static str>) -> Option<&'static str> {
        std::mem::replace(&mut *self.fault.lock().unwrap_or_else(PoisonError::into_inner), fault)
    }
}

fn fault(error: &StoreError) -> Option<&'static str> {
    let (StoreError::Unavailable(source) | StoreError::Held(source)) = error else { return None };
    match source.downcast_ref::<rusqlite::Error>()?.sqlite_error_code()? {
        ErrorCode::DiskFull => Some("its disk is full"),
        ErrorCode::SystemIoFailure => Some("its disk is full, or fails"),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => Some("it is read-only"),
        // Absent: another program's lock, or memory that ran out, passes; the write that met it has failed.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_succeeds_is_no_recovery_while_an_ending_waits() {
        let health = Health::default();
        health.unwritten(Some("one waits"), 1);
        health.wrote();
        assert!(health.fault().is_some(), "the program tries to write it, and is not ready");
        health.unwritten(None, 1);
        assert_eq!(
            (health.fault(), health.endings()),
            (None, 1),
            "one that is refused is counted, and in no way"
        );
    }
}
