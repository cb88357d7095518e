//! Connections that read. They cannot write: SQLite refuses it.

use crate::driver::Row;
use crate::driver::{self, Driver};
use crate::error::{store_error, unavailable};
use crate::no_room;
use crate::params::Params;
use crate::payer::Payer;
use crate::place::Place;
use crate::queue::Queue;
use crate::to_end::{Named, name_of, number};
use crate::{OpenError, Sqlite};
use keyward_core::left_out::{LeftOut, LeftOutRow};
use keyward_core::list::Found;
use keyward_core::permit::{Action, Permit};
use keyward_core::share::Full;
use keyward_core::store::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::oneshot;

/// Threads that read, each with a connection of its own.
const THREADS: usize = 4;
/// Reads that may wait; one more is refused at once.
const QUEUE: u64 = 4096;
/// Of these, as many of one account.
const SHARE: u64 = 1024;

type Read = Box<dyn FnOnce(&Connection) + Send>;

/// The way to the threads that read. They are the store's own: whatever else blocks in the program takes none of them.
pub(crate) struct Readers {
    /// The database.
    pub(crate) path: PathBuf,
    queue: Arc<Queue<Read>>,
    threads: Vec<JoinHandle<()>>,
    /// The rows that lists left out.
    left_out: Arc<Mutex<LeftOut>>,
    /// How many queries have been run, for tests that count them.
    #[cfg(feature = "fault-injection")]
    pub(crate) queries: Arc<std::sync::atomic::AtomicU64>,
}

impl Readers {
    pub(crate) fn open(path: &Path, place: &Arc<Place>) -> Result<Self, OpenError> {
        let mut readers = Self {
            path: path.to_owned(),
            queue: Arc::new(Queue::new(QUEUE, SHARE)),
            threads: Vec::new(),
            left_out: Arc::default(),
            #[cfg(feature = "fault-injection")]
            queries: Arc::default(),
        };
        for _ in 0..THREADS {
            let (queue, place) = (Arc::clone(&readers.queue), Arc::clone(place));
            let mut own = Own::connect(path, place.lacks_room())?;
            let thread = thread::Builder::new().name("keyward-reader".to_owned());
            let thread = thread.spawn(move || work_through(&queue, &mut own, &place));
            readers.threads.push(thread.map_err(|source| OpenError::File { path: path.to_owned(), source })?);
        }
        Ok(readers)
    }

    /// Reads that wait, or are being done.
    pub(crate) fn waiting(&self) -> u64 {
        self.queue.len()
    }

    /// The rows that lists left out so far.
    pub(crate) fn left_out(&self) -> LeftOut {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(1))?;
    Ok(connection)
}

/// The connection of one thread.
struct Own {
    path: PathBuf,
    /// Whether it takes the file for one that nobody changes.
    lacks_room: bool,
    connection: Option<Connection>,
}

impl Own {
    fn connect(path: &Path, lacks_room: bool) -> rusqlite::Result<Self> {
        let connection = if lacks_room { no_room::connect_reader(path) } else { connect(path) }?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self { path: path.to_owned(), lacks_room, connection: Some(connection) })
    }

    /// The connection to read by now; `None`: the file cannot be opened.
    fn now(&mut self, lacks_room: bool) -> Option<&Connection> {
        if self.lacks_room != lacks_room || self.connection.is_none() {
            (self.lacks_room, self.connection) = (lacks_room, None);
            // Absent: its read has no result, and the next one tries again.
            self.connection = Self::connect(&self.path, lacks_room).ok()?.connection;
        }
        self.connection.as_ref()
    }
}

fn work_through(queue: &Queue<Read>, own: &mut Own, place: &Place) {
    while let Some(waiting) = queue.next() {
        let lacks_room = place.while_reading();
        let Some(connection) = own.now(*lacks_room) else { continue };
        let read = waiting.job;
        // A panic ends its own read, and its transaction with it.
        if catch_unwind(AssertUnwindSafe(|| read(connection))).is_err() {
            tracing::error!("a read of the database panicked");
        }
    }
}

impl Drop for Readers {
    /// Waits for the reads to end, so that the writer is the last to close the file.
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // A panic of the thread has been reported where it happened.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Readers")
    }
}

/// One state of the database, to read from: what is committed when the first query runs, and nothing later.
pub struct Reads<'c> {
    driver: &'c dyn Driver,
    left_out: &'c Mutex<LeftOut>,
    #[cfg(feature = "fault-injection")]
    queries: &'c std::sync::atomic::AtomicU64,
}

impl std::fmt::Debug for Reads<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reads")
    }
}

impl Reads<'_> {
    /// The driver for one more query.
    fn driver(&self) -> &dyn Driver {
        #[cfg(feature = "fault-injection")]
        self.queries.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.driver
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
        driver::first(self.driver(), sql, params, map)
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
        driver::all(self.driver(), sql, params, map)
    }

    /// Every row, where one that is not as it must be says nothing: it must not take the others with it. It is named in the log the
    /// first time, and from then on in `/readyz` and to `keyward doctor`. `of`: the table, and what names its rows, the id first.
    ///
    /// # Errors
    /// [`StoreError`] of the query.
    pub fn readable<T, P, F>(
        &self,
        of: (&'static str, Named),
        sql: &str,
        params: P,
        mut map: F,
    ) -> Result<Vec<Found<T>>, StoreError>
    where
        P: Params,
        F: FnMut(&Row<'_>) -> Result<T, StoreError>,
    {
        driver::all(self.driver(), sql, params, |row| {
            // Absent: left out with an alarm, and counted.
            let item = map(row).inspect_err(|error| self.leave_out(of, row, error)).ok();
            let id = of.1.first().and_then(|id| number(row, id));
            Ok(Found { id, item })
        })
    }

    /// Looks at every row of a query as [`Reads::readable`] does, and keeps none.
    ///
    /// # Errors
    /// [`StoreError`] of the query.
    pub fn look_at<T>(
        &self,
        of: (&'static str, Named),
        sql: &str,
        map: fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<(), StoreError> {
        driver::each(self.driver(), sql, [], |row| {
            if let Err(error) = map(row) {
                self.leave_out(of, row, &error);
            }
            Ok(())
        })
    }

    fn leave_out(&self, (table, named): (&'static str, Named), row: &Row<'_>, error: &StoreError) {
        let row = name_of(row, named);
        let noted = LeftOutRow { table, row: row.clone() };
        if self.left_out.lock().unwrap_or_else(PoisonError::into_inner).note(noted) {
            tracing::error!(table, row, %error, "a row was left out of a list");
        }
    }
}

impl Sqlite {
    /// Reads in one transaction, off the runtime's threads, for the program itself.
    ///
    /// # Errors
    /// [`StoreError`], also from `work`.
    pub async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Reads<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.read_in(Payer::Own, work).await
    }

    /// As [`Sqlite::read`], for the holder of a permit: its reads wait in its account's share, which has its turn among those
    /// of others.
    ///
    /// # Errors
    /// As [`Sqlite::read`], and [`StoreError::Busy`].
    pub async fn read_for<A: Action, T, F>(&self, permit: &Permit<A>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Reads<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.read_in(Payer::of_read(permit), work).await
    }

    /// As [`Sqlite::read`], for somebody who is not known yet: such reads wait in a share of their own, and have one turn together.
    ///
    /// # Errors
    /// As [`Sqlite::read`], and [`StoreError::Busy`].
    pub(crate) async fn read_for_stranger<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Reads<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.read_in(Payer::Strangers, work).await
    }

    async fn read_in<T, F>(&self, payer: Payer, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Reads<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.place.has_its_content()?;
        let (reply, result) = oneshot::channel();
        let left_out = Arc::clone(&self.readers.left_out);
        #[cfg(feature = "fault-injection")]
        let queries = Arc::clone(&self.readers.queries);
        let read: Read = Box::new(move |connection| {
            // Its client has left: nobody would have the result.
            if reply.is_closed() {
                return;
            }
            let result = read_once(
                connection,
                &left_out,
                #[cfg(feature = "fault-injection")]
                &queries,
                work,
            );
            let _ = reply.send(result);
        });
        self.readers.queue.push(payer, read).map_err(|full| match full {
            Full::Share => StoreError::Busy,
            Full::Pool => unavailable("too many reads wait"),
        })?;
        result.await.map_err(|_| StoreError::Failed("the read gave no result".into()))?
    }
}

fn read_once<T>(
    connection: &Connection,
    left_out: &Mutex<LeftOut>,
    #[cfg(feature = "fault-injection")] queries: &std::sync::atomic::AtomicU64,
    work: impl FnOnce(&Reads<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let tx = connection.unchecked_transaction().map_err(store_error)?;
    work(&Reads {
        driver: &tx,
        left_out,
        #[cfg(feature = "fault-injection")]
        queries,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(queue: &Queue<Read>) -> u64 {
        queue.len()
    }

    #[tokio::test]
    async fn sign_ins_of_strangers_leave_the_program_its_own_places() {
        use keyward_core::store::{SignInReads, Upkeep};
        let directory = tempfile::tempdir().unwrap();
        let store = crate::testing::open(&directory.path().join("keyward.db"));
        let fill = SHARE / 2 + 88;
        let (go, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let begun = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let blocked: Vec<_> = (0..THREADS)
            .map(|_| {
                let (held, begun) = (Arc::clone(&held), Arc::clone(&begun));
                let (reply, done) = oneshot::channel();
                let read: Read = Box::new(move |_| {
                    begun.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    let _ = reply.send(held.lock().unwrap().recv().is_ok());
                });
                store.readers.queue.push(Payer::Own, read).unwrap();
                done
            })
            .collect();
        // Every thread is taken before the first stranger comes.
        while begun.load(std::sync::atomic::Ordering::SeqCst) < THREADS {
            tokio::task::yield_now().await;
        }
        let mut signing_in = tokio::task::JoinSet::new();
        for number in 0..fill {
            let store = store.clone();
            signing_in
                .spawn(async move { store.password_of(format!("{number}@acme.example")).await.map(|_| ()) });
        }
        let mut refused = 0;
        while refused + waits(&store.readers.queue) < fill + THREADS as u64 {
            tokio::task::yield_now().await;
            while let Some(ended) = signing_in.try_join_next() {
                assert!(matches!(ended.unwrap(), Err(StoreError::Busy)));
                refused += 1;
            }
        }
        assert_eq!(refused, 88, "beyond the strangers' share");
        let ping = {
            let store = store.clone();
            tokio::spawn(async move { store.ping().await })
        };
        while waits(&store.readers.queue) <= SHARE / 2 + THREADS as u64 {
            tokio::task::yield_now().await;
        }
        (0..THREADS).for_each(|_| go.send(()).unwrap());
        for read in blocked {
            assert!(read.await.unwrap());
        }
        ping.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_read_whose_client_left_is_skipped_and_holds_no_thread() {
        let directory = tempfile::tempdir().unwrap();
        let store = crate::testing::open(&directory.path().join("keyward.db"));
        let (go, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let blocked: Vec<_> = (0..THREADS)
            .map(|_| {
                let (store, held) = (store.clone(), Arc::clone(&held));
                tokio::spawn(
                    async move { store.read(move |_| Ok(held.lock().unwrap().recv().is_ok())).await },
                )
            })
            .collect();
        while waits(&store.readers.queue) < THREADS as u64 {
            tokio::task::yield_now().await;
        }
        let ran = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let mark = Arc::clone(&ran);
        let left = tokio::spawn({
            let store = store.clone();
            let mark = move |_: &Reads<'_>| {
                mark.store(true, std::sync::atomic::Ordering::SeqCst);
                Ok(())
            };
            async move { store.read(mark).await }
        });
        while waits(&store.readers.queue) < THREADS as u64 + 1 {
            tokio::task::yield_now().await;
        }
        left.abort();
        let _ = left.await;
        // All at once: which of the threads takes which is not known.
        (0..THREADS).for_each(|_| go.send(()).unwrap());
        for read in blocked {
            assert!(read.await.unwrap().unwrap());
        }
        store.read(|_| Ok(())).await.unwrap();
        assert!(!ran.load(std::sync::atomic::Ordering::SeqCst), "nobody waits for it");
    }
}
