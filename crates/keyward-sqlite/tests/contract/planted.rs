//! Each rule of the contract can fail: a store with one planted fault breaks the rule that is about it, with the rule's own words.
//!
//! | file | what |
//! | --- | --- |
//! | `planted/accounts.rs` | tiers, the account that a user acts in, keys in two steps, a clock that is accepted |
//! | `planted/at_once.rs` | two who write at the same time |
//! | `planted/audit.rs` | the audit trail |
//! | `planted/commits.rs` | a store that executes something else, or answers another outcome |
//! | `planted/crash.rs` | a commit that is torn, for the judge of crashes |
//! | `planted/idempotency.rs` | writes that are repeated |
//! | `planted/people.rs` | first sign-ins, and what the operator reads |
//! | `planted/reads.rs` | a store that reads something else, or leaves its upkeep undone |
//! | `planted/reopening.rs` | a store that is opened again |
//! | `planted/rows.rs` | a store whose rows are not what was written |

mod accounts;
mod at_once;
mod audit;
mod commits;
mod crash;
mod idempotency;
mod people;
mod reads;
mod reopening;
mod rows;

use super::home::Home;
use keyward_testkit::contract::{self, Home as _, Mistake, WrongHome};
use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// What is planted.
#[derive(Clone, Copy)]
enum Planted {
    /// The store makes this mistake.
    Mistake(Mistake),
    /// The rows are changed by these triggers.
    Triggers(&'static str),
    /// The file is changed by these statements each time that the store is opened again.
    Reopened(&'static str),
}

/// A fault, and what must catch it.
#[derive(Clone, Copy)]
struct Fault {
    name: &'static str,
    planted: Planted,
    /// The rule that must fail.
    rule: &'static str,
    /// Words of that rule: those of the first thing that is not as it must be.
    says: &'static str,
}

/// A mistake of the store.
const fn mistake(name: &'static str, mistake: Mistake, rule: &'static str, says: &'static str) -> Fault {
    Fault { name, planted: Planted::Mistake(mistake), rule, says }
}

/// What happens to the rows, as triggers.
const fn rows(name: &'static str, triggers: &'static str, rule: &'static str, says: &'static str) -> Fault {
    Fault { name, planted: Planted::Triggers(triggers), rule, says }
}

/// What happens to the rows while the store is closed.
const fn reopened(name: &'static str, sql: &'static str, rule: &'static str, says: &'static str) -> Fault {
    Fault { name, planted: Planted::Reopened(sql), rule, says }
}

/// A rule that takes longer has no end: a wrong store can always have one page more.
const LONGEST: Duration = Duration::from_secs(300);

/// So many stores are checked at a time.
const AT_A_TIME: usize = 8;

thread_local! {
    /// A rule is checked on this thread that is expected to fail.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// What tells of a panic.
type Hook = Arc<dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync>;

/// One test at a time changes what tells of panics.
static ALONE: Mutex<()> = Mutex::const_new(());

/// While it lives, a rule that fails as expected says nothing.
struct Quiet {
    before: Hook,
    _alone: MutexGuard<'static, ()>,
}

impl Quiet {
    async fn begin() -> Self {
        let alone = ALONE.lock().await;
        let before: Hook = Arc::from(panic::take_hook());
        let tells = Arc::clone(&before);
        panic::set_hook(Box::new(move |info| {
            if !EXPECTED.get() {
                tells(info);
            }
        }));
        Self { before, _alone: alone }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A thread that panics cannot change what tells of it.
        if !std::thread::panicking() {
            let before = Arc::clone(&self.before);
            panic::set_hook(Box::new(move |info| before(info)));
        }
    }
}

/// Checks a rule on a new store with something planted.
async fn check(rule: &str, planted: Planted) {
    match planted {
        Planted::Mistake(mistake) => contract::check_rule(rule, &WrongHome::new(Home::new(), mistake)).await,
        Planted::Triggers(sql) => {
            let home = Home::new();
            let store = home.open();
            store.on_writer(sql).await.unwrap();
            drop(store);
            contract::check_rule(rule, &home).await;
        }
        Planted::Reopened(sql) => contract::check_rule(rule, &reopening::Reopened::new(sql)).await,
    }
}

/// With which words the rule failed; `None`: it holds.
async fn failure(rule: &'static str, planted: Planted) -> Option<String> {
    caught(move || check(rule, planted)).await
}

/// With which words a check failed; `None`: what it says holds.
pub(crate) async fn caught<F: Future>(check: impl FnOnce() -> F + Send + 'static) -> Option<String> {
    let runtime = Handle::current();
    let checked = tokio::task::spawn_blocking(move || {
        EXPECTED.set(true);
        let checked = panic::catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async { timeout(LONGEST, check()).await.map(drop) })
        }));
        EXPECTED.set(false);
        checked
    });
    match checked.await.unwrap() {
        Ok(Ok(())) => None,
        Ok(Err(_)) => Some("it has no end".to_owned()),
        Err(panic) => Some(words(panic)),
    }
}

fn words(panic: Box<dyn Any + Send>) -> String {
    let words = panic.downcast::<String>().map(|words| *words);
    words.unwrap_or_else(|panic| {
        panic.downcast::<&str>().map_or("no words".to_owned(), |words| words.to_string())
    })
}

/// Does this for each, a few at a time; what comes of them, in their order.
pub(crate) async fn each<T, F, R>(all: Vec<T>, check: impl Fn(T) -> F) -> Vec<R>
where
    F: Future<Output = R> + Send + 'static,
    R: Send + 'static,
{
    let (mut running, mut found) = (JoinSet::new(), Vec::new());
    for (number, one) in all.into_iter().enumerate() {
        if running.len() >= AT_A_TIME {
            found.extend(running.join_next().await.map(Result::unwrap));
        }
        let checked = check(one);
        running.spawn(async move { (number, checked.await) });
    }
    found.extend(running.join_all().await);
    found.sort_by_key(|(number, _)| *number);
    found.into_iter().map(|(_, outcome)| outcome).collect()
}

#[tokio::test]
async fn each_planted_fault_breaks_its_rule() {
    let faults: Vec<Fault> = [
        accounts::FAULTS,
        at_once::FAULTS,
        audit::FAULTS,
        commits::FAULTS,
        idempotency::FAULTS,
        people::FAULTS,
        reads::FAULTS,
        reopening::FAULTS,
        rows::FAULTS,
    ]
    .concat();
    let mut names: Vec<&str> = faults.iter().map(|fault| fault.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|two| two[0] != two[1]), "each fault has a name of its own");
    let unknown: Vec<_> = faults.iter().filter(|fault| !contract::RULES.contains(&fault.rule)).collect();
    assert!(unknown.is_empty(), "no rules: {:?}", unknown.iter().map(|fault| fault.rule).collect::<Vec<_>>());
    let without: Vec<_> =
        contract::RULES.iter().filter(|rule| !faults.iter().any(|fault| fault.rule == **rule)).collect();
    assert!(without.is_empty(), "no fault shows that these rules can fail: {without:?}");
    let quiet = Quiet::begin().await;
    let missed = each(faults, async |fault: Fault| {
        let Fault { name, planted, rule, says } = fault;
        match failure(rule, planted).await {
            Some(words) if words.contains(says) => None,
            Some(words) => Some(format!("{name}: {rule} failed with other words than {says:?}: {words}")),
            None => Some(format!("{name}: {rule} holds")),
        }
    })
    .await;
    drop(quiet);
    let missed: Vec<_> = missed.into_iter().flatten().collect();
    assert!(missed.is_empty(), "{} were not caught:\n{}", missed.len(), missed.join("\n"));
}

/// What is caught is the mistake, and not the wrapping.
#[tokio::test]
async fn a_store_that_is_wrapped_and_makes_no_mistake_keeps_the_contract() {
    let quiet = Quiet::begin().await;
    let broken = each(contract::RULES.to_vec(), async |rule: &'static str| {
        failure(rule, Planted::Mistake(Mistake::None)).await.map(|words| format!("{rule}: {words}"))
    })
    .await;
    drop(quiet);
    let broken: Vec<_> = broken.into_iter().flatten().collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
