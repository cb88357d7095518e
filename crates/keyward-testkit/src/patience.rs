//! What a test tries again, since the reason why it fails passes.

use std::thread::sleep;
use std::time::Duration;

/// So often it is tried again, after a pause each time.
const TIMES: u32 = 400;
const PAUSE: Duration = Duration::from_millis(5);

/// Tries until it works, while it `passes` why it did not; the last result.
///
/// A store says that its file is in use when it was closed just before: a process that another test begins has each open file, and its
/// lock, until it executes its own program.
///
/// # Errors
/// Of the last attempt.
pub fn patiently<T, E>(attempt: impl Fn() -> Result<T, E>, passes: impl Fn(&E) -> bool) -> Result<T, E> {
    for _ in 0..TIMES {
        match attempt() {
            Err(error) if passes(&error) => sleep(PAUSE),
            result => return result,
        }
    }
    attempt()
}
