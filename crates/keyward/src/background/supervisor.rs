//! What keeps the tasks beside the requests at work: one that panics is logged, counted and begun again, and `/readyz` names it.

use super::panics::{Panics, Task};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

/// After a panic a task begins again after this time, after each further one in twice the time, up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// The tasks beside the requests. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Supervisor {
    panics: Panics,
    tasks: JoinSet<()>,
}

impl Supervisor {
    /// Without a task yet. What panics is noted there.
    pub(crate) fn new(panics: Panics) -> Self {
        Self { panics, tasks: JoinSet::new() }
    }

    /// Keeps a task at work: `begin` begins it, now and after each panic. One that returns is done.
    pub(crate) fn keep<F>(&mut self, task: Task, begin: impl Fn() -> F + Send + Sync + 'static) -> AbortHandle
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let panics = self.panics.clone();
        self.tasks.spawn(async move {
            let mut pause = SHORTEST;
            loop {
                let begun = Instant::now();
                if !has_panicked(task, &begin).await {
                    return;
                }
                if begun.elapsed() > LONGEST {
                    pause = SHORTEST;
                }
                panics.note(task);
                tracing::error!(
                    task = task.name(),
                    seconds = pause.as_secs(),
                    "a background task panicked; it begins again"
                );
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST);
            }
        })
    }

    /// Ends all of them.
    pub(crate) async fn end(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Begins it and does it; whether it ended by a panic. The panic hook logs the panic's words.
async fn has_panicked<F: Future<Output = ()>>(task: Task, begin: impl Fn() -> F) -> bool {
    let work = async {
        fail_as_planted(task);
        begin().await;
    };
    AssertUnwindSafe(work).catch_unwind().await.is_err()
}

/// Panics the first time in the task that `KEYWARD_PANIC_IN` names: for tests.
#[cfg(feature = "fault-injection")]
fn fail_as_planted(task: Task) {
    use std::sync::atomic::{AtomicBool, Ordering};
    static HAS: AtomicBool = AtomicBool::new(false);
    let is_named = std::env::var("KEYWARD_PANIC_IN").is_ok_and(|name| name == task.name());
    assert!(!is_named || HAS.swap(true, Ordering::SeqCst), "a panic was planted in {}", task.name());
}

/// Nothing.
#[cfg(not(feature = "fault-injection"))]
const fn fail_as_planted(_: Task) {}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward_core::clock::Timestamp;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_begins_again_later_each_time_and_one_that_returns_does_not() {
        let panics = Panics::new(|| Timestamp::from_unix(0));
        let mut supervisor = Supervisor::new(panics.clone());
        let begun = Arc::new(AtomicU32::new(0));
        let counting = Arc::clone(&begun);
        let began = tokio::time::Instant::now();
        supervisor.keep(Task::Purge, move || {
            let counting = Arc::clone(&counting);
            async move { assert!(counting.fetch_add(1, Ordering::SeqCst) >= 3, "one of the first three") }
        });
        while supervisor.tasks.join_next().await.is_some() {}
        assert_eq!((begun.load(Ordering::SeqCst), panics.count(Task::Purge)), (4, 3));
        assert_eq!(began.elapsed().as_secs(), 1 + 2 + 4);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_time_without_a_panic_the_pause_is_short_again() {
        let mut supervisor = Supervisor::new(Panics::new(|| Timestamp::from_unix(0)));
        let begun = Arc::new(AtomicU32::new(0));
        let counting = Arc::clone(&begun);
        let began = Instant::now();
        supervisor.keep(Task::Purge, move || {
            let number = counting.fetch_add(1, Ordering::SeqCst);
            async move {
                if number == 3 {
                    tokio::time::sleep(LONGEST * 2).await;
                }
                assert!(number > 3, "one of the first four");
            }
        });
        while supervisor.tasks.join_next().await.is_some() {}
        assert_eq!(began.elapsed().as_secs(), 1 + 2 + 4 + 120 + 1);
    }
}
