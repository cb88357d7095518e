//! The statements that a store runs for its rules, in a child process in which nothing else runs: the test program again, with a
//! variable. So the test that asks is the child's too, and there is none that nothing could make fail.

use super::{dialect, must, text};
use std::env;
use std::io::{Write, stdout};
use std::process::{self, Command};

/// The variable of the child.
const CHILD: &str = "KEYWARD_STATEMENTS_CHILD";
/// What each of its lines with a statement begins with.
const STATEMENT: &str = "statement: ";

/// Whether this process is the child. Then it is to run the rules, and to say what they ran ([`say`]).
#[must_use]
pub fn is_this() -> bool {
    env::var_os(CHILD).is_some()
}

/// Says which statements were run. It does not return: a test that it was would be one more that holds.
///
/// # Panics
/// Nobody reads it.
pub fn say(statements: &[String]) -> ! {
    let mut out = stdout();
    for sql in statements {
        must("it is said", writeln!(out, "{STATEMENT}{}", dialect::statement(sql)));
    }
    must("it is said", out.flush());
    process::exit(0)
}

/// What a child says that is the test of this name.
///
/// # Panics
/// A rule is broken there.
#[must_use]
pub fn statements_of(test: &str) -> Vec<String> {
    let program = must("this test program", env::current_exe());
    let mut child = Command::new(program);
    let output = must("it runs", child.args(["--exact", test, "--nocapture"]).env(CHILD, "1").output());
    assert!(output.status.success(), "the rules are checked: {}", text(&output.stderr));
    let lines = text(&output.stdout);
    lines.lines().filter_map(|line| line.split_once(STATEMENT)).map(|(_, sql)| sql.to_owned()).collect()
}
