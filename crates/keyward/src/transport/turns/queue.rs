//! The queue for turns, in which networks alternate.

use keyward_tower::ClientAddress;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

/// The turns that are used, and those who wait for one.
#[derive(Debug)]
pub(super) struct Queue<W> {
    running: usize,
    most: usize,
    waiting: Rotation<W>,
}

impl<W> Queue<W> {
    /// With so many turns at once.
    pub(super) fn new(most: usize) -> Self {
        Self { running: 0, most, waiting: Rotation::default() }
    }

    /// Waits for a turn.
    pub(super) fn wait(&mut self, network: ClientAddress, waiting: W) {
        self.waiting.push(network, waiting);
    }

    /// A turn is over.
    pub(super) const fn end(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// Begins the turn of the one who is next, if there is a turn; those who have left are passed over.
    pub(super) fn next(&mut self, has_left: impl Fn(&W) -> bool) -> Option<W> {
        while self.running < self.most {
            let next = self.waiting.pop()?;
            if !has_left(&next) {
                self.running += 1;
                return Some(next);
            }
        }
        None
    }
}

/// Those who wait, by network: each network has one after another of its own served, in alternation with the others.
#[derive(Debug)]
struct Rotation<W> {
    /// The networks of which somebody waits, the next one first.
    order: VecDeque<ClientAddress>,
    waiting: HashMap<ClientAddress, VecDeque<W>>,
}

impl<W> Default for Rotation<W> {
    fn default() -> Self {
        Self { order: VecDeque::new(), waiting: HashMap::new() }
    }
}

impl<W> Rotation<W> {
    fn push(&mut self, network: ClientAddress, waiting: W) {
        match self.waiting.entry(network) {
            Entry::Occupied(mut own) => own.get_mut().push_back(waiting),
            Entry::Vacant(own) => {
                own.insert(VecDeque::from([waiting]));
                self.order.push_back(network);
            }
        }
    }

    fn pop(&mut self) -> Option<W> {
        let network = self.order.pop_front()?;
        let Entry::Occupied(mut own) = self.waiting.entry(network) else { return None };
        let next = own.get_mut().pop_front();
        if own.get().is_empty() {
            own.remove();
        } else {
            self.order.push_back(network);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: u8) -> ClientAddress {
        ClientAddress::Known([203, 0, number, 0].into())
    }

    fn served(queue: &mut Queue<u32>, many: usize) -> Vec<u32> {
        (0..many)
            .filter_map(|_| {
                let next = queue.next(|_| false);
                queue.end();
                next
            })
            .collect()
    }

    #[test]
    fn as_many_turns_begin_as_there_are() {
        let mut queue = Queue::new(2);
        (1..=4).for_each(|number| queue.wait(network(1), number));
        assert_eq!([queue.next(|_| false), queue.next(|_| false)], [Some(1), Some(2)]);
        assert_eq!(queue.next(|_| false), None, "both are used");
        queue.end();
        assert_eq!(queue.next(|_| false), Some(3));
        assert_eq!(queue.next(|_| false), None);
    }

    #[test]
    fn a_network_that_waits_with_one_comes_after_one_of_each_other_however_many_these_have() {
        let mut queue = Queue::new(1);
        for number in 0..1_000 {
            queue.wait(network((number % 4) as u8), number);
        }
        queue.wait(network(9), 9_999);
        assert_eq!(served(&mut queue, 6), [0, 1, 2, 3, 9_999, 4]);
    }

    #[test]
    fn who_has_left_is_passed_over_and_nothing_is_kept_of_who_is_served() {
        let mut queue = Queue::new(1);
        (0..10).for_each(|number| queue.wait(network(1), number));
        assert_eq!(queue.next(|number| *number < 7), Some(7));
        queue.end();
        assert_eq!(served(&mut queue, 5), [8, 9]);
        assert!(queue.waiting.waiting.is_empty() && queue.waiting.order.is_empty());
    }
}
