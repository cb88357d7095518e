//! Room for passwords that are hashed.

use crate::problem::Problem;
use keyward_core::denial::Denial;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Passwords that are hashed at once: each takes 19 MiB and a core.
const HASHES: usize = 2;

/// The turns of those who hash a password. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Hashing(Arc<Semaphore>);

impl Default for Hashing {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(HASHES)))
    }
}

impl Hashing {
    /// Does this work in a turn, off the threads that serve. It goes on when nobody waits for it any more, and keeps its turn as long,
    /// so that no client that leaves makes room for more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = Arc::clone(&self.0).acquire_owned().await.map_err(|_| Denial::Overloaded)?;
        let working = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        working.await.map_err(|_| Problem::Panicked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::{FutureExt, poll_immediate};
    use std::sync::mpsc::channel;

    #[tokio::test]
    async fn a_turn_lasts_as_long_as_its_work_whoever_waits() {
        let hashing = Hashing::default();
        let mut ends = Vec::new();
        for _ in 0..HASHES {
            let (end, wait) = channel::<()>();
            let mut left = hashing.run(move || wait.recv().is_err()).boxed();
            assert!(poll_immediate(&mut left).await.is_none(), "it has begun");
            drop(left);
            ends.push(end);
        }
        let mut next = hashing.run(|| 7).boxed();
        assert!(poll_immediate(&mut next).await.is_none());
        assert_eq!(hashing.0.available_permits(), 0, "who waited has left, and the work goes on");
        ends.clear();
        assert_eq!(next.await.ok(), Some(7));
    }
}
