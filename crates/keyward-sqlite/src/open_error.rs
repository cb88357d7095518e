//! Why a file was not opened.

use keyward_core::store::StoreError;
use keyward_sql::own_secret::Unrecognised;
use std::io;
use std::path::PathBuf;

/// Why a file was not opened. Each is one clear line.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process owns it.
    #[error("the database {0} is in use by another process")]
    InUse(PathBuf),
    /// It has a second name, beside which its logs would be missing.
    #[error(
        "the database {0} has another hard link and was not served under this name last, so its log may be missing here: start the \
         server under the name that it had, or put a copy (keyward backup) here"
    )]
    TwoNames(PathBuf),
    /// A newer program wrote it.
    #[error(
        "the database was written by a newer version of this program ({component} is at schema {found}, this program \
         knows {known}); use that version, or restore a backup"
    )]
    Newer {
        /// The component.
        component: String,
        /// The version in the file.
        found: i64,
        /// The newest version that this program knows; 0: it does not know the component.
        known: i64,
    },
    /// An older program wrote it, and it was not to be changed.
    #[error(
        "the database is of an older version of this program; keyward serve brings it up to date when it starts \
         (keyward backup makes a copy to go back to)"
    )]
    Older,
    /// It holds another program's tables.
    #[error("the file is a database of another program")]
    NotOurs,
    /// It has nothing in it: a copy that failed, a full disk, a file that something else has made.
    #[error(
        "the database {0} is empty. Restore a copy (keyward restore); if this is to be a new installation, remove the file and run \
         keyward init"
    )]
    Empty(PathBuf),
    /// Reading all of it shows that it is damaged.
    #[error("{} is damaged: {}", .path.display(), a_few(.faults))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, a line each.
        faults: Vec<String>,
    },
    /// No copy was made.
    #[error("the copy {} was not made: {why}", .to.display())]
    NotCopied {
        /// Where it should be.
        to: PathBuf,
        /// Why not.
        why: String,
    },
    /// The server has another file open than the one that this process sees.
    #[error(
        "the server has another file open than {0}: the command sees another directory than the server, or the database was moved or \
         replaced; run the command where the server runs"
    )]
    NotServed(PathBuf),
    /// A copy lacks what the server had written.
    #[error(
        "what can be read of {0} lacks what the server has written: its -wal was removed. Stop the server in order, which saves what it \
         has, and make the copy then"
    )]
    Behind(PathBuf),
    /// Nothing says which root secret it belongs to.
    #[error(
        "the database does not say which root secret its keys belong to (root_secret_versions has no row, or one that cannot \
         be read): restore a copy"
    )]
    NoSecret,
    /// It belongs to another root secret.
    #[error("the root secret is not the one that this database belongs to (version {0})")]
    WrongSecret(u32),
    /// The file or its directory cannot be used.
    #[error("the database {path} cannot be opened: {source}")]
    File {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no room on its file system.
    #[error(
        "the file system at {file_system} is full (no space or no inode is left), so the database {path} cannot be opened: make \
         room there, and start again"
    )]
    Full {
        /// The database.
        path: PathBuf,
        /// Where the file system is mounted.
        file_system: PathBuf,
    },
    /// Its file system does not allow a write-ahead log.
    #[error("the database's file system does not allow a write-ahead log (it stays in mode {0})")]
    NoLog(String),
    /// A copy was to be restored, and its journal does not say what ended since.
    #[error(
        "the journal of revocations {path} does not say what ended since the copy was made: {why}. Put the one there that lay beside \
         the database before; or repeat with --without-journal, which ends links and invitations too: {keys} API keys come back to \
         life, be they revoked since or not"
    )]
    NoJournal {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
        /// How many keys the copy would bring back to life.
        keys: usize,
    },
    /// SQLite says no.
    #[error("the database cannot be opened: {}", in_one_line(.0))]
    Sqlite(#[from] rusqlite::Error),
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(source) | StoreError::Held(source) | StoreError::Failed(source) => {
                match source.downcast() {
                    Ok(error) => Self::Sqlite(*error),
                    Err(_) => Self::Sqlite(rusqlite::Error::InvalidQuery),
                }
            }
            StoreError::Corrupt { .. } | StoreError::Busy => Self::Sqlite(rusqlite::Error::InvalidQuery),
        }
    }
}

impl From<Unrecognised> for OpenError {
    fn from(error: Unrecognised) -> Self {
        match error {
            Unrecognised::NoSecret => Self::NoSecret,
            Unrecognised::WrongSecret(version) => Self::WrongSecret(version),
            Unrecognised::Store(error) => error.into(),
        }
    }
}

/// The first faults, and how many there are besides.
fn a_few(faults: &[String]) -> String {
    let (first, rest) = faults.split_at(faults.len().min(3));
    let more = if rest.is_empty() { String::new() } else { format!("; and {} more", rest.len()) };
    format!("{}{more}", first.join("; "))
}

/// What SQLite says, without the statement that it said it of.
pub(crate) fn in_one_line(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        rusqlite::Error::SqliteFailure(failure, _)
            if failure.extended_code == rusqlite::ffi::SQLITE_READONLY_DIRECTORY =>
        {
            "its directory cannot be written (permission denied)".to_owned()
        }
        other => other.to_string(),
    }
}
