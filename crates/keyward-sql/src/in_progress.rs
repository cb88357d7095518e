//! The claims that are being executed: a lock for each, that ends with the process.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The names of the claims.
#[derive(Clone, Debug, Default)]
pub(crate) struct InProgress(Arc<Mutex<HashSet<[u8; 32]>>>);

/// One claim's turn. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Turn {
    all: InProgress,
    name: [u8; 32],
}

impl InProgress {
    /// The turn of this claim; `None`: somebody has it.
    pub(crate) fn take(&self, name: [u8; 32]) -> Option<Turn> {
        let is_free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        is_free.then(|| Turn { all: self.clone(), name })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_has_one_turn_at_a_time() {
        let all = InProgress::default();
        let turn = all.take([1; 32]).unwrap();
        assert!(all.take([1; 32]).is_none() && all.take([2; 32]).is_some());
        drop(turn);
        assert!(all.take([1; 32]).is_some());
    }
}
