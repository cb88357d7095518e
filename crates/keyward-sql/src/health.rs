//! Whether the database can be written, as far as the last writes say.

use keyward_core::store::StoreError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Why the last write failed; nothing, if one succeeded since. And how many endings wait to be written.
#[derive(Debug)]
pub struct Health {
    /// What the store's errors say of the database.
    says: fn(&StoreError) -> Option<&'static str>,
    fault: Mutex<Option<&'static str>>,
    endings: AtomicU64,
    /// Why endings wait.
    waits: Mutex<Option<&'static str>>,
    /// How many entries are not in the journal.
    unjournaled: AtomicU64,
}

impl Health {
    /// Of a database of which nothing is known yet. `says`: what an error of the store says of it; `None`: nothing.
    #[must_use]
    pub fn new(says: fn(&StoreError) -> Option<&'static str>) -> Self {
        let (fault, waits) = (Mutex::default(), Mutex::default());
        Self { says, fault, endings: AtomicU64::new(0), waits, unjournaled: AtomicU64::new(0) }
    }

    /// A write has reached the disk.
    pub fn wrote(&self) {
        self.set(None);
    }

    /// A write failed with this; whether it is the first that the disk refuses since one succeeded. What lies in the write itself,
    /// or passes with another program's lock, says nothing.
    pub fn failed(&self, error: &StoreError) -> bool {
        (self.says)(error).is_some_and(|fault| self.set(Some(fault)).is_none())
    }

    /// What is amiss. Also while an ending waits, whatever the last write came to: a restart would lose it, and no write that
    /// gives a right is done before it.
    pub fn fault(&self) -> Option<&'static str> {
        let fault = *self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.or_else(|| *self.waits.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Why endings wait, if any does, and how many are not written.
    pub fn unwritten(&self, waits: Option<&'static str>, endings: usize) {
        *self.waits.lock().unwrap_or_else(PoisonError::into_inner) = waits;
        self.endings.store(endings as u64, Ordering::Relaxed);
    }

    /// How many endings are not written.
    pub fn endings(&self) -> u64 {
        self.endings.load(Ordering::Relaxed)
    }

    /// So many entries could not be appended to the journal.
    pub fn unjournaled(&self, entries: usize) {
        self.unjournaled.store(entries as u64, Ordering::Relaxed);
    }

    /// How many could not be.
    pub fn not_in_journal(&self) -> u64 {
        self.unjournaled.load(Ordering::Relaxed)
    }

    /// Notes it; what was noted before.
    fn set(&self, fault: Option<&'static str>) -> Option<&'static str> {
        std::mem::replace(&mut *self.fault.lock().unwrap_or_else(PoisonError::into_inner), fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_succeeds_is_no_recovery_while_an_ending_waits() {
        let health = Health::new(|_| None);
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
