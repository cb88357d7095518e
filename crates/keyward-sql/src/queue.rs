//! What waits for a thread of the store: bounded, with a share for each payer, and each payer in turn, so that the burst of
//! one account is not in the way of another's request.

use crate::payer::Payer;
use keyward_core::share::{Full, Lease, Shares};
use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A queue of jobs.
pub struct Queue<J> {
    state: Mutex<State<J>>,
    more: Condvar,
    places: Shares<Payer>,
    /// Places of networks, in which nobody is known: they take none from accounts.
    strangers: Shares<Payer>,
    /// Places that are kept for [`Payer::Own`].
    own: Shares<Payer>,
}

struct State<J> {
    by: HashMap<Payer, VecDeque<Waiting<J>>>,
    /// Each turn once, in their order.
    turns: VecDeque<Turn>,
    /// Each network with a job once, in the order in which they have the turn of all.
    networks: VecDeque<Payer>,
    closed: bool,
}

/// A turn in each round. All networks have one together, since a stranger can come from as many as there are places.
#[derive(Clone, Copy)]
enum Turn {
    Of(Payer),
    Networks,
}

/// A job, and its place in the queue, which it has until it is done.
#[derive(Debug)]
pub struct Waiting<J> {
    /// What waits.
    pub job: J,
    _place: Lease<Payer>,
}

impl<J> std::fmt::Debug for Queue<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Queue")
    }
}

impl<J> Queue<J> {
    /// With that many places of accounts, of which one takes no more than a share. Networks have half as many besides, and
    /// one of them half a share.
    pub fn new(most: u64, share: u64) -> Self {
        let (turns, networks) = (VecDeque::new(), VecDeque::new());
        let state = State { by: HashMap::new(), turns, networks, closed: false };
        Self {
            state: Mutex::new(state),
            more: Condvar::new(),
            places: Shares::new(most, share),
            strangers: Shares::new(most / 2, share / 2),
            own: Shares::new(share, share),
        }
    }

    /// Puts a job last in its payer's line.
    pub fn push(&self, payer: Payer, job: J) -> Result<(), Full> {
        let places = match payer {
            Payer::Own => &self.own,
            Payer::Network(_) | Payer::Strangers => &self.strangers,
            Payer::Account(_) | Payer::User(_) => &self.places,
        };
        let waiting = Waiting { job, _place: places.take(payer, 1)? };
        let mut state = self.state();
        let line = state.by.entry(payer).or_default();
        let first = line.is_empty();
        line.push_back(waiting);
        if first {
            state.line_up(payer);
        }
        drop(state);
        self.more.notify_one();
        Ok(())
    }

    /// The next job of the payer whose turn it is. Waits for one; `None`: the queue is closed and empty.
    pub fn next(&self) -> Option<Waiting<J>> {
        let mut state = self.state();
        loop {
            if let Some(waiting) = state.take() {
                return Some(waiting);
            }
            if state.closed {
                return None;
            }
            state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// No job comes any more; those that wait are done.
    pub fn close(&self) {
        self.state().closed = true;
        self.more.notify_all();
    }

    /// Jobs that wait, or are being done.
    pub fn len(&self) -> u64 {
        self.places.taken() + self.strangers.taken() + self.own.taken()
    }

    /// Whether none waits, nor is being done.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J> State<J> {
    fn line_up(&mut self, payer: Payer) {
        if !payer.is_stranger() {
            return self.turns.push_back(Turn::Of(payer));
        }
        if self.networks.is_empty() {
            self.turns.push_back(Turn::Networks);
        }
        self.networks.push_back(payer);
    }

    fn take(&mut self) -> Option<Waiting<J>> {
        let turn = self.turns.pop_front()?;
        let payer = match turn {
            Turn::Of(payer) => payer,
            Turn::Networks => self.networks.pop_front()?,
        };
        if matches!(turn, Turn::Networks) && !self.networks.is_empty() {
            self.turns.push_back(turn);
        }
        let line = self.by.get_mut(&payer)?;
        let waiting = line.pop_front();
        if line.is_empty() {
            self.by.remove(&payer);
        } else {
            self.line_up(payer);
        }
        waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward_core::address::ClientAddress;
    use keyward_core::id::AccountId;

    fn account(id: i64) -> Payer {
        Payer::Account(AccountId(id))
    }

    #[test]
    fn one_accounts_burst_is_not_in_the_way_of_anothers_job() {
        let queue = Queue::new(100, 50);
        for job in 0..50 {
            queue.push(account(1), job).unwrap();
        }
        queue.push(account(2), 1_000).unwrap();
        queue.push(account(2), 1_001).unwrap();
        let order: Vec<i32> = (0..5).map(|_| queue.next().unwrap().job).collect();
        assert_eq!(order, [0, 1_000, 1, 1_001, 2], "each in turn, and each payer's own in their order");
    }

    #[test]
    fn a_payer_takes_its_share_and_all_together_take_no_more_than_the_queue_has() {
        let queue = Queue::new(5, 3);
        for payer in [1, 1, 1, 2, 2] {
            queue.push(account(payer), ()).unwrap();
        }
        assert_eq!(queue.push(account(1), ()), Err(Full::Share));
        assert_eq!(queue.push(account(2), ()), Err(Full::Pool));
        assert_eq!(queue.push(Payer::Own, ()), Ok(()), "strangers do not crowd the program out");
        let doing = queue.next();
        assert_eq!(queue.push(account(1), ()), Err(Full::Share), "what is being done has its place still");
        drop(doing);
        assert_eq!(queue.push(account(1), ()), Ok(()));
        assert_eq!(queue.len(), 6);
    }

    #[test]
    fn networks_without_anybody_who_is_known_take_no_place_of_an_account() {
        let network = |last: u8| Payer::Network(ClientAddress::Known([203, 0, last, 0].into()));
        let queue = Queue::new(8, 4);
        assert_eq!((queue.push(network(1), ()), queue.push(network(1), ())), (Ok(()), Ok(())));
        assert_eq!(queue.push(network(1), ()), Err(Full::Share));
        assert_eq!((queue.push(network(2), ()), queue.push(network(2), ())), (Ok(()), Ok(())));
        assert_eq!(queue.push(network(3), ()), Err(Full::Pool));
        assert!((0..8).all(|job| queue.push(account(1 + job / 4), ()).is_ok()));
    }

    #[test]
    fn all_networks_together_have_one_turn_in_each_round() {
        let network = |number: u32| Payer::Network(ClientAddress::Known(number.to_be_bytes().into()));
        let queue = Queue::new(1024, 256);
        for number in 0..500 {
            queue.push(network(number), number).unwrap();
        }
        queue.push(network(0), 500).unwrap();
        queue.push(account(1), 1_000).unwrap();
        queue.push(account(1), 1_001).unwrap();
        let order: Vec<u32> = (0..503).map(|_| queue.next().unwrap().job).collect();
        assert_eq!(order[..5], [0, 1_000, 1, 1_001, 2], "500 networks delay an account's job by one");
        assert_eq!(order[5..], (3..=500).collect::<Vec<u32>>(), "the networks each in turn");
    }

    #[test]
    fn strangers_have_places_and_a_turn_of_their_own() {
        let queue = Queue::new(8, 4);
        assert_eq!((queue.push(Payer::Strangers, 1), queue.push(Payer::Strangers, 2)), (Ok(()), Ok(())));
        assert_eq!(queue.push(Payer::Strangers, 3), Err(Full::Share));
        queue.push(Payer::Own, 10).unwrap();
        let order: Vec<i32> = (0..3).map(|_| queue.next().unwrap().job).collect();
        assert_eq!(order, [1, 10, 2], "the program's own job waits for one of them");
    }

    #[test]
    fn a_closed_queue_is_worked_off() {
        let queue = Queue::new(5, 5);
        queue.push(account(1), 7).unwrap();
        queue.close();
        assert_eq!(queue.next().map(|waiting| waiting.job), Some(7));
        assert!(queue.next().is_none());
    }
}
