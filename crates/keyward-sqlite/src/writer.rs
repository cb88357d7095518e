//! The one connection that writes, on a thread of its own. Each account has its turn; the work of one is done in the order in
//! which it came, whole, and whether or not the one who asked still waits.

use crate::connection::Connected;
use crate::place::Place;
use crate::says::fault;
use keyward_core::clock::Clock;
use keyward_core::limits::Tiers;
use keyward_core::live::Directory;
use keyward_core::share::Full;
use keyward_core::store::StoreError;
use keyward_core::swap::Swap;
use keyward_sql::desk::{self, State};
use keyward_sql::endings;
use keyward_sql::health::Health;
use keyward_sql::payer::Payer;
use keyward_sql::queue::Queue;
use keyward_sql::unavailable;
use rusqlite::Connection;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::oneshot;

/// Pieces of work that may wait; one more is refused at once.
const QUEUE: u64 = 1024;
/// Of these, as many of one account: more than the writes that the highest tier has in a minute.
const SHARE: u64 = 256;
/// Work that waited longer is refused instead of begun: its caller has most likely given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a piece of work sees.
pub(crate) struct Desk<'d> {
    pub(crate) connection: &'d mut Connection,
    pub(crate) directory: &'d Directory,
    pub(crate) clock: &'d dyn Clock,
    pub(crate) tiers: &'d Swap<Tiers>,
    pub(crate) health: &'d Health,
    pub(crate) place: &'d Place,
    pub(crate) state: &'d mut State,
}

impl Desk<'_> {
    /// Does work that is the same for every store.
    pub(crate) fn share<T>(&mut self, work: impl FnOnce(&mut desk::Desk<'_>) -> T) -> T {
        let Self { connection, directory, clock, tiers, health, place, state } = self;
        let mut connection = Connected(connection);
        let place: &Place = place;
        work(&mut desk::Desk {
            connection: &mut connection,
            directory,
            clock: *clock,
            tiers,
            health,
            place,
            state,
        })
    }
}

pub(crate) type Work = Box<dyn FnOnce(&mut Desk<'_>, bool) + Send>;

struct Waiting {
    since: Duration,
    work: Work,
}

/// The way to the writer's thread.
pub(crate) struct Writer {
    queue: Arc<Queue<Waiting>>,
    /// Taken only by the drop.
    thread: Option<JoinHandle<()>>,
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
}

impl Writer {
    /// Starts the thread. It holds the place, and with it the lock, and ends when this handle is gone and the queue is empty.
    pub(crate) fn start(
        connection: Connection,
        place: Arc<Place>,
        directory: Directory,
        clock: Arc<dyn Clock>,
        tiers: Swap<Tiers>,
        state: State,
    ) -> io::Result<Self> {
        let (queue, health) = (Arc::new(Queue::new(QUEUE, SHARE)), Arc::new(Health::new(fault)));
        let own = (Arc::clone(&queue), Arc::clone(&clock), Arc::clone(&health));
        state.report(&health);
        let thread = thread::Builder::new().name("keyward-writer".to_owned()).spawn(move || {
            let (queue, clock, health) = own;
            let (mut connection, mut state) = (connection, state);
            let mut desk = Desk {
                connection: &mut connection,
                directory: &directory,
                clock: &*clock,
                tiers: &tiers,
                health: &health,
                place: &place,
                state: &mut state,
            };
            work_through(&queue, &mut desk);
            close(connection);
            drop(place);
        })?;
        Ok(Self { queue, thread: Some(thread), clock, health })
    }

    /// Pieces of work that wait for their turn, or are being done.
    pub(crate) fn waiting(&self) -> u64 {
        self.queue.len()
    }

    /// Whether the database can be written.
    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// Has work done. The second of what it is called with: it waited for too long.
    pub(crate) fn push(&self, payer: Payer, work: Work) -> Result<(), Full> {
        self.queue.push(payer, Waiting { since: self.clock.elapsed(), work })
    }

    /// Does something of the program itself with SQLite's own connection, and waits for its result.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Desk<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let work = move |desk: &mut Desk<'_>| match desk.place.look() {
            Some(fault) => Err(unavailable(fault)),
            None => work(desk),
        };
        self.run_for(Payer::Own, work).await
    }

    /// The same wherever the file is.
    pub(crate) async fn run_for<T, F>(&self, payer: Payer, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Desk<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, result) = oneshot::channel();
        let work: Work = Box::new(move |desk, too_late| {
            let result = if too_late { Err(unavailable("the writer is overloaded")) } else { work(desk) };
            if let Err(error) = &result
                && desk.health.failed(error)
            {
                desk.place.report();
            }
            // Nobody may wait any more; the work stands all the same.
            let _ = reply.send(result);
        });
        self.push(payer, work).map_err(|_| unavailable("the writer takes no more work"))?;
        result.await.map_err(|_| StoreError::Failed("the writer gave no result".into()))?
    }
}

fn work_through(queue: &Queue<Waiting>, desk: &mut Desk<'_>) {
    while let Some(waiting) = queue.next() {
        let Waiting { since, work } = waiting.job;
        let too_late = desk.clock.elapsed().saturating_sub(since) > PATIENCE;
        // A panic rolls its transaction back on the way and ends its own work, not everyone's.
        if catch_unwind(AssertUnwindSafe(|| work(desk, too_late))).is_err() {
            tracing::error!("a piece of work of the writer panicked and was rolled back");
        }
    }
    desk.share(endings::settle_at_stop);
}

fn close(connection: Connection) {
    // Closing the last connection moves the log into the database.
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the database was not closed in order; its log stays beside it");
    }
}

impl Drop for Writer {
    /// Waits for the queue to empty and the file to be closed in order: what is accepted is done.
    fn drop(&mut self) {
        self.queue.close();
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
