//! Whether the database can be written, as far as the last writes say.

use keyward_core::store::StoreError;
use rusqlite::ErrorCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Why the last write failed; nothing, if one succeeded since. And how many endings wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Health {
    fault: Mutex<Option<&'static str>>,
    endings: AtomicU64,
    waits: AtomicBool,
}

impl Health {
    /// A write has reached the disk.
    pub(crate) fn wrote(&self) {
        self.set(None);
    }

    /// A write failed with this. What lies in the write itself, or passes with another program's lock, says nothing.
    pub(crate) fn failed(&self, error: &StoreError) {
        if let Some(fault) = fault(error) {
            self.set(Some(fault));
        }
    }

    /// What is amiss. Also while an ending waits, whatever the last write came to: a restart would lose it, and no write that
    /// gives a right is done before it.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let fault = *self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.or(self.waits.load(Ordering::Relaxed).then_some("what was revoked is not written yet"))
    }

    /// So many endings wait, and so many the database refuses.
    pub(crate) fn unwritten(&self, waiting: usize, refused: usize) {
        self.waits.store(waiting > 0, Ordering::Relaxed);
        self.endings.store((waiting + refused) as u64, Ordering::Relaxed);
    }

    /// How many endings are not written.
    pub(crate) fn endings(&self) -> u64 {
        self.endings.load(Ordering::Relaxed)
    }

    fn set(&self, fault: Option<&'static str>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
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
        health.unwritten(1, 0);
        health.wrote();
        assert!(health.fault().is_some(), "the program tries to write it, and is not ready");
        health.unwritten(0, 1);
        assert_eq!(
            (health.fault(), health.endings()),
            (None, 1),
            "one that is refused is counted, and in no way"
        );
    }
}
