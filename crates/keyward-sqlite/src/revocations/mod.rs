//! The journal of revocations: a file beside the database, to which every ending is appended, and brought to the disk, before it
//! is acknowledged. A copy of the database that is put in its place learns from it what ended since.
//!
//! The database keeps the entries of the last endings until they are in the file, and the number of the last entry that its rows
//! have. So a file that cannot be written stops no ending, and an ending that could not be written into the database is done at
//! the next start, or as soon as the database can be written again. No line of the file stops a start.

mod book;
mod catch_up;
mod file;
mod find;
mod shorten;

pub(crate) use book::Book;
pub(crate) use catch_up::catch_up;

use keyward_core::clock::Timestamp;
use keyward_core::live::Change;
use keyward_core::store::StoreError;
use keyward_sql::Tx;
use keyward_sql::driver::{Connection, Driver};
use keyward_sql::journal::{CatchUp, Ended, Entry, Journal, Kept, Noted, Unwritten, keep};
use std::collections::HashMap;
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

/// After a failure it is tried again with the next ending, and with other writes not before so much time has passed.
const PAUSE: Duration = Duration::from_secs(1);

/// The journal of an open database.
#[derive(Debug)]
pub(crate) struct Revocations {
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

impl Revocations {
    /// Entries that the rows do not have yet.
    pub(crate) fn missing(&self) -> &[Entry] {
        &self.missing
    }

    /// What the database should say of it, if it has all but these entries.
    pub(crate) fn kept(&self, undone: Vec<Entry>) -> Kept {
        Kept { id: self.id.clone(), applied: self.last, pending: self.waiting.clone(), undone }
    }

    /// Appends the entries that wait, if it is time. What fails was reported when it was appended, and is counted.
    fn retry_at(&mut self, elapsed: Duration) {
        if !self.waiting.is_empty() && elapsed >= self.next {
            self.next = elapsed.saturating_add(PAUSE);
            let _ = self.flush();
        }
    }
}

impl Journal for Revocations {
    fn is_settled(&self) -> bool {
        !self.behind && !self.is_unread()
    }

    fn is_unread(&self) -> bool {
        self.unread.is_some()
    }

    fn fall_behind(&mut self) {
        self.behind = true;
    }

    fn not_in_rows(&self) -> usize {
        self.missing.len() + self.undone.len()
    }

    fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn note(&self, tx: &Tx<'_>, ends: bool, now: Timestamp) -> Noted {
        Noted::after(self.last, tx, ends, now)
    }

    fn keep(&self, tx: &Tx<'_>, noted: &Noted, all: bool) -> Result<(), StoreError> {
        keep(tx, (&self.id, self.waiting.first().map(|entry| entry.n)), noted, all)
    }

    fn append(&mut self, noted: Noted) {
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

    fn retry(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        if let Err(error) = self.flush() {
            let (path, waiting) = (self.path.display(), self.waiting.len());
            tracing::error!(%path, waiting, %error, "the journal of revocations cannot be written; its last lines are kept in the database");
        }
    }

    fn look(&mut self, driver: &dyn Driver, now: Timestamp) -> HashMap<u64, u64> {
        self.read(driver, now)
    }

    fn catch_up(
        &mut self,
        connection: &mut dyn Connection,
        CatchUp { tiers, now, elapsed }: CatchUp,
        unwritten: Unwritten,
    ) -> Vec<Change> {
        self.stay_by_the_database();
        self.retry_at(elapsed);
        if self.behind && !self.is_unread() {
            self.do_missing(connection, tiers, now, unwritten)
        } else {
            Vec::new()
        }
    }

    fn shorten(&mut self) {
        self.shorten_file();
    }
}
