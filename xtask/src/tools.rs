//! The programs that the tests need beside Rust. SQLite is compiled in, so it is not among them.

use crate::command::{Failed, Outcome, run};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

struct Tool {
    name: &'static str,
    source: Source,
    present: fn() -> bool,
}

/// What brings a tool.
enum Source {
    /// A package of Debian 12.
    Package(&'static str),
    /// None of its packages; what to do instead.
    Elsewhere(&'static str),
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "a C compiler (cc)",
        source: Source::Package("build-essential"),
        present: || answers("cc", &["--version"]),
    },
    Tool { name: "curl", source: Source::Package("curl"), present: || answers("curl", &["--version"]) },
    Tool { name: "git", source: Source::Package("git"), present: || answers("git", &["--version"]) },
    Tool {
        name: "node 18 or newer",
        source: Source::Package("nodejs"),
        present: || node_major().is_some_and(|n| n >= 18),
    },
    Tool { name: "npm", source: Source::Package("npm"), present: || answers("npm", &["--version"]) },
    Tool {
        name: "python3 3.11 or newer with venv",
        source: Source::Package("python3-venv"),
        present: || {
            answers("python3", &["-c", "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"])
        },
    },
    Tool {
        name: "chromium, as /usr/bin/chromium or named by KEYWARD_CHROMIUM",
        source: Source::Package("chromium"),
        present: || {
            let named = std::env::var("KEYWARD_CHROMIUM");
            answers(named.as_deref().unwrap_or("/usr/bin/chromium"), &["--version"])
        },
    },
    Tool {
        name: "nginx",
        source: Source::Package("nginx-light"),
        present: || answers("nginx", &["-v"]) || answers("/usr/sbin/nginx", &["-v"]),
    },
    Tool {
        name: "postgres",
        source: Source::Package("postgresql"),
        present: || has_postgres(Path::new("/usr/lib/postgresql")) || answers("postgres", &["--version"]),
    },
    Tool {
        name: "a JDK 17 or newer (javac)",
        source: Source::Package("default-jdk-headless"),
        present: || said("javac", &["--version"]).is_some_and(|said| javac_major(&said) >= Some(17)),
    },
    Tool { name: "mvn", source: Source::Package("maven"), present: || answers("mvn", &["--version"]) },
    Tool {
        name: "go 1.26 or newer",
        source: Source::Elsewhere("Debian 12 has an older one; https://go.dev/dl has it"),
        present: || said("go", &["env", "GOVERSION"]).is_some_and(|said| go_minor(&said) >= Some(26)),
    },
    Tool {
        name: "apt-get and dpkg-deb",
        source: Source::Elsewhere(
            "the proxies and PHP are unpacked from packages of Debian 12; run the tests there",
        ),
        present: || answers("apt-get", &["--version"]) && answers("dpkg-deb", &["--version"]),
    },
];

/// Looks for each tool. What is missing is installed where that is possible without asking; else lines say what to do.
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
    eprintln!("{}", advice(&lacking).join("\n"));
    Err(Failed(1))
}

fn missing() -> Vec<&'static Tool> {
    TOOLS.iter().filter(|tool| !(tool.present)()).collect()
}

fn install(lacking: &[&Tool]) -> Outcome {
    let packages = packages(lacking);
    if packages.is_empty() {
        return Ok(());
    }
    run(Command::new("apt-get").arg("update"))?;
    let install = ["install", "-y", "--no-install-recommends"];
    let mut command = Command::new("apt-get");
    command.args(install).args(packages).env("DEBIAN_FRONTEND", "noninteractive");
    // The tests start what they need, on ports of their own: no package's service is started by its installation.
    run(command.env("RUNLEVEL", "1"))
}

/// A line for all that packages bring, and one for each tool besides.
fn advice(lacking: &[&Tool]) -> Vec<String> {
    let (packages, names) = (packages(lacking), packaged(lacking).map(|(name, _)| name).collect::<Vec<_>>());
    let it = if names.len() == 1 { "it" } else { "them" };
    let install = || {
        format!("missing: {}; install {it} with: apt-get install {}", names.join(", "), packages.join(" "))
    };
    let elsewhere = lacking.iter().filter_map(|tool| match tool.source {
        Source::Elsewhere(advice) => Some(format!("missing: {}; {advice}", tool.name)),
        Source::Package(_) => None,
    });
    (!names.is_empty()).then(install).into_iter().chain(elsewhere).collect()
}

fn packages(lacking: &[&Tool]) -> Vec<&'static str> {
    packaged(lacking).map(|(_, package)| package).collect()
}

/// The tools that packages bring: their names and the packages'.
fn packaged(lacking: &[&Tool]) -> impl Iterator<Item = (&'static str, &'static str)> {
    lacking.iter().filter_map(|tool| match tool.source {
        Source::Package(package) => Some((tool.name, package)),
        Source::Elsewhere(_) => None,
    })
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

/// The first number in what `javac --version` prints, such as `javac 17.0.15`.
fn javac_major(said: &str) -> Option<u32> {
    major(said.trim().strip_prefix("javac ")?)
}

/// The second number of a version of Go such as `go1.26.8`.
fn go_minor(said: &str) -> Option<u32> {
    said.trim().strip_prefix("go1.")?.split('.').next()?.parse().ok()
}

/// Whether Debian's server of any version is there. It is not on the PATH.
fn has_postgres(versions: &Path) -> bool {
    let versions = fs::read_dir(versions).into_iter().flatten().filter_map(Result::ok);
    versions.map(|version| version.path().join("bin/postgres")).any(|program| program.is_file())
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
    fn versions_of_java_and_go() {
        assert_eq!(javac_major("javac 17.0.15\n"), Some(17));
        assert_eq!(javac_major("21.0.1"), None);
        assert_eq!(go_minor("go1.26.8\n"), Some(26));
        assert_eq!(go_minor("go1.26"), Some(26));
        assert_eq!(go_minor("devel"), None);
    }

    #[test]
    fn a_server_of_any_version_is_one() {
        let folder = std::env::temp_dir().join(format!("keyward-postgres-{}", std::process::id()));
        assert!(!has_postgres(&folder));
        fs::create_dir_all(folder.join("15/bin")).unwrap();
        assert!(!has_postgres(&folder), "only its clients are there");
        fs::write(folder.join("15/bin/postgres"), "").unwrap();
        assert!(has_postgres(&folder));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_program_that_is_absent_or_fails_says_nothing() {
        assert_eq!(said("no-such-program-here", &[]), None);
        assert_eq!(said("sh", &["-c", "exit 1"]), None);
        assert_eq!(said("sh", &["-c", "printf here"]).as_deref(), Some("here"));
    }

    #[test]
    fn the_advice_is_a_line_with_the_packages_and_one_for_each_tool_that_has_none() {
        let of = |start: &str| TOOLS.iter().filter(|tool| tool.name.starts_with(start)).collect::<Vec<_>>();
        assert_eq!(advice(&of("curl")), ["missing: curl; install it with: apt-get install curl"]);
        let three = [of("node"), of("go "), of("npm")].concat();
        assert_eq!(
            advice(&three),
            [
                "missing: node 18 or newer, npm; install them with: apt-get install nodejs npm",
                "missing: go 1.26 or newer; Debian 12 has an older one; https://go.dev/dl has it",
            ]
        );
        assert_eq!(advice(&of("apt-get")).len(), 1, "apt-get is not installed by itself");
        assert_eq!(install(&of("go ")), Ok(()), "nothing to install");
    }
}
