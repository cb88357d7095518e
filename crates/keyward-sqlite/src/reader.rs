//! Connections that read. They cannot write: SQLite refuses it.

use crate::connection::Connected;
use crate::no_room;
use crate::open_error::OpenError;
use crate::place::Place;
use keyward_core::share::Full;
use keyward_sql::Read;
use keyward_sql::payer::Payer;
use keyward_sql::queue::Queue;
use rusqlite::{Connection, OpenFlags};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Threads that read, each with a connection of its own.
const THREADS: usize = 4;
/// Reads that may wait; one more is refused at once.
const QUEUE: u64 = 4096;
/// Of these, as many of one account.
const SHARE: u64 = 1024;

/// The way to the threads that read. They are the store's own: whatever else blocks in the program takes none of them.
pub(crate) struct Readers {
    /// The database.
    pub(crate) path: PathBuf,
    queue: Arc<Queue<Read>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(crate) fn open(path: &Path, place: &Arc<Place>) -> Result<Self, OpenError> {
        let mut readers =
            Self { path: path.to_owned(), queue: Arc::new(Queue::new(QUEUE, SHARE)), threads: Vec::new() };
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

    /// Has a read done.
    pub(crate) fn push(&self, payer: Payer, read: Read) -> Result<(), Full> {
        self.queue.push(payer, read)
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
    fn now(&mut self, lacks_room: bool) -> Option<&mut Connection> {
        if self.lacks_room != lacks_room || self.connection.is_none() {
            (self.lacks_room, self.connection) = (lacks_room, None);
            // Absent: its read has no result, and the next one tries again.
            self.connection = Self::connect(&self.path, lacks_room).ok()?.connection;
        }
        self.connection.as_mut()
    }
}

fn work_through(queue: &Queue<Read>, own: &mut Own, place: &Place) {
    while let Some(waiting) = queue.next() {
        let lacks_room = place.while_reading();
        let Some(connection) = own.now(*lacks_room) else { continue };
        let read = waiting.job;
        // A panic ends its own read, and its transaction with it.
        if catch_unwind(AssertUnwindSafe(|| read(&mut Connected(connection)))).is_err() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use keyward_core::store::StoreError;
    use keyward_sql::Reads;
    use tokio::sync::oneshot;

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
