//! How many tests ran. Their lines pass through here on the way to the terminal.

use crate::command::{Outcome, run_reading};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::process::Command;

/// The sums of every `test result` line that has passed.
#[derive(Default)]
pub(crate) struct Tally {
    passed: Cell<u64>,
    failed: Cell<u64>,
    skipped: Cell<u64>,
}

impl Tally {
    /// Runs a `cargo test` and counts. What a passing test panics on purpose is not shown: in a run without a fault it reads as one.
    pub(crate) fn run(&self, tests: &mut Command) -> Outcome {
        let filter = RefCell::new(Filter::default());
        run_reading(tests, |line| {
            self.count(line);
            filter.borrow_mut().shows(line)
        })
    }

    fn count(&self, line: &str) {
        let Some((_, result)) = line.split_once("test result: ").and_then(|(_, rest)| rest.split_once(". "))
        else {
            return;
        };
        for part in result.split("; ") {
            let sum = match part.split_once(' ') {
                Some((_, "passed")) => &self.passed,
                Some((_, "failed")) => &self.failed,
                Some((_, "ignored")) => &self.skipped,
                _ => continue,
            };
            // Absent: what cargo writes there is a number.
            let number = part.split(' ').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
            sum.set(sum.get().saturating_add(number));
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped } = self;
        write!(f, "tests: {} passed, {} failed, {} skipped", passed.get(), failed.get(), skipped.get())
    }
}

/// Leaves out panics, with their backtraces, among the outputs of tests that passed.
#[derive(Default)]
struct Filter {
    /// Between `successes:` and what follows it.
    successes: bool,
    panic: bool,
    ended: bool,
}

impl Filter {
    fn shows(&mut self, line: &str) -> bool {
        if line == "successes:" {
            self.successes = true;
        } else if line == "failures:" || line.starts_with("test result: ") {
            self.successes = false;
        }
        let begins = line.starts_with("thread '") && line.contains(" panicked at ");
        let over =
            line.is_empty() || line.starts_with("---- ") || (self.ended && !line.starts_with("note: "));
        self.panic = self.successes && (begins || (self.panic && !over));
        self.ended = self.panic && line.starts_with("note: ");
        !self.panic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_is_added_up() {
        let tally = Tally::default();
        for line in [
            "running 3 tests",
            "test result: ok. 680 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 3.05s",
            "test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "all 12 passed; none failed",
        ] {
            tally.count(line);
        }
        assert_eq!(tally.to_string(), "tests: 684 passed, 1 failed, 2 skipped");
    }

    #[test]
    fn a_panic_of_a_passing_test_is_not_shown_and_that_of_a_failing_one_is() {
        let panic = "\nthread 'panics::one' (7) panicked at crates/x.rs:1:2:\nat once\nstack backtrace:\n   0: begin\n             at ./x.rs:1\nnote: Some details are omitted";
        let output = format!(
            "successes:\n\n---- panics::one stdout ----{panic}\n37 of 37\n\n\nsuccesses:\n    panics::one\n\nfailures:\n\n---- panics::two stdout ----{panic}\n"
        );
        let mut filter = Filter::default();
        let shown: Vec<&str> = output.lines().filter(|line| filter.shows(line)).collect();
        assert_eq!(shown.iter().filter(|line| line.contains("panicked at")).count(), 1);
        let first: Vec<&str> = shown.iter().take_while(|line| **line != "failures:").copied().collect();
        let expected = [
            "successes:",
            "",
            "---- panics::one stdout ----",
            "37 of 37",
            "",
            "",
            "successes:",
            "    panics::one",
            "",
        ];
        assert_eq!(first, expected);
        assert_eq!(shown.last(), Some(&"note: Some details are omitted"));
    }
}
