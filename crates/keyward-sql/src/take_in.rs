//! What is committed, taken into memory.

use keyward_core::live::{Change, Directory};

/// What is committed must be known before anything else happens: a process that could not take it in must not go on judging by
/// what was before.
pub(crate) fn take_in(directory: &Directory, changes: Vec<Change>) {
    let unknown = AbortUnlessKnown;
    directory.publish(changes);
    std::mem::forget(unknown);
}

/// Ends the process when it is dropped.
struct AbortUnlessKnown;

impl Drop for AbortUnlessKnown {
    fn drop(&mut self) {
        std::process::abort();
    }
}
