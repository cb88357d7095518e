//! A journal as it is read, and whether it says all that ended since a copy was made.

use keyward_sql::journal::{Entry, Header, Kept, Line, fold};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

/// No number of an entry is higher than this: what the store counts in holds it.
const LAST: u64 = 1 << 62;

/// No first line is longer.
const HEADER: u64 = 4096;

/// Whose journal lies there, by its first line; `None`: that does not say it.
pub(super) fn owner(path: &Path) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    BufReader::new(File::open(path)?.take(HEADER)).read_until(b'\n', &mut line)?;
    // Absent: a line that is no text is damaged.
    match std::str::from_utf8(&line).ok().and_then(|line| Line::read(line.trim_end())) {
        Some(Line::Header(header)) => Ok(Some(header.journal)),
        Some(Line::Entry(_)) | None => Ok(None),
    }
}

/// A journal.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) header: Header,
    /// In their order, each number once.
    pub(crate) entries: Vec<Entry>,
    /// Lines that cannot be read.
    pub(crate) unread: usize,
    /// The last line is one of them.
    torn: bool,
    pub(crate) bytes: u64,
    /// It ends within a line.
    pub(crate) open_end: bool,
}

impl Book {
    /// Reads it; `None`: there is none, or it does not say whose it is.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        match File::open(path) {
            Ok(mut file) => file.read_to_end(&mut bytes)?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Self::of(&bytes))
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        let open_end = bytes.last().is_some_and(|last| *last != b'\n');
        let (mut header, mut entries, mut unread, mut torn) = (None, Vec::new(), 0, false);
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            // Absent: a line that is no text is damaged.
            let read = std::str::from_utf8(line).ok().and_then(Line::read);
            torn = read.is_none();
            match read {
                Some(Line::Header(found)) if found.from.max(found.to) <= LAST => {
                    header = header.or(Some(found))
                }
                Some(Line::Entry(entry)) if entry.n <= LAST => entries.push(entry),
                Some(_) | None => unread += 1,
            }
        }
        entries.sort_by_key(|entry: &Entry| entry.n);
        entries.dedup_by_key(|entry| entry.n);
        // Absent: no length is greater.
        let bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Some(Self { header: header?, entries, unread, torn, bytes, open_end })
    }

    /// The number of its last entry.
    pub(crate) fn last(&self) -> u64 {
        let before = self.header.from.max(self.header.to);
        // Absent: without an entry, what its header says.
        self.entries.last().map_or(before, |entry| entry.n.max(before))
    }

    /// Its entries from this number on.
    fn since(&self, n: u64) -> &[Entry] {
        let before = self.entries.partition_point(|entry| entry.n < n);
        // Absent: all come before.
        self.entries.get(before..).unwrap_or_default()
    }

    /// How many of its entries the rows of a database that says this do not have.
    pub(crate) fn missing_of(&self, kept: &Kept) -> usize {
        self.missing(kept.applied, &kept.undone, &kept.pending).len()
    }

    /// The entries after this one, its own and those that wait for it, and those before that could not be done, unless a later one
    /// is about the same.
    pub(crate) fn missing(&self, applied: u64, undone: &[Entry], waiting: &[Entry]) -> Vec<Entry> {
        let first = undone.iter().map(|entry| entry.n).chain([applied + 1]).min();
        let undone: HashSet<&Entry> = undone.iter().collect();
        // Absent: there is always one.
        let since = self.since(first.unwrap_or(0)).iter().chain(waiting);
        let since = since.filter(|entry| !undone.contains(entry));
        let mut all: Vec<Entry> = undone.iter().copied().chain(since).cloned().collect();
        all.sort_by_key(|entry| entry.n);
        let mut missing = fold(&all);
        missing.retain(|entry| entry.n > applied || undone.contains(entry));
        missing
    }

    /// Whether it has this entry, or a later one about the same that has taken its place when the journal was written again.
    pub(crate) fn has(&self, entry: &Entry) -> bool {
        let about = entry.ended.about();
        let is_it = |there: &Entry| there.at == entry.at && there.ended == entry.ended;
        let replaced_it = |there: &Entry| there.n <= self.header.to && there.ended.about() == about;
        self.since(entry.n).iter().any(|there| is_it(there) || replaced_it(there))
    }

    /// The entries after the last damage, and up to which number there is none of those before.
    pub(crate) fn whole(&self) -> (u64, Vec<Entry>) {
        let Header { from, to, .. } = self.header;
        if self.gap_after(from).is_none() {
            return (from, self.entries.clone());
        }
        let later = self.entries.iter().rev().filter(|entry| entry.n > to);
        let whole = later.zip((0..=self.last()).rev()).take_while(|(entry, n)| entry.n == *n);
        let mut entries: Vec<Entry> = whole.map(|(entry, _)| entry.clone()).collect();
        entries.reverse();
        // Absent: the last of all is damaged, and none is left.
        (entries.first().map_or(self.last(), |entry| entry.n.saturating_sub(1)), entries)
    }

    /// Why it does not say all that ended after this entry; `None`: it does.
    pub(crate) fn gap_after(&self, applied: u64) -> Option<&'static str> {
        let Header { from, to, lines, .. } = self.header;
        let folded = self.entries.iter().filter(|entry| entry.n <= to).count();
        let whole = u64::try_from(folded).is_ok_and(|folded| folded == lines);
        let since = self.entries.iter().filter(|entry| entry.n > to && entry.n > applied).count();
        let wanted = self.last().saturating_sub(to.max(applied));
        let all = u64::try_from(since).is_ok_and(|since| since == wanted);
        if applied < from {
            Some("it begins after the copy was made")
        } else if self.last() < applied {
            Some("it ends before the copy was made")
        } else if self.torn || (applied < to && !whole) || !all {
            Some("some of its lines are damaged or missing")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::OfKey;
    use keyward_sql::journal::{Ended, RowName};

    fn header(from: u64, to: u64, lines: u64) -> String {
        Line::Header(Header { to, lines, ..Header::of("j", from) }).text()
    }

    fn entries(numbers: impl IntoIterator<Item = u64>) -> String {
        let entry = |n| Line::Entry(Entry { n, at: 1, ended: Ended::key(1) }).text();
        numbers.into_iter().map(entry).collect()
    }

    fn gap(text: &str, applied: u64) -> Option<&'static str> {
        Book::of(text.as_bytes()).unwrap().gap_after(applied)
    }

    #[test]
    fn a_journal_says_all_since_a_copy_or_why_it_does_not() {
        let (early, late, damaged) = (
            Some("it begins after the copy was made"),
            Some("it ends before the copy was made"),
            Some("some of its lines are damaged or missing"),
        );
        let whole = header(0, 0, 0) + &entries(1..=5);
        for applied in 0..=5 {
            assert_eq!(gap(&whole, applied), None, "{applied}");
        }
        assert_eq!(gap(&whole, 6), late);
        assert_eq!(gap(&header(0, 0, 0), 0), None, "nothing ended");
        let begun_late = header(3, 3, 0) + &entries(4..=5);
        assert_eq!((gap(&begun_late, 2), gap(&begun_late, 3), gap(&begun_late, 4)), (early, None, None));
        let missing = header(0, 0, 0) + &entries([1, 2, 4, 5]);
        assert_eq!(
            (gap(&missing, 2), gap(&missing, 3)),
            (damaged, None),
            "what is in the copy is not missing"
        );
        let folded = header(0, 8, 2) + &entries([5, 8, 9]);
        assert_eq!((gap(&folded, 0), gap(&folded, 8)), (None, None));
        let less = header(0, 8, 2) + &entries([8, 9]);
        assert_eq!((gap(&less, 0), gap(&less, 7), gap(&less, 8)), (damaged, damaged, None));
    }

    #[test]
    fn damage_at_the_end_could_have_been_any_entry_and_damage_that_was_mended_is_none() {
        let whole = header(0, 0, 0) + &entries(1..=3);
        for cut in 1..entries([3]).len() {
            let torn = whole.get(..whole.len() - cut).unwrap();
            let gap = gap(torn, 0);
            assert_eq!(gap.is_some(), cut > 1, "without its line feed the last line is still whole: {cut}");
        }
        let mended = format!("{}1234 cut\n{}", header(0, 0, 0) + &entries([1]), entries([2, 2, 3]));
        assert_eq!(gap(&mended, 0), None, "the line was written again");
        assert!(Book::of(entries(1..=3).as_bytes()).is_none(), "it does not say whose it is");
    }

    #[test]
    fn what_could_not_be_done_is_missing_until_a_later_entry_is_about_the_same() {
        let user =
            |n, disabled| Entry { n, at: 1, ended: Ended::User { user: RowName(1, Some(1)), disabled } };
        let key = |n| Entry { n, at: 1, ended: Ended::key(2) };
        let all = [user(1, true), key(2), user(3, false), key(4)];
        let text = header(0, 0, 0) + &all.iter().map(Line::of).collect::<String>();
        let book = Book::of(text.as_bytes()).unwrap();
        let missing = |applied, undone: &[Entry]| {
            book.missing(applied, undone, &[key(6)]).iter().map(|entry| entry.n).collect::<Vec<_>>()
        };
        assert_eq!(missing(1, &[]), [3, 6]);
        assert_eq!(missing(6, &[]), [0_u64; 0]);
        assert_eq!(missing(6, &[user(1, true)]), [0_u64; 0], "enabled since");
        assert_eq!(missing(6, &[key(6)]), [6]);
        assert_eq!((missing(2, &[]), missing(4, &[])), (vec![3, 6], vec![6]), "what waits for the file too");
        assert!(book.has(&key(2)) && book.has(&user(3, false)) && !book.has(&key(5)));
        assert!(!book.has(&user(3, true)), "what another history has under its number does not stand for it");
        let folded = header(0, 4, 2) + &all.iter().skip(2).map(Line::of).collect::<String>();
        let folded = Book::of(folded.as_bytes()).unwrap();
        assert!(folded.has(&user(1, true)) && folded.has(&key(2)), "the later one has taken its place");
    }

    #[test]
    fn what_has_a_number_is_looked_for_from_that_number_on() {
        let book = Book::of((header(0, 0, 0) + &entries((1..=9).chain(20..=29))).as_bytes()).unwrap();
        let since = |n| book.since(n).iter().map(|entry| entry.n).collect::<Vec<_>>();
        assert_eq!(
            since(28),
            [28, 29],
            "and not in the whole journal, for each line that the database keeps"
        );
        assert_eq!((since(10).len(), since(0).len(), since(30).len()), (10, 19, 0));
    }

    #[test]
    fn the_first_line_says_whose_journal_it_is() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("journal");
        let owner = |content: &str| {
            std::fs::write(&path, content).unwrap();
            owner(&path).unwrap()
        };
        assert_eq!(owner(&(header(0, 0, 0) + &entries([1]))).as_deref(), Some("j"));
        for none in [String::new(), "no journal".to_owned(), entries([1]), "\n".repeat(9_000)] {
            assert_eq!(owner(&none), None);
        }
    }

    #[test]
    fn after_damage_what_follows_it_is_whole() {
        let whole = |text: String| {
            let (from, entries) = Book::of(text.as_bytes()).unwrap().whole();
            (from, entries.iter().map(|entry| entry.n).collect::<Vec<_>>())
        };
        assert_eq!(whole(header(2, 2, 0) + &entries([3, 4])), (2, vec![3, 4]));
        assert_eq!(whole(header(0, 0, 0) + &entries([1, 2, 4, 5])), (3, vec![4, 5]));
        assert_eq!(whole(header(0, 8, 2) + &entries([8, 9, 10])), (8, vec![9, 10]));
    }
}
