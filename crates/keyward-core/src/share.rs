//! A shared pool with a share for each of its users: a bound on all of it, and a smaller bound on what one key takes.
//!
//! A bound on all of a pool alone protects memory and invites one client to take the whole of it. Each pool that strangers
//! can fill is a [`Shares`]: of bytes, of handshakes, of places in a queue.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why nothing more can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The whole pool is taken.
    Pool,
    /// This key has its share; others can still take theirs.
    Share,
}

/// A pool of `most` units, of which one key holds at most `share` at a time. Clones share it.
#[derive(Clone, Debug)]
pub struct Shares<K>(Arc<Pool<K>>);

#[derive(Debug)]
struct Pool<K> {
    most: u64,
    share: u64,
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K> {
    taken: u64,
    by: HashMap<K, u64>,
}

impl<K: Clone + Eq + Hash> Shares<K> {
    /// A pool of `most` units with a share of `share` units for each key.
    #[must_use]
    pub fn new(most: u64, share: u64) -> Self {
        let state = Mutex::new(State { taken: 0, by: HashMap::new() });
        Self(Arc::new(Pool { most, share, state }))
    }

    /// Takes `amount` units for `key`; they are given back when the lease is dropped. An amount of 0 can always be taken.
    ///
    /// # Errors
    /// [`Full`]; nothing is taken then.
    pub fn take(&self, key: K, amount: u64) -> Result<Lease<K>, Full> {
        let mut lease = Lease { pool: self.clone(), key, amount: 0 };
        lease.grow(amount)?;
        Ok(lease)
    }

    /// Units that are taken now, by all keys together.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.state().taken
    }

    /// Keys that hold something now.
    #[must_use]
    pub fn holders(&self) -> usize {
        self.state().by.len()
    }

    fn state(&self) -> MutexGuard<'_, State<K>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one key has taken, until it is dropped.
pub struct Lease<K: Clone + Eq + Hash> {
    pool: Shares<K>,
    key: K,
    amount: u64,
}

impl<K: Clone + Eq + Hash> Lease<K> {
    /// Takes `more` units on top.
    ///
    /// # Errors
    /// [`Full`]; the lease then holds what it held before.
    pub fn grow(&mut self, more: u64) -> Result<(), Full> {
        if more == 0 {
            return Ok(());
        }
        let mut state = self.pool.state();
        // Absent: it has taken nothing yet.
        let own = state.by.get(&self.key).copied().unwrap_or_default();
        if own.saturating_add(more) > self.pool.0.share {
            return Err(Full::Share);
        }
        if state.taken.saturating_add(more) > self.pool.0.most {
            return Err(Full::Pool);
        }
        state.taken += more;
        state.by.insert(self.key.clone(), own + more);
        drop(state);
        self.amount += more;
        Ok(())
    }

    /// Units that it holds.
    #[must_use]
    pub fn amount(&self) -> u64 {
        self.amount
    }
}

impl<K: Clone + Eq + Hash> Drop for Lease<K> {
    fn drop(&mut self) {
        if self.amount == 0 {
            return;
        }
        let mut state = self.pool.state();
        state.taken = state.taken.saturating_sub(self.amount);
        match state.by.get_mut(&self.key) {
            Some(own) if *own > self.amount => *own -= self.amount,
            // Absent: this was the last that it held.
            _ => {
                state.by.remove(&self.key);
            }
        }
    }
}

impl<K: Clone + Eq + Hash> fmt::Debug for Lease<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("amount", &self.amount).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_key_never_takes_more_than_its_share_and_all_together_never_more_than_the_pool() {
        let pool = Shares::new(10, 4);
        let mut first = pool.take("a", 3).unwrap();
        assert_eq!(first.grow(2), Err(Full::Share));
        assert_eq!((first.amount(), pool.taken()), (3, 3), "a refusal takes nothing");
        assert_eq!(first.grow(1), Ok(()));
        assert_eq!(pool.take("a", 1).err(), Some(Full::Share), "a second lease is of the same share");
        let second = pool.take("b", 4).unwrap();
        assert_eq!(pool.take("c", 3).err(), Some(Full::Pool));
        drop(first);
        let third = pool.take("c", 3).unwrap();
        assert!(pool.take("a", 0).is_ok());
        drop((second, third));
        assert_eq!((pool.taken(), pool.holders()), (0, 0), "nothing is kept of keys that hold nothing");
    }

    proptest! {
        #[test]
        fn what_is_taken_is_what_the_leases_hold(steps in prop::collection::vec((0_u8..4, 0_u64..6, any::<bool>()), 0..200)) {
            let pool = Shares::new(20, 8);
            let mut leases: Vec<Lease<u8>> = Vec::new();
            for (key, amount, drops) in steps {
                if drops && !leases.is_empty() {
                    leases.swap_remove(usize::from(key) % leases.len());
                } else if let Ok(lease) = pool.take(key, amount) {
                    leases.push(lease);
                }
                let held = |key: Option<u8>| leases.iter().filter(|lease| key.is_none_or(|key| lease.key == key)).map(Lease::amount).sum::<u64>();
                prop_assert_eq!(pool.taken(), held(None));
                prop_assert!(pool.taken() <= 20 && (0..4).all(|key| held(Some(key)) <= 8));
            }
        }
    }
}
