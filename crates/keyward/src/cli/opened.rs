//! Opening what a configuration names: the root secret, the store, the ring of keys.

use super::{CliError, variable};
use crate::config::Config;
use keyward_core::api_key::{KeyFormat, KeyRing};
use keyward_core::clock::{Clock, SystemClock};
use keyward_core::page::Cursors;
use keyward_core::random::{OsRandom, Random};
use keyward_core::root_secret::RootSecret;
use keyward_sqlite::{Options, Sqlite};
use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// An installation, opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) database: PathBuf,
    pub(super) store: Sqlite,
    pub(super) ring: KeyRing,
    pub(super) cursors: Cursors,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

/// Opens the store with its root secret.
pub(super) fn open(config: &Config, root: &RootSecret) -> Result<Opened, CliError> {
    let format = KeyFormat::new(&config.keys.prefix)
        .map_err(|error| CliError::Said(format!("keys.prefix: {error}")))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let database = database(config)?;
    let store = Sqlite::open(&Options {
        path: &database,
        components: &[lev_deals::sqlite::COMPONENT],
        root_secret_checks: &root.check_values(),
        clock: Arc::clone(&clock),
    })?;
    let ring = KeyRing::new(format, root)
        .ok_or_else(|| CliError::Said("the root secret has no version".to_owned()))?;
    Ok(Opened { database, store, ring, cursors: Cursors::new(root), clock, random: Arc::new(OsRandom) })
}

/// The database file that the store's URL names.
pub(super) fn database(config: &Config) -> Result<PathBuf, CliError> {
    let url = &config.store.url;
    match url.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
        Some(path) => Ok(PathBuf::from(path)),
        None => Err(CliError::Said(format!("store.url must be sqlite: and a path (got {url})"))),
    }
}

/// The root secret: from `KEYWARD_ROOT_SECRET`, else from its file.
pub(super) fn root_secret(config: &Config) -> Result<RootSecret, CliError> {
    if let Some(text) = variable("KEYWARD_ROOT_SECRET") {
        let text = Zeroizing::new(text);
        return RootSecret::parse(&text)
            .map_err(|error| CliError::Said(format!("KEYWARD_ROOT_SECRET: {error}")));
    }
    let path = &config.secrets.file;
    let mut file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => CliError::Said(format!(
            "there is no root secret {}; restore it, or set KEYWARD_ROOT_SECRET to its text",
            path.display()
        )),
        _ => CliError::file(path)(error),
    })?;
    refuse_shared(path, &file)?;
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(CliError::file(path))?;
    RootSecret::parse(&text).map_err(|error| CliError::Said(format!("{}: {error}", path.display())))
}

/// Makes a root secret where there is none yet.
pub(super) fn make_root_secret(config: &Config) -> Result<RootSecret, CliError> {
    let root = RootSecret::generate(&OsRandom).map_err(|error| CliError::Said(error.to_string()))?;
    write_private(&config.secrets.file, root.to_file_text().as_bytes())?;
    Ok(root)
}

/// Whether the root secret is given already.
pub(super) fn has_root_secret(config: &Config) -> bool {
    variable("KEYWARD_ROOT_SECRET").is_some() || config.secrets.file.exists()
}

/// Writes a file for its user alone, whole or not at all. It must not exist yet.
pub(super) fn write_private(path: &Path, text: &[u8]) -> Result<(), CliError> {
    place_private(path, &mut &*text)
}

fn place_private(path: &Path, from: &mut dyn Read) -> Result<(), CliError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut write = || {
        // Of a name that nobody could foresee, and of mode 0600 from its first moment.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        std::io::copy(from, &mut file)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(CliError::file(path))
}

/// Refuses a place where a database is, or where one was: SQLite would take its logs for those of the new one.
pub(super) fn refuse_taken(database: &Path) -> Result<(), CliError> {
    match ["", "-wal", "-shm", "-journal"]
        .iter()
        .map(|suffix| beside(database, suffix))
        .find(|file| file.exists())
    {
        None => Ok(()),
        Some(file) => {
            let rule = "a database keeps its -wal and -shm; move all of them away together";
            Err(CliError::Said(format!("{} exists already ({rule})", file.display())))
        }
    }
}

/// Refuses what is no whole database of ours by itself: its first page says what it is.
pub(super) fn refuse_no_copy(file: &Path) -> Result<(), CliError> {
    let mut page = [0; 100];
    File::open(file).and_then(|mut file| file.read_exact(&mut page)).map_err(CliError::file(file))?;
    let ours = page.starts_with(b"SQLite format 3\0") && page.get(68..72) == Some(b"KEYW");
    match (ours, beside(file, "-wal").exists()) {
        (true, false) => Ok(()),
        (false, _) => Err(CliError::Said(format!("{} is no copy of a database", file.display()))),
        (true, true) => {
            let rule = "it is in use, or was not closed in order; keyward backup makes a copy that is whole";
            Err(CliError::Said(format!("{} has a -wal beside it: {rule}", file.display())))
        }
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Copies a file to where none is yet, for its user alone, whole or not at all.
pub(super) fn copy_private(from: &Path, to: &Path) -> Result<(), CliError> {
    let mut file = File::open(from).map_err(CliError::file(from))?;
    place_private(to, &mut file)
}

/// Makes a directory for its user alone, if it is missing.
pub(super) fn make_directory(path: &Path) -> Result<(), CliError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(CliError::file(path))
}

#[cfg(unix)]
pub(super) fn refuse_shared(path: &Path, file: &File) -> Result<(), CliError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().map_err(CliError::file(path))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(CliError::Said(format!("{} can be read by others; run chmod 600 {}", path.display(), path.display())))
}

#[cfg(not(unix))]
pub(super) fn refuse_shared(_: &Path, _: &File) -> Result<(), CliError> {
    Ok(())
}
