//! The queue for turns: networks alternate, and in each network its addresses do.

use keyward_tower::ClientAddress;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

/// The turns that are used, and those who wait for one.
#[derive(Debug)]
pub(super) struct Queue<W> {
    running: usize,
    most: usize,
    waiting: Rotation<Rotation<VecDeque<W>>>,
}

impl<W> Queue<W> {
    /// With so many turns at once.
    pub(super) fn new(most: usize) -> Self {
        Self { running: 0, most, waiting: Rotation::default() }
    }

    /// Waits for a turn of this address.
    pub(super) fn wait(&mut self, from: ClientAddress, waiting: W) {
        self.waiting.of(from.network()).of(from.host()).push_back(waiting);
    }

    /// A turn is over.
    pub(super) const fn end(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// Begins the turn of the one who is next, if there is a turn; those who have left are passed over.
    pub(super) fn next(&mut self, has_left: impl Fn(&W) -> bool) -> Option<W> {
        if self.running >= self.most {
            return None;
        }
        let next = self.waiting.next(&has_left)?;
        self.running += 1;
        Some(next)
    }
}

/// Something of which there is a next one, until it is empty.
trait Line<W> {
    /// The first that has not left; those before it are gone.
    fn next(&mut self, has_left: &impl Fn(&W) -> bool) -> Option<W>;
    fn is_empty(&self) -> bool;
}

impl<W> Line<W> for VecDeque<W> {
    fn next(&mut self, has_left: &impl Fn(&W) -> bool) -> Option<W> {
        std::iter::from_fn(|| self.pop_front()).find(|first| !has_left(first))
    }

    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }
}

/// Lines that alternate. One whose members have all left costs the others no turn, and itself no place.
#[derive(Debug)]
struct Rotation<L> {
    /// Those of which somebody waits, the next one first.
    order: VecDeque<ClientAddress>,
    lines: HashMap<ClientAddress, L>,
}

impl<L> Default for Rotation<L> {
    fn default() -> Self {
        Self { order: VecDeque::new(), lines: HashMap::new() }
    }
}

impl<L: Default> Rotation<L> {
    fn of(&mut self, key: ClientAddress) -> &mut L {
        match self.lines.entry(key) {
            Entry::Occupied(line) => line.into_mut(),
            Entry::Vacant(line) => {
                self.order.push_back(key);
                line.insert(L::default())
            }
        }
    }
}

impl<W, L: Line<W>> Line<W> for Rotation<L> {
    fn next(&mut self, has_left: &impl Fn(&W) -> bool) -> Option<W> {
        while let Some(key) = self.order.pop_front() {
            let Entry::Occupied(mut line) = self.lines.entry(key) else { continue };
            let next = line.get_mut().next(has_left);
            if line.get().is_empty() {
                line.remove();
            } else {
                self.order.push_back(key);
            }
            if next.is_some() {
                return next;
            }
        }
        None
    }

    fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(network: u8, host: u8) -> ClientAddress {
        ClientAddress::Known([203, 0, network, host].into())
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
        (1..=4).for_each(|number| queue.wait(address(1, 1), number));
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
            queue.wait(address((number % 4) as u8, 1), number);
        }
        queue.wait(address(9, 1), 9_999);
        assert_eq!(served(&mut queue, 6), [0, 1, 2, 3, 9_999, 4]);
    }

    #[test]
    fn an_address_that_waits_with_one_comes_after_one_of_each_neighbour() {
        let mut queue = Queue::new(1);
        (0..1_000).for_each(|number| queue.wait(address(1, 1), number));
        queue.wait(address(1, 2), 9_999);
        assert_eq!(served(&mut queue, 3), [0, 9_999, 1]);
    }

    #[test]
    fn those_who_have_left_cost_their_network_no_turn() {
        let mut queue = Queue::new(1);
        for number in 0..50 {
            queue.wait(address(1, 1), number);
            queue.wait(address(2, 1), 1_000 + number);
        }
        queue.wait(address(1, 1), 50);
        assert_eq!(queue.next(|number| *number < 50), Some(50));
        queue.end();
        assert_eq!(queue.next(|number| *number < 50), Some(1_000));
    }

    #[test]
    fn nothing_is_kept_of_who_is_served_or_has_left() {
        let mut queue = Queue::new(4);
        (0..10).for_each(|number| queue.wait(address(1, number as u8 % 3), number));
        let next: Vec<_> = std::iter::from_fn(|| queue.next(|number| *number < 7)).collect();
        assert_eq!(next, [9, 7, 8]);
        assert!(queue.waiting.lines.is_empty() && queue.waiting.order.is_empty());
        (0..10).for_each(|number| queue.wait(address(1, 1), number));
        assert_eq!(queue.next(|_| true), None);
        assert!(queue.waiting.lines.is_empty() && queue.waiting.order.is_empty());
    }
}
