//! Writing the file of a journal: making it, appending to it, making it shorter.

use super::Revocations;
use super::book::owner;
use super::shorten::rewrite;
use crate::own::make_private;
use crate::place::id_of;
use keyward_sql::journal::{Header, Journal, Line};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A journal that has grown to this is written again without what later entries have replaced; where that is not enough, the
/// oldest entries go. Some 300,000 keys.
pub(super) const MOST: u64 = 32 * 1024 * 1024;

impl Revocations {
    /// Appends what waits, and brings it to the disk.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.is_unread() {
            return Err(io::Error::other("it could not be read yet"));
        }
        let file = match self.file.take().filter(|file| !is_removed(file)) {
            Some(file) => file,
            None => self.open()?,
        };
        let begin = if self.open_end { "\n" } else { "" };
        let text: String = [begin.to_owned()].into_iter().chain(self.waiting.iter().map(Line::of)).collect();
        let appended = append(&file, &mut self.open_end, |mut file| file.write_all(text.as_bytes()));
        self.file = Some(file);
        appended?;
        self.waiting.clear();
        // Absent: no text is longer.
        self.bytes += u64::try_from(text.len()).unwrap_or(0);
        Ok(())
    }

    /// Opens the file that was read. From then on it is this one, wherever it is moved.
    pub(super) fn open_again(&mut self) {
        match File::options().append(true).open(&self.path) {
            Ok(file) => self.file = Some(file),
            Err(error) => {
                let path = self.path.display();
                tracing::error!(%path, %error, "the journal of revocations cannot be written, and is tried again");
            }
        }
    }

    /// Whether the file that is open is the one at its path.
    fn is_in_place(&self) -> bool {
        self.file.as_ref().is_some_and(|file| is_at(file, &self.path))
    }

    /// Opens it by its path the next time, if it alone was moved: the database is where it was, and a restore looks there.
    pub(super) fn stay_by_the_database(&mut self) {
        if !self.is_in_place() {
            self.file = None;
        }
    }

    /// Opens the file by its path, or makes one where it is missing. Another database's may have come into its place.
    fn open(&mut self) -> io::Result<File> {
        if !self.path.exists() {
            return self.make();
        }
        match owner(&self.path)? {
            Some(owner) if owner == self.id => File::options().append(true).open(&self.path),
            Some(_) | None => {
                Err(io::Error::other("another database's is in its place, or its first line is damaged"))
            }
        }
    }

    fn make(&mut self) -> io::Result<File> {
        // Absent: no entry waits, and none is missing before the next one.
        let from = self.waiting.first().map_or(self.last, |entry| entry.n.saturating_sub(1));
        let header = Header { before: self.before.clone(), ..Header::of(&self.id, from) };
        let begin = Line::Header(header).text();
        let file = put(&self.path, &begin)?;
        self.open_end = false;
        // Absent: no text is longer.
        self.bytes = u64::try_from(begin.len()).unwrap_or(0);
        Ok(file)
    }

    /// Writes it again without what is not needed, if it has grown too long. The rows must have all that it says: what is still to be
    /// done in them could be among what goes, or be done to more than it was about.
    pub(super) fn shorten_file(&mut self) {
        if self.bytes <= self.most {
            return;
        }
        // Where it fails, or does not help, it is tried again when it has grown by as much.
        self.most = self.bytes.saturating_add(MOST / 2);
        // One that was moved stays as it is: in its place is another.
        if !self.is_in_place() {
            return;
        }
        let path = self.path.display();
        match rewrite(&self.path, MOST / 2) {
            Ok(Some((file, bytes))) => {
                self.most = MOST;
                (self.file, self.bytes) = (Some(file), bytes);
            }
            Ok(None) => {
                tracing::error!(%path, "the journal of revocations cannot be shortened: it does not say whose it is")
            }
            Err(error) => tracing::error!(%path, %error, "the journal of revocations cannot be shortened"),
        }
    }
}

/// Lets this write at the end of the file, and brings it to the disk. Where that fails, what was written is cut off: it would take the
/// room that becomes free. `open_end`: the file may end within a line.
fn append(file: &File, open_end: &mut bool, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let before = file.metadata()?.len();
    let written = write(file).and_then(|()| file.sync_data());
    *open_end = written.is_err() && (file.set_len(before).is_err() || *open_end);
    written
}

/// Puts a journal in its place, for its user alone: whole, or not at all.
pub(super) fn put(path: &Path, text: &str) -> io::Result<File> {
    let mut meanwhile = path.to_owned().into_os_string();
    meanwhile.push(".making");
    let meanwhile = PathBuf::from(meanwhile);
    // What was left there is of a process that ended meanwhile; if it stays, making the file fails.
    let _ = std::fs::remove_file(&meanwhile);
    make_private(&meanwhile)?;
    let mut file = File::options().append(true).open(&meanwhile)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&meanwhile, path)?;
    sync_directory(path)?;
    Ok(file)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    // Absent: a file without a folder lies in this one.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

/// Whether this is the file at the path, and not one that was moved.
fn is_at(file: &File, path: &Path) -> bool {
    let own = file.metadata().map(|own| id_of(&own));
    own.is_ok_and(|own| std::fs::metadata(path).is_ok_and(|there| id_of(&there) == own))
}

#[cfg(unix)]
fn is_removed(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|file| file.nlink() == 0)
}

#[cfg(not(unix))]
fn is_removed(_: &File) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_by_half_is_cut_off_and_the_next_line_stands_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("journal");
        std::fs::write(&path, "begun\n").unwrap();
        let file = File::options().append(true).open(&path).unwrap();
        let content = || std::fs::read_to_string(&path).unwrap();
        let full = |mut file: &File| {
            file.write_all(b"ha")?;
            Err(io::Error::other("the disk is full"))
        };
        let mut open_end = false;
        assert!(append(&file, &mut open_end, full).is_err());
        assert_eq!((content().as_str(), open_end), ("begun\n", false));
        open_end = true;
        assert!(append(&file, &mut open_end, full).is_err() && open_end, "what was open before still is");
        append(&file, &mut open_end, |mut file| file.write_all(b"half\n")).unwrap();
        assert_eq!((content().as_str(), open_end), ("begun\nhalf\n", false));
        let read_only = File::open(&path).unwrap();
        assert!(append(&read_only, &mut open_end, |mut file| file.write_all(b"half\n")).is_err());
        assert!(open_end, "what cannot be cut off may be there");
    }
}
