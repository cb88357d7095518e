//! `cargo xtask test`: everything that has to hold before a change goes in, in the order of what fails fastest.

use crate::command::{Outcome, cargo, run};
use crate::tally::Tally;
use crate::{clients, promtool, street, tidy, tools};
use std::path::Path;
use std::time::{Duration, Instant};

type Step<'a> = (&'static str, &'a dyn Fn() -> Outcome);
/// The name of a share, and its minutes on two idle cores.
type Share = (&'static str, u64);

/// What is built for every test. The program is built once and with the same features, so that no library is there twice.
const EVERYTHING: [&str; 4] = ["test", "--workspace", "--all-features", "--locked"];

/// House rules, tools, clients, promtool, build, every test; then other people's programs.
pub(crate) fn full(root: &Path) -> Outcome {
    let clients = root.join("tests").join("clients");
    let tally = Tally::default();
    let base: &[Step<'_>] = &[
        ("tidy", &|| tidy::check(root)),
        ("tools", &tools::ensure),
        ("clients", &|| clients::install(&clients)),
        ("promtool", &|| promtool::ensure(root)),
        ("build", &|| run(cargo(root).args(EVERYTHING).arg("--no-run"))),
        ("test", &|| {
            // With what they print: how many of how many.
            let shown = ["--", "--show-output"];
            let mut tests = cargo(root);
            tests.args(EVERYTHING).args(shown).env("KEYWARD_TEST_CLIENTS", &clients);
            tally.run(tests.env(promtool::VARIABLE, promtool::program(root)))
        }),
    ];
    let street: &[Step<'_>] = &[
        ("street programs", &|| street::ensure(root)),
        ("street build", &|| street::build(root)),
        ("street", &|| tally.run(&mut street::tests(root))),
    ];
    let outcome = in_order(&[(BASE_SHARE, base), (street::SHARE, street)]);
    println!("{tally}");
    outcome
}

/// House rules, unit tests, and the tests of the HTTP API.
pub(crate) fn quick(root: &Path) -> Outcome {
    let tally = Tally::default();
    let steps: &[Step<'_>] = &[
        ("tidy", &|| tidy::check(root)),
        ("unit", &|| tally.run(cargo(root).args(["test", "--workspace", "--locked", "--lib", "--bins"]))),
        ("api", &|| tally.run(cargo(root).args(["test", "-p", "keyward", "--locked", "--test", "api"]))),
    ];
    let outcome = in_order(&[(BASE_SHARE, steps)]);
    println!("{tally}");
    outcome
}

/// The part of a full run's time that these steps may take, in minutes on two idle cores. Further parts get shares of their own, so that
/// one that grows is named before the whole run is too long.
const BASE_SHARE: Share = ("base", 20);

/// What one share took, and whether that is more than it may.
fn share((name, minutes): Share, took: Duration) -> String {
    let over = if took > Duration::from_secs(minutes * 60) { ": OVER its share" } else { "" };
    format!("share {name} {:.1} of {minutes} min{over}", took.as_secs_f64() / 60.0)
}

/// Runs until a step fails, and closes with the time of each, and of each share.
fn in_order(parts: &[(Share, &[Step<'_>])]) -> Outcome {
    let mut times = Vec::new();
    let mut shares = Vec::new();
    for (part, steps) in parts {
        let before = times.len();
        for (name, step) in *steps {
            let begun = now();
            let outcome = step();
            times.push((*name, begun.elapsed()));
            if let Err(failed) = outcome {
                println!("xtask: {}; failed at {name} with exit code {}", spent(&times), failed.0);
                return outcome;
            }
        }
        shares.push(share(*part, times.iter().skip(before).map(|(_, time)| *time).sum()));
    }
    println!("xtask: {}; {}; ok", spent(&times), shares.join("; "));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the time of a step is only shown; nothing is decided by it")]
fn now() -> Instant {
    Instant::now()
}

fn spent(times: &[(&str, Duration)]) -> String {
    let each = times.iter().map(|(name, time)| format!("{name} {:.1} s", time.as_secs_f64()));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Failed;
    use std::cell::RefCell;

    #[test]
    fn the_first_failure_ends_the_run() {
        let seen = RefCell::new(Vec::new());
        let step = |name: &'static str, outcome: Outcome| {
            seen.borrow_mut().push(name);
            outcome
        };
        let first: &[Step<'_>] = &[("one", &|| step("one", Ok(())))];
        let second: &[Step<'_>] =
            &[("two", &|| step("two", Err(Failed(3)))), ("three", &|| step("three", Ok(())))];
        let outcome = in_order(&[(BASE_SHARE, first), (("other", 1), second)]);
        assert_eq!(outcome, Err(Failed(3)));
        assert_eq!(seen.into_inner(), ["one", "two"]);
    }

    #[test]
    fn a_share_that_takes_longer_than_it_may_is_named() {
        assert_eq!(share(("base", 20), Duration::from_secs(690)), "share base 11.5 of 20 min");
        assert_eq!(
            share(("base", 20), Duration::from_secs(1206)),
            "share base 20.1 of 20 min: OVER its share"
        );
    }

    #[test]
    fn times_are_told_in_tenths_of_a_second() {
        let times = [("tidy", Duration::from_millis(120)), ("build", Duration::from_secs(61))];
        assert_eq!(spent(&times), "tidy 0.1 s, build 61.0 s");
    }
}
