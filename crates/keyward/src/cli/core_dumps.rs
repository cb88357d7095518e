//! What the server has in its memory, no other process reads and no file keeps: core dumps are off, and the process is not
//! dumpable, so that programs of the same user can neither trace it nor open its memory.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Turns them off for this process. Where the system refuses, the server goes on without, and the log says so.
pub(super) fn turn_off() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core dumps could not be turned off: a crash may write secrets to the disk");
    }
    // The limit does not hold for a program that the system pipes dumps to (core(5)); this does.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!(%error, "other programs of this user can read the server's memory: it stays dumpable");
    }
}
