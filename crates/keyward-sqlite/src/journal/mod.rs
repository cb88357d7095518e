//! The journal of revocations: a file beside the database, to which every ending is appended, and brought to the disk, before it
//! is acknowledged. A copy of the database that is put in its place learns from it what ended since.
//!
//! The database keeps the entries of the last endings until they are in the file, and the number of the last entry that its rows
//! have. So a file that cannot be written stops no ending, and an ending that could not be written into the database is done at
//! the next start, or as soon as the database can be written again. No line of the file stops a start.

mod again;
mod again_on_teams;
mod book;
mod catch_up;
mod entry;
mod file;
mod find;
mod held;
mod kept;
mod of;
mod shorten;

pub(crate) use again::{Applied, apply};
pub(crate) use book::Book;
pub(crate) use catch_up::{catch_up, settle};
pub(crate) use entry::{Ended, Entry};
pub(crate) use kept::Kept;
pub(crate) use of::{hex, row_name};

use crate::error::is_of_a_row;
use crate::params;
use crate::tx::Tx;
use kept::{number, write_line};
use keyward_core::clock::Timestamp;
use keyward_core::store::StoreError;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the journal of a database is: beside the file itself, by whatever link it is named.
pub(crate) fn path(database: &Path) -> PathBuf {
    // Absent: it is no link, or is not there yet.
    let mut path = database.canonicalize().unwrap_or_else(|_| database.to_owned()).into_os_string();
    path.push(".revocations");
    PathBuf::from(path)
}

/// The versions of the root secret that were given up.
pub(crate) fn secrets(entries: &[Entry]) -> Vec<u32> {
    let given_up = |entry: &Entry| match entry.ended {
        Ended::RootSecret(version) => Some(version),
        // Absent: it is no version.
        _ => None,
    };
    entries.iter().filter_map(given_up).collect()
}

/// Entries that are to be appended.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    entries: Vec<Entry>,
    last: u64,
}

impl Noted {
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.clone()
    }
}

/// What the journal has of endings that are not written.
#[derive(Debug, Default)]
pub(crate) struct Unwritten {
    /// The number of the first entry of those that wait.
    pub(crate) first: Option<u64>,
    /// The entries of those that the database refuses.
    pub(crate) refused: Vec<Entry>,
}

/// After a failure it is tried again with the next ending, and with other writes not before so much time has passed.
const PAUSE: Duration = Duration::from_secs(1);

/// The journal of an open database.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    id: String,
    /// The journal that was this database's before, while the database may not say yet that this one is.
    before: Option<String>,
    file: Option<File>,
    /// The number of the last entry.
    last: u64,
    bytes: u64,
    /// It is written again when it has grown to this.
    most: u64,
    /// Entries that could not be appended yet.
    waiting: Vec<Entry>,
    /// The file may end within a line.
    open_end: bool,
    /// Why the file could not be read yet; `None`: it was read. Until then nothing is appended to it: it may have entries of which
    /// the database knows nothing.
    unread: Option<String>,
    /// When what waits is tried again with any write.
    next: Duration,
    /// The database does not say yet what it should say of the journal.
    behind: bool,
    /// Entries that the rows do not have yet.
    missing: Vec<Entry>,
    /// Entries that could not be done in these rows. They hold in memory, and are tried again at each start.
    undone: Vec<Entry>,
}

impl Journal {
    /// Whether the rows have all that it says, but what could not be done in them, and the database says so.
    pub(crate) fn is_settled(&self) -> bool {
        !self.behind && !self.is_unread()
    }

    /// Whether the file could not be read yet.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.is_some()
    }

    /// From now on the database does not say what it should: endings were written, or refused, that waited.
    pub(crate) fn fall_behind(&mut self) {
        self.behind = true;
    }

    /// Entries that the rows do not have yet.
    pub(crate) fn missing(&self) -> &[Entry] {
        &self.missing
    }

    /// How many entries could not be done in these rows.
    pub(crate) fn undone(&self) -> usize {
        self.undone.len()
    }

    /// How many entries could not be appended yet.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What the database should say of it, if it has all but these entries.
    pub(crate) fn kept(&self, undone: Vec<Entry>) -> Kept {
        Kept { id: self.id.clone(), applied: self.last, pending: self.waiting.clone(), undone }
    }

    /// What an execution has ended, as entries to append.
    pub(crate) fn note(&self, tx: &Tx<'_>, ends: bool, now: Timestamp) -> Noted {
        let ended = of::endings(tx, ends);
        let entries = (self.last + 1..).zip(ended).map(|(n, ended)| Entry { n, at: now.unix(), ended });
        let entries: Vec<Entry> = entries.collect();
        // Absent: nothing ended.
        let last = entries.last().map_or(self.last, |entry| entry.n);
        Noted { entries, last }
    }

    /// Keeps the entries in the database until they are in the file. `all`: its rows have all entries before, or it keeps those that
    /// could not be done.
    pub(crate) fn keep(&self, tx: &Tx<'_>, noted: &Noted, all: bool) -> Result<(), StoreError> {
        if noted.entries.is_empty() {
            return Ok(());
        }
        match self.write_noted(tx, noted, all) {
            // What the rows hold must not keep anything from being ended.
            Err(error) if is_of_a_row(&error) => {
                tracing::error!(%error, "the database cannot keep what the journal of revocations says");
                Ok(())
            }
            written => written,
        }
    }

    fn write_noted(&self, tx: &Tx<'_>, noted: &Noted, all: bool) -> Result<(), StoreError> {
        let sql = "INSERT INTO revocation_journal (one, id, applied) VALUES (1, ?1, ?2)
                   ON CONFLICT (one) DO UPDATE SET id = excluded.id,
                       applied = CASE WHEN ?3 THEN excluded.applied ELSE revocation_journal.applied END";
        tx.change(sql, params![self.id, number(noted.last), all])?;
        // Absent: none waits, and all that was kept is in the file.
        let waits = self.waiting.first().map_or(u64::MAX, |entry| entry.n);
        let gone = "DELETE FROM revocation_journal_lines WHERE undone = 0 AND n < ?1";
        tx.change(gone, [number(waits)])?;
        noted.entries.iter().try_for_each(|entry| write_line(tx, entry, false))
    }

    /// Appends entries, and those that could not be appended before, and brings them to the disk. Where that fails they wait: an
    /// ending is never stopped.
    pub(crate) fn append(&mut self, noted: Noted) {
        if noted.entries.is_empty() {
            return;
        }
        self.last = self.last.max(noted.last);
        // Of two about the same the later one counts, and that is written.
        let is_later =
            |missing: &Entry| noted.entries.iter().any(|entry| entry.ended.about() == missing.ended.about());
        self.missing.retain(|missing| !is_later(missing));
        self.waiting.extend(noted.entries);
        self.retry();
    }

    /// Appends the entries that wait, if it is time. What fails was reported when it was appended, and is counted.
    fn retry_at(&mut self, elapsed: Duration) {
        if !self.waiting.is_empty() && elapsed >= self.next {
            self.next = elapsed.saturating_add(PAUSE);
            let _ = self.flush();
        }
    }

    /// Appends the entries that wait.
    pub(crate) fn retry(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        if let Err(error) = self.flush() {
            let (path, waiting) = (self.path.display(), self.waiting.len());
            tracing::error!(%path, waiting, %error, "the journal of revocations cannot be written; its last lines are kept in the database");
        }
    }
}
