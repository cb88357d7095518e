//! Which program this is: its version, and the commit that it is built from.

/// The version, the commit and its day, as `--version` prints them.
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("BUILT_FROM"), ")");
/// The name of the commit, whole; empty where the build did not know it.
pub(crate) const COMMIT: &str = env!("BUILT_FROM_COMMIT");
/// The day of the commit, such as `2026-11-30`; empty where the build did not know it.
pub(crate) const DATE: &str = env!("BUILT_FROM_DATE");

#[cfg(test)]
#[path = "../build/commit.rs"]
mod commit;

#[cfg(test)]
mod tests {
    use super::commit;
    use std::fs;
    use std::path::Path;
    use std::process::{Command, Stdio};

    /// Runs it with a committer and a moment that are fixed.
    fn runs(at: &Path, line: &str) {
        let mut shell = Command::new("sh");
        shell.args(["-euc", line]).current_dir(at).stdout(Stdio::null()).stderr(Stdio::null());
        for who in ["AUTHOR", "COMMITTER"] {
            shell.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@example.com");
            shell.env(format!("GIT_{who}_DATE"), "2026-11-30T23:30:00-05:00");
        }
        shell.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        assert!(shell.status().unwrap().success(), "{line}");
    }

    /// A workspace with one commit.
    fn repository(at: &Path) {
        fs::create_dir_all(at.join("crates/keyward/build")).unwrap();
        fs::write(at.join("crates/keyward/build/commit.txt"), include_str!("../build/commit.txt")).unwrap();
        fs::write(at.join(".gitattributes"), include_str!("../../../.gitattributes")).unwrap();
        fs::write(at.join("Cargo.toml"), "[workspace]").unwrap();
        runs(at, "git init -q; git add -A; git commit -q -m first");
    }

    #[test]
    fn a_build_in_a_repository_names_its_commit_and_says_when_the_sources_are_others() {
        let home = tempfile::tempdir().unwrap();
        repository(home.path());
        let commit = commit::of(home.path()).unwrap();
        assert_eq!((commit.date.as_str(), commit.changed, commit.name.len()), ("2026-11-30", false, 40));
        assert!(commit.watched.iter().any(|path| path.ends_with("logs/HEAD")), "{commit:?}");
        assert!(commit.watched.iter().all(|path| path.exists()), "{commit:?}");
        fs::write(home.path().join("note.txt"), "no source").unwrap();
        assert!(!commit::of(home.path()).unwrap().changed);
        fs::write(home.path().join("crates/new.rs"), "").unwrap();
        assert!(commit::of(home.path()).unwrap().changed);
    }

    #[test]
    fn a_build_of_a_source_archive_names_the_commit_of_the_archive_wherever_it_lies() {
        let home = tempfile::tempdir().unwrap();
        let (at, archive) = (home.path().join("work"), home.path().join("work/archive"));
        fs::create_dir(&at).unwrap();
        repository(&at);
        let named = commit::of(&at).unwrap();
        runs(
            &at,
            "mkdir archive; git archive HEAD | tar -x -C archive; git commit -q --allow-empty -m second",
        );
        let found = commit::of(&archive).unwrap();
        assert_eq!((&found.name, &found.date, found.changed), (&named.name, &named.date, false));
        assert_ne!(commit::of(&at).unwrap().name, named.name, "the repository around it goes on");
        // Without what the archive says, that repository is still not this one's.
        fs::write(archive.join("crates/keyward/build/commit.txt"), "$Format:%H %cs$\n").unwrap();
        assert_eq!(commit::of(&archive), None);
    }
}
