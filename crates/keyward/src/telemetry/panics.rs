//! Panics in the log. The system's own report is written straight to standard error, and would wait there for a reader that
//! has stopped.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;

/// Reports every panic as one log event, from now on.
pub(super) fn to_log() {
    std::panic::set_hook(Box::new(report));
}

fn report(panic: &PanicHookInfo<'_>) {
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
    tracing::error!(
        target: "keyward::panic",
        thread = std::thread::current().name(),
        at = panic.location().map(tracing::field::display),
        panic = panic.payload_as_str(),
        backtrace = backtrace.map(tracing::field::display),
        "a thread panicked; this is a fault of the program"
    );
}
