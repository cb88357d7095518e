//! Connections that read. They cannot write: SQLite refuses it.

use crate::error::{store_error, unavailable};
use crate::{OpenError, Sqlite};
use keyward_core::store::StoreError;
use rusqlite::{Connection, OpenFlags, Params, Row};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

const CONNECTIONS: usize = 4;

/// The reading connections, each used by one at a time.
pub(crate) struct Readers {
    /// The database.
    pub(crate) path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    turns: Arc<Semaphore>,
    /// How many queries have been run, for tests that count them.
    #[cfg(feature = "fault-injection")]
    pub(crate) queries: std::sync::atomic::AtomicU64,
}

impl Readers {
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connect = |_| -> Result<Connection, OpenError> {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(Duration::from_secs(1))?;
            connection.set_prepared_statement_cache_capacity(64);
            Ok(connection)
        };
        let idle = (0..CONNECTIONS).map(connect).collect::<Result<_, _>>()?;
        Ok(Self {
            path: path.to_owned(),
            idle: Mutex::new(idle),
            turns: Arc::new(Semaphore::new(CONNECTIONS)),
            #[cfg(feature = "fault-injection")]
            queries: std::sync::atomic::AtomicU64::new(0),
        })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in use. It goes back however its use ends.
struct Taken<'r> {
    readers: &'r Readers,
    connection: Option<Connection>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.readers.idle().extend(self.connection.take());
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Readers")
    }
}

/// One state of the database, to read from: what is committed when the first query runs, and nothing later.
#[derive(Debug)]
pub struct Reads<'c> {
    connection: &'c Connection,
    #[cfg(feature = "fault-injection")]
    queries: &'c std::sync::atomic::AtomicU64,
}

impl Reads<'_> {
    /// The connection for one more query.
    fn connection(&self) -> &Connection {
        #[cfg(feature = "fault-injection")]
        self.queries.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.connection
    }
}

impl Reads<'_> {
    /// The first row, if there is one.
    ///
    /// # Errors
    /// [`StoreError`], also from `map`.
    pub fn first<T, P, F>(&self, sql: &str, params: P, map: F) -> Result<Option<T>, StoreError>
    where
        P: Params,
        F: FnOnce(&Row<'_>) -> Result<T, StoreError>,
    {
        first(self.connection(), sql, params, map)
    }

    /// Every row.
    ///
    /// # Errors
    /// [`StoreError`], also from `map`.
    pub fn all<T, P, F>(&self, sql: &str, params: P, map: F) -> Result<Vec<T>, StoreError>
    where
        P: Params,
        F: FnMut(&Row<'_>) -> Result<T, StoreError>,
    {
        all(self.connection(), sql, params, map)
    }

    /// Every row that is as it must be, and how many there are in all. One that is not is left out with an alarm: it must not
    /// take the others with it.
    ///
    /// # Errors
    /// [`StoreError`] of the query.
    pub fn readable<T, P, F>(
        &self,
        table: &'static str,
        sql: &str,
        params: P,
        mut map: F,
    ) -> Result<(Vec<T>, usize), StoreError>
    where
        P: Params,
        F: FnMut(&Row<'_>) -> Result<T, StoreError>,
    {
        let found = all(self.connection(), sql, params, |row| {
            Ok(map(row).inspect_err(|error| tracing::error!(table, %error, "a row was left out")).ok())
        })?;
        let rows = found.len();
        Ok((found.into_iter().flatten().collect(), rows))
    }
}

pub(crate) fn first<T, P, F>(
    connection: &Connection,
    sql: &str,
    params: P,
    map: F,
) -> Result<Option<T>, StoreError>
where
    P: Params,
    F: FnOnce(&Row<'_>) -> Result<T, StoreError>,
{
    let mut statement = connection.prepare_cached(sql).map_err(store_error)?;
    let mut rows = statement.query(params).map_err(store_error)?;
    rows.next().map_err(store_error)?.map(map).transpose()
}

pub(crate) fn all<T, P, F>(
    connection: &Connection,
    sql: &str,
    params: P,
    mut map: F,
) -> Result<Vec<T>, StoreError>
where
    P: Params,
    F: FnMut(&Row<'_>) -> Result<T, StoreError>,
{
    let mut statement = connection.prepare_cached(sql).map_err(store_error)?;
    let mut rows = statement.query(params).map_err(store_error)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        found.push(map(row)?);
    }
    Ok(found)
}

impl Sqlite {
    /// Reads in one transaction, off the runtime's threads.
    ///
    /// # Errors
    /// [`StoreError`], also from `work`.
    pub async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Reads<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        let turn = Arc::clone(&readers.turns)
            .acquire_owned()
            .await
            .map_err(|_| unavailable("the store is closed"))?;
        let reading = tokio::task::spawn_blocking(move || {
            let connection = readers.idle().pop();
            let taken = Taken { readers: &readers, connection };
            let connection = taken.connection.as_ref().ok_or_else(|| unavailable("no connection is idle"))?;
            let result = read_once(&readers, connection, work);
            // The turn ends with the work and after the connection is back, also when nobody waits any more.
            drop(taken);
            drop(turn);
            result
        });
        reading.await.map_err(|error| StoreError::Failed(error.into()))?
    }
}

fn read_once<T>(
    #[cfg_attr(not(feature = "fault-injection"), expect(unused_variables, reason = "only tests count"))]
    readers: &Readers,
    connection: &Connection,
    work: impl FnOnce(&Reads<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let tx = connection.unchecked_transaction().map_err(store_error)?;
    work(&Reads {
        connection: &tx,
        #[cfg(feature = "fault-injection")]
        queries: &readers.queries,
    })
}
