//! Which commit a build is of: in a source archive by a file that `git archive` has filled in, else by git. The same tree gives the
//! same answer on every machine.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The file that `git archive` fills in, from the root of the workspace.
const FILLED_IN: &str = "crates/keyward/build/commit.txt";
/// What a build is made from, from the root of the workspace.
const SOURCES: [&str; 3] = ["Cargo.toml", "Cargo.lock", "crates"];

/// A commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Its name, whole.
    pub(crate) name: String,
    /// Its day, as the one who made it wrote it: `2026-11-30`.
    pub(crate) date: String,
    /// Whether the tree has sources that are not in it.
    pub(crate) changed: bool,
    /// What has to be looked at again when it changes.
    pub(crate) watched: Vec<PathBuf>,
}

/// The commit of the workspace at `root`; `None`: nothing says it.
pub(crate) fn of(root: &Path) -> Option<Commit> {
    of_archive(root).or_else(|| of_git(root))
}

fn of_archive(root: &Path) -> Option<Commit> {
    let file = root.join(FILLED_IN);
    let (name, date) = parsed(&std::fs::read_to_string(&file).ok()?)?;
    Some(Commit { name, date, changed: false, watched: vec![file] })
}

fn of_git(root: &Path) -> Option<Commit> {
    let top = PathBuf::from(git(root, &["rev-parse", "--show-toplevel"])?);
    // An archive that lies in somebody's repository is not of its commit.
    if top.canonicalize().ok()? != root.canonicalize().ok()? {
        return None;
    }
    let (name, date) = parsed(&git(root, &["log", "-1", "--no-show-signature", "--format=%H %cs"])?)?;
    let status = [&["status", "--porcelain", "--"][..], &SOURCES].concat();
    let changed = !git(root, &status)?.is_empty();
    let within =
        ["HEAD", "logs/HEAD"].iter().filter_map(|file| git(root, &["rev-parse", "--git-path", file]));
    let watched = within.chain(SOURCES.map(str::to_owned)).map(|path| root.join(path));
    // Cargo takes a file that is not there for one that has changed.
    Some(Commit { name, date, changed, watched: watched.filter(|path| path.exists()).collect() })
}

/// What git prints, without the end of its last line. It locks nothing, and looks at no other repository than this.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(variable);
    }
    let output = git.env("GIT_OPTIONAL_LOCKS", "0").current_dir(root).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(text.trim_end().to_owned())
}

/// A name of 40 or 64 hexadecimal digits, and a day. What was not filled in is neither.
fn parsed(line: &str) -> Option<(String, String)> {
    let (name, date) = line.trim().split_once(' ')?;
    let hexadecimal = [40, 64].contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let day = date.len() == 10 && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    (hexadecimal && day).then(|| (name.to_owned(), date.to_owned()))
}
