//! The one connection that writes, on a thread of its own. Work is done in the order in which it came, whole, and
//! whether or not the one who asked still waits.

use crate::error::unavailable;
use keyward_core::clock::Clock;
use keyward_core::limits::Tiers;
use keyward_core::live::Directory;
use keyward_core::store::StoreError;
use keyward_core::swap::Swap;
use rusqlite::Connection;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Pieces of work that may wait; one more is refused at once.
const QUEUE: usize = 1024;
/// Work that waited longer is refused instead of begun: its caller has most likely given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a piece of work sees.
pub(crate) struct Desk<'d> {
    pub(crate) connection: &'d mut Connection,
    pub(crate) directory: &'d Directory,
    pub(crate) clock: &'d dyn Clock,
    pub(crate) tiers: &'d Swap<Tiers>,
    /// The newest version of the root secret that a claim was named by: the claims of a process that came before know
    /// nothing of records under it.
    pub(crate) newest_claim: &'d mut u32,
}

type Work = Box<dyn FnOnce(&mut Desk<'_>, bool) + Send>;

struct Waiting {
    since: Duration,
    work: Work,
}

/// The way to the writer's thread.
pub(crate) struct Writer {
    /// Taken only by the drop.
    queue: Option<mpsc::Sender<Waiting>>,
    thread: Option<JoinHandle<()>>,
    clock: Arc<dyn Clock>,
}

impl Writer {
    /// Starts the thread. It holds the lock, and ends when this handle is gone and the queue is empty.
    pub(crate) fn start(
        connection: Connection,
        lock: File,
        directory: Directory,
        clock: Arc<dyn Clock>,
        tiers: Swap<Tiers>,
    ) -> io::Result<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let own = Arc::clone(&clock);
        let thread = thread::Builder::new().name("keyward-writer".to_owned()).spawn(move || {
            work_through(waiting, connection, (&directory, &*own, &tiers));
            drop(lock);
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread), clock })
    }

    /// Pieces of work that wait for their turn.
    pub(crate) fn waiting(&self) -> u64 {
        self.queue.as_ref().map_or(0, |queue| (queue.max_capacity() - queue.capacity()) as u64)
    }

    /// Does a piece of work on the writer's connection and waits for its result.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Desk<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, result) = oneshot::channel();
        let work: Work = Box::new(move |desk, too_late| {
            let result = if too_late { Err(unavailable("the writer is overloaded")) } else { work(desk) };
            // Nobody may wait any more; the work stands all the same.
            let _ = reply.send(result);
        });
        let waiting = Waiting { since: self.clock.elapsed(), work };
        let sent = self.queue.as_ref().map(|queue| queue.try_send(waiting));
        sent.and_then(Result::ok).ok_or_else(|| unavailable("the writer takes no more work"))?;
        result.await.map_err(|_| StoreError::Failed("the writer gave no result".into()))?
    }
}

fn work_through(
    mut waiting: mpsc::Receiver<Waiting>,
    mut connection: Connection,
    (directory, clock, tiers): (&Directory, &dyn Clock, &Swap<Tiers>),
) {
    let mut newest_claim = 0;
    while let Some(Waiting { since, work }) = waiting.blocking_recv() {
        let too_late = clock.elapsed().saturating_sub(since) > PATIENCE;
        let newest_claim = &mut newest_claim;
        let mut desk = Desk { connection: &mut connection, directory, clock, tiers, newest_claim };
        // A panic rolls its transaction back on the way and ends its own work, not everyone's.
        if catch_unwind(AssertUnwindSafe(|| work(&mut desk, too_late))).is_err() {
            tracing::error!("a piece of work of the writer panicked and was rolled back");
        }
    }
    // Closing the last connection moves the log into the database.
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the database was not closed in order; its log stays beside it");
    }
}

impl Drop for Writer {
    /// Waits for the queue to empty and the file to be closed in order: what is accepted is done.
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported where it happened.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}
