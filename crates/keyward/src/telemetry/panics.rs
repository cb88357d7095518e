//! Panics in the log. The system's own report is written straight to standard error, and would wait there for a reader that
//! has stopped.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;

/// The bytes of a backtrace that are logged: the frames next to the panic come first.
const BACKTRACE: usize = 8 * 1024;

/// Reports every panic as one log event, from now on.
pub(super) fn to_log() {
    std::panic::set_hook(Box::new(report));
}

fn report(panic: &PanicHookInfo<'_>) {
    let backtrace = Backtrace::capture();
    let backtrace =
        (backtrace.status() == BacktraceStatus::Captured).then(|| shortened(backtrace.to_string()));
    tracing::error!(
        target: "keyward::panic",
        thread = std::thread::current().name(),
        at = panic.location().map(tracing::field::display),
        panic = panic.payload_as_str(),
        backtrace,
        "a thread panicked; this is a fault of the program"
    );
}

fn shortened(mut text: String) -> String {
    if text.len() > BACKTRACE {
        text.truncate((0..=BACKTRACE).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0));
        text.push_str("…(cut)");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_backtrace_is_cut_with_a_mark() {
        let whole = "x".repeat(BACKTRACE);
        assert_eq!(shortened(whole.clone()), whole);
        let cut = shortened(format!("x{}", "ü".repeat(BACKTRACE)));
        assert!(cut.len() < BACKTRACE + 16 && cut.ends_with("ü…(cut)"));
    }
}
