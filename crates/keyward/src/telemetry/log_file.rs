//! The log in a file, which is opened again under its path when a rotation has moved it.

use keyward_core::swap::Swap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A file that lines are appended to. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: Swap<File>,
    /// Held while it is opened again, which does not end on a mount that hangs.
    opening: Arc<Mutex<()>>,
}

impl LogFile {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// When it can neither be opened for writing nor made.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: Swap::new(append(path)?), opening: Arc::default() })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Goes on in what is now at its path.
    ///
    /// # Errors
    /// When that can neither be opened for writing nor made, or is still being opened. Then it goes on where it was.
    pub(super) fn reopen(&self) -> io::Result<()> {
        // One at a time: threads that wait for such a mount do not add up.
        let Ok(_opening) = self.opening.try_lock() else {
            return Err(io::Error::other("it is still being opened since the last reload"));
        };
        self.file.replace(append(&self.path)?);
        Ok(())
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Held for this write alone, which a file that was moved away meanwhile still takes.
        self.file.get().as_ref().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A new file is for its user and, to collect the lines, its group. A pipe is refused: to open it waits for a reader.
fn append(path: &Path) -> io::Result<File> {
    if std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo()) {
        return Err(io::Error::other("it is a pipe; the log needs a file"));
    }
    File::options().append(true).create(true).mode(0o640).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn lines_go_to_the_file_at_the_path_from_the_moment_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("a.log"), folder.path().join("a.log.1"));
        fs::write(&path, "before\n").unwrap();
        let mut log = LogFile::open(&path).unwrap();
        log.write_all(b"one\n").unwrap();
        fs::rename(&path, &moved).unwrap();
        log.write_all(b"two\n").unwrap();
        log.reopen().unwrap();
        log.write_all(b"three\n").unwrap();
        assert_eq!(fs::read_to_string(&moved).unwrap(), "before\none\ntwo\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
    }

    #[test]
    fn a_path_that_cannot_be_opened_leaves_the_log_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let moved = folder.path().join("a.log.1");
        let mut log = LogFile::open(&path).unwrap();
        fs::rename(&path, &moved).unwrap();
        fs::create_dir(&path).unwrap();
        log.reopen().unwrap_err();
        log.write_all(b"kept\n").unwrap();
        assert_eq!(fs::read_to_string(&moved).unwrap(), "kept\n");
        LogFile::open(&path).unwrap_err();
    }

    #[test]
    fn a_file_that_is_still_being_opened_is_not_opened_once_more() {
        let folder = tempfile::tempdir().unwrap();
        let log = LogFile::open(&folder.path().join("a.log")).unwrap();
        let opening = log.opening.lock().unwrap();
        assert!(log.clone().reopen().unwrap_err().to_string().contains("still being opened"));
        drop(opening);
        log.reopen().unwrap();
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(LogFile::open(&path).unwrap_err().to_string().contains("pipe"));
    }

    #[test]
    fn a_new_file_is_not_for_everybody() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        LogFile::open(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & 0o137, 0, "{mode:o}: at most 0640");
    }
}
