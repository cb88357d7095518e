//! Writing a journal again that has grown too long.

use super::book::Book;
use super::file::put;
use keyward_sql::journal::{Ended, Entry, Header, Line, RowName, fold};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::Path;

/// So many invitations of one account are kept one by one, and so many of its keys: an account can make and end both without end,
/// and must not push what others ended out of the journal.
const INVITATIONS: usize = 1_000;
const KEYS: usize = 20_000;

/// A journal in the place of the one that is there, with what later entries have not replaced, and of that as much of the newest as
/// there is room for. Of one that is damaged, what comes after the damage.
pub(super) fn rewrite(path: &Path, room: u64) -> io::Result<Option<(File, u64)>> {
    let Some(book) = Book::read(path)? else { return Ok(None) };
    let (from, entries) = book.whole();
    let mut entries = shared(without_secrets_of_ended_keys(fold(&entries)));
    // A restore ends all of them.
    entries.retain(|entry| !matches!(entry.ended, Ended::Grant(_)));
    let (left, from) = newest(entries, from, room);
    // Absent: no list is longer.
    let lines = u64::try_from(left.len()).unwrap_or(u64::MAX);
    let header = Header { from, to: book.last(), lines, ..book.header };
    let text = Line::Header(header).text() + &left.iter().map(Line::of).collect::<String>();
    let file = put(path, &text)?;
    // Absent: no text is longer.
    Ok(Some((file, u64::try_from(text.len()).unwrap_or(u64::MAX))))
}

/// A key that ended has no secret that works.
fn without_secrets_of_ended_keys(mut entries: Vec<Entry>) -> Vec<Entry> {
    let key = |entry: &Entry| match entry.ended {
        Ended::Key { key, .. } => Some(key),
        // Absent: no key ended by it.
        _ => None,
    };
    let ended: HashSet<RowName> = entries.iter().filter_map(key).collect();
    entries.retain(|entry| !matches!(&entry.ended, Ended::Secrets { key, .. } if ended.contains(key)));
    entries
}

/// Where the invitations of an account are more than its share, or its keys, one entry stands for all of them, in the place of the
/// newest.
fn shared(mut entries: Vec<Entry>) -> Vec<Entry> {
    let mut shares: HashMap<Ended, Share> = HashMap::new();
    for entry in &entries {
        if let Some((all, _)) = all_of_its_account(entry) {
            let share = shares.entry(all.about()).or_default();
            share.count += 1;
            share.newest = entry.n;
            share.last = share.last.max(last_key(&all));
        }
    }
    entries.retain_mut(|entry| {
        let Some((all, most)) = all_of_its_account(entry) else { return true };
        match shares.get(&all.about()) {
            Some(share) if share.count > most => {
                entry.ended = up_to(all, share.last);
                entry.n == share.newest
            }
            Some(_) | None => true,
        }
    });
    entries
}

/// What an account has in the journal of one kind.
#[derive(Default)]
struct Share {
    count: usize,
    newest: u64,
    /// The highest id of its keys.
    last: i64,
}

/// What stands for all endings of this kind in this one's account, and how many are kept one by one; `None`: each is kept.
fn all_of_its_account(entry: &Entry) -> Option<(Ended, usize)> {
    match entry.ended {
        Ended::Invitation { account, .. } | Ended::Invitations(account) => {
            Some((Ended::Invitations(account), INVITATIONS))
        }
        Ended::Key { account: Some(account), key } => Some((Ended::Keys { account, last: key.0 }, KEYS)),
        Ended::Keys { account, last } => Some((Ended::Keys { account, last }, KEYS)),
        // Absent: it is about something else, or nobody's.
        _ => None,
    }
}

fn last_key(all: &Ended) -> i64 {
    match all {
        Ended::Keys { last, .. } => *last,
        // Absent: it is about no keys.
        _ => 0,
    }
}

fn up_to(all: Ended, last: i64) -> Ended {
    match all {
        Ended::Keys { account, .. } => Ended::Keys { account, last },
        other => other,
    }
}

/// The newest of these that fit, and up to which entry the others went.
fn newest(mut entries: Vec<Entry>, from: u64, room: u64) -> (Vec<Entry>, u64) {
    // Absent: there is room for all that fits into memory.
    let mut room = usize::try_from(room).unwrap_or(usize::MAX);
    let fits = |entry: &&Entry| {
        let length = Line::of(entry).len();
        let fits = length <= room;
        room = room.saturating_sub(length);
        fits
    };
    let kept = entries.iter().rev().take_while(fits).count();
    let left = entries.split_off(entries.len().saturating_sub(kept));
    // Absent: nothing had to go.
    let from = entries.last().map_or(from, |entry| entry.n.max(from));
    (left, from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::OfKey;
    use std::path::PathBuf;

    /// A journal of keys that were revoked, each twice.
    fn of_keys(directory: &Path, keys: i64) -> PathBuf {
        let path = directory.join("journal");
        let entry = |n: u64, key: i64| Line::of(&Entry { n, at: 1, ended: Ended::key(key) });
        let header = Line::Header(Header::of("j", 0)).text();
        let lines = (1..).zip((0..keys).chain(0..keys)).map(|(n, key)| entry(n, key));
        std::fs::write(&path, header + &lines.collect::<String>()).unwrap();
        path
    }

    #[test]
    fn a_journal_that_is_written_again_keeps_what_is_needed() {
        let home = tempfile::tempdir().unwrap();
        let path = of_keys(home.path(), 100);
        let before = std::fs::metadata(&path).unwrap().len();
        let (_, bytes) = rewrite(&path, 1_000_000).unwrap().unwrap();
        let book = Book::read(&path).unwrap().unwrap();
        assert!(bytes < before * 6 / 10 && bytes == book.bytes, "{before} {bytes}");
        assert_eq!(
            (book.entries.len(), book.last(), book.gap_after(0), book.gap_after(150)),
            (100, 200, None, None)
        );
    }

    #[test]
    fn where_there_is_no_room_the_oldest_go_and_older_copies_are_told_so() {
        let home = tempfile::tempdir().unwrap();
        let path = of_keys(home.path(), 100);
        let (_, bytes) = rewrite(&path, 2_000).unwrap().unwrap();
        let book = Book::read(&path).unwrap().unwrap();
        assert!(bytes < 2_200 && book.entries.len() > 20, "{bytes} {}", book.entries.len());
        let from = book.header.from;
        assert_eq!(book.entries.first().unwrap().n, from + 1);
        assert_eq!(book.gap_after(from), None);
        assert_eq!(book.gap_after(from - 1), Some("it begins after the copy was made"));
        rewrite(&path, 1_000).unwrap().unwrap();
        let book = Book::read(&path).unwrap().unwrap();
        assert!(book.gap_after(book.header.from).is_none() && book.header.from > from, "and once more");
    }

    #[test]
    fn invitations_of_one_account_take_no_more_than_their_share() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("journal");
        let invitation = |account: i64, user: i64| Ended::Invitation {
            account: RowName(account, Some(1)),
            user: RowName(user, Some(1)),
            role: None,
        };
        let many = (0..1_500).map(|user| invitation(1, user)).chain((0..10).map(|user| invitation(2, user)));
        let all = [Ended::key(1)].into_iter().chain(many);
        let lines = (1..).zip(all).map(|(n, ended)| Line::of(&Entry { n, at: 1, ended }));
        let text = Line::Header(Header::of("j", 0)).text() + &lines.collect::<String>();
        std::fs::write(&path, text).unwrap();
        rewrite(&path, 1_000_000).unwrap().unwrap();
        let book = Book::read(&path).unwrap().unwrap();
        let kept: Vec<u64> = book.entries.iter().map(|entry| entry.n).collect();
        assert_eq!(kept, [1].into_iter().chain(1_501..=1_511).collect::<Vec<u64>>());
        assert_eq!(book.entries.get(1).unwrap().ended, Ended::Invitations(RowName(1, Some(1))));
        assert_eq!((book.last(), book.gap_after(0)), (1_511, None), "no copy is refused for that");
    }

    #[test]
    fn keys_of_one_account_take_no_more_than_their_share_and_none_comes_back() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("journal");
        let of = |account: i64, key: i64| Ended::Key {
            key: RowName(key, Some(1)),
            account: Some(RowName(account, Some(1))),
        };
        let write = |all: Vec<Ended>, first: u64| {
            let lines = (first..).zip(all).map(|(n, ended)| Line::of(&Entry { n, at: 1, ended }));
            lines.collect::<String>()
        };
        let rotated = Ended::Secrets { key: RowName(7, Some(1)), left: Vec::new() };
        let many = (0..20_001).map(|key| of(1, key)).chain([of(2, 30_000), rotated]).collect();
        let text = Line::Header(Header::of("j", 0)).text() + &write(many, 1);
        std::fs::write(&path, &text).unwrap();
        rewrite(&path, 10_000_000).unwrap().unwrap();
        let left = |path| {
            let book = Book::read(path).unwrap().unwrap();
            assert_eq!(book.gap_after(0), None, "no copy is refused for that");
            book.entries.into_iter().map(|entry| (entry.n, entry.ended)).collect::<Vec<_>>()
        };
        let all = Ended::Keys { account: RowName(1, Some(1)), last: 20_000 };
        assert_eq!(left(&path), [(20_001, all.clone()), (20_002, of(2, 30_000))]);
        let more = std::fs::read_to_string(&path).unwrap() + &write(vec![of(1, 40_000)], 20_004);
        std::fs::write(&path, more).unwrap();
        rewrite(&path, 10_000_000).unwrap().unwrap();
        assert_eq!(left(&path), [(20_001, all), (20_002, of(2, 30_000)), (20_004, of(1, 40_000))]);
    }
}
