//! Passwords are hashed on two threads of their own, each with one block of memory that is reused and wiped, behind a
//! short queue: see `hash_queue.rs` for whose turn it is.

use super::hash_queue::{Asker, Entered, Job, Queue};
use crate::problem::Problem;
use keyward_core::clock::Clock;
use keyward_core::denial::Denial;
use keyward_core::password::HashMemory;
use keyward_core::rate_limit::Purpose;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use tokio::sync::oneshot;

/// Passwords that are hashed at once: each takes 19 MiB and a core.
const THREADS: usize = 2;

/// Runs in the memory of a thread, or is refused.
type Work = Box<dyn FnOnce(Result<&mut HashMemory, Denial>) + Send>;

struct Hash {
    work: Work,
    /// Gone as soon as nobody waits.
    waits: Weak<()>,
}

impl Job for Hash {
    fn is_abandoned(&self) -> bool {
        self.waits.strong_count() == 0
    }
}

impl Hash {
    fn refuse(self, denial: Denial) {
        (self.work)(Err(denial));
    }

    /// There is no place for it; seconds until it is worth coming again.
    fn postpone(self, seconds: u64) {
        self.refuse(Denial::RateLimited(Purpose::SignIn.name(), seconds));
    }
}

#[derive(Default)]
struct State {
    queue: Queue<Hash>,
    /// Threads that were started.
    threads: usize,
    over: bool,
}

struct Shared {
    state: Mutex<State>,
    come: Condvar,
    clock: Arc<dyn Clock>,
}

/// The way to the threads. They end with it.
pub(crate) struct Hashing(Arc<Shared>);

impl fmt::Debug for Hashing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashing")
    }
}

impl Hashing {
    /// Starts the threads. Without any, every password is refused, and the log says why.
    pub(crate) fn start(clock: Arc<dyn Clock>) -> Self {
        Self::start_by(|thread, work| thread.spawn(work).map(drop), clock)
    }

    fn start_by(
        spawn: impl Fn(thread::Builder, Box<dyn FnOnce() + Send>) -> io::Result<()>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), come: Condvar::new(), clock });
        for number in 1..=THREADS {
            let own = Arc::clone(&shared);
            let thread = thread::Builder::new().name(format!("keyward-hash-{number}"));
            match spawn(thread, Box::new(move || own.work_through())) {
                Ok(()) => shared.state().threads += 1,
                Err(error) => tracing::error!(%error, "a thread for passwords could not be started"),
            }
        }
        Self(shared)
    }

    /// Does this work in a turn. It is refused at once where there is no place in the queue. Work that began goes on when
    /// nobody waits for it any more; work that did not is skipped.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        asker: Asker,
        work: impl FnOnce(&mut HashMemory) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let here = Arc::new(());
        let (reply, result) = oneshot::channel();
        let work: Work = Box::new(move |turn| {
            // Who asked may have left.
            let _ = reply.send(turn.map(work));
        });
        self.0.enter(asker, Hash { work, waits: Arc::downgrade(&here) });
        let done = result.await;
        drop(here);
        done.map_err(|_| Problem::Panicked)?.map_err(Problem::from)
    }
}

impl Hashing {
    /// How many passwords wait.
    pub(crate) fn waiting(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let shared = Arc::clone(&self.0);
        move || shared.state().queue.len() as u64
    }

    /// A right password is not held against its network.
    pub(crate) fn forgive(&self, asker: Asker) {
        self.0.state().queue.forgive(asker);
    }
}

impl Drop for Hashing {
    fn drop(&mut self) {
        self.0.state().over = true;
        self.0.come.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, asker: Asker, job: Hash) {
        let mut state = self.state();
        if state.threads == 0 {
            // Only a thread takes jobs out of the queue, also those that waited too long.
            drop(state);
            return job.refuse(Denial::Overloaded);
        }
        let entered = state.queue.enter(asker, job, self.clock.elapsed());
        drop(state);
        match entered {
            Entered::Waits => {}
            Entered::Instead(other) => other.postpone(super::hash_queue::PATIENCE.as_secs()),
            Entered::Refused(job, seconds) => return job.postpone(seconds),
        }
        self.come.notify_one();
    }

    fn work_through(&self) {
        let mut memory = HashMemory::default();
        while let Some(job) = self.next() {
            // Its owner sees that there is no reply.
            if catch_unwind(AssertUnwindSafe(|| (job.work)(Ok(&mut memory)))).is_err() {
                memory = HashMemory::default();
            }
        }
    }

    /// The next job, when there is one; `None`: the server ends.
    fn next(&self) -> Option<Hash> {
        let mut state = self.state();
        loop {
            if state.over {
                return None;
            }
            let now = self.clock.elapsed();
            let late = state.queue.overdue(now);
            late.into_iter().for_each(|job| job.postpone(1));
            if let Some(job) = state.queue.next() {
                return Some(job);
            }
            state = self.come.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::{FutureExt, poll_immediate};
    use keyward_core::address::ClientAddress;
    use keyward_core::clock::SystemClock;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Sender, channel};

    fn stranger(network: u8) -> Asker {
        Asker::Stranger(ClientAddress::Known([203, 0, network, 9].into()))
    }

    fn hashing() -> Hashing {
        Hashing::start(Arc::new(SystemClock::new()))
    }

    /// Takes both threads until the senders are dropped.
    async fn busy(hashing: &Hashing) -> Vec<Sender<()>> {
        let mut ends = Vec::new();
        for network in 0..THREADS {
            let (end, wait) = channel::<()>();
            let (began, begins) = oneshot::channel();
            let mut left = hashing
                .run(stranger(u8::try_from(network).unwrap()), move |_| {
                    let _ = began.send(());
                    wait.recv().is_err()
                })
                .boxed();
            assert!(poll_immediate(&mut left).await.is_none());
            begins.await.unwrap();
            drop(left);
            ends.push(end);
        }
        ends
    }

    #[tokio::test]
    async fn work_that_began_goes_on_and_work_whose_client_left_before_is_skipped() {
        let hashing = hashing();
        let ends = busy(&hashing).await;
        let done = Arc::new(AtomicUsize::new(0));
        let count = |done: &Arc<AtomicUsize>| {
            let done = Arc::clone(done);
            move |_: &mut HashMemory| done.fetch_add(1, Ordering::SeqCst)
        };
        let mut left = hashing.run(stranger(10), count(&done)).boxed();
        assert!(poll_immediate(&mut left).await.is_none(), "both threads are busy");
        drop(left);
        let mut next = hashing.run(stranger(11), count(&done)).boxed();
        assert!(poll_immediate(&mut next).await.is_none());
        drop(ends);
        assert_eq!(next.await.ok(), Some(0), "the one before was not done");
    }

    #[tokio::test]
    async fn who_finds_no_place_is_refused_at_once_with_the_time_to_come_again() {
        let hashing = hashing();
        let _ends = busy(&hashing).await;
        let mut first = hashing.run(stranger(10), |_| ()).boxed();
        assert!(poll_immediate(&mut first).await.is_none());
        let second = hashing.run(stranger(10), |_| ()).await;
        assert!(matches!(second, Err(Problem::Denied(Denial::RateLimited("sign_in", 1)))));
        let mut known = hashing.run(Asker::Known(keyward_core::id::UserId(1)), |_| ()).boxed();
        assert!(poll_immediate(&mut known).await.is_none(), "a known browser has a place of its own");
    }

    #[tokio::test]
    async fn without_a_thread_every_password_is_refused_at_once() {
        let none = |_, _| Err(io::ErrorKind::WouldBlock.into());
        let hashing = Hashing::start_by(none, Arc::new(SystemClock::new()));
        let refused = poll_immediate(hashing.run(stranger(1), |_| ()).boxed()).await;
        assert!(matches!(refused, Some(Err(Problem::Denied(Denial::Overloaded)))), "{refused:?}");
    }

    #[tokio::test]
    async fn work_that_panics_is_reported_and_the_thread_goes_on() {
        let hashing = hashing();
        for round in 0..4 {
            let panicked = hashing.run(stranger(round), |_| assert_eq!(1, 2)).await;
            assert!(matches!(panicked, Err(Problem::Panicked)));
        }
        assert_eq!(hashing.run(stranger(9), |_| 7).await.ok(), Some(7));
    }
}
