//! Opening the file: everything that must be right before the first request.

use crate::driver::Driver;
use crate::in_progress::InProgress;
use crate::journal::catch_up;
use crate::kept::Kept;
use crate::load::Listed;
use crate::migrate::{APPLICATION_ID, Component, IDENTITY, is_older, migrate, recognise};
use crate::place::Place;
use crate::reader::Readers;
use crate::second_name::refuse_second_name;
use crate::unmade::refuse_unmade;
use crate::writer::Writer;
use crate::{Sqlite, clock, load, no_room};
use keyward_core::clock::{Clock, SteadyClock, Timestamp};
use keyward_core::left_out::LeftOut;
use keyward_core::limits::Tiers;
use keyward_core::live::Directory;
use keyward_core::store::StoreError;
use keyward_core::swap::Swap;
use rusqlite::{Connection, OpenFlags, params};
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What may be done with the file that is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// A database is made where there is none, readable by its user alone; one that is there is brought up to date.
    Make,
    /// A database of an older version is brought up to date: the older version cannot open it any more. One that is missing or empty
    /// is refused.
    BringUpToDate,
    /// A database of another version is left alone and refused.
    MustBeUpToDate,
}

/// What a store is opened with.
#[derive(Debug)]
pub struct Options<'a> {
    /// The database file.
    pub path: &'a Path,
    /// Further components with tables in the file, after the store's own.
    pub components: &'a [Component],
    /// The check values of the root secret, by version ([`keyward_core::root_secret::RootSecret::check_values`]).
    pub root_secret_checks: &'a [(u32, String)],
    /// What may be done with the file.
    pub schema: Schema,
    /// What every tier may have; it can change while the store is open.
    pub tiers: Swap<Tiers>,
    /// How many bytes of the answers of idempotent writes one account keeps ([`keyward_core::idempotency::KEPT_BYTES`]).
    pub idempotency_bytes: u64,
    /// The machine's clock. The store's own, [`Sqlite::clock`], does not go back when this one does.
    pub clock: Arc<dyn Clock>,
}

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

impl Sqlite {
    /// Opens the file, brings it up to date and learns what every request will be judged by. On a file system that is full, a
    /// file that is up to date is opened to be read, and is written as soon as there is room.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(options: &Options<'_>) -> Result<Self, OpenError> {
        Self::open_by(options, no_room::connect, load::everything)
            .map_err(|error| no_room::named(error, options.path))
    }

    /// The same for a process that lists what is there and learns no more than that takes, so that it costs less. It accepts no
    /// credential.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_to_list(options: &Options<'_>, listed: Listed) -> Result<Self, OpenError> {
        let learn = |driver: &dyn Driver, directory: &_| load::listed(driver, directory, listed);
        Self::open_by(options, no_room::connect, learn).map_err(|error| no_room::named(error, options.path))
    }

    pub(crate) fn open_by(
        options: &Options<'_>,
        connect: fn(&Path) -> Result<(Connection, bool), OpenError>,
        learn: impl FnOnce(&dyn Driver, &Directory) -> Result<LeftOut, StoreError>,
    ) -> Result<Self, OpenError> {
        let path = options.path;
        let lock = Arc::new(own(path, options.schema)?);
        let now = options.clock.now();
        let (mut connection, has_room) = connect(path)?;
        // Before anything is written, and be it the mode of its log: another program's file is left as it is.
        let is_new = recognise(&connection)?;
        if options.schema != Schema::Make {
            refuse_unmade(path, &connection, is_new)?;
        }
        prepare(&connection, is_new)?;
        let components: Vec<Component> = [&[IDENTITY], options.components].concat();
        if options.schema == Schema::MustBeUpToDate && is_older(&connection, &components)? {
            return Err(OpenError::Older);
        }
        migrate(&mut connection, &components, now)?;
        recognise_secret(&connection, options.root_secret_checks, now)?;
        let watch = clock::watch(&connection, &*options.clock)?;
        let clock: Arc<dyn Clock> = Arc::new(SteadyClock::new(Arc::clone(&options.clock), watch.clone()));
        let directory = Directory::watching(watch);
        let (journal, unwritten) = catch_up(path, &mut connection, *options.tiers.get(), now);
        let left_out = learn(&connection, &directory)?;
        let kept = Kept::load(&connection, options.idempotency_bytes)?;
        directory.publish(unwritten);
        let place = Arc::new(Place::new(path, lock));
        if !has_room {
            place.lack_room();
            no_room::report(&place);
        }
        let readers = Readers::open(path, &place)?;
        let writer = Writer::start(
            connection,
            Arc::clone(&place),
            directory.clone(),
            Arc::clone(&clock),
            options.tiers.clone(),
            (kept, journal),
        )
        .map_err(|source| OpenError::File { path: path.to_owned(), source })?;
        Ok(Self {
            writer: Arc::new(writer),
            readers: Arc::new(readers),
            directory,
            left_out: Arc::new(left_out),
            components: components.into(),
            in_progress: InProgress::default(),
            clock,
            place,
        })
    }
}

/// Takes the lock that says which process owns the file: on the file itself, so that it is the same by whatever path. The
/// system drops it with the process.
///
/// The handle stays open until SQLite has closed its own: closing it sooner would drop the locks that SQLite holds.
pub(crate) fn own(path: &Path, schema: Schema) -> Result<File, OpenError> {
    let file_error = |source| OpenError::File { path: path.to_owned(), source };
    let make = schema == Schema::Make;
    let file = if make { make_private(path) } else { File::options().read(true).write(true).open(path) };
    let file = file.map_err(file_error)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => return Err(file_error(source)),
    }
    // Before SQLite opens it, which takes the log beside an empty file away.
    if !make && file.metadata().map_err(file_error)?.len() == 0 {
        return Err(OpenError::Empty(path.to_owned()));
    }
    refuse_second_name(path, &file)?;
    Ok(file)
}

/// Opens a file for writing and makes it if it is missing, for its user alone. SQLite gives the log files the database's mode
/// and owner.
pub(crate) fn make_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // What is made here is nobody else's yet; what a link leads to may be.
    match options.clone().create_new(true).open(path) {
        Ok(new) => adopt(&new, path).map(|()| new),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => options.create(true).open(path),
        Err(error) => Err(error),
    }
}

/// Gives a superuser's new file to the owner of the directory that it was made in: the server runs as somebody else.
#[cfg(unix)]
pub(crate) fn adopt(new: &File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    // Absent: a file without a folder lies in this one.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (own, directory) = (new.metadata()?, std::fs::metadata(directory)?);
    let superuser = own.uid() == 0 && directory.uid() != 0;
    if superuser { fchown(new, Some(directory.uid()), Some(directory.gid())) } else { Ok(()) }
}

#[cfg(not(unix))]
pub(crate) fn adopt(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

pub(crate) fn connect(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(1))?;
    Ok(connection)
}

/// As much of the log stays when it has been moved into the database, in bytes: twice what it usually grows to before that.
const LOG_KEPT: i64 = 8 * 1024 * 1024;

pub(crate) fn prepare(connection: &Connection, is_new: bool) -> Result<(), OpenError> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(OpenError::NoLog(mode));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Nothing is written before a commit: on a full disk it is the commit that fails, and all that comes before has been done.
    connection.pragma_update(None, "cache_spill", false)?;
    // A log that a long read made grow is cut back when it begins again.
    connection.pragma_update(None, "journal_size_limit", LOG_KEPT)?;
    connection.set_prepared_statement_cache_capacity(64);
    if is_new {
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    Ok(())
}

/// A new store takes the secret's check values; an old one must find its own among them.
pub(crate) fn recognise_secret(
    connection: &Connection,
    checks: &[(u32, String)],
    now: Timestamp,
) -> Result<(), OpenError> {
    let known = refuse_other_secret(connection, checks)?;
    for (version, check) in checks.iter().filter(|(v, _)| !known.contains(v)) {
        connection.execute(
            "INSERT INTO root_secret_versions VALUES (?1, ?2, ?3)",
            params![version, check, now.unix()],
        )?;
    }
    Ok(())
}

/// An old store must find its own secret among these; its versions. A new one has none.
pub(crate) fn refuse_other_secret(
    connection: &Connection,
    checks: &[(u32, String)],
) -> Result<Vec<u32>, OpenError> {
    let known = known_secrets(connection)?;
    if known.is_empty() && has_keys(connection)? {
        return Err(OpenError::NoSecret);
    }
    for (version, check) in &known {
        if !checks.iter().any(|(v, c)| v == version && c == check) {
            return Err(OpenError::WrongSecret(*version));
        }
    }
    Ok(known.into_iter().map(|(version, _)| version).collect())
}

/// The versions that the store says it belongs to. A row that cannot be read is refused: it could be of any secret.
fn known_secrets(connection: &Connection) -> Result<Vec<(u32, String)>, OpenError> {
    let mut statement = connection.prepare("SELECT version, check_value FROM root_secret_versions")?;
    let known =
        statement.query_map([], |row| Ok(row.get(0).and_then(|version| Ok((version, row.get(1)?)))))?;
    let known: Vec<rusqlite::Result<(u32, String)>> = known.collect::<Result<_, _>>()?;
    known.into_iter().map(|row| row.map_err(|_| OpenError::NoSecret)).collect()
}

/// Whether anything is there that only its own root secret opens: a digest of an API key, or a signing key.
fn has_keys(connection: &Connection) -> Result<bool, OpenError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM api_key_secrets) OR EXISTS (SELECT 1 FROM signing_keys)";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}
