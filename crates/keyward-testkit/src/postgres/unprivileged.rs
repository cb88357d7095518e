//! The user that PostgreSQL runs as: it refuses root.

use super::must;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

/// The user that PostgreSQL runs as; `None`: this one.
pub(super) struct Unprivileged(Option<(u32, u32)>);

impl Unprivileged {
    /// Root makes directories that are root's.
    pub(super) fn beside(directory: &Path) -> Self {
        let owner = must("the directory's owner", fs::metadata(directory)).uid();
        Self((owner == 0).then(nobody))
    }

    pub(super) fn own(&self, path: &Path) -> io::Result<()> {
        self.0.map_or(Ok(()), |(user, group)| chown(path, Some(user), Some(group)))
    }

    pub(super) fn run(&self, command: &mut Command) {
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
    }
}

/// The ids of `nobody`.
fn nobody() -> (u32, u32) {
    // Absent: the numbers that Linux gives it.
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = users.lines().find(|line| line.starts_with("nobody:"));
    let ids = entry.and_then(|entry| {
        let mut ids = entry.split(':').skip(2).map(str::parse);
        Some((ids.next()?.ok()?, ids.next()?.ok()?))
    });
    // Absent: as above.
    ids.unwrap_or((65_534, 65_534))
}
