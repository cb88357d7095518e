//! Turns on the processors: whose connection is worked on next while more are ready than can be.
//!
//! The runtime polls what is ready in the order in which it became so. Beside hundreds of connections of strangers, each cheap,
//! a caller would wait for all of them, and at each of its steps again. So strangers have turns: a few at once, each for one
//! poll, and only when what else was ready has been polled. The others wait here, and their networks alternate
//! (`queue.rs`). A connection that a good credential came on (`credit.rs`) needs no turn, and neither do a few others of its
//! address (`proven.rs`): a client may open one for each request.
//!
//! What has a turn is a connection, and on HTTP/2 each of its requests too. The connections of a trusted proxy are many clients'
//! and need none; the requests that come on them have turns by the address that they have. Which of the two it is is settled once, when
//! the connection begins: what waited for a turn within a turn would wait for itself.

mod credit;
mod proven;
mod queue;

pub(crate) use credit::Credit;
use futures_util::task::AtomicWaker;
use http::StatusCode;
use hyper::rt::Executor;
use keyward_core::clock::Clock;
use keyward_core::share::{Lease, Shares};
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
/// Connections that need no turn because of another one of their address: of one address, and in all.
const BESIDE: u64 = 16;
const BESIDE_IN_ALL: u64 = 1_024;

/// The turns of one server. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Turns(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue<Arc<Waiting>>>,
    proven: Proven,
    beside: Shares<ClientAddress>,
    clock: Arc<dyn Clock>,
}

/// Somebody who waits for a turn.
#[derive(Debug, Default)]
struct Waiting {
    has_turn: AtomicBool,
    has_left: AtomicBool,
    waker: AtomicWaker,
}

impl Turns {
    /// As many as the processors of this process need.
    pub(super) fn of_this_machine(clock: Arc<dyn Clock>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self::new(EACH * processors, clock)
    }

    fn new(most: usize, clock: Arc<dyn Clock>) -> Self {
        let queue = Mutex::new(Queue::new(most));
        let beside = Shares::new(BESIDE_IN_ALL, BESIDE);
        Self(Arc::new(Shared { queue, proven: Proven::default(), beside, clock }))
    }

    /// Polls it in turns, or as ever if it is nobody's.
    pub(super) fn of<F>(&self, credit: Option<Credit>, inner: F) -> InTurns<F> {
        let of = credit.map(|credit| Place { turns: self.clone(), credit, step: Step::Rests, beside: None });
        InTurns { inner, place: of }
    }

    /// Spawns what a connection of HTTP/2 needs.
    pub(super) fn spawner(&self, credit: Option<Credit>) -> Spawner {
        Spawner { turns: self.clone(), credit }
    }

    /// Nothing is known of it yet.
    pub(super) fn credit(&self, from: ClientAddress) -> Credit {
        Credit::new(from)
    }

    /// A request that came with it was answered so.
    pub(super) fn answered(&self, credit: &Credit, status: StatusCode) {
        let now = self.0.clock.elapsed();
        if credit.settle(status, now) {
            self.0.proven.note(credit.from(), now);
        }
    }

    /// Waits for a turn of this address.
    fn ask(&self, from: ClientAddress) -> Arc<Waiting> {
        let waiting = Arc::new(Waiting::default());
        self.queue().wait(from, Arc::clone(&waiting));
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
        // It keeps nothing of its task.
        drop(waiting.waker.take());
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
    credit: Credit,
    step: Step,
    /// Held by one that needs no turn because of another connection of its address.
    beside: Option<Lease<ClientAddress>>,
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
    fn needs_turn(&mut self) -> bool {
        let (now, from) = (self.turns.0.clock.elapsed(), self.credit.from());
        if self.credit.is_good(now) {
            return false;
        }
        if !self.turns.0.proven.holds(from, now) {
            self.beside = None;
        } else if self.beside.is_none() {
            self.beside = self.turns.0.beside.take(from.host(), 1).ok();
        }
        self.beside.is_none()
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Turn<'_>> {
        if let Step::Rests = self.step {
            let waiting = self.turns.ask(self.credit.from());
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
            // It wakes this task when what was ready before has run and the runtime has looked for more.
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
        place: Option<Place>,
    }
}

impl<F: Future> Future for InTurns<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(place) = this.place else { return this.inner.poll(cx) };
        if !place.needs_turn() {
            place.leave();
            return this.inner.poll(cx);
        }
        let _turn = ready!(place.poll_turn(cx));
        this.inner.poll(cx)
    }
}

/// Spawns what hyper asks for.
#[derive(Clone, Debug)]
pub(super) struct Spawner {
    turns: Turns,
    credit: Option<Credit>,
}

impl<F> Executor<F> for Spawner
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        drop(tokio::spawn(self.turns.of(self.credit.clone(), future)));
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
            Self::with(turns, turns.credit(from(network)), inner)
        }

        fn with(turns: &Turns, credit: Credit, inner: F) -> Self {
            Self { future: Box::pin(turns.of(Some(credit), inner)), woken: Arc::default() }
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

    /// A good credential comes from there, on another connection.
    fn proves(turns: &Turns, network: u8) -> Credit {
        let credit = turns.credit(from(network));
        credit.claim();
        turns.answered(&credit, StatusCode::OK);
        credit
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
        proves(&turns, 2);
        assert!(caller.is_done());
        assert!(stranger.runs());
    }

    #[test]
    fn what_waits_for_something_else_keeps_no_turn() {
        let turns = turns(1);
        let mut waits = Task::new(&turns, 1, pending::<()>());
        assert!(!waits.runs());
        assert!(Task::new(&turns, 2, ready(7)).runs());
        drop(waits);
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
        proves(&turns, 2);
        assert!(first.is_done());
        turns.end();
        assert!(second.runs());
    }

    #[test]
    fn beside_a_good_connection_a_few_of_its_address_need_no_turn_and_no_more() {
        let turns = turns(1);
        let good = proves(&turns, 2);
        used(&turns);
        let mut beside: Vec<_> = (0..=BESIDE).map(|_| Task::new(&turns, 2, pending::<()>())).collect();
        beside.iter_mut().for_each(|each| assert!(!each.runs()));
        let exempt = |each: &Task<_>| each.future.place.as_ref().is_some_and(|place| place.beside.is_some());
        assert_eq!(beside.iter().filter(|each| exempt(each)).count() as u64, BESIDE);
        assert!(!Task::new(&turns, 2, ready(7)).runs());
        assert!(Task::with(&turns, good, ready(7)).runs(), "the good one itself is none of them");
        drop(beside.pop());
        drop(beside.pop());
        assert!(Task::new(&turns, 2, ready(7)).runs(), "a place is free again");
    }

    #[test]
    fn a_credential_whose_limit_is_reached_proves_nothing() {
        let turns = turns(1);
        let credit = turns.credit(from(2));
        credit.claim();
        turns.answered(&credit, StatusCode::TOO_MANY_REQUESTS);
        turns.answered(&credit, StatusCode::OK);
        used(&turns);
        assert!(!Task::with(&turns, credit, ready(7)).runs() && !Task::new(&turns, 2, ready(7)).runs());
    }

    /// On one thread: a caller that becomes ready last, with hundreds of strangers before it, is polled next but a few.
    #[test]
    fn beside_hundreds_of_strangers_a_caller_waits_for_a_few() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let worked = runtime.block_on(async {
            let turns = turns(EACH);
            let good = proves(&turns, 2);
            let worked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
            let (send, seen) = tokio::sync::oneshot::channel();
            let (begun, count) = (turns.clone(), Arc::clone(&worked));
            // Spawned on the worker, so that all are in its queue before it goes on.
            tokio::spawn(async move {
                for _ in 0..300 {
                    let count = Arc::clone(&count);
                    let work = async move {
                        for _ in 0..10 {
                            count.fetch_add(1, Ordering::Relaxed);
                            yield_now().await;
                        }
                    };
                    drop(tokio::spawn(begun.of(Some(begun.credit(from(9))), work)));
                }
                let caller = async move { send.send(count.load(Ordering::Relaxed)) };
                drop(tokio::spawn(begun.of(Some(good), caller)));
            });
            seen.await.unwrap()
        });
        assert!(worked <= 2 * EACH, "{worked} polls of strangers went first");
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
