//! Turns on the processors: whose connection is worked on next while more are ready than can be.
//!
//! The runtime polls what is ready in the order in which it became so. Beside hundreds of connections of strangers, each cheap,
//! a caller would wait for all of them, and at each of its steps again. So strangers have turns: a few at once, each for one
//! poll, and only when all else that is ready has been polled. The others wait here, and their networks alternate
//! (`queue.rs`). An address that a good credential came from of late (`proven.rs`) needs no turn.
//!
//! What has a turn is a connection, and on HTTP/2 each of its requests too. A trusted proxy's connections are many clients' and
//! need none; the requests that it passes on have turns by the address that it names.

mod proven;
mod queue;

use futures_util::task::AtomicWaker;
use hyper::rt::Executor;
use keyward_core::clock::Clock;
use keyward_tower::ClientAddress;
use pin_project_lite::pin_project;
use proven::Proven;
use queue::Queue;
use std::num::NonZero;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::task::yield_now;

/// Turns for each processor: so many polls of strangers lie between two looks for what else is ready.
const EACH: usize = 4;

/// The turns of one server. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue<Arc<Waiting>>>,
    proven: Proven,
    clock: Arc<dyn Clock>,
}

/// Somebody who waits for a turn.
#[derive(Debug, Default)]
struct Waiting {
    has_turn: AtomicBool,
    has_left: AtomicBool,
    waker: AtomicWaker,
}

/// In the extensions of a request: where to note that it came with a good credential.
#[derive(Clone, Debug)]
pub(crate) struct Credit {
    turns: Turns,
    from: ClientAddress,
}

impl Credit {
    /// Its credential is good.
    pub(crate) fn is_good(&self) {
        self.turns.0.proven.note(self.from, self.turns.0.clock.elapsed());
    }
}

impl Turns {
    /// As many as the processors of this process need.
    pub(super) fn of_this_machine(clock: Arc<dyn Clock>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self::new(EACH * processors, clock)
    }

    fn new(most: usize, clock: Arc<dyn Clock>) -> Self {
        let queue = Mutex::new(Queue::new(most));
        Self(Arc::new(Shared { queue, proven: Proven::default(), clock }))
    }

    /// For a request from there.
    pub(super) fn credit(&self, from: ClientAddress) -> Credit {
        Credit { turns: self.clone(), from }
    }

    /// Polls it in turns of this address, or as ever if there is none.
    pub(super) fn of<F>(&self, from: Option<ClientAddress>, inner: F) -> InTurns<F> {
        InTurns { inner, place: Place { turns: self.clone(), from, step: Step::Rests } }
    }

    /// Spawns what a connection of HTTP/2 needs.
    pub(super) fn spawner(&self, from: Option<ClientAddress>) -> Spawner {
        Spawner { turns: self.clone(), from }
    }

    /// Waits for a turn of this address.
    fn ask(&self, from: ClientAddress) -> Arc<Waiting> {
        let waiting = Arc::new(Waiting::default());
        self.queue().wait(from.network(), Arc::clone(&waiting));
        waiting
    }

    /// Begins the turns that there are.
    fn begin(&self) {
        loop {
            let mut queue = self.queue();
            let next = queue.next(|waiting| waiting.has_left.load(Ordering::Relaxed));
            let Some(next) = next else { return };
            next.has_turn.store(true, Ordering::Release);
            drop(queue);
            next.waker.wake();
        }
    }

    /// A turn is over, and the next one begins.
    fn end(&self) {
        self.queue().end();
        self.begin();
    }

    fn leave(&self, waiting: &Waiting) {
        // Turns are given under the lock: either it has one by now, or it will have none.
        let queue = self.queue();
        waiting.has_left.store(true, Ordering::Relaxed);
        drop(queue);
        if waiting.has_turn.load(Ordering::Acquire) {
            self.end();
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<Arc<Waiting>>> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where something stands in the queue.
#[derive(Debug)]
struct Place {
    turns: Turns,
    from: Option<ClientAddress>,
    step: Step,
}

#[derive(Debug, Default)]
enum Step {
    /// It has nothing to do.
    #[default]
    Rests,
    /// It waits for a turn.
    Waits(Arc<Waiting>),
    /// It has one, as soon as all else that is ready has been polled.
    Yields,
}

/// A turn, until it is dropped.
struct Turn<'t>(&'t Turns);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Place {
    /// Whose turn it takes, if any.
    fn stranger(&self) -> Option<ClientAddress> {
        let Shared { proven, clock, .. } = &*self.turns.0;
        self.from.filter(|from| !proven.holds(*from, clock.elapsed()))
    }

    fn poll_turn(&mut self, from: ClientAddress, cx: &mut Context<'_>) -> Poll<Turn<'_>> {
        if let Step::Rests = self.step {
            let waiting = self.turns.ask(from);
            waiting.waker.register(cx.waker());
            self.step = Step::Waits(waiting);
            self.turns.begin();
        }
        if let Step::Waits(waiting) = &self.step {
            waiting.waker.register(cx.waker());
            if !waiting.has_turn.load(Ordering::Acquire) {
                return Poll::Pending;
            }
            self.step = Step::Yields;
            // It wakes this task after the runtime has looked for what else is ready, and run that.
            if pin!(yield_now()).poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
        self.step = Step::Rests;
        Poll::Ready(Turn(&self.turns))
    }

    fn leave(&mut self) {
        match std::mem::take(&mut self.step) {
            Step::Rests => {}
            Step::Waits(waiting) => self.turns.leave(&waiting),
            Step::Yields => self.turns.end(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

pin_project! {
    /// What is polled in turns.
    #[derive(Debug)]
    pub(super) struct InTurns<F> {
        #[pin]
        inner: F,
        place: Place,
    }
}

impl<F: Future> Future for InTurns<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(from) = this.place.stranger() else {
            this.place.leave();
            return this.inner.poll(cx);
        };
        let _turn = ready!(this.place.poll_turn(from, cx));
        this.inner.poll(cx)
    }
}

/// Spawns what hyper asks for.
#[derive(Clone, Debug)]
pub(super) struct Spawner {
    turns: Turns,
    from: Option<ClientAddress>,
}

impl<F> Executor<F> for Spawner
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        drop(tokio::spawn(self.turns.of(self.from, future)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward_core::clock::SystemClock;
    use std::future::{pending, ready};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::task::{Wake, Waker};

    /// A task, as the runtime would have it.
    struct Task<F> {
        future: Pin<Box<InTurns<F>>>,
        woken: Arc<Woken>,
    }

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    impl<F: Future> Task<F> {
        fn new(turns: &Turns, network: u8, inner: F) -> Self {
            Self { future: Box::pin(turns.of(Some(from(network)), inner)), woken: Arc::default() }
        }

        fn is_done(&mut self) -> bool {
            let waker = Waker::from(Arc::clone(&self.woken));
            self.future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
        }

        fn is_woken(&self) -> bool {
            self.woken.0.load(Ordering::Relaxed)
        }
    }

    fn turns(most: usize) -> Turns {
        Turns::new(most, Arc::new(SystemClock::new()))
    }

    fn from(network: u8) -> ClientAddress {
        ClientAddress::Known([203, 0, network, 9].into())
    }

    /// Uses one turn.
    fn used(turns: &Turns) {
        let own = turns.ask(from(1));
        turns.begin();
        assert!(own.has_turn.load(Ordering::Relaxed));
    }

    impl<F: Future> Task<F> {
        /// Polls it as the runtime does, for as long as it is woken.
        fn runs(&mut self) -> bool {
            loop {
                self.woken.0.store(false, Ordering::Relaxed);
                match self.is_done() {
                    true => return true,
                    false if self.is_woken() => {}
                    false => return false,
                }
            }
        }
    }

    #[test]
    fn a_stranger_lets_all_else_that_is_ready_go_first() {
        let turns = turns(1);
        let mut stranger = Task::new(&turns, 1, ready(7));
        assert!(!stranger.is_done() && stranger.is_woken());
        let mut caller = Task::new(&turns, 2, ready(7));
        turns.credit(from(2)).is_good();
        assert!(caller.is_done());
        assert!(stranger.runs());
    }

    #[test]
    fn what_waits_for_something_else_keeps_no_turn() {
        let turns = turns(1);
        assert!(!Task::new(&turns, 1, pending::<()>()).runs());
        assert!(Task::new(&turns, 2, ready(7)).runs());
    }

    #[test]
    fn one_that_finds_no_turn_is_woken_for_its_own() {
        let turns = turns(1);
        used(&turns);
        let mut second = Task::new(&turns, 2, ready(7));
        assert!(!second.runs() && !second.is_woken());
        turns.end();
        assert!(second.is_woken() && second.runs());
        used(&turns);
    }

    #[test]
    fn one_that_leaves_gives_back_the_turn_that_it_had_been_given() {
        let turns = turns(1);
        used(&turns);
        let mut all: Vec<_> = (2..5).map(|network| Task::new(&turns, network, ready(7))).collect();
        assert!(all.iter_mut().all(|each| !each.runs()));
        drop(all.remove(1));
        turns.end();
        assert!(all[0].is_woken() && !all[1].is_woken());
        drop(all.remove(0));
        assert!(all[0].is_woken());
        all[0].is_done();
        drop(all.remove(0));
        used(&turns);
    }

    #[test]
    fn a_stranger_that_proves_itself_waits_no_longer_and_leaves_its_turn_to_others() {
        let turns = turns(1);
        used(&turns);
        let (mut first, mut second) = (Task::new(&turns, 2, ready(7)), Task::new(&turns, 3, ready(7)));
        assert!(!first.runs() && !second.runs());
        turns.credit(from(2)).is_good();
        assert!(first.is_done());
        turns.end();
        assert!(second.runs());
    }

    #[test]
    fn a_panic_gives_the_turn_back() {
        let turns = turns(1);
        let panics = std::future::poll_fn(|_| -> Poll<()> { panic!("as planned") });
        let mut task = Task::new(&turns, 1, panics);
        assert!(catch_unwind(AssertUnwindSafe(|| task.runs())).is_err());
        used(&turns);
    }
}
