//! The street tests: other people's programs against the real server. What each kind of them needs is brought here, below
//! `target/` and `tests/clients`.

use crate::command::{Outcome, cargo, run};
use crate::{clients, debian, generators, hydra, keycloak};
use std::path::Path;
use std::process::Command;

/// The part of a run's time that the street tests may take, in minutes on two idle cores, what they install included.
pub(crate) const SHARE: (&str, u64) = ("street", 8);

/// All features, so that no library is compiled twice; the target runs only when it is named.
const TESTS: [&str; 6] = ["test", "--workspace", "--all-features", "--locked", "--test", "street"];

/// What the test command needs besides packages: its name, and what brings it.
const BRINGS: &[Bring] = &[("generators", generators::ensure), ("proxies", proxies)];

/// What only the soaks need, by the word that the names of their tests begin with.
const SOAK_BRINGS: &[Bring] =
    &[("hydra", hydra::build), ("keycloak", keycloak::ensure), ("mcp_agents", clients::install_agents)];

type Bring = (&'static str, fn(&Path) -> Outcome);

/// Packages and programs, unless they are there.
pub(crate) fn ensure(root: &Path) -> Outcome {
    clients::install_street(&root.join("tests").join("clients"))?;
    BRINGS.iter().try_for_each(|(_, bring)| bring(root))
}

/// HAProxy, Caddy and Apache httpd, with the libraries that nothing else brings. nginx is among the tools.
fn proxies(root: &Path) -> Outcome {
    const PACKAGES: [&str; 8] = [
        "apache2-bin",
        "caddy",
        "haproxy",
        "libapr1",
        "libaprutil1",
        "liblua5.3-0",
        "libopentracing-c-wrapper0",
        "libopentracing1",
    ];
    debian::unpack(&root.join("target").join("proxies"), &PACKAGES)
}

/// Compiles the tests and runs none.
pub(crate) fn build(root: &Path) -> Outcome {
    run(cargo(root).args(TESTS).arg("--no-run"))
}

/// The tests of the test command.
pub(crate) fn tests(root: &Path) -> Command {
    let mut tests = command(root);
    tests.args(["--", "--show-output"]);
    tests
}

/// `cargo xtask soak street`: the tests that take long, one after the other; with a word those alone whose names have it.
pub(crate) fn soak(root: &Path, extra: &[&str]) -> Outcome {
    ensure(root)?;
    SOAK_BRINGS.iter().filter(|(name, _)| is_wanted(name, extra)).try_for_each(|(_, bring)| bring(root))?;
    let shown = ["--", "--ignored", "--show-output", "--test-threads=1"];
    run(command(root).args(shown).args(extra))
}

/// Whether tests with one of these words may need what has this name. A word without any of the names may be part of any test.
fn is_wanted(name: &str, words: &[&str]) -> bool {
    let names_one = |word: &str| BRINGS.iter().chain(SOAK_BRINGS).any(|(known, _)| word.contains(known));
    words.is_empty() || words.iter().any(|word| word.contains(name) || !names_one(word))
}

fn command(root: &Path) -> Command {
    let mut command = cargo(root);
    command.args(TESTS).env("KEYWARD_TEST_CLIENTS", root.join("tests").join("clients"));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_soak_brings_everything_unless_it_has_a_name() {
        let brought = |words: &[&str]| {
            let names = SOAK_BRINGS.iter().map(|(name, _)| *name);
            names.filter(|name| is_wanted(name, words)).collect::<Vec<_>>()
        };
        let all = ["hydra", "keycloak", "mcp_agents"];
        assert_eq!(brought(&[]), all);
        assert_eq!(brought(&["trusted"]), all, "a word of two tests, which need different ones");
        assert_eq!(brought(&["mcp"]), all);
        assert_eq!(brought(&["hydra", "rotation"]), all);
        assert_eq!(brought(&["keycloak"]), ["keycloak"]);
        assert_eq!(brought(&["mcp_agents_google_adk"]), ["mcp_agents"]);
        assert_eq!(brought(&["proxies"]), [""; 0], "the test command brings what it needs");
    }
}
