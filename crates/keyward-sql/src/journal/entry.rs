//! The lines of the journal: what ended, by ids and digests. No line gives anything: an entry that somebody else wrote can only
//! end, too.

use serde::{Deserialize, Serialize};

/// A row, by its id and the time at which it was made (`None`: that cannot be read). A restored copy gives ids again, but not
/// with the time of a row that was made before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RowName(pub i64, pub Option<i64>);

/// What ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// A key was revoked; of this account (`None`: that cannot be read).
    Key {
        /// The key.
        key: RowName,
        /// The account.
        account: Option<RowName>,
    },
    /// So many keys of an account ended that it is not kept which: all that were made up to this one.
    Keys {
        /// The account.
        account: RowName,
        /// The id of the last of them.
        last: i64,
    },
    /// A key was rotated: these are its secrets since then, by their digests, with their ends.
    Secrets {
        /// The key.
        key: RowName,
        /// The digests of its secrets, in hex, with their ends.
        left: Vec<(String, Option<i64>)>,
    },
    /// A user has another role in an account, or none.
    Member {
        /// The account.
        account: RowName,
        /// The user.
        user: RowName,
        /// The role.
        role: Option<String>,
    },
    /// An invitation of a user into an account offers another role, or (`None`) was used or withdrawn.
    Invitation {
        /// The account.
        account: RowName,
        /// The user.
        user: RowName,
        /// The role.
        role: Option<String>,
    },
    /// So many invitations into an account ended that it is not kept which.
    Invitations(RowName),
    /// A user was disabled, or enabled again.
    User {
        /// The user.
        user: RowName,
        /// Whether they are disabled.
        disabled: bool,
    },
    /// A user was erased.
    Erased(RowName),
    /// An account was disabled, or enabled again.
    Account {
        /// The account.
        account: RowName,
        /// Whether it is disabled.
        disabled: bool,
    },
    /// A user chose a password.
    Password(RowName),
    /// A link to choose a password was used, or replaced; by the digest of its token.
    Link(String),
    /// A subject of an issuer is no user any more; by the digest of both.
    Identity(String),
    /// A grant ended.
    Grant(RowName),
    /// An application was deleted.
    Client(String),
    /// The store gave up a version of the root secret.
    RootSecret(u32),
}

impl Ended {
    /// What it is about. Of two entries about the same, the later one counts.
    pub fn about(&self) -> Self {
        match self.clone() {
            Self::Key { key, .. } => Self::Key { key, account: None },
            Self::Keys { account, .. } => Self::Keys { account, last: 0 },
            Self::Secrets { key, .. } => Self::Secrets { key, left: Vec::new() },
            Self::Member { account, user, .. } => Self::Member { account, user, role: None },
            Self::Invitation { account, user, .. } => Self::Invitation { account, user, role: None },
            Self::User { user, .. } => Self::User { user, disabled: true },
            Self::Account { account, .. } => Self::Account { account, disabled: true },
            other => other,
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Entries are numbered without gaps.
    pub n: u64,
    /// When it ended, in seconds since 1970.
    pub at: i64,
    /// What ended.
    pub ended: Ended,
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Whose journal it is.
    pub journal: String,
    /// Entries up to this one are not in it.
    pub from: u64,
    /// Of the entries after that and up to this one, only so many are left: those that later ones have not replaced.
    pub to: u64,
    /// How many.
    pub lines: u64,
    /// The journal that was this database's before, if the database may not say yet that this one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

impl Header {
    /// Of one that begins after this entry.
    pub fn of(journal: &str, from: u64) -> Self {
        Self { journal: journal.to_owned(), from, to: from, lines: 0, before: None }
    }
}

/// A line of either kind.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// The first line.
    Header(Header),
    /// Each other one.
    Entry(Entry),
}

impl Line {
    /// As it stands in the file: a checksum, the JSON, a line feed.
    pub fn text(&self) -> String {
        // Absent: never, plain structs of numbers and texts always serialise.
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes()))
    }

    /// An entry as it stands in the file.
    pub fn of(entry: &Entry) -> String {
        Self::Entry(entry.clone()).text()
    }

    /// Reads an entry; `None`: it is none, or damaged.
    pub fn entry(line: &str) -> Option<Entry> {
        match Self::read(line.trim_end())? {
            Self::Entry(entry) => Some(entry),
            Self::Header(_) => None,
        }
    }

    /// Reads one; `None`: it is damaged.
    pub fn read(line: &str) -> Option<Self> {
        let (sum, json) = line.split_once(' ')?;
        // Absent: a line without its checksum is damaged.
        let sum = u32::from_str_radix(sum, 16).ok().filter(|_| sum.len() == 8)?;
        if sum != crc32fast::hash(json.as_bytes()) {
            return None;
        }
        // Absent: a line that cannot be read is damaged, and counted.
        serde_json::from_str(json).ok()
    }
}

/// Of entries about the same, the last; the others in their order.
pub fn fold(entries: &[Entry]) -> Vec<Entry> {
    let mut known = std::collections::HashSet::new();
    let mut last: Vec<Entry> =
        entries.iter().rev().filter(|entry| known.insert(entry.ended.about())).cloned().collect();
    last.reverse();
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u64, ended: Ended) -> Entry {
        Entry { n, at: 1_774_020_645, ended }
    }

    #[test]
    fn a_line_that_was_changed_is_not_read() {
        let key = Ended::Key { key: RowName(3, Some(9)), account: Some(RowName(1, None)) };
        let text = Line::Entry(entry(7, key)).text();
        let json = r#"{"n":7,"at":1774020645,"ended":{"key":{"key":[3,9],"account":[1,null]}}}"#;
        assert!(text.ends_with(&format!(" {json}\n")), "{text}");
        let line = text.trim_end();
        assert!(matches!(Line::read(line), Some(Line::Entry(read)) if read.n == 7));
        for index in 0..line.len() {
            let mut bytes = line.as_bytes().to_vec();
            *bytes.get_mut(index).unwrap() ^= 1;
            let other = String::from_utf8(bytes).unwrap();
            assert!(Line::read(&other).is_none(), "{other}");
        }
        for cut in 0..line.len() {
            assert!(Line::read(line.get(..cut).unwrap()).is_none());
        }
    }

    #[test]
    fn of_entries_about_the_same_the_last_counts() {
        let (account, user) = (RowName(1, Some(1)), RowName(2, Some(1)));
        let key = |made| Ended::Key { key: RowName(3, Some(made)), account: Some(account) };
        let member = |role: Option<&str>| Ended::Member { account, user, role: role.map(str::to_owned) };
        let all = [
            entry(1, member(Some("viewer"))),
            entry(2, key(9)),
            entry(3, member(None)),
            entry(4, Ended::User { user, disabled: true }),
            entry(5, key(8)),
            entry(6, Ended::User { user, disabled: false }),
            entry(7, key(9)),
        ];
        let left: Vec<u64> = fold(&all).iter().map(|entry| entry.n).collect();
        assert_eq!(left, [3, 5, 6, 7], "the same id with another time is another key");
    }
}
