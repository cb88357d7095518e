//! The database as a file, before it is opened.

use super::CliError;
use crate::config::Config;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The database file that the store's URL names.
pub(super) fn database(config: &Config) -> Result<PathBuf, CliError> {
    let url = &config.store.url;
    match url.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
        Some(path) => Ok(PathBuf::from(path)),
        None => Err(CliError::usage(format!("store.url must be sqlite: and a path (got {url})"))),
    }
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
            Err(CliError::already_exists(format!("{} exists already ({rule})", file.display())))
        }
    }
}

/// Refuses a place for a new database where the journal of another one is.
pub(super) fn refuse_journal(database: &Path) -> Result<(), CliError> {
    let journal = journal(database);
    if journal.exists() {
        let rule = "it says what was revoked in the database that was here: keep it for keyward restore, or move it away";
        return Err(CliError::already_exists(format!("{} exists already ({rule})", journal.display())));
    }
    Ok(())
}

/// The journal of revocations of a database.
pub(super) fn journal(database: &Path) -> PathBuf {
    beside(database, ".revocations")
}

/// Refuses what is no whole database of ours by itself: its first page says what it is.
pub(super) fn refuse_no_copy(file: &Path) -> Result<(), CliError> {
    if std::fs::metadata(file).map_err(CliError::file(file))?.len() == 0 {
        return Err(CliError::Said(format!("{} is empty, and no copy of a database", file.display())));
    }
    let ours = is_ours(file).map_err(CliError::file(file))?;
    match (ours, ["-wal", "-journal"].iter().find(|log| beside(file, log).exists())) {
        (true, None) => Ok(()),
        (false, _) => Err(CliError::Said(format!("{} is no copy of a database", file.display()))),
        (true, Some(log)) => {
            let rule = "it is in use, or was not closed in order; keyward backup makes a copy that is whole";
            Err(CliError::Said(format!("{} has a {log} beside it: {rule}", file.display())))
        }
    }
}

/// Refuses what is there under the name of a database and is none of ours, an empty file too.
pub(super) fn refuse_no_database(file: &Path) -> Result<(), CliError> {
    match is_ours(file) {
        Ok(true) => Ok(()),
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(CliError::file(file)(error)),
        _ => {
            let rule = "restore a copy, or move it away";
            Err(CliError::Said(format!("{} is there, and is no database of Keyward: {rule}", file.display())))
        }
    }
}

fn is_ours(file: &Path) -> std::io::Result<bool> {
    let mut page = [0; 100];
    File::open(file)?.read_exact(&mut page)?;
    Ok(page.starts_with(b"SQLite format 3\0") && page.get(68..72) == Some(b"KEYW"))
}

/// Every file that belongs to a database, be it there or not.
pub(super) fn belonging_to(database: &Path) -> Vec<PathBuf> {
    ["", "-wal", "-shm", "-journal", ".sock", ".revocations"]
        .iter()
        .map(|suffix| beside(database, suffix))
        .collect()
}

/// What is named as a database is, and this.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
