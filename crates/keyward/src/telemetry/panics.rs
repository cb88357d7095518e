//! Panics in the log. The system's own report is written straight to standard error, and would wait there for a reader that
//! has stopped. The log's line is waited for, for a moment: what unwinds may end the process (`abort`), and the line says why.

use super::flush_panic;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes of a backtrace that are logged: the frames next to the panic come first.
const BACKTRACE: usize = 8 * 1024;

/// Reports every panic as one log event, from now on.
pub(super) fn to_log() {
    std::panic::set_hook(Box::new(report));
}

/// How many there were.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// How many threads and tasks have panicked in this process, wherever that was caught.
pub(crate) fn panics() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

fn report(panic: &PanicHookInfo<'_>) {
    COUNT.fetch_add(1, Ordering::Relaxed);
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
    flush_panic();
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

    /// In a process of its own, which the test below starts.
    const CHILD: &str = "KEYWARD_TEST_ABORT";

    struct Abort;

    impl Drop for Abort {
        fn drop(&mut self) {
            std::process::abort();
        }
    }

    #[test]
    fn the_reason_of_a_panic_that_ends_the_process_is_in_the_log() {
        const OWN: &str =
            "telemetry::panics::tests::the_reason_of_a_panic_that_ends_the_process_is_in_the_log";
        if std::env::var_os(CHILD).is_some() {
            let _level = crate::telemetry::start(&crate::config::Log::default()).unwrap();
            let _abort = Abort;
            panic!("the reason");
        }
        for _ in 0..3 {
            let mut child = std::process::Command::new(std::env::current_exe().unwrap());
            child.args(["--exact", "--nocapture", OWN]).env(CHILD, "1").env_remove("RUST_BACKTRACE");
            let output = child.output().unwrap();
            let log = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success() && log.contains("the reason"), "{}: {log}", output.status);
        }
    }

    #[test]
    fn a_long_backtrace_is_cut_with_a_mark() {
        let whole = "x".repeat(BACKTRACE);
        assert_eq!(shortened(whole.clone()), whole);
        let cut = shortened(format!("x{}", "ü".repeat(BACKTRACE)));
        assert!(cut.len() < BACKTRACE + 16 && cut.ends_with("ü…(cut)"));
    }
}
