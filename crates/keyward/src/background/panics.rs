//! Which tasks beside the requests have panicked, how often, and when last.

use keyward_core::clock::Timestamp;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// For so many seconds after a panic `/readyz` names the task.
const NAMED_SECONDS: i64 = 600;

macro_rules! tasks {
    ($($(#[$about:meta])* $task:ident = $name:literal,)*) => {
        /// A task beside the requests.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Task {
            $($(#[$about])* $task,)*
        }

        impl Task {
            const ALL: [Self; [$($name),*].len()] = [$(Self::$task),*];

            /// Its name in the log, the metrics and `/readyz`.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$task => $name,)*
                }
            }
        }
    };
}

tasks! {
    /// Answers at `/metrics`, `/livez` and `/readyz`.
    Admin = "admin",
    /// Looks whether the certificate ends soon.
    Certificate = "certificate",
    /// Records the clock.
    Clock = "clock",
    /// Writes failed sign-ins to the audit trail.
    FailedSignIns = "failed_sign_ins",
    /// Keeps the keys of outside issuers fresh.
    IssuerKeys = "issuer_keys",
    /// Counts the lines that were left out of the log.
    LogCounts = "log_counts",
    /// The socket of the operator's commands.
    OrdersSocket = "orders_socket",
    /// Takes the ends of processes that this one inherits.
    Orphans = "orphans",
    /// Looks whether the database is where it was opened.
    Place = "place",
    /// Listens under the database's name.
    Presence = "presence",
    /// Forgets what is too old.
    Purge = "purge",
    /// Reads the configuration again.
    Reload = "reload",
    /// Tells systemd again that the server is ready.
    ServiceManager = "service_manager",
    /// Takes signals.
    Signals = "signals",
    /// Makes signing keys, and takes old ones away.
    SigningKeys = "signing_keys",
    /// Writes when keys were last used.
    Uses = "uses",
}

/// What is known of one task.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    panics: u64,
    last: Option<Timestamp>,
}

/// What is known of all of them. Clones share it.
#[derive(Clone)]
pub(crate) struct Panics {
    known: Arc<Mutex<[Known; Task::ALL.len()]>>,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl fmt::Debug for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panics").field(&self.known).finish()
    }
}

impl Panics {
    /// None yet, by that clock.
    pub(crate) fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { known: Arc::default(), now: Arc::new(now) }
    }

    fn with<T>(&self, task: Task, work: impl FnOnce(&mut Known) -> T) -> Option<T> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_mut(task as usize).map(work)
    }

    /// A task has panicked.
    pub(super) fn note(&self, task: Task) {
        self.with(task, |known| known.panics += 1);
        let now = (self.now)();
        self.with(task, |known| known.last = Some(now));
    }

    /// How often a task has panicked.
    pub(crate) fn count(&self, task: Task) -> u64 {
        // Absent: never, each task has its place.
        self.with(task, |known| known.panics).unwrap_or(0)
    }

    /// Those that panicked a short time ago, a line each.
    pub(crate) fn notes(&self) -> String {
        let now = (self.now)();
        let is_new = |last: Timestamp| now.unix() - last.unix() < NAMED_SECONDS;
        let note = |task: Task| {
            let known = self.with(task, |known| *known)?;
            let last = known.last.filter(|last| is_new(*last))?;
            let (name, times) = (task.name(), known.panics);
            Some(format!("background task {name}: panics {times}, the last at {last}; it begins again\n"))
        };
        Task::ALL.into_iter().filter_map(note).collect()
    }

    /// How often each has panicked, by its name.
    pub(crate) fn counts(&self) -> Vec<(&'static str, u64)> {
        Task::ALL.into_iter().map(|task| (task.name(), self.count(task))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[test]
    fn a_panic_is_counted_for_good_and_named_for_ten_minutes() {
        let now = Arc::new(AtomicI64::new(1_000));
        let read = Arc::clone(&now);
        let panics = Panics::new(move || Timestamp::from_unix(read.load(Ordering::SeqCst)));
        assert_eq!(panics.notes(), "");
        panics.note(Task::Purge);
        panics.note(Task::Purge);
        assert_eq!(
            panics.notes(),
            "background task purge: panics 2, the last at 1970-01-01T00:16:40Z; it begins again\n"
        );
        now.store(1_000 + NAMED_SECONDS, Ordering::SeqCst);
        assert_eq!((panics.notes(), panics.count(Task::Purge)), (String::new(), 2));
        let counted: Vec<_> = panics.counts().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [("purge", 2)]);
    }

    #[test]
    fn each_task_has_its_place() {
        for (place, task) in Task::ALL.into_iter().enumerate() {
            assert_eq!(task as usize, place, "{}", task.name());
        }
    }
}
