//! A store: what it reads and writes is the same for each database, and how that is done is its backend's.

use crate::component::Component;
use crate::desk::Desk;
use crate::driver::Connection;
use crate::error::unavailable;
use crate::health::Health;
use crate::in_progress::InProgress;
use crate::load::Listed;
use crate::payer::Payer;
use crate::reads::Reads;
use keyward_core::clock::Clock;
use keyward_core::left_out::LeftOut;
use keyward_core::live::Directory;
use keyward_core::permit::{Action, Permit};
use keyward_core::share::Full;
use keyward_core::store::StoreError;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// What a store of one kind does for every store.
pub trait Backend: Send + Sync + 'static {
    /// The id of the newest row of the audit trail, be it there or forgotten, as `newest`.
    const NEWEST_CHANGE: &'static str;

    /// Has a read done by a connection that cannot write, in the payer's turn. One that panics ends alone.
    ///
    /// # Errors
    /// [`Full`] where no more may wait.
    fn read(&self, payer: Payer, read: Read) -> Result<(), Full>;

    /// Has a piece of work done by the writer, in the payer's turn, whole, and whether or not anybody waits for it.
    ///
    /// # Errors
    /// [`Full`] where no more may wait.
    fn write(&self, payer: Payer, work: Work) -> Result<(), Full>;

    /// The same for work that tries whether the database can be written: what keeps it from that is looked at before.
    ///
    /// # Errors
    /// As [`Backend::write`].
    fn try_writing(&self, work: Work) -> Result<(), Full> {
        self.write(Payer::Own, work)
    }

    /// Fails where what is read is not right.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn has_its_content(&self) -> Result<(), StoreError>;

    /// Why nothing is written, as far as the place of the database says.
    fn fault(&self) -> Option<&'static str>;

    /// What other processes can tell the database by that is served.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where it is not the one that was opened.
    fn served(&self) -> Result<Option<(u64, u64)>, StoreError>;

    /// Whether the database can be written.
    fn health(&self) -> &Health;

    /// How much there is, and waits.
    fn sizes(&self) -> Sizes;
}

/// How a store of one kind is opened.
pub trait Open: Backend + Sized {
    /// What it is opened with.
    type Options<'o>;
    /// Why it was not opened.
    type Error;

    /// Opens it, and learns what every request will be judged by.
    ///
    /// # Errors
    /// See its kind.
    fn open(options: &Self::Options<'_>) -> Result<Store<Self>, Self::Error>;

    /// Opens it to list what is there.
    ///
    /// # Errors
    /// See its kind.
    fn open_to_list(options: &Self::Options<'_>, listed: Listed) -> Result<Store<Self>, Self::Error>;
}

/// A read. It opens the transaction that it reads in.
pub type Read = Box<dyn FnOnce(&mut dyn Connection) + Send>;

/// A piece of work; second: it waited for too long, and is refused.
pub type Work = Box<dyn FnOnce(&mut Desk<'_>, bool) + Send>;

/// How much there is, and waits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    /// The size of the database, in bytes.
    pub bytes: u64,
    /// The size of its log, in bytes.
    pub log_bytes: u64,
    /// Pieces of work that wait, or are being done.
    pub writes_waiting: u64,
    /// Reads that wait, or are being done.
    pub reads_waiting: u64,
}

/// A store. Clones share it. What it can do besides is its backend's.
pub struct Store<B> {
    pub(crate) directory: Directory,
    pub(crate) left_out: Arc<LeftOut>,
    /// The rows that lists left out.
    pub(crate) left_out_of_lists: Arc<Mutex<LeftOut>>,
    pub(crate) components: Arc<[Component]>,
    pub(crate) in_progress: InProgress,
    clock: Arc<dyn Clock>,
    /// How many queries reads have run, for tests that count them.
    #[cfg(feature = "fault-injection")]
    queries: Arc<std::sync::atomic::AtomicU64>,
    pub(crate) backend: Arc<B>,
}

/// What a store is made of when it is open.
#[derive(Debug)]
pub struct Opened<B> {
    /// Its backend.
    pub backend: B,
    /// What requests are judged by.
    pub directory: Directory,
    /// The rows that were left out of it.
    pub left_out: LeftOut,
    /// The parts of the program with tables in it.
    pub components: Arc<[Component]>,
    /// Its clock: one that does not go back.
    pub clock: Arc<dyn Clock>,
}

impl<B: Backend> Store<B> {
    /// A store that is open.
    #[must_use]
    pub fn new(Opened { backend, directory, left_out, components, clock }: Opened<B>) -> Self {
        Self {
            directory,
            left_out: Arc::new(left_out),
            left_out_of_lists: Arc::default(),
            components,
            in_progress: InProgress::default(),
            clock,
            #[cfg(feature = "fault-injection")]
            queries: Arc::default(),
            backend: Arc::new(backend),
        }
    }

    /// The clock by which everything is judged that this store knows: one that does not go back.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// How many queries reads have run so far.
    #[cfg(feature = "fault-injection")]
    #[must_use]
    pub fn queries(&self) -> u64 {
        self.queries.load(std::sync::atomic::Ordering::Relaxed)
    }

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

    /// As [`Store::read`], for the holder of a permit: its reads wait in its account's share, which has its turn among those
    /// of others.
    ///
    /// # Errors
    /// As [`Store::read`], and [`StoreError::Busy`].
    pub async fn read_for<A: Action, T, F>(&self, permit: &Permit<A>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Reads<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.read_in(Payer::of_read(permit), work).await
    }

    /// As [`Store::read`], for somebody who is not known yet: such reads wait in a share of their own, and have one turn together.
    ///
    /// # Errors
    /// As [`Store::read`], and [`StoreError::Busy`].
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
        self.backend.has_its_content()?;
        let (reply, result) = oneshot::channel();
        let left_out = Arc::clone(&self.left_out_of_lists);
        #[cfg(feature = "fault-injection")]
        let queries = Arc::clone(&self.queries);
        let read: Read = Box::new(move |connection| {
            // Its client has left: nobody would have the result.
            if reply.is_closed() {
                return;
            }
            let reads = Reads::once(
                connection,
                &left_out,
                #[cfg(feature = "fault-injection")]
                &queries,
                work,
            );
            let _ = reply.send(reads);
        });
        self.backend.read(payer, read).map_err(|full| match full {
            Full::Share => StoreError::Busy,
            Full::Pool => unavailable("too many reads wait"),
        })?;
        result.await.map_err(|_| StoreError::Failed("the read gave no result".into()))?
    }

    /// Does a piece of work of the program itself, unless nobody waits for it any more when its turn comes: the program tries it again.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Desk<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        // What is not done for anybody waits until the file is back.
        let work = move |desk: &mut Desk<'_>| match desk.place.look() {
            Some(fault) => Err(unavailable(fault)),
            None => work(desk),
        };
        waited_for(true, work, |work| self.backend.write(Payer::Own, work)).await
    }

    /// Does a piece of work and waits for its result.
    pub(crate) async fn run_for<T, F>(&self, payer: Payer, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Desk<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        waited_for(false, work, |work| self.backend.write(payer, work)).await
    }

    /// The same for work that tries whether the database can be written.
    pub(crate) async fn run_to_try<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Desk<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        waited_for(false, work, |work| self.backend.try_writing(work)).await
    }
}

impl<B: Open> Store<B> {
    /// Opens a store, brings it up to date and learns what every request will be judged by.
    ///
    /// # Errors
    /// See its kind.
    pub fn open(options: &B::Options<'_>) -> Result<Self, B::Error> {
        B::open(options)
    }

    /// The same for a process that lists what is there and learns no more than that takes, so that it costs less. It accepts no
    /// credential.
    ///
    /// # Errors
    /// See its kind.
    pub fn open_to_list(options: &B::Options<'_>, listed: Listed) -> Result<Self, B::Error> {
        B::open_to_list(options, listed)
    }
}

/// Has work done and waits for its result. `can_be_left`: it is not begun when nobody waits any more.
async fn waited_for<T, F>(
    can_be_left: bool,
    work: F,
    push: impl FnOnce(Work) -> Result<(), Full>,
) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: FnOnce(&mut Desk<'_>) -> Result<T, StoreError> + Send + 'static,
{
    let (reply, result) = oneshot::channel();
    let work: Work = Box::new(move |desk, too_late| {
        if can_be_left && reply.is_closed() {
            return;
        }
        let result = if too_late { Err(unavailable("the writer is overloaded")) } else { work(desk) };
        if let Err(error) = &result
            && desk.health.failed(error)
        {
            desk.place.report();
        }
        // Nobody may wait any more; the work stands all the same.
        let _ = reply.send(result);
    });
    push(work).map_err(|full| match full {
        Full::Share => StoreError::Busy,
        Full::Pool => unavailable("the writer takes no more work"),
    })?;
    result.await.map_err(|_| StoreError::Failed("the writer gave no result".into()))?
}

impl<B> Clone for Store<B> {
    fn clone(&self) -> Self {
        Self {
            directory: self.directory.clone(),
            left_out: Arc::clone(&self.left_out),
            left_out_of_lists: Arc::clone(&self.left_out_of_lists),
            components: Arc::clone(&self.components),
            in_progress: self.in_progress.clone(),
            clock: Arc::clone(&self.clock),
            #[cfg(feature = "fault-injection")]
            queries: Arc::clone(&self.queries),
            backend: Arc::clone(&self.backend),
        }
    }
}

impl<B> Deref for Store<B> {
    type Target = B;

    fn deref(&self) -> &B {
        &self.backend
    }
}

impl<B> std::fmt::Debug for Store<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("components", &self.components).finish_non_exhaustive()
    }
}
