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

    /// What is amiss.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many endings wait.
    pub(crate) fn unwritten(&self, endings: usize) {
        self.endings.store(endings as u64, Ordering::Relaxed);
    }

    /// How many endings wait.
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
        _ => None,
    }
}
