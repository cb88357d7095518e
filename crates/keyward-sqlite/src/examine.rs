//! Looking at a copy without restoring it: what `restore` would find, and nothing is written.

use crate::checks::{Faults, look_through, of_damage};
use crate::connection::Reading;
use crate::migrate::{IDENTITY, is_older, recognise, refuse_newer};
use crate::no_room::connect_reader;
use crate::open_error::OpenError;
use crate::options::Options;
use crate::restore::{Known, known};
use crate::revocations;
use keyward_core::clock::Timestamp;
use keyward_sql::Component;
use keyward_sql::journal::Kept;
use keyward_sql::own_secret;
use keyward_sql::restored::live_keys;
use rusqlite::Connection;
use std::path::Path;

/// What a copy is.
#[derive(Clone, Debug)]
pub struct Examined {
    /// Its size in bytes.
    pub bytes: u64,
    /// The newest time in it: the copy is not older. `None`: it has none that can be read.
    pub newest: Option<Timestamp>,
    /// The version of the schema of each component.
    pub schemas: Vec<(String, i64)>,
    /// Whether a restore brings it up to date first.
    pub is_older: bool,
    /// The versions of the root secret that it belongs to.
    pub root_secret_versions: Vec<u32>,
    /// Rows that are not as the schema says, a line each. A restore leaves them as they are.
    pub faults: Vec<String>,
    /// Why the journal of revocations does not say all that ended since the copy was made; `None`: it does.
    pub unknown: Option<&'static str>,
    /// When the last thing ended of which the journal knows.
    pub until: Option<Timestamp>,
    /// How many endings a restore would do again.
    pub endings: usize,
    /// How many keys open the API in it, before those end again; `None`: it is of an older version, and they are not counted.
    pub keys: Option<usize>,
}

/// Looks at a copy, and at the journal: the one that is named, or the one beside the database `to` that the copy would take the
/// place of.
///
/// # Errors
/// [`OpenError`] where it cannot be restored with this root secret and by this program.
pub fn examine(options: &Options<'_>, to: &Path, named: Option<&Path>) -> Result<Examined, OpenError> {
    // Absent: no other one is named.
    let journal = named.map_or_else(|| revocations::path(to), Path::to_owned);
    let connection = connect_reader(options.path)?;
    if recognise(&connection).map_err(|error| of_damage(error, options.path))? {
        return Err(OpenError::NotOurs);
    }
    let Faults { structure, rows: faults } = look_through(&connection)?;
    if !structure.is_empty() {
        return Err(OpenError::Damaged { path: options.path.to_owned(), faults: structure });
    }
    let components: Vec<Component> = [&[IDENTITY], options.components].concat();
    refuse_newer(&connection, &components)?;
    let root_secret_versions = own_secret::refuse_other(&Reading(&connection), options.root_secret_checks)?;
    let is_older = is_older(&connection, &components)?;
    let Known { unknown, until, missing } = known(&journal, &Kept::read(&Reading(&connection)))?;
    let keys = match live_keys(&Reading(&connection), options.clock.now()) {
        Ok(keys) => Some(keys.len()),
        // Absent: it does not have all columns yet.
        Err(_) if is_older => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Examined {
        bytes: size(options.path)?,
        newest: newest(&connection),
        schemas: schemas(&connection)?,
        is_older,
        root_secret_versions,
        faults,
        unknown,
        until,
        endings: if unknown.is_some() { 0 } else { missing },
        keys,
    })
}

fn size(path: &Path) -> Result<u64, OpenError> {
    let there = std::fs::metadata(path);
    there.map(|there| there.len()).map_err(|source| OpenError::File { path: path.to_owned(), source })
}

fn schemas(connection: &Connection) -> Result<Vec<(String, i64)>, OpenError> {
    let sql = "SELECT component, max(version) FROM schema_migrations GROUP BY component ORDER BY component";
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The time that was recorded last, or of the last change: a server records it every half minute.
fn newest(connection: &Connection) -> Option<Timestamp> {
    let number = |sql| {
        let read = connection.query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
        // Absent: a copy of a version that recorded none, or one that cannot be read.
        read.ok().flatten()
    };
    let recorded = number("SELECT max(newest) FROM clock WHERE typeof(newest) = 'integer'");
    let changed = number("SELECT max(at) FROM audit WHERE typeof(at) = 'integer'");
    recorded.max(changed).map(Timestamp::from_unix)
}
