//! Finding the journal of a database, or beginning one.

use super::book::Book;
use super::file::MOST;
use super::{Revocations, path};
use keyward_core::clock::Timestamp;
use keyward_sql::driver::{Driver, first};
use keyward_sql::journal::{Entry, Journal, Kept};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

impl Revocations {
    /// Finds the journal of a database, or begins one.
    pub(crate) fn find(database: &Path, driver: &dyn Driver, now: Timestamp) -> Self {
        let mut journal = Self::unread(database, &Kept::read(driver));
        journal.read(driver, now);
        journal
    }

    /// Begins a journal under another name. One that is there is put aside.
    pub(crate) fn begin_other(database: &Path, driver: &dyn Driver, now: Timestamp) -> Self {
        let kept = Kept::read(driver);
        let mut journal = Self::unread(database, &kept);
        journal.unread = None;
        journal.begin(&kept, true, driver, now);
        journal
    }

    fn unread(database: &Path, kept: &Kept) -> Self {
        // Absent: none waits.
        let last = kept.pending.last().map_or(0, |entry| entry.n);
        Self {
            path: path(database),
            id: kept.id.clone(),
            before: None,
            file: None,
            last: last.max(kept.applied),
            bytes: 0,
            most: MOST,
            waiting: kept.pending.clone(),
            open_end: false,
            unread: Some(String::new()),
            next: Duration::ZERO,
            behind: false,
            missing: Vec::new(),
            undone: kept.undone.clone(),
        }
    }

    /// Reads the file, if it could not be read before; which entries have other numbers since. Where that fails it stays as it is: it
    /// may have what the database does not.
    pub(super) fn read(&mut self, driver: &dyn Driver, now: Timestamp) -> HashMap<u64, u64> {
        if !self.is_unread() {
            return HashMap::new();
        }
        let book = match Book::read(&self.path) {
            Ok(book) => book,
            Err(error) => {
                self.stays_unread(error.to_string());
                return HashMap::new();
            }
        };
        self.unread = None;
        let kept = Kept::read(driver);
        match book {
            Some(book) if is_its(&book, &kept) => self.go_on(&book, &kept),
            book => {
                let other = book.is_some() || self.path.exists() || kept.applied > 0 || kept.id.is_empty();
                self.begin(&kept, other, driver, now);
                HashMap::new()
            }
        }
    }

    /// Says it once.
    fn stays_unread(&mut self, why: String) {
        if self.unread.as_ref() != Some(&why) {
            let path = self.path.display();
            tracing::error!(%path, why, "the journal of revocations cannot be read: nothing that gives a right is written until it can be");
        }
        self.unread = Some(why);
    }

    fn go_on(&mut self, book: &Book, kept: &Kept) -> HashMap<u64, u64> {
        if book.unread > 0 {
            let path = self.path.display();
            tracing::warn!(%path, lines = book.unread, "lines of the journal of revocations cannot be read");
        }
        self.id = book.header.journal.clone();
        (self.bytes, self.open_end) = (book.bytes, book.open_end);
        self.waiting.retain(|entry| !book.has(entry));
        let numbers = self.renumber(book.last());
        // Absent: none waits, and the last is the file's.
        self.last = self.waiting.last().map_or(book.last(), |entry| entry.n).max(kept.applied);
        self.missing = book.missing(kept.applied, &kept.undone, &self.waiting);
        self.undone.clear();
        self.behind |= !self.missing.is_empty()
            || !kept.undone.is_empty()
            || self.id != kept.id
            || self.last != kept.applied
            || !numbers.is_empty();
        self.open_again();
        self.retry();
        numbers
    }

    /// While the file could not be read, what waits was numbered without what it has: up to this entry.
    fn renumber(&mut self, mut last: u64) -> HashMap<u64, u64> {
        let mut numbers = HashMap::new();
        for entry in &mut self.waiting {
            let before = entry.n;
            entry.n = before.max(last + 1);
            last = entry.n;
            if entry.n != before {
                numbers.insert(before, entry.n);
            }
        }
        numbers
    }

    /// `other`: under another name, since what the one before said, and the copies that go by it, are another history.
    fn begin(&mut self, kept: &Kept, other: bool, driver: &dyn Driver, now: Timestamp) {
        if other {
            let random =
                first(driver, "SELECT lower(hex(randomblob(16))) AS name", [], |row| row.get("name"));
            // Absent: without a name no journal is ever taken for this database's own.
            self.id = random.ok().flatten().unwrap_or_default();
            (self.before, self.behind) = (Some(kept.id.clone()), true);
            // A copy that goes by the new name has the others in its rows.
            self.waiting.retain(|entry| entry.n > kept.applied);
        }
        // Of these rows it is known whatever becomes of the file.
        let waiting = self.waiting.iter().filter(|entry| entry.n > kept.applied);
        self.missing = kept.undone.iter().chain(waiting).cloned().collect();
        self.undone.clear();
        self.behind |= !self.missing.is_empty();
        self.put_aside(kept.applied, now);
        if let Err(error) = self.flush() {
            tracing::error!(path = %self.path.display(), %error, "the journal of revocations cannot be begun");
        }
    }

    fn put_aside(&self, applied: u64, now: Timestamp) {
        let path = self.path.display();
        if self.path.exists() {
            let mut aside = self.path.clone().into_os_string();
            aside.push(format!(".{}", now.unix()));
            let aside = PathBuf::from(aside);
            let moved = std::fs::rename(&self.path, &aside);
            tracing::error!(
                %path, aside = %aside.display(), ?moved,
                "the journal of revocations is not this database's, or damaged, and a new one begins: older copies of the database are restored without one"
            );
        } else if applied > 0 {
            tracing::error!(
                %path,
                "the journal of revocations is missing, and a new one begins: older copies of the database are restored without one"
            );
        }
    }
}

/// Whether it is the journal of a database that says this, and has all that it should have.
fn is_its(book: &Book, kept: &Kept) -> bool {
    let header = &book.header;
    let first = kept.pending.iter().find(|entry| entry.n > kept.applied);
    // Absent: it began after the last entry that the rows have.
    let began = first.map_or(kept.applied, |entry| entry.n.saturating_sub(1));
    // It was begun for this database, which could not be written then, nor since.
    let follows = header.before.as_ref() == Some(&kept.id) && !kept.id.is_empty() && header.from == began;
    (header.journal == kept.id || follows) && !is_behind(book, kept.applied, &kept.pending)
}

/// Whether the file misses entries that the database knows, and does not keep.
fn is_behind(book: &Book, applied: u64, pending: &[Entry]) -> bool {
    // Absent: nothing is kept, so the file must have all.
    let kept_from = pending.first().map_or(u64::MAX, |entry| entry.n);
    book.last() < applied && book.last() + 1 < kept_from
}
