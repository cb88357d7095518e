//! The programs that the tests need beside Rust. SQLite is compiled in, so it is not among them.

use crate::command::{Failed, Outcome, run};
use std::process::{Command, Stdio};

struct Tool {
    name: &'static str,
    /// The Debian package that brings it.
    package: &'static str,
    present: fn() -> bool,
}

const TOOLS: &[Tool] = &[
    Tool { name: "a C compiler (cc)", package: "build-essential", present: || answers("cc", &["--version"]) },
    Tool { name: "curl", package: "curl", present: || answers("curl", &["--version"]) },
    Tool { name: "node 18 or newer", package: "nodejs", present: || node_major().is_some_and(|n| n >= 18) },
    Tool { name: "npm", package: "npm", present: || answers("npm", &["--version"]) },
    Tool {
        name: "python3 3.11 or newer with venv",
        package: "python3-venv",
        present: || {
            answers("python3", &["-c", "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"])
        },
    },
    Tool {
        name: "chromium, as /usr/bin/chromium or named by KEYWARD_CHROMIUM",
        package: "chromium",
        present: || {
            let named = std::env::var("KEYWARD_CHROMIUM");
            answers(named.as_deref().unwrap_or("/usr/bin/chromium"), &["--version"])
        },
    },
    Tool {
        name: "nginx",
        package: "nginx-light",
        present: || answers("nginx", &["-v"]) || answers("/usr/sbin/nginx", &["-v"]),
    },
];

/// Looks for each tool. What is missing is installed where that is possible without asking; else one line says
/// what to do.
pub(crate) fn ensure() -> Outcome {
    let lacking = missing();
    if lacking.is_empty() {
        return Ok(());
    }
    if is_root() && answers("apt-get", &["--version"]) {
        install(&lacking)?;
    }
    let lacking = missing();
    if lacking.is_empty() {
        return Ok(());
    }
    eprintln!("{}", advice(&lacking));
    Err(Failed(1))
}

fn missing() -> Vec<&'static Tool> {
    TOOLS.iter().filter(|tool| !(tool.present)()).collect()
}

fn install(lacking: &[&Tool]) -> Outcome {
    run(Command::new("apt-get").arg("update"))?;
    let packages = lacking.iter().map(|tool| tool.package);
    let install = ["install", "-y", "--no-install-recommends"];
    let mut command = Command::new("apt-get");
    command.args(install).args(packages).env("DEBIAN_FRONTEND", "noninteractive");
    // The tests start what they need, on ports of their own: no package's service is started by its installation.
    run(command.env("RUNLEVEL", "1"))
}

fn advice(lacking: &[&Tool]) -> String {
    let names: Vec<&str> = lacking.iter().map(|tool| tool.name).collect();
    let packages: Vec<&str> = lacking.iter().map(|tool| tool.package).collect();
    let it = if lacking.len() == 1 { "it" } else { "them" };
    format!("missing: {}; install {it} with: apt-get install {}", names.join(", "), packages.join(" "))
}

fn is_root() -> bool {
    said("id", &["-u"]).is_some_and(|id| id.trim() == "0")
}

fn node_major() -> Option<u32> {
    major(&said("node", &["--version"])?)
}

/// The first number of a version such as `v20.11.1`.
fn major(version: &str) -> Option<u32> {
    version.trim().trim_start_matches('v').split('.').next()?.parse().ok()
}

fn answers(program: &str, args: &[&str]) -> bool {
    said(program, args).is_some()
}

/// What a program prints, if it is there and succeeds.
fn said(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node() {
        assert_eq!(major("v20.11.1\n"), Some(20));
        assert_eq!(major("18.0.0"), Some(18));
        assert_eq!(major("nightly"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn a_program_that_is_absent_or_fails_says_nothing() {
        assert_eq!(said("no-such-program-here", &[]), None);
        assert_eq!(said("sh", &["-c", "exit 1"]), None);
        assert_eq!(said("sh", &["-c", "printf here"]).as_deref(), Some("here"));
    }

    #[test]
    fn the_advice_is_one_line_with_the_packages() {
        let of = |package: &str| TOOLS.iter().filter(|tool| tool.package == package).collect::<Vec<_>>();
        assert_eq!(advice(&of("curl")), "missing: curl; install it with: apt-get install curl");
        let two = [of("nodejs"), of("npm")].concat();
        assert_eq!(
            advice(&two),
            "missing: node 18 or newer, npm; install them with: apt-get install nodejs npm"
        );
    }
}
